"""Keeps a secret in a dotenv file, among other people's lines; a certificate in a file beside it.

The names are those that EnvironmentCredential reads:
https://learn.microsoft.com/python/api/azure-identity/azure.identity.environmentcredential
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import StoreError
from provision.secret import PrivateKey, Secret
from provision.stores import Belongs, Entry, Stored, assignments, fields, files, replacing, whose

SECRET_KEYS = (
    "TENANT_ID",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "CLIENT_SECRET_ID",
    "CLIENT_SECRET_EXPIRES",
)
CERTIFICATE_KEYS = (
    "TENANT_ID",
    "CLIENT_ID",
    "CLIENT_CERTIFICATE_PATH",
    "CLIENT_CERTIFICATE_ID",
    "CLIENT_CERTIFICATE_EXPIRES",
)


class Dotenv:
    """The keys with one prefix in one dotenv file; a link is followed, never replaced."""

    def __init__(self, path: Path, *, prefix: str, replace: bool = False) -> None:
        self._file = files.Kept(path=path, kind="dotenv")
        self._prefix = prefix
        self._replace = replace

    def probe(self, owner: Belongs) -> tuple[str, ...]:
        """Prove that the owner's value can be written, before there is one; says warnings."""
        with self._telling("prepare"):
            target = self._file.target
            replacing.make_folder(target.parent)
            likely = fields.likely(owner)
            warnings = self._file.tracked_by_git(target)
            if owner.certificate:
                warnings += self._file.tracked_by_git(self._pem(target, likely.key_id))
            with replacing.locked(target):
                text = self._text(target)
                self._refuse_others(text, owner)
                replacing.rehearse(target, _bytes(self._changed(target, text, likely)))
                if owner.certificate:
                    pem = self._pem(target, likely.key_id)
                    replacing.rehearse(pem, likely.secret.reveal().encode(), part_of=target)
        return warnings

    def read(self) -> Stored | None:
        """What the file holds under our prefix; None when that is nothing."""
        with self._telling("read"):
            target = self._file.target
            return self._stored(target, self._text(target))

    def write(self, entry: Entry) -> None:
        """Put the value in, in one step: other lines, comments and their order stay.

        A certificate's file is there before the line that names it, and the one before stays until it retires:
        whoever has just read its name finds it.
        """
        owner = Belongs(tenant_id=entry.tenant_id, client_id=entry.client_id)
        with self._telling("write"):
            target = self._file.target
            replacing.make_folder(target.parent)
            with replacing.locked(target):
                text = self._text(target)
                self._refuse_others(text, owner)
                changed = _bytes(self._changed(target, text, entry))
                with self._beside(target, entry):
                    replacing.replace(target, changed)

    def remove(self, app_id: str) -> bool:
        """Take this application's lines and files out; a file that held nothing else goes with them."""
        with self._telling("change"):
            target = self._file.target
            if not target.parent.is_dir():
                return False
            with replacing.locked(target):
                text = self._text(target)
                held = self._stored(target, text)
                if held is None or not whose.same(held.client_id, app_id):
                    return False
                # The files first: a run that is killed here finds the lines, and with them its work, again.
                for pem in self._pems(target):
                    pem.unlink(missing_ok=True)
                rest = assignments.without(text, self._keys(*SECRET_KEYS, *CERTIFICATE_KEYS))
                if rest.strip("\ufeff \t\r\n") or self._file.path.is_symlink():
                    replacing.replace(target, _bytes(rest))
                else:
                    target.unlink()
        return True

    def retire(self, key_id: str) -> None:
        """Remove the file of an old certificate, or what a killed run left of one; never the one in use."""
        with self._telling("change"):
            target = self._file.target
            pem = self._pem(target, key_id)
            with replacing.locked(target):  # which sweeps up what a killed run wrote
                named = assignments.values(self._text(target)).get(
                    self._keys(CERTIFICATE_KEYS[2])[0]
                )
                if not named or os.path.basename(named) != pem.name:
                    pem.unlink(missing_ok=True)

    def _text(self, target: Path) -> str:
        return self._file.bytes(target).decode("utf-8", "surrogateescape")

    def _keys(self, *names: str) -> list[str]:
        return [f"{self._prefix}{name}" for name in names]

    def _changed(self, target: Path, text: str, entry: Entry) -> str:
        """The text with the entry's lines, and without those of the other kind."""
        if isinstance(entry.secret, PrivateKey):
            ours, others, value = (
                CERTIFICATE_KEYS,
                SECRET_KEYS,
                str(self._pem(target, entry.key_id)),
            )
        else:
            ours, others, value = SECRET_KEYS, CERTIFICATE_KEYS, entry.secret.reveal()
        until = fields.until(entry.expires)
        said = (entry.tenant_id, entry.client_id, value, entry.key_id, until)
        changed = assignments.assign(text, dict(zip(self._keys(*ours), said, strict=True)))
        gone = set(self._keys(*others)) - set(self._keys(*ours))
        return assignments.without(changed, gone)

    def _pem(self, target: Path, key_id: str) -> Path:
        """Named after the dotenv file, so that ignoring `.env*` covers it."""
        short = re.sub("[^0-9A-Za-z]", "", key_id)[:8].lower()
        return target.with_name(f"{target.name}.{self._prefix}{short}.pem")

    def _pems(self, target: Path) -> Iterator[Path]:
        ours = re.compile(re.escape(f"{target.name}.{self._prefix}") + r"[0-9a-f]{8}\.pem")
        for found in os.scandir(target.parent):
            if ours.fullmatch(found.name):
                yield Path(found.path)

    @contextmanager
    def _beside(self, target: Path, entry: Entry) -> Iterator[None]:
        """A certificate's file, for the time when the line that names it is written and from then on."""
        if not isinstance(entry.secret, PrivateKey):
            yield
            return
        pem = self._pem(target, entry.key_id)
        known = pem.exists()
        replacing.replace(pem, entry.secret.reveal().encode(), part_of=target)
        try:
            yield
        except BaseException:
            if not known:
                pem.unlink(missing_ok=True)
            raise

    def _stored(self, target: Path, text: str) -> Stored | None:
        found = assignments.values(text)

        def said(*names: str) -> list[str | None]:
            return [found.get(key) or None for key in self._keys(*names)]

        tenant_id, client_id, secret, key_id, expires = said(*SECRET_KEYS)
        path, pem_id, pem_expires = said(*CERTIFICATE_KEYS[2:])
        if not (tenant_id or client_id or secret or key_id or path or pem_id):
            return None
        certificate = not secret and bool(path)
        return Stored(
            tenant_id=tenant_id,
            client_id=client_id,
            secret=Secret(secret) if secret else self._private_key(target, path),
            key_id=pem_id if certificate else key_id,
            expires=fields.moment(pem_expires if certificate else expires),
        )

    def _private_key(self, target: Path, path: str | None) -> PrivateKey | None:
        """What a line names, if it is a file beside: a stranger's line or link must not make us read any other."""
        if not path or os.path.dirname(os.path.realpath(path)) != str(target.parent):
            return None
        content = files.Kept(path=Path(path), kind="PEM").bytes(Path(path))
        return PrivateKey(content.decode("utf-8", "replace")) if content else None

    def _refuse_others(self, text: str, owner: Belongs) -> None:
        held = None if self._replace else self._stored(self._file.target, text)
        place = f"{self._file.path} ({self._prefix}*)"
        whose.refuse_others(held, owner, place=place, other="another file or prefix")

    @contextmanager
    def _telling(self, verb: str) -> Iterator[None]:
        """Turn what went wrong into our words; none of them holds a value."""
        with self._file.telling(verb):
            try:
                yield
            except assignments.Unwritable:
                # Not `from`: what could not be written stands in the cause's frames.
                raise StoreError(
                    f"cannot write {self._file.path}: the value would not be read back as it is",
                    hint="Look for a quote that is never closed in that file, "
                    "or name another one in the manifest.",
                ) from None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
