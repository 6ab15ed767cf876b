"""Two hundred applies of `manifests/daemon.yaml` from nothing while the directory is slow: all must succeed.

Run by `make bench-slow`; five of them are part of the tests. One factor divides the sandbox's delays and the client's
deadlines alike, so that an apply of ten minutes takes seconds. The factor is honest as long as this machine's own
work, which nothing divides, stays small beside the delays: at 50, a request's 10 ms count as half a second of a
deadline of 300. What that work came to is printed. A few applies wait side by side, each in a sandbox of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / place) for place in ("tests/journeys", "tests", ".")]

PATIENCE, ROLES = 300, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """One apply: its exit code, and what it took in the service's seconds."""

    code: int
    whole: float
    worked: float
    roles: float
    said: str


def main() -> int:
    """Apply, count, tell; 1 when one failed."""
    from provision.sandbox.server import serve

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=200)
    asked.add_argument("--scale", type=float, default=50.0)
    asked.add_argument("--first-seed", type=int, default=1)
    asked.add_argument("--lanes", type=int, default=6, help="applies that wait side by side")
    wishes = asked.parse_args()
    with tempfile.TemporaryDirectory() as place:
        furnished = Path(place) / "furnished"
        with serve(furnished, profile="strong"):
            pass
        runs = []
        seeds = range(wishes.first_seed, wishes.first_seed + wishes.times)
        apply = partial(once, Path(place), furnished, scale=wishes.scale)
        with ProcessPoolExecutor(wishes.lanes, mp_context=get_context("spawn")) as pool:
            for seed, took in zip(seeds, pool.map(apply, seeds), strict=True):
                runs.append(took)
                print(f"seed {seed}: exit {took.code}, {took.whole:.0f} s", flush=True)
                if took.code:
                    print(took.said, flush=True)
    done = sum(took.code == 0 for took in runs)
    print(f"\nprofile slow / {wishes.scale:g}: {done} of {len(runs)} applies succeeded\n")
    print("in the service's seconds          least  median     90%     99%    most")
    _line("a whole apply", (took.whole for took in runs))
    _line("of it this machine's own work", (took.worked for took in runs))
    _line(f"longest wait for roles, of {ROLES}", (took.roles for took in runs))
    return int(done != len(runs))


def once(place: Path, furnished: Path, seed: int, *, scale: float) -> Took:
    """Apply in a folder of its own, in a new tenant whose lag is decided by the seed."""
    from journey import run_here

    folder = place / f"seed-{seed}"
    shutil.copytree(furnished, folder / ".provision" / "sandbox")
    shutil.copy(ROOT / "manifests" / "daemon.yaml", folder)
    os.chdir(folder)
    settings = {"PROFILE": "slow", "SCALE": f"{scale}", "SEED": f"{seed}"}
    env = {f"PROVISION_SANDBOX_{name}": value for name, value in settings.items()}
    env |= dict.fromkeys(("HOME", "USERPROFILE"), str(folder))  # the locks: lanes are strangers
    began, worked = time.monotonic(), time.process_time()
    ended = run_here("apply", "daemon.yaml", "--yes", "--json", env=env)
    whole, worked = time.monotonic() - began, time.process_time() - worked
    os.chdir(place)
    shutil.rmtree(folder)
    findings = json.loads(ended.stdout)["findings"] if ended.exit_code == 0 else []
    return Took(
        code=ended.exit_code,
        whole=whole * scale,
        worked=worked * scale,
        roles=max((finding["seconds"] or 0.0 for finding in findings), default=0.0),
        said=f"{ended.stdout}\n{ended.stderr}",
    )


def _line(what: str, values: Iterable[float]) -> None:
    sample = sorted(values)
    cuts = (
        statistics.quantiles(sample, n=100, method="inclusive") if len(sample) > 1 else sample * 99
    )
    shown = (sample[0], cuts[49], cuts[89], cuts[98], sample[-1])
    print(f"{what:<32}" + "".join(f"{value:8.0f}" for value in shown))


if __name__ == "__main__":
    sys.exit(main())
