"""Several processes at work on one manifest at the same moment, on one machine or as if on several."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any, Literal

import consumer
import outsider
import paper
import truth
from journey import Outcome

from provision import destroy, flow, observe
from provision.cli import main
from provision.model import Observed
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

Way = Literal["one machine", "own stores", "shared store"]
"""One machine has one lock; of several, each has its own store, or all write the same one."""

WAYS: tuple[Way, ...] = ("one machine", "own stores", "shared store")
LATENCY = 0.02
AFTER_LAG = timedelta(minutes=10)
AFTER_OVERLAP = timedelta(hours=25)
LONGEST = 180
MEETING = 30

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "runners",
        "azure.identity.aio",
        "kiota_authentication_azure.azure_identity_authentication_provider",
        "msgraph.generated.applications.applications_request_builder",
        "provision.connect",
        "provision.flow",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where one process works: its checkout, its home with the locks in it, and its store."""

    folder: Path
    manifest: Path
    store: Path
    name: str
    env: dict[str, str]
    options: tuple[str, ...] = ()

    @property
    def unique_name(self) -> str:
        """What its one application is called in the tenant."""
        return f"{self.name}.my-workload"

    def holds(self) -> str | None:
        """The id of the secret in its store."""
        if not self.store.exists():
            return None
        return paper.stored(self.folder, self.store).get("AZURE_CLIENT_SECRET_ID")


def machines(
    workplace: Path, way: Way, count: int, *, name: str, app: dict[str, Any] | None = None
) -> list[Machine]:
    """So many processes' places, for a manifest of that name; on one machine they are all the same."""
    round_folder = workplace / name
    folders = [
        round_folder if way == "one machine" else round_folder / f"machine-{number}"
        for number in range(1, count + 1)
    ]
    return [_machine(workplace, folder, way, name, app) for folder in folders]


def _machine(
    workplace: Path, folder: Path, way: Way, name: str, app: dict[str, Any] | None
) -> Machine:
    home, temporary = folder / "home", folder / "tmp"
    for each in (home, temporary):
        each.mkdir(parents=True, exist_ok=True)
    env = dict.fromkeys(("HOME", "USERPROFILE"), str(home))
    env |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temporary))
    rehearsed = workplace / ".provision" / "sandbox" / "default" / "stores" / name / ".env"
    own = way == "own stores"
    return Machine(
        folder=folder,
        manifest=paper.write(folder, app, name=name),
        store=folder / ".env" if own else rehearsed,
        name=name,
        env=env,
        options=("--real-stores",) if own else (),
    )


def race(server: Server, places: Sequence[Machine], *commands: Sequence[str]) -> list[Outcome]:
    """Run a command in every place (one for all, or one each) from the same moment on.

    On loopback an answer takes no time: with a little, as on any network, requests meet in the server. Several
    machines wait for each other once more when they are about to look at the tenant, so that none is done before
    another begins; on one machine the lock lets only one come that far.
    """
    words = list(commands) * (len(places) if len(commands) == 1 else 1)
    together = PROCESSES.Barrier(len(places))
    meeting = len({place.folder for place in places}) == len(places)
    server.requests.clear()
    server.faults.add(Fault(do="delay", seconds=LATENCY, path="^/v1.0/"))
    started = [
        _started(place, said, number, together, meeting=meeting)
        for number, (place, said) in enumerate(zip(places, words, strict=True))
    ]
    ended = [_ended(process, files) for process, files in started]
    server.faults.clear()
    return ended


def alone(place: Machine, *words: str) -> Outcome:
    """Run one command in one place."""
    return _ended(*_started(place, words, 0, None))


def _started(
    place: Machine,
    words: Sequence[str],
    number: int,
    together: Barrier | None,
    *,
    meeting: bool = False,
) -> tuple[BaseProcess, tuple[Path, Path]]:
    """A process of its own, forked from one that has loaded the libraries already."""
    said = place.folder / f"stdout-{number}", place.folder / f"stderr-{number}"
    first, *rest = words
    line = (first, place.manifest.name, *rest, *place.options)
    env = {**os.environ, **place.env}
    process = PROCESSES.Process(
        target=command, args=(line, env, place.folder, said, together, meeting), daemon=True
    )
    process.start()
    return process, said


def command(
    words: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    said: tuple[Path, Path],
    together: Barrier | None,
    meeting: bool,
) -> None:
    """What such a process does: become the command line there, at the moment when all are ready."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    tempfile.tempdir = None
    for number, (name, place) in enumerate(zip(("stdout", "stderr"), said, strict=True), start=1):
        file = place.open("w", encoding="utf-8")
        os.dup2(file.fileno(), number)
        setattr(sys, name, file)
    if together:
        together.wait(LONGEST)
        if meeting:
            _meet_before_looking(together)
    sys.argv = ["provision", *words]
    main()


def _meet_before_looking(together: Barrier) -> None:
    """The first look at the tenant waits for the others'; one that fails before is not waited for in vain."""
    looking = observe.observe
    once = iter((True,))

    async def met(*args: Any, **named: Any) -> Observed:
        if next(once, False):
            with suppress(BrokenBarrierError):
                await asyncio.to_thread(together.wait, MEETING)
        return await looking(*args, **named)

    for user in (flow, destroy):
        user.observe = met  # type: ignore[attr-defined]


def _ended(process: BaseProcess, said: tuple[Path, Path]) -> Outcome:
    process.join(LONGEST)
    if process.exitcode is None:
        process.kill()
        process.join()
    stdout, stderr = (place.read_text(encoding="utf-8") for place in said)
    return Outcome(exit_code=process.exitcode or 0, stdout=stdout, stderr=stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How much of what several processes sent was in the server at the same time, by its own log."""

    sessions: int
    pairs: int
    turns: int


def overlap(server: Server) -> Overlap:
    """`pairs` of requests of different processes that overlapped, and how often the log goes from one to another."""
    asked = sorted((e for e in server.requests if e.session), key=lambda each: each.began)
    pairs = sum(
        one.session != other.session and other.began < one.began + one.seconds
        for one, other in itertools.combinations(asked, 2)
    )
    turns = sum(one.session != other.session for one, other in itertools.pairwise(asked))
    return Overlap(sessions=len({each.session for each in asked}), pairs=pairs, turns=turns)


def assert_one_result(
    server: Server, places: Sequence[Machine], *roles: str, most: int | None = None
) -> None:
    """One application, one service principal, exactly these roles, and no more secrets than processes."""
    name = places[0].unique_name
    found = truth.application(server, name, deleted=None)
    owned = [each for each in truth.principals(server) if each["appId"] == found["appId"]]
    assert len(owned) == 1
    assert truth.roles(server, name) == sorted(roles or ("User.Read.All",))
    keys = truth.key_ids(server, name)
    assert 1 <= len(keys) <= (most or len(places)), f"{len(keys)} secrets"
    for place in places:
        assert place.holds() is None or place.holds() in keys, "a store holds a secret that is gone"


def recorded(server: Server, name: str) -> str:
    """The secret that the application's newest record names."""
    tags = truth.application(server, name)["tags"]
    records = [tag.split(":") for tag in tags if tag.startswith("provision:stored:ci:")]
    return max(records, key=lambda record: int(record[4]))[3]


def assert_settles(server: Server, places: Sequence[Machine]) -> None:
    """Once the overlap has passed, one apply leaves one secret: the recorded one, stored, and it signs in."""
    name = places[0].unique_name
    server.advance(AFTER_OVERLAP)
    survivor = recorded(server, name)
    (keeper, *_) = [each for each in places if each.holds() == survivor] or [None]
    assert keeper is not None, "no store holds the secret that is recorded"

    done = alone(keeper, "apply", "--yes")

    assert done.exit_code == 0, done.said
    assert truth.key_ids(server, name) == [survivor]
    held = consumer.settings(keeper.store)
    assert consumer.sign_in(server.url, outsider.trust(server), held) == survivor
    server.advance(AFTER_LAG)
    planned = alone(keeper, "plan", "--detailed-exitcode")
    assert planned.exit_code == 0, planned.said


@dataclass(slots=True, kw_only=True)
class Round:
    """What became of one race."""

    codes: tuple[int, ...]
    pairs: int
    turns: int
    secrets: int = 0
    failure: str | None = None
