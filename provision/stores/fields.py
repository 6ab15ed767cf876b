"""A value and whose it is, as the object that JSON stores hold and commands get."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from provision.secret import PrivateKey, Secret
from provision.stores import Belongs, Entry, Stored

SECRET, CERTIFICATE = "clientSecret", "clientCertificate"
NAMES = ("tenantId", "clientId", SECRET, CERTIFICATE, "keyId", "expires")
"""Every field that is ours; a value is a secret or a certificate, never both."""

UNKNOWN = "00000000-0000-0000-0000-000000000000"
LONGEST_SECRET = "x" * 64
"""The service's secrets have 16 to 64 characters."""

LONGEST_PEM = "\n".join(["x" * 64] * 120)
"""A key of 4096 bits with its certificate has some 5000 characters."""


class Unfit(ValueError):
    """An object has something in one of our fields that none of ours would be; never says what."""


def of(entry: Entry) -> dict[str, str]:
    """What an entry says, field by field."""
    kind = CERTIFICATE if isinstance(entry.secret, PrivateKey) else SECRET
    return {
        "tenantId": entry.tenant_id,
        "clientId": entry.client_id,
        kind: entry.secret.reveal(),
        "keyId": entry.key_id,
        "expires": until(entry.expires),
    }


def likely(owner: Belongs) -> Entry:
    """An entry as long as the owner's can be, to rehearse with."""
    longest = PrivateKey(LONGEST_PEM) if owner.certificate else Secret(LONGEST_SECRET)
    return Entry(
        tenant_id=owner.tenant_id,
        client_id=owner.client_id or UNKNOWN,
        secret=longest,
        key_id=UNKNOWN,
        expires=datetime.now(UTC),
    )


def stored(found: Mapping[str, Any]) -> Stored | None:
    """What an object says; None when that is nothing."""
    said = {name: _text(found, name) for name in NAMES}
    if not any(said[name] for name in NAMES if name != "expires"):
        return None
    return Stored(
        tenant_id=said["tenantId"],
        client_id=said["clientId"],
        secret=secret(said[SECRET], said[CERTIFICATE]),
        key_id=said["keyId"],
        expires=moment(said["expires"]),
    )


def secret(value: str | None, pem: str | None) -> Secret | None:
    """A secret, or else a certificate: sign-in libraries look for them in this order."""
    if value:
        return Secret(value)
    return PrivateKey(pem) if pem else None


def until(moment: datetime) -> str:
    """A moment, to the second, as stores write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str | None) -> datetime | None:
    """The moment that a text means; None when it means none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _text(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise Unfit(f'"{name}" holds no text')
