"""What the token service never accepts is taken back, wherever it is kept; nobody's old one is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import unheard
from journey import Outcome, Provision, StartSandbox
from keepers import APPLY, CANARY, ROTATE, Keeper, made

from provision.sandbox.server import Server

KINDS = [
    ("json", "secret"),
    ("keyVault", "secret"),
    ("command", "secret"),
    ("dotenv", "certificate"),
    ("json", "certificate"),
    ("keyVault", "certificate"),
]
SAYS = {"secret": "AADSTS7000215", "certificate": "AADSTS700027"}


@pytest.fixture
def hasty(start_sandbox: StartSandbox) -> Server:
    """A sandbox in which patience is soon at its end."""
    return start_sandbox(canary=CANARY, scale=250.0)


def unaccepted(provision: Provision, keeper: Keeper, *command: str) -> Outcome:
    """The command, while the token service hears of nothing new."""
    never = unheard.secrets if keeper.noun == "secret" else unheard.certificates
    with never(keeper.server):
        return provision(*command)


@pytest.mark.parametrize(("store", "noun"), KINDS)
def test_a_first_one_that_is_never_accepted_is_taken_back_and_leaves_its_place(
    hasty: Server, provision: Provision, workplace: Path, store: str, noun: str
) -> None:
    keeper = Keeper(server=hasty, folder=workplace, store=store, noun=noun)
    keeper.write()
    before = keeper.files()

    failed = unaccepted(provision, keeper, *APPLY)

    assert failed.exit_code == 1
    assert "could not be proven" in failed.said
    assert SAYS[noun] in failed.said
    assert made(hasty) == []
    assert keeper.kept() is None
    assert keeper.files() == before
    assert keeper.told(failed) == []
    assert provision(*APPLY).exit_code == 0
    assert keeper.signs_in()


@pytest.mark.parametrize(("store", "noun"), KINDS)
def test_a_rotation_that_is_never_accepted_is_taken_back_and_was_never_stored(
    hasty: Server, provision: Provision, workplace: Path, store: str, noun: str
) -> None:
    keeper = Keeper(server=hasty, folder=workplace, store=store, noun=noun)
    keeper.write()
    assert provision(*APPLY).exit_code == 0
    before = (made(hasty), keeper.kept(), keeper.files())

    failed = unaccepted(provision, keeper, *ROTATE)

    assert failed.exit_code == 1
    assert SAYS[noun] in failed.said
    assert (made(hasty), keeper.kept(), keeper.files()) == before
    assert keeper.signs_in()
    assert keeper.told(failed) == []
    again = provision(*ROTATE)
    assert again.exit_code == 0, again.said
    assert keeper.kept() != before[1]
    assert keeper.signs_in()
