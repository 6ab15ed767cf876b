"""Several processes apply one manifest at the same moment, again and again: what became of each round.

Run by `make bench-runners`; a few rounds of the same are part of the tests. Every round is a manifest of its own
in one served sandbox, and ends when one secret is left: so the sandbox grows older by a day with each.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent.parent / place)
    for place in ("tests/journeys", "tests", ".")
]


def main() -> int:
    """Race, check, tell; 1 when a round did not converge or its requests did not overlap."""
    from runners import WAYS

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--processes", type=int, default=4)
    asked.add_argument("--rounds", type=int, default=25)
    asked.add_argument("--profile", default="typical")
    asked.add_argument("--scale", type=float, default=20.0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--way", choices=WAYS, action="append")
    wishes = asked.parse_args()
    head = ("way", "rounds", "converged", "overlapping", "turns", "secrets", "exit codes")
    rows = [_all_rounds(way, wishes) for way in wishes.way or WAYS]
    print(f"\n{wishes.processes} processes at once, profile {wishes.profile} / {wishes.scale:g}\n")
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)))
    return int(any(row[1] != row[2] for row in rows))


def _all_rounds(way: str, wishes: argparse.Namespace) -> tuple[object, ...]:
    """One line of the table."""
    from provision.sandbox import folder as folders
    from provision.sandbox.server import serve

    codes: Counter[int] = Counter()
    secrets: Counter[int] = Counter()
    converged, pairs, turns = 0, [], []
    place = Path(tempfile.mkdtemp(prefix="runners-"))
    folder = place / ".provision" / "sandbox"
    with serve(
        folder, profile=wishes.profile, scale=wishes.scale, seed=wishes.seed, throttle=0
    ) as server:
        folders.publish(folder, server.url, scale=server.scale)
        for number in range(1, wishes.rounds + 1):
            made = _round(server, place, way, number, wishes.processes)
            converged += made.failure is None
            codes.update(made.codes)
            secrets[made.secrets] += 1
            pairs.append(made.pairs)
            turns.append(made.turns)
            word = "converged" if made.failure is None else f"NOT CONVERGED: {made.failure}"
            print(f"{way}, round {number}: {made.pairs} overlapping, {word}", flush=True)
    shutil.rmtree(place)
    return (
        way,
        wishes.rounds,
        converged,
        f"{min(pairs)}-{max(pairs)}",
        f"{min(turns)}-{max(turns)}",
        _counted(secrets),
        _counted(codes),
    )


def _counted(counter: Counter[int]) -> str:
    return ", ".join(f"{value} x{times}" for value, times in sorted(counter.items()))


def _round(server, place, way, number, count):  # type: ignore[no-untyped-def]
    """One race and what must be true after it."""
    import truth
    from runners import Round, assert_one_result, assert_settles, machines, overlap, race

    places = machines(place, way, count, name=f"round-{number}")
    ended = race(server, places, ("apply", "--yes"))
    measured = overlap(server)
    made = Round(
        codes=tuple(each.exit_code for each in ended),
        pairs=measured.pairs,
        turns=measured.turns,
    )
    try:
        assert [each.exit_code for each in ended] == [0] * count, "\n".join(
            each.said for each in ended if each.exit_code
        )
        made.secrets = len(truth.key_ids(server, places[0].unique_name))
        assert measured.sessions == count
        assert measured.pairs or way == "one machine", "no requests overlapped"
        assert_one_result(server, places)
        assert_settles(server, places)
    except (AssertionError, ValueError) as failure:
        made.failure = f"{type(failure).__name__}: {failure}"
    return made


if __name__ == "__main__":
    sys.exit(main())
