"""Whoever signs in with what a store holds is never refused, however often it is renewed: half a hundred times here.

A consumer is a process that knows nothing of us; it asks for a token every few milliseconds, uncached. The sandbox is
hurried, its delays and our waits alike, so that fifty days pass in less than a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import paper
import pytest
import truth
from journey import Processes, Provision
from signing import Consumer

from provision import credentials, proof, run
from provision.sandbox.server import Server

TYPICAL = {"profile": "typical", "scale": 100.0, "seed": 41}
SLOW = {"profile": "slow", "scale": 50.0, "seed": 4052}
"""Seeds decide how late each replica of the token service learns of each secret.

Under this slow one the last replica is often some 15 seconds behind the other two: time enough to ask these for three
tokens.
"""
DAILY = {"lifetime": "3d", "renewBefore": "2d", "overlap": "24h"}
DAY = timedelta(hours=25)
"""So long after a renewal the next one is due, and so is the end of the one before."""
COMMANDS = (("rotate",), ("apply", "--yes"))
"""What renews what is due."""


@pytest.fixture
def rotations(request: pytest.FixtureRequest) -> int:
    """How many a test asks for: the fewer, and with --sweep the more."""
    few, many = request.param
    return int(many if request.config.getoption("--sweep") else few)


def start(provision: Provision, sandbox: Server, **named: Any) -> Path:
    """A manifest with these credentials, or with one secret, applied a day ago."""
    app = paper.an_app(credentials=named or {"ci": paper.a_secret(**DAILY)})
    manifest = paper.write(Path.cwd(), app)
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    sandbox.advance(DAY)
    return manifest


def a_certificate(prefix: str = "AZURE_", lifetime: str = "90d", **rules: str) -> dict[str, Any]:
    """A certificate that is made here, in a file that a dotenv file names."""
    store = {"dotenv": ".env", "prefix": prefix}
    return {"certificate": {**rules, "generate": {"lifetime": lifetime}, "store": store}}


def managed(server: Server) -> dict[str, list[str]]:
    """By credential, the ids of the secrets and certificates that the tenant has under its name, oldest first."""
    application = truth.application(server)
    listed = [*application["passwordCredentials"], *application["keyCredentials"]]
    found: dict[str, list[str]] = {}
    for each in sorted(listed, key=lambda each: str(each["startDateTime"])):
        found.setdefault(each["displayName"].split(":")[2], []).append(each["keyId"])
    return found


def renew(provision: Provision, manifest: Path, *words: str) -> None:
    """Run a command that must succeed."""
    done = provision(words[0], manifest, *words[1:])
    assert done.exit_code == 0, done.said


def renew_daily(
    provision: Provision,
    server: Server,
    manifest: Path,
    readers: dict[str, Consumer],
    commands: Sequence[tuple[str, ...]],
) -> dict[str, list[str]]:
    """A day passes after each command, and after the first sign-in with what it made; answers with what was in use.

    Every command makes one and ends what was due: never does it leave more than two of a name.
    """
    used = managed(server)
    for command in commands:
        asked = {name: reader.sign_ins for name, reader in readers.items()}
        renew(provision, manifest, *command)
        assert all(reader.sign_ins > asked[name] for name, reader in readers.items())
        for name, (*old, new) in managed(server).items():
            assert old == used[name][-1:]
            used[name].append(new)
            readers[name].comes_to(new)
            readers[name].sign_in_again()
        server.advance(DAY)
    return used


def assert_never_refused(reader: Consumer, used: list[str]) -> None:
    """It was always accepted, with each that was in use and, once another one was there, never again with it."""
    reader.end()
    assert reader.refusals == []
    assert reader.accepted == used
    assert len({*used}) == len(used)
    assert min(reader.attempts) > 5


@pytest.mark.parametrize(
    ("sandbox", "rotations"),
    [pytest.param(TYPICAL, (50, 200), id="typical"), pytest.param(SLOW, (20, 20), id="slow")],
    indirect=True,
)
def test_a_consumer_that_reads_the_store_for_every_sign_in_is_never_refused(
    sandbox: Server, provision: Provision, provision_process: Processes, rotations: int
) -> None:
    manifest = start(provision, sandbox)
    reader = Consumer(provision_process, sandbox, paper.STORE)

    commands = [*islice(cycle(COMMANDS), rotations)]
    used = renew_daily(provision, sandbox, manifest, {"ci": reader}, commands)

    assert_never_refused(reader, used["ci"])
    assert len(used["ci"]) == rotations + 1


@pytest.mark.parametrize("sandbox", [SLOW], indirect=True)
def test_three_quick_tokens_prove_nothing_and_the_same_consumer_is_refused(
    sandbox: Server,
    provision: Provision,
    provision_process: Processes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So it is the length of the proof that keeps it from being refused, and not luck; a few rotations show it."""
    monkeypatch.setattr(credentials, "TOKENS", 3)
    monkeypatch.setattr(proof, "WHEN_LATE", 1)
    monkeypatch.setattr(run, "PROVE_OVER", 0.0)
    manifest = start(provision, sandbox)
    reader = Consumer(provision_process, sandbox, paper.STORE)

    for _ in range(50):
        renew(provision, manifest, "rotate", "--prove", "0s")
        reader.sign_in_again(20)
        if reader.refusals:
            break
        sandbox.advance(DAY)
    reader.end()

    assert {each.split()[-1] for each in reader.refusals} == {"AADSTS7000215"}


@pytest.mark.parametrize(("sandbox", "rotations"), [(TYPICAL, (3, 20))], indirect=True)
def test_a_consumer_that_signs_in_with_a_certificate_is_never_refused(
    sandbox: Server, provision: Provision, provision_process: Processes, rotations: int
) -> None:
    manifest = start(provision, sandbox, ci=a_certificate(**DAILY))
    reader = Consumer(provision_process, sandbox, paper.STORE)

    commands = [*islice(cycle(COMMANDS), rotations)]
    used = renew_daily(provision, sandbox, manifest, {"ci": reader}, commands)

    assert_never_refused(reader, used["ci"])
    left = sorted(path.name for path in paper.STORE.parent.glob("*.pem"))
    assert left == sorted(f".env.AZURE_{key_id[:8]}.pem" for key_id in used["ci"][-2:])


@pytest.mark.parametrize(("sandbox", "rotations"), [(TYPICAL, (2, 20))], indirect=True)
def test_three_consumers_of_one_file_are_never_refused_while_all_of_it_is_renewed(
    sandbox: Server, provision: Provision, provision_process: Processes, rotations: int
) -> None:
    manifest = start(
        provision,
        sandbox,
        first=paper.a_secret(prefix="FIRST_", **DAILY),
        second=paper.a_secret(prefix="SECOND_", **DAILY),
        third=a_certificate("THIRD_", **DAILY),
    )
    readers = {
        name: Consumer(
            provision_process, sandbox, paper.STORE, name=name, prefix=f"{name.upper()}_"
        )
        for name in ("first", "second", "third")
    }

    used = renew_daily(provision, sandbox, manifest, readers, [("rotate",)] * rotations)

    for name, reader in readers.items():
        assert_never_refused(reader, used[name])


@pytest.mark.parametrize("sandbox", [TYPICAL], indirect=True)
@pytest.mark.parametrize(
    ("credential", "rotations"),
    [
        pytest.param(paper.a_secret(), (4, 20), id="secret"),
        pytest.param(a_certificate(), (2, 20), id="certificate"),
    ],
    indirect=["rotations"],
)
def test_a_consumer_that_keeps_what_it_has_read_for_the_whole_overlap_is_never_refused(
    sandbox: Server,
    provision: Provision,
    provision_process: Processes,
    credential: dict[str, Any],
    rotations: int,
) -> None:
    """It reads again when the overlap has almost passed; until then what it has works, and is not taken away."""
    manifest = start(provision, sandbox, ci=credential)
    reader = Consumer(provision_process, sandbox, paper.STORE, keeps=True)
    used = managed(sandbox)["ci"]

    for _ in range(rotations):
        renew(provision, manifest, "rotate", "--now")
        old, new = managed(sandbox)["ci"]
        reader.sign_in_again()
        sandbox.advance(timedelta(hours=23, minutes=58))
        renew(provision, manifest, "apply", "--yes")
        assert managed(sandbox)["ci"] == [old, new]
        reader.sign_in_again()
        assert reader.accepted == [*used]
        reader.read_again()
        used.append(new)
        reader.comes_to(new)
        sandbox.advance(timedelta(minutes=3))
        renew(provision, manifest, "apply", "--yes")
        assert managed(sandbox)["ci"] == [new]
        reader.sign_in_again()

    assert_never_refused(reader, used)
