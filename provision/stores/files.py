"""A file that keeps values among other people's lines: read whole, replaced in one step, never in git."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.errors import StoreError
from provision.stores import git, replacing

_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One file as the manifest names it, and what it is called; a link is followed, never replaced."""

    path: Path
    kind: str

    @property
    def target(self) -> Path:
        """The file itself, behind any links."""
        return Path(os.path.realpath(self.path))

    def bytes(self, target: Path) -> bytes:
        """All that is in it; nothing when it is not there."""
        try:
            found = target.stat()
        except FileNotFoundError:
            return b""
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, "it is a folder", str(target))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(target))
        if found.st_size > _LARGEST:
            says = f"it is larger than 1 MiB, so it is no {self.kind} file"
            raise OSError(errno.EFBIG, says, str(target))
        content = target.read_bytes()
        if b"\0" in content:
            raise OSError(errno.EINVAL, "it is not a UTF-8 text file", str(target))
        return content

    def tracked_by_git(self, target: Path) -> tuple[str, ...]:
        """Refuse a file that would be committed, and warn of one that might be."""
        shown = self.path if target == self.target else target
        match git.tracking(target):
            case git.Tracking.TRACKED:
                raise StoreError(
                    f"git tracks {shown}: a secret stored there would be committed",
                    hint="Take it out of the index (git rm --cached FILE) and add it "
                    "to .gitignore, or name another file in the manifest.",
                )
            case git.Tracking.EXPOSED:
                return (f"git does not ignore {shown}: add it to .gitignore",)
            case git.Tracking.UNKNOWN:
                return (f"git could not say whether it tracks {shown}: do not commit it",)
            case _:
                return ()

    @contextmanager
    def telling(self, verb: str) -> Iterator[None]:
        """Turn the platform's complaints into ours; neither holds a value."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"cannot {verb} {self.path}: {error.strerror or error}",
                hint=_hint(error),
            ) from error
        except ValueError as error:  # a path with a null character
            raise StoreError(
                f"cannot {verb} {str(self.path)!r}: {error}",
                hint="Name another file in the manifest.",
            ) from error


def _hint(error: OSError) -> str:
    if isinstance(error, replacing.Busy):
        return "Wait until the other run has ended, then run this again."
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Free some space there, or name another file in the manifest."
    return "Make that place writable for yourself, or name another one in the manifest."
