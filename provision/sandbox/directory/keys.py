"""Certificates of applications and service principals, as a PATCH sends the whole list of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from provision.sandbox import edm
from provision.sandbox.call import Call
from provision.sandbox.directory.refusals import invalid_value, required
from provision.sandbox.directory.rules import check_distinct
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import format_time, in_utc

if TYPE_CHECKING:
    from cryptography import x509

_LONGEST_NAME = 90
_USUAL_LIFE = timedelta(days=730)
_USAGES = {
    "AsymmetricX509Cert": frozenset({"Verify", "Encrypt"}),
    "X509CertAndPassword": frozenset({"Sign"}),
    "Symmetric": frozenset({"Verify", "Sign"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the bytes of a key say about themselves."""

    name: str | None
    thumbprint: str | None
    start: datetime
    end: datetime
    bounded: bool
    """A certificate ends its own use; other keys end when they are told to."""


def replaced(
    call: Call, given: list[dict[str, Any]], present: list[dict[str, Any]], kind: edm.Kind
) -> list[dict[str, Any]]:
    """https://learn.microsoft.com/graph/api/resources/keycredential

    An entry that is known by its keyId may come without its certificate.
    """
    known = {key["keyId"]: key for key in present}
    keys = []
    for key in given:
        old = known.get(key["keyId"] or "")
        keys.append(_renamed(old, key) if old and key["key"] is None else new(call, key, kind))
    check_distinct((key["keyId"] for key in keys), "keyCredentials")
    return keys


def new(
    call: Call, key: Mapping[str, Any], kind: edm.Kind, *, password: str | None = None
) -> dict[str, Any]:
    """A key that was not there before, filled in from its own bytes."""
    for name in ("key", "type", "usage"):
        if key[name] is None:
            raise required(name, "KeyCredential")
    if key["type"] not in _USAGES:
        raise invalid_value("type", "KeyCredential")
    if key["usage"] not in _USAGES[key["type"]]:
        raise invalid_value("usage", "KeyCredential")
    found = _read(call, key, kind, password)
    end = edm.moment(key["endDateTime"]) if key["endDateTime"] else found.end
    start = edm.moment(key["startDateTime"]) if key["startDateTime"] else found.start
    if end is None or start is None or end <= start or (found.bounded and end > found.end):
        raise Refusal(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")
    known_as = key["displayName"] or found.name
    return {
        "customKeyIdentifier": key["customKeyIdentifier"] or found.thumbprint,
        "displayName": None if known_as is None else known_as[:_LONGEST_NAME],
        "endDateTime": in_utc(key["endDateTime"] or _time(found.end)),
        "key": "".join(key["key"].split()),  # bytes are kept, not the lines that a client broke
        "keyId": key["keyId"] or call.tenant.new_guid(),
        "startDateTime": in_utc(key["startDateTime"] or _time(found.start)),
        "type": key["type"],
        "usage": key["usage"],
    }


def check_encryption(row: Mapping[str, Any], kind: edm.Kind) -> None:
    """The token encryption key is one of the object's own, and made for that."""
    wanted = row["tokenEncryptionKeyId"]
    usable = {key["keyId"] for key in row["keyCredentials"] if key["usage"] == "Encrypt"}
    if wanted is not None and wanted not in usable:
        raise invalid_value("tokenEncryptionKeyId", kind.resource)


def thumbprint_of(certificate: x509.Certificate) -> str:
    """The SHA-1 thumbprint in the form of customKeyIdentifier."""
    from cryptography.hazmat.primitives.hashes import SHA1

    return base64.b64encode(certificate.fingerprint(SHA1())).decode("ascii")  # noqa: S303


def _renamed(old: dict[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    """A known key keeps all but its name."""
    return {
        **old,
        "displayName": (key["displayName"] or old["displayName"] or "")[:_LONGEST_NAME] or None,
    }


def _read(call: Call, key: Mapping[str, Any], kind: edm.Kind, password: str | None) -> _Found:
    if key["type"] == "AsymmetricX509Cert":
        return _of_certificate(_certificate(key["key"], kind))
    if key["type"] == "X509CertAndPassword" and password is not None:
        return _of_certificate(_opened(key["key"], password, kind))
    now = call.tenant.clock.now()
    return _Found(name=None, thumbprint=None, start=now, end=now + _USUAL_LIFE, bounded=False)


def _of_certificate(certificate: x509.Certificate) -> _Found:
    return _Found(
        name=certificate.subject.rfc4514_string(),
        thumbprint=thumbprint_of(certificate),
        start=certificate.not_valid_before_utc,
        end=certificate.not_valid_after_utc,
        bounded=True,
    )


def _certificate(text: str, kind: edm.Kind) -> x509.Certificate:
    from cryptography.x509 import load_der_x509_certificate

    try:
        return load_der_x509_certificate(base64.b64decode(text))
    except (ValueError, binascii.Error) as malformed:
        raise invalid_value("keyCredentials", kind.resource) from malformed


def _opened(text: str, password: str, kind: edm.Kind) -> x509.Certificate:
    """The certificate in a file that a password protects."""
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        content = base64.b64decode(text)
        certificate = pkcs12.load_key_and_certificates(content, password.encode("utf-8"))[1]
    except (ValueError, binascii.Error) as malformed:
        raise invalid_value("keyCredentials", kind.resource) from malformed
    if certificate is None:
        raise invalid_value("keyCredentials", kind.resource)
    return certificate


def _time(at: datetime) -> str:
    return format_time(at, fraction=False)
