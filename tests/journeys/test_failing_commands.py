"""Commands that fail before or after they have kept a value: nothing is lost, nothing leaks, nobody is locked out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import moment
import pytest
from journey import Provision, StartSandbox
from keepers import APPLY, CANARY, KEEP, ROTATE, SHOW, Keeper, made, program, settle

from provision.sandbox.server import Server

LOUD = "sys.stderr.buffer.write(b'no: ' + given)"
BEFORE = {
    "exit code": ("sys.exit(1)",),
    "echo": ("given = sys.stdin.buffer.read()", LOUD, "sys.exit(1)"),
    "signal": ("os.kill(os.getpid(), signal.SIGKILL)",),
    "hang": ("time.sleep(600)",),
    "deaf": ("os.close(0)", "sys.exit(1)"),
}
"""Programs that end badly without having kept anything."""

AFTER = {
    "exit code, kept": (KEEP, LOUD, "sys.exit(1)"),
    "signal, kept": (KEEP, "os.kill(os.getpid(), signal.SIGKILL)"),
    "hang, kept": (KEEP, "time.sleep(600)"),
}
"""Programs that end badly and have kept the value all the same."""

SAYS = {
    "exit code": ("command ./put ended with exit code 1", "Run it by hand"),
    "echo": ("(redacted)", "Run it by hand"),
    "signal": ("command ./put was ended by signal 9", "Run it by hand"),
    "hang": ("command ./put did not end within", "with `timeout`"),
    "deaf": ("command ./put ended with exit code 1", "Run it by hand"),
}
"""What is said of it, and what may help."""

UNKNOWN = "It is not known whether the new value was stored"
NOUNS = ("secret", "certificate")


@pytest.fixture
def caged(start_sandbox: StartSandbox) -> Server:
    """A sandbox whose secrets bear a marker."""
    return start_sandbox(canary=CANARY)


def applied(
    provision: Provision, server: Server, folder: Path, store: str, noun: str = "secret"
) -> Keeper:
    """A credential that a command keeps, for a minute now."""
    keeper = Keeper(server=server, folder=folder, store=store, noun=noun)
    keeper.write()
    done = provision(*APPLY)
    assert done.exit_code == 0, done.said
    server.advance(timedelta(minutes=1))
    return keeper


@pytest.mark.parametrize("fails", BEFORE)
@pytest.mark.parametrize("store", ["command", "blind"])
def test_a_first_secret_that_a_command_did_not_keep_is_taken_back(
    caged: Server, provision: Provision, workplace: Path, store: str, fails: str
) -> None:
    keeper = Keeper(server=caged, folder=workplace, store=store)
    keeper.write()
    program(workplace, "put", *BEFORE[fails])

    failed = provision(*APPLY)

    assert failed.exit_code == 1
    assert [each in failed.said for each in SAYS[fails]] == [True, True]
    assert made(caged) == []
    assert keeper.kept() is None
    assert keeper.told(failed) == []
    program(workplace, "put", KEEP)
    assert provision(*APPLY).exit_code == 0
    assert keeper.signs_in()


@pytest.mark.parametrize("fails", AFTER)
def test_a_first_secret_that_a_command_kept_without_saying_so_gives_way_to_one_that_works(
    caged: Server, provision: Provision, workplace: Path, fails: str
) -> None:
    """Nobody uses it yet: it is taken back, and what the store has of it is written over."""
    keeper = Keeper(server=caged, folder=workplace, store="blind")
    keeper.write()
    program(workplace, "put", *AFTER[fails])

    failed = provision(*APPLY)

    assert failed.exit_code == 1
    assert made(caged) == []
    assert keeper.told(failed) == []
    program(workplace, "put", KEEP)
    settle(provision, keeper)


@pytest.mark.parametrize(
    ("noun", "fails"), [*(("secret", each) for each in BEFORE), ("certificate", "echo")]
)
def test_a_rotation_that_a_command_did_not_keep_is_taken_back_and_the_old_one_works(
    caged: Server, provision: Provision, workplace: Path, noun: str, fails: str
) -> None:
    """What the store holds tells that the new value did not arrive."""
    keeper = applied(provision, caged, workplace, "command", noun)
    before = (made(caged), keeper.kept())
    program(workplace, "put", *BEFORE[fails])

    failed = provision(*ROTATE)

    assert failed.exit_code == 1
    assert [each in failed.said for each in SAYS[fails]] == [True, True]
    assert (made(caged), keeper.kept()) == before
    assert keeper.signs_in()
    assert keeper.told(failed) == []
    program(workplace, "put", KEEP)
    assert provision(*APPLY).exit_code == 0
    assert (made(caged), keeper.kept()) == before


@pytest.mark.parametrize(
    ("noun", "fails"), [*(("secret", each) for each in AFTER), ("certificate", "exit code, kept")]
)
def test_a_rotation_that_a_command_kept_without_saying_so_goes_on_where_it_can_be_read(
    caged: Server, provision: Provision, workplace: Path, noun: str, fails: str
) -> None:
    keeper = applied(provision, caged, workplace, "command", noun)
    (old,) = made(caged)
    program(workplace, "put", *AFTER[fails])

    done = provision(*ROTATE)

    assert done.exit_code == 0, done.said
    kept = keeper.kept()
    assert kept is not None
    assert kept.key_id != old
    assert made(caged) == sorted([old, str(kept.key_id)])
    assert keeper.told(done) == []
    program(workplace, "put", KEEP)
    settle(provision, keeper)


@pytest.mark.parametrize(
    ("noun", "fails"),
    [*(("secret", each) for each in BEFORE | AFTER), ("certificate", "exit code, kept")],
)
def test_a_rotation_whose_outcome_nobody_knows_keeps_both_until_another_one_is_stored(
    caged: Server, provision: Provision, workplace: Path, noun: str, fails: str
) -> None:
    """Whichever of them the store has, it works: taking either back might lock its reader out."""
    keeper = applied(provision, caged, workplace, "blind", noun)
    (old,) = made(caged)
    program(workplace, "put", *(BEFORE | AFTER)[fails])

    failed = provision(*ROTATE)

    assert failed.exit_code == 1
    assert UNKNOWN in failed.said
    assert len(made(caged)) == 2
    assert old in made(caged)
    assert keeper.signs_in()
    assert keeper.told(failed) == []
    program(workplace, "put", KEEP)
    settle(provision, keeper)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_rotation_whose_outcome_nobody_knows_is_settled_although_replicas_are_behind(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path, seed: int
) -> None:
    server = start_sandbox(canary=CANARY, profile="typical", seed=seed)
    keeper = applied(provision, server, workplace, "blind")
    program(workplace, "put", *AFTER["exit code, kept"])

    failed = provision(*ROTATE)

    assert failed.exit_code == 1
    program(workplace, "put", KEEP)
    settle(provision, keeper)


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("fails", ["exit code", "exit code, kept"])
def test_a_rotation_is_kept_where_reading_fails_too_and_settled_when_that_works_again(
    caged: Server, provision: Provision, workplace: Path, noun: str, fails: str
) -> None:
    keeper = applied(provision, caged, workplace, "command", noun)
    (old,) = made(caged)
    program(workplace, "get", "if os.path.exists('written'): sys.exit(7)", SHOW)
    program(workplace, "put", "open('written', 'w')", *(BEFORE | AFTER)[fails])

    failed = provision(*ROTATE)

    assert failed.exit_code == 1
    assert UNKNOWN in failed.said
    assert len(made(caged)) == 2
    assert keeper.signs_in()
    assert keeper.told(failed) == []
    (workplace / "written").unlink()
    program(workplace, "put", KEEP)
    settle(provision, keeper)
    assert old not in made(caged) or fails == "exit code"


@pytest.mark.parametrize("store", ["command", "blind"])
def test_nothing_is_issued_for_a_program_that_is_not_there(
    caged: Server, provision: Provision, workplace: Path, store: str
) -> None:
    keeper = applied(provision, caged, workplace, store)
    before = (made(caged), keeper.kept())
    (workplace / "put").unlink()
    asked = len(caged.requests)

    failed = provision(*ROTATE)

    assert failed.exit_code == 1
    assert "There is no program ./put" in failed.said
    assert "Install it or make it executable" in failed.said
    assert not [each for each in list(caged.requests)[asked:] if "addPassword" in each.path]
    assert (made(caged), keeper.kept()) == before


@pytest.mark.parametrize("store", ["command", "blind"])
def test_a_program_that_vanishes_before_it_is_started_has_kept_nothing(
    caged: Server, provision: Provision, workplace: Path, store: str
) -> None:
    keeper = applied(provision, caged, workplace, store)
    before = (made(caged), keeper.kept())
    gone = moment.on_effect(caged, "the secret", (workplace / "put").unlink)

    failed = provision(*ROTATE)

    assert gone.is_set()
    assert failed.exit_code == 1
    assert "There is no program ./put" in failed.said
    assert (made(caged), keeper.kept()) == before
    assert keeper.signs_in()
