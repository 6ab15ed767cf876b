"""Keeps a secret in a dotenv file, among other people's lines."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from provision.errors import StoreError
from provision.secret import Secret
from provision.stores import Belongs, Entry, Stored, assignments, git, replacing

_LARGEST = 1024 * 1024
_LONGEST_SECRET = "x" * 64  # contract section 3.5: the service's secrets have 16 to 64 characters
_KEYS = ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_ID", "CLIENT_SECRET_EXPIRES")


class Dotenv:
    """The keys with one prefix in one dotenv file; a link is followed, never replaced."""

    def __init__(self, path: Path, *, prefix: str, replace: bool = False) -> None:
        self._path = path
        self._prefix = prefix
        self._replace = replace

    def probe(self, owner: Belongs) -> tuple[str, ...]:
        """Prove that the owner's value can be written, before there is one; says warnings."""
        with self._telling("prepare"):
            target = self._target()
            replacing.make_folder(target.parent)
            warnings = self._tracked_by_git(target)
            with replacing.locked(target):
                text = _text_of(target)
                self._refuse_others(text, owner)
                tried = assignments.assign(text, self._rehearsal(owner))
                replacing.rehearse(target, _bytes(tried))
        return warnings

    def read(self) -> Stored | None:
        """What the file holds under our prefix; None when that is nothing."""
        with self._telling("read"):
            return self._stored(_text_of(self._target()))

    def write(self, entry: Entry) -> None:
        """Put the value in, in one step: other lines, comments and their order stay."""
        owner = Belongs(tenant_id=entry.tenant_id, client_id=entry.client_id)
        with self._telling("write"):
            target = self._target()
            replacing.make_folder(target.parent)
            with replacing.locked(target):
                text = _text_of(target)
                self._refuse_others(text, owner)
                wanted = self._values(owner, entry.secret.reveal(), entry.key_id, entry.expires)
                replacing.replace(target, _bytes(assignments.assign(text, wanted)))

    def remove(self, app_id: str) -> bool:
        """Take this application's lines out; a file that held nothing else goes with them."""
        with self._telling("change"):
            target = self._target()
            if not target.parent.is_dir():
                return False
            with replacing.locked(target):
                text = _text_of(target)
                held = self._stored(text)
                if held is None or not _same(held.client_id, app_id):
                    return False
                rest = assignments.without(text, self._keys())
                if rest.strip("\ufeff \t\r\n") or self._path.is_symlink():
                    replacing.replace(target, _bytes(rest))
                else:
                    target.unlink()
        return True

    def _target(self) -> Path:
        return Path(os.path.realpath(self._path))

    def _keys(self) -> list[str]:
        return [f"{self._prefix}{key}" for key in _KEYS]

    def _values(
        self, owner: Belongs, secret: str, key_id: str, expires: datetime
    ) -> dict[str, str]:
        until = expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = (owner.tenant_id, owner.client_id or "", secret, key_id, until)
        return dict(zip(self._keys(), said, strict=True))

    def _rehearsal(self, owner: Belongs) -> dict[str, str]:
        unknown = "00000000-0000-0000-0000-000000000000"
        likely = Belongs(tenant_id=owner.tenant_id, client_id=owner.client_id or unknown)
        return self._values(likely, _LONGEST_SECRET, unknown, datetime.now(UTC))

    def _stored(self, text: str) -> Stored | None:
        found = assignments.values(text)
        tenant_id, client_id, secret, key_id, expires = (
            found.get(key) or None for key in self._keys()
        )
        if not (tenant_id or client_id or secret or key_id):
            return None
        return Stored(
            tenant_id=tenant_id,
            client_id=client_id,
            secret=Secret(secret) if secret else None,
            key_id=key_id,
            expires=_moment(expires),
        )

    def _refuse_others(self, text: str, owner: Belongs) -> None:
        """A value that may be somebody else's is never written over unless that was asked for."""
        held = None if self._replace else self._stored(text)
        if held is None:
            return
        if held.client_id is None and held.secret is None and held.key_id is None:
            ours = held.tenant_id is None or _same(held.tenant_id, owner.tenant_id)
        else:
            ours = _same(held.client_id, owner.client_id) and (
                held.tenant_id is None or _same(held.tenant_id, owner.tenant_id)
            )
        if not ours:
            raise StoreError(
                f"{self._path} ({self._prefix}*) holds a value of {_whose(held)}: "
                "it was not touched",
                hint="Give this credential another file or prefix in the manifest, "
                "or write over that value with --replace-store.",
            )

    def _tracked_by_git(self, target: Path) -> tuple[str, ...]:
        match git.tracking(target):
            case git.Tracking.TRACKED:
                raise StoreError(
                    f"git tracks {self._path}: a secret stored there would be committed",
                    hint="Take it out of the index (git rm --cached FILE) and add it "
                    "to .gitignore, or name another file in the manifest.",
                )
            case git.Tracking.EXPOSED:
                return (f"git does not ignore {self._path}: add it to .gitignore",)
            case git.Tracking.UNKNOWN:
                return (f"git could not say whether it tracks {self._path}: do not commit it",)
            case _:
                return ()

    @contextmanager
    def _telling(self, verb: str) -> Iterator[None]:
        """Turn the platform's complaints into ours; neither holds a value."""
        try:
            yield
        except assignments.Unwritable:
            # Not `from`: what could not be written stands in the cause's frames.
            raise StoreError(
                f"cannot write {self._path}: the value would not be read back as it is",
                hint="Look for a quote that is never closed in that file, "
                "or name another one in the manifest.",
            ) from None
        except OSError as error:
            raise StoreError(
                f"cannot {verb} {self._path}: {error.strerror or error}",
                hint=_hint(error),
            ) from error
        except ValueError as error:  # a path with a null character
            raise StoreError(
                f"cannot {verb} {str(self._path)!r}: {error}",
                hint="Name another file in the manifest.",
            ) from error


def _text_of(target: Path) -> str:
    """The file's text, whatever its bytes: undecodable ones survive being written back."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return ""
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, "it is a folder", str(target))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(target))
    if found.st_size > _LARGEST:
        raise OSError(errno.EFBIG, "it is larger than 1 MiB, so it is no dotenv file", str(target))
    content = target.read_bytes()
    if b"\0" in content:
        raise OSError(errno.EINVAL, "it is not a UTF-8 text file", str(target))
    return content.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.casefold() == other.casefold()


def _whose(held: Stored) -> str:
    if held.client_id is None:
        return (
            f"tenant {held.tenant_id}" if held.tenant_id else "an application that it does not name"
        )
    where = f" of tenant {held.tenant_id}" if held.tenant_id else ""
    return f"application {held.client_id}{where}"


def _hint(error: OSError) -> str:
    if isinstance(error, replacing.Busy):
        return "Wait until the other run has ended, then run this again."
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Free some space there, or name another file in the manifest."
    return "Make that place writable for yourself, or name another one in the manifest."
