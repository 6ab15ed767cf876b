"""A disk that is full and a folder that is read-only: noticed before anything is issued, and else nothing is lost."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import moment
import pytest
from journey import Outcome, Provision, StartSandbox
from keepers import APPLY, CANARY, ROTATE, Keeper, made

from provision.sandbox.server import Server

KINDS = [("dotenv", "secret"), ("dotenv", "certificate"), ("json", "secret")]
ISSUED = {"secret": "the secret", "certificate": "the record"}
"""The write that brings a credential into being; a certificate is added as records are written."""

SAYS = {
    "full": ("No space left on device", "Free some space there"),
    "read-only": ("Read-only file system", "Make that place writable"),
}


class Disk:
    """The disk below a store: healthy until it is told to ail."""

    def __init__(self) -> None:
        self._make = tempfile.mkstemp
        self.ails: str | None = None
        self.spared = 0

    def mkstemp(self, *words: Any, **named: Any) -> tuple[int, str]:
        """What a store opens to write into, in place of the standard library's own."""
        if self.ails == "read-only":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        handle, name = self._make(*words, **named)
        if self.ails == "full":
            self.spared -= 1
        if self.ails == "full" and self.spared < 0:
            os.close(handle)
            handle = os.open("/dev/full", os.O_WRONLY)
        return handle, name

    @contextmanager
    def ailing(self, how: str, *, spared: int = 0) -> Iterator[None]:
        """Full or read-only meanwhile; of a full one, so many more files still find room."""
        self.ails, self.spared = how, spared
        try:
            yield
        finally:
            self.ails = None


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(tempfile, "mkstemp", disk.mkstemp)
    return disk


@pytest.fixture
def caged(start_sandbox: StartSandbox) -> Server:
    """A sandbox whose secrets bear a marker."""
    return start_sandbox(canary=CANARY)


def a_keeper(server: Server, folder: Path, store: str, noun: str) -> Keeper:
    keeper = Keeper(server=server, folder=folder, store=store, noun=noun)
    keeper.write()
    return keeper


def ill_from_then_on(
    provision: Provision,
    keeper: Keeper,
    command: tuple[str, ...],
    disk: Disk,
    how: str,
    **more: int,
) -> Outcome:
    """The command, on a disk that ails from the moment at which the credential is there and not yet stored."""

    def ail() -> None:
        disk.ails, disk.spared = how, more.get("spared", 0)

    begun = moment.on_effect(keeper.server, ISSUED[keeper.noun], ail)
    outcome = provision(*command)
    assert begun.is_set()
    disk.ails = None
    return outcome


def litter(keeper: Keeper) -> list[str]:
    """What a failed write has left beside the store."""
    return [path.name for path in keeper.folder.rglob("*.tmp")]


@pytest.mark.parametrize("how", SAYS)
@pytest.mark.parametrize("command", [APPLY, ROTATE], ids=["first", "rotation"])
@pytest.mark.parametrize(("store", "noun"), KINDS)
def test_a_place_that_cannot_be_written_is_noticed_before_anything_is_issued(
    caged: Server,
    provision: Provision,
    workplace: Path,
    disk: Disk,
    store: str,
    noun: str,
    command: tuple[str, ...],
    how: str,
) -> None:
    keeper = a_keeper(caged, workplace, store, noun)
    if command == ROTATE:
        assert provision(*APPLY).exit_code == 0
    kept, asked = keeper.kept(), len(caged.requests)

    with disk.ailing(how):
        failed = provision(*command)

    assert failed.exit_code == 1
    assert [each in failed.said for each in SAYS[how]] == [True, True]
    sent = [(each.method, each.path) for each in list(caged.requests)[asked:]]
    assert not [path for method, path in sent if method == "PATCH" or "addPassword" in path]
    assert keeper.kept() == kept
    assert len(made(caged)) == (1 if command == ROTATE else 0)
    assert litter(keeper) == []


@pytest.mark.parametrize("how", SAYS)
@pytest.mark.parametrize(("store", "noun"), KINDS)
def test_a_first_one_that_finds_no_room_any_more_is_taken_back(
    caged: Server,
    provision: Provision,
    workplace: Path,
    disk: Disk,
    store: str,
    noun: str,
    how: str,
) -> None:
    keeper = a_keeper(caged, workplace, store, noun)

    failed = ill_from_then_on(provision, keeper, APPLY, disk, how)

    assert failed.exit_code == 1
    assert [each in failed.said for each in SAYS[how]] == [True, True]
    assert made(caged) == []
    assert keeper.kept() is None
    assert litter(keeper) == []
    assert keeper.told(failed) == []
    assert provision(*APPLY).exit_code == 0
    assert keeper.signs_in()


@pytest.mark.parametrize(
    ("store", "noun", "how", "spared"),
    [
        *((store, noun, how, 0) for store, noun in KINDS for how in SAYS),
        ("dotenv", "certificate", "full", 1),
    ],
)
def test_a_rotation_that_finds_no_room_any_more_is_taken_back_and_the_old_one_works(
    caged: Server,
    provision: Provision,
    workplace: Path,
    disk: Disk,
    store: str,
    noun: str,
    how: str,
    spared: int,
) -> None:
    """Of a certificate's two files, the one that would name the other may be what finds no room."""
    keeper = a_keeper(caged, workplace, store, noun)
    assert provision(*APPLY).exit_code == 0
    before = (made(caged), keeper.kept(), keeper.files())

    failed = ill_from_then_on(provision, keeper, ROTATE, disk, how, spared=spared)

    assert failed.exit_code == 1
    assert [each in failed.said for each in SAYS[how]] == [True, True]
    assert (made(caged), keeper.kept(), keeper.files()) == before
    assert keeper.signs_in()
    assert keeper.told(failed) == []
    assert provision(*APPLY).exit_code == 0
    assert (made(caged), keeper.kept(), keeper.files()) == before
