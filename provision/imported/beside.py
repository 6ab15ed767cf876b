"""What exists beside a manifest and stays as it is: credentials of others, and settings it has no words for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from provision.imported.source import Existing
from provision.imported.yamltext import printable
from provision.model import PasswordCredential

_SETTINGS = (
    ("web", "implicitGrantSettings", "enableAccessTokenIssuance"),
    ("web", "implicitGrantSettings", "enableIdTokenIssuance"),
    ("api", "acceptMappedClaims"),
)
_LATEST_YEAR = 9999


def credentials_of(existing: Existing, key: str) -> Iterator[str]:
    """Secrets, certificates and trusts that are there, and how to take over; never a value."""
    rows = [_secret(each) for each in existing.application.password_credentials]
    rows += [_certificate(each) for each in existing.more.get("keyCredentials") or ()]
    signing = bool(rows)
    rows += [
        ("federated", each.name, each.issuer, each.subject)
        for each in sorted(existing.application.federated, key=lambda each: each.name)
    ]
    if not rows:
        return
    yield "Credentials that exist already. They stay as they are, and their values are not known here:"
    safe = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in safe) for column in range(3)]
    for row in safe:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        yield "  " + "  ".join((*cells, row[3])).rstrip()
    if signing:
        yield from _takeover(key)


def _takeover(key: str) -> Iterator[str]:
    prefix = f"{key.upper().replace('-', '_')}_"
    yield "To take over, uncomment this: apply adds a secret of our own, proves it and stores it."
    yield "Remove theirs once nothing uses them any more."
    yield "credentials:"
    yield "  ci:"
    yield "    secret:"
    yield "      lifetime: 90d"
    yield f"      store: {{dotenv: .env, prefix: {prefix if prefix[0].isalpha() else f'_{prefix}'}}}"


def settings_of(existing: Existing) -> Iterator[str]:
    """Settings that differ from a new application's, and for which a manifest has no key."""
    found = existing.application.properties
    for section, *inner in _SETTINGS:
        value: Any = found.get(section)
        for name in inner:
            value = value.get(name) if isinstance(value, Mapping) else None
        if value:
            yield f"{section}.{'.'.join(inner)} is on"
    more = existing.more
    for name in ("samlMetadataUrl", "serviceManagementReference", "tokenEncryptionKeyId"):
        if more.get(name):
            yield f"{name}: {more[name]}"
    for name, value in sorted((more.get("info") or {}).items()):
        if value:
            yield f"info.{name}: {value}"
    for name, inside in (
        ("requestSignatureVerification", "isSignedRequestRequired"),
        ("servicePrincipalLockConfiguration", "isEnabled"),
    ):
        if (more.get(name) or {}).get(inside):
            yield f"{name}.{inside} is on"
    if more.get("addIns"):
        yield f"addIns: {len(more['addIns'])}"
    yield from _of_principal(existing.principal_more)


def _of_principal(more: Mapping[str, Any]) -> Iterator[str]:
    if more.get("preferredSingleSignOnMode"):
        yield f"single sign-on of the service principal: {more['preferredSingleSignOnMode']}"
    for name, what in (("passwordCredentials", "secrets"), ("keyCredentials", "certificates")):
        if more.get(name):
            yield f"{what} of the service principal itself: {len(more[name])}"


def _secret(found: PasswordCredential) -> tuple[str, str, str, str]:
    return ("secret", found.display_name or "(no name)", found.key_id, _until(found.end))


def _certificate(found: Mapping[str, Any]) -> tuple[str, str, str, str]:
    name = str(found.get("displayName") or "(no name)")
    end = str(found.get("endDateTime") or "")
    return ("certificate", name, str(found.get("keyId") or ""), f"until {end[:10]}" if end else "")


def _until(end: datetime) -> str:
    return f"until {end:%Y-%m-%d}" if end.year < _LATEST_YEAR else "without an end"
