"""A certificate that its users keep up themselves: read here, never written."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

from provision import certificates
from provision.errors import StoreError
from provision.stores import Belongs, Entry, Stored, files


class KeptByUsers:
    """A PEM file with a certificate, and with its private key where that may be here."""

    def __init__(self, path: Path) -> None:
        self._file = files.Kept(path=path, kind="PEM")

    def probe(self, owner: Belongs) -> tuple[str, ...]:
        """Prove that the certificate can be read."""
        if self.read() is None:
            raise StoreError(
                f"There is no certificate at {self._file.path}",
                hint="Put the PEM file there, or name another one in the manifest.",
            )
        return ()

    def read(self) -> Stored | None:
        """The certificate; None when there is no file. Whose it is, a PEM does not say."""
        with self._file.telling("read"):
            content = self._file.bytes(self._file.target)
        if not content:
            return None
        try:
            pair = certificates.read_pem(content)
        except StoreError as error:
            # Not `from`: the file's text stands in the cause's frames.
            raise StoreError(
                f"{self._file.path} cannot be used: {error}",
                hint=error.hint or "Mend that file, or name another one in the manifest.",
            ) from None
        return Stored(
            tenant_id=None,
            client_id=None,
            secret=pair.key,
            key_id=key_id(pair.certificate.der),
            expires=pair.certificate.end,
            certificate=pair.certificate,
        )

    def write(self, entry: Entry) -> None:
        """Refuse: the file is somebody else's."""
        raise StoreError(
            f"{self._file.path} is kept up by its users, and was not touched",
            hint="To have a certificate made, write `generate` instead of `pem`.",
        )

    def remove(self, app_id: str) -> bool:
        """Nothing: the file stays its users'."""
        return False

    def retire(self, key_id: str) -> None:
        """Nothing: the file stays its users'."""


def key_id(der: bytes) -> str:
    """The id of a certificate that has none of its own: the same one for the same certificate, anywhere."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(der).hexdigest().upper()))
