"""Replaces a file in one step, owner-only, one writer at a time, with nothing left behind."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OWNER_ONLY = 0o600
_OWNER_ONLY_FOLDER = 0o700
_PATIENCE = 60.0
_STALE = 600.0
"""Seconds after which nobody can still be writing a file: where machines share a folder, their locks are not ours."""


class Busy(OSError):
    """Somebody else kept the file locked for longer than anybody should."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file against other runs of ours, and sweep up what a killed one left next to it.

    The lock lives in the temporary folder, not beside the file: a lock that others wait for cannot
    be deleted without letting two of them in, and a project's folder is no place for litter.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_folder() / f"{_digest(path)}.lock", timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout as error:
        raise Busy(f"another process has kept it locked for {_PATIENCE:.0f} s") from error
    try:
        _sweep(path)
        yield
    finally:
        lock.release()


def make_folder(folder: Path) -> None:
    """Create the folder and what is missing above it, for the owner only."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=_OWNER_ONLY_FOLDER)


def rehearse(path: Path, content: bytes, *, part_of: Path | None = None) -> None:
    """Do everything that `replace` does, short of replacing."""
    with suppress(FileNotFoundError):
        path.lstat()  # which a name that is too long does not survive
    _beside(path, content, part_of or path).unlink()


def replace(path: Path, content: bytes, *, part_of: Path | None = None) -> None:
    """Give the file this content: readers see the old or the new one, never a part.

    A file that is `part_of` another is written under the lock of that one, swept up with it, and of the same owner.
    """
    beside = _beside(path, content, part_of or path)
    try:
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _settle(path.parent)


def _beside(path: Path, content: bytes, whole: Path) -> Path:
    """The content, safely on the disk in a file of its own in the same folder."""
    handle, name = tempfile.mkstemp(prefix=_prefix_here(whole), suffix=".tmp", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _like(whole, beside)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _like(path: Path, beside: Path) -> None:
    """Owner-only, and of the same owner: root must not lock a user out of their own file."""
    os.chmod(beside, _OWNER_ONLY)
    if not hasattr(os, "chown"):
        return
    try:
        before = path.stat()
    except FileNotFoundError:
        return
    if before.st_uid != beside.stat().st_uid:
        os.chown(beside, before.st_uid, before.st_gid)


def _settle(folder: Path) -> None:
    """Make the new name survive a power cut, where the platform lets folders be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    # The file is replaced already: a complaint now would make the caller take back a value in use.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(path: Path) -> None:
    """Whoever holds the lock owns the temporary files made under it: a killed writer's are stale.

    Another machine that shares the folder has a lock of its own, and may be writing at this moment.
    """
    anybodys, ours = _prefix(path), _prefix_here(path)
    with suppress(OSError):
        for entry in os.scandir(path.parent):
            if not (entry.name.startswith(anybodys) and entry.name.endswith(".tmp")):
                continue
            if entry.name.startswith(ours) or time.time() - entry.stat().st_mtime > _STALE:
                Path(entry.path).unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    """Begins like the file, so that ignoring `.env*` covers it; the digest keeps it ours."""
    return f"{path.name[:40]}.provision-{_digest(path)[:12]}-"


def _prefix_here(path: Path) -> str:
    """The same for files of those who share our locks."""
    here = f"{socket.gethostname()}/{_lock_folder()}"
    return f"{_prefix(path)}{hashlib.sha256(os.fsencode(here)).hexdigest()[:6]}-"


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.normcase(path))).hexdigest()


def _lock_folder() -> Path:
    """A folder of our own: in a shared one others could put a link in a lock's place."""
    whose = str(os.geteuid()) if hasattr(os, "geteuid") else "locks"
    folder = Path(tempfile.gettempdir(), f"provision-{whose}")
    with suppress(FileExistsError):
        folder.mkdir(mode=_OWNER_ONLY_FOLDER)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.ENOTDIR, "is not a folder", str(folder))
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "belongs to somebody else", str(folder))
    return folder
