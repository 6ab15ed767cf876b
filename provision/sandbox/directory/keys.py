"""Certificates of applications and service principals, as a PATCH sends the whole list of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1

from provision.sandbox import edm
from provision.sandbox.call import Call
from provision.sandbox.directory.refusals import invalid_value, required
from provision.sandbox.directory.rules import check_distinct
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import format_time

_LONGEST_NAME = 90
_USAGES = frozenset({"Verify", "Sign", "Encrypt"})


def replaced(
    call: Call, given: list[dict[str, Any]], present: list[dict[str, Any]], kind: edm.Kind
) -> list[dict[str, Any]]:
    """https://learn.microsoft.com/graph/api/resources/keycredential

    An entry that is known by its keyId may come without its certificate.
    """
    known = {key["keyId"]: key for key in present}
    keys = [_completed(call, key, known.get(key["keyId"] or ""), kind) for key in given]
    check_distinct((key["keyId"] for key in keys), "keyCredentials")
    return keys


def check_encryption(row: Mapping[str, Any], kind: edm.Kind) -> None:
    """The token encryption key is one of the object's own, and made for that."""
    wanted = row["tokenEncryptionKeyId"]
    usable = {key["keyId"] for key in row["keyCredentials"] if key["usage"] == "Encrypt"}
    if wanted is not None and wanted not in usable:
        raise invalid_value("tokenEncryptionKeyId", kind.resource)


def _completed(
    call: Call, key: dict[str, Any], known: dict[str, Any] | None, kind: edm.Kind
) -> dict[str, Any]:
    if key["key"] is None and known is not None:
        return known
    for name in ("key", "type", "usage"):
        if key[name] is None:
            raise required(name, "KeyCredential")
    if key["usage"] not in _USAGES:
        raise invalid_value("usage", "KeyCredential")
    certificate = _certificate(key["key"], kind)
    until = certificate.not_valid_after_utc
    end = edm.moment(key["endDateTime"]) if key["endDateTime"] else until
    if end is None or end > until:
        raise Refusal(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")
    name = key["displayName"] or certificate.subject.rfc4514_string()
    thumbprint = base64.b64encode(certificate.fingerprint(SHA1())).decode("ascii")  # noqa: S303
    return {
        "customKeyIdentifier": key["customKeyIdentifier"] or thumbprint,
        "displayName": name[:_LONGEST_NAME],
        "endDateTime": key["endDateTime"] or _time(until),
        "key": key["key"],
        "keyId": key["keyId"] or call.tenant.new_guid(),
        "startDateTime": key["startDateTime"] or _time(certificate.not_valid_before_utc),
        "type": key["type"],
        "usage": key["usage"],
    }


def _certificate(text: str, kind: edm.Kind) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(base64.b64decode(text))
    except (ValueError, binascii.Error) as malformed:
        raise invalid_value("keyCredentials", kind.resource) from malformed


def _time(at: datetime) -> str:
    return format_time(at, fraction=False)
