"""The sandbox's own certificate authority: made on first use, keys for the owner alone."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

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


def certificates(
    folder: Path, *, now: datetime | None = None, names: Iterable[str] = ()
) -> Certificates:
    """The files of this folder; the server's certificate is renewed when its end is near.

    It is made anew, too, when it lacks one of the further `names`.
    """
    found = Certificates(ca_bundle=folder / "ca.pem", chain_and_key=folder / "server-key.pem")
    wanted = (*_NAMES, *sorted({_name(each) for each in names} - set(_NAMES)))
    now = now or datetime.now(UTC)
    complete = found.ca_bundle.exists() and (folder / "ca-key.pem").exists()
    if not complete or not _serves(found.chain_and_key, wanted, now):
        _issue(folder, found, wanted, now)
    return found


def _issue(folder: Path, files: Certificates, names: tuple[str, ...], now: datetime) -> None:
    # Loaded only to make certificates: that takes as long as everything else at a start.
    import trustme

    key = folder / "ca-key.pem"
    if not (files.ca_bundle.exists() and key.exists()):
        authority = trustme.CA(organization_name="provision sandbox")
        write_private(key, authority.private_key_pem.bytes())
        write_whole(files.ca_bundle, authority.cert_pem.bytes())
    authority = trustme.CA.from_pem(files.ca_bundle.read_bytes(), key.read_bytes())
    end = now + _LEAF_LIFE
    leaf = authority.issue_cert(
        *names,
        organization_name="provision sandbox",
        not_before=now - timedelta(hours=1),
        not_after=end,
    )
    content = leaf.private_key_and_cert_chain_pem.bytes()
    write_private(files.chain_and_key, _label(names, end) + content)


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


def _serves(path: Path, names: Iterable[str], now: datetime) -> bool:
    """Whether the certificate lasts and bears these names, by the label that we wrote above it."""
    try:
        words = path.read_text(encoding="utf-8").partition("\n")[0].split()
        end = datetime.fromisoformat(words[1])
    except (FileNotFoundError, ValueError, IndexError):
        return False
    return end - now > _RENEWED_BEFORE and set(names) <= set(words[2:])


def _label(names: Iterable[str], end: datetime) -> bytes:
    """A line above the PEM blocks, where readers skip it: it spares us reading certificates."""
    return f"until {end:%Y-%m-%dT%H:%M:%S+00:00} {' '.join(names)}\n".encode()


def _name(text: str) -> str:
    """A host name or address as certificates spell it."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        label = text.rstrip(".").lower()
    if not label or any(c.isspace() or c in "/:@" for c in label):
        raise ValueError(f"{text!r} is no name of a host")
    return label
