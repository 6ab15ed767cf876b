"""One run at a time per manifest and tenant on this machine: the second waits, and says so."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(tenant_id: str, owner: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a manifest in a tenant; it falls by itself when the process dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(_place() / _name(tenant_id, owner))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"Another run of {owner} is at work on this machine: waiting for it to finish.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _name(tenant_id: str, owner: str) -> str:
    return hashlib.sha256(f"{tenant_id}/{owner}".encode()).hexdigest()[:16] + ".lock"


def _place() -> Path:
    """A folder that only this user writes; without a home to write to, the runs go unlocked."""
    folder = Path.home() / ".provision" / "locks"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".probe").touch()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="provision-"))
    return folder
