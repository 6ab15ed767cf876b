"""The sandbox's own certificate authority: made on first use, keys for the owner alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509

_NAMES = ("localhost", "127.0.0.1", "::1")
_LEAF_LIFE = timedelta(days=397)
_RENEWED_BEFORE = timedelta(days=30)
# O_BINARY exists on Windows only, where its absence would change the line ends.
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Where the files lie: what clients are to trust, and what the server presents."""

    ca_bundle: Path
    chain_and_key: Path


def certificates(folder: Path, *, now: datetime | None = None) -> Certificates:
    """The files of this folder; the server's certificate is renewed when its end is near."""
    found = Certificates(ca_bundle=folder / "ca.pem", chain_and_key=folder / "server-key.pem")
    authority_key = folder / "ca-key.pem"
    now = now or datetime.now(UTC)
    if not (found.ca_bundle.exists() and authority_key.exists()):
        authority = trustme.CA(organization_name="provision sandbox")
        write_private(authority_key, authority.private_key_pem.bytes())
        write_whole(found.ca_bundle, authority.cert_pem.bytes())
        found.chain_and_key.unlink(missing_ok=True)
    if not _lasts(found.chain_and_key, now):
        authority = trustme.CA.from_pem(found.ca_bundle.read_bytes(), authority_key.read_bytes())
        leaf = authority.issue_cert(
            *_NAMES,
            organization_name="provision sandbox",
            not_before=now - timedelta(hours=1),
            not_after=now + _LEAF_LIFE,
        )
        write_private(found.chain_and_key, leaf.private_key_and_cert_chain_pem.bytes())
    return found


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step by one that only its owner can read."""
    _replace(path, content, mode=0o600)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step."""
    _replace(path, content, mode=0o644)


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, _FRESH, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _lasts(path: Path, now: datetime) -> bool:
    try:
        leaf = x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return leaf.not_valid_after_utc - now > _RENEWED_BEFORE
