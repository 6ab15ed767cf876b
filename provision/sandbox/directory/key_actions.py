"""The actions on keys: rolling them with a proof, and making one that signs tokens."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from provision.sandbox import edm
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory import keys, proofs, restrictions
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import complex_value, guid_of, object_of
from provision.sandbox.directory.find import addressed, to_change
from provision.sandbox.directory.refusals import (
    bad_request,
    duplicate_values,
    invalid_value,
    not_convertible,
    required,
    too_large,
)
from provision.sandbox.directory.rules import MANIFEST_ENTRIES, entries
from provision.sandbox.directory.shape import SERVICE_PRINCIPALS
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import format_time

if TYPE_CHECKING:
    from cryptography import x509

_YEARS = timedelta(days=3 * 365)
_SUBJECT = "CN="


async def add_key(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-addkey"""
    kind, row, body = _proven(call)
    given = body.get("keyCredential")
    if given is None:
        raise required("keyCredential", "KeyCredential")
    wanted = complex_value(given, "keyCredential", kind)
    password = complex_value(object_of(body, "passwordCredential"), "passwordCredential", kind)[
        "secretText"
    ]
    if wanted["type"] == "X509CertAndPassword" and password is None:
        raise required("passwordCredential", "KeyCredential")
    key = keys.new(call, wanted, kind, password=password)
    if any(key["keyId"] == other["keyId"] for other in row["keyCredentials"]):
        raise duplicate_values("keyCredentials")
    if entries(row) >= MANIFEST_ENTRIES:
        raise too_large()
    before = row["keyCredentials"]
    row["keyCredentials"] = [*before, key]
    restrictions.check_keys(call, row, before, kind)
    call.tenant.put(kind.collection, row)
    context = f"{call.graph}/$metadata#microsoft.graph.keyCredential"
    return Answer(body={"@odata.context": context, **key, "key": None})


async def remove_key(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-removekey"""
    kind, row, body = _proven(call)
    key_id = guid_of(body.get("keyId"))
    left = [key for key in row["keyCredentials"] if key["keyId"] != key_id]
    if len(left) == len(row["keyCredentials"]):
        raise bad_request(f"No key credential found with keyId {key_id}.")
    row["keyCredentials"] = left
    if row["tokenEncryptionKeyId"] == key_id:
        row["tokenEncryptionKeyId"] = None
    call.tenant.put(kind.collection, row)
    return Answer(status=204)


async def add_token_signing_certificate(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-addtokensigningcertificate"""
    authorise(call, "applications.write")
    row = to_change(call, SERVICE_PRINCIPALS, call.params["servicePrincipal"])
    authorise(call, "applications.write", row)
    body = json_body(call)
    name, end = body.get("displayName"), _end(call, body.get("endDateTime"))
    if not isinstance(name, str) or not name.startswith(_SUBJECT) or name == _SUBJECT:
        raise invalid_value("displayName", SERVICE_PRINCIPALS.resource)
    certificate = _self_signed(call, name, end)
    verify = _entry(call, certificate, name)
    signing = {**verify, "keyId": call.tenant.new_guid(), "usage": "Sign"}
    signing |= {"type": "X509CertAndPassword", "key": None}
    row["keyCredentials"] = [*row["keyCredentials"], signing, verify]
    row["passwordCredentials"] = [*row["passwordCredentials"], _password(signing)]
    row["preferredTokenSigningKeyThumbprint"] = row["preferredTokenSigningKeyThumbprint"] or _hex(
        certificate
    )
    call.tenant.put(SERVICE_PRINCIPALS.collection, row)
    answer = {
        "@odata.context": f"{call.graph}/$metadata#microsoft.graph.selfSignedCertificate",
        **verify,
        "thumbprint": _hex(certificate),
    }
    return Answer(body=answer)


def _proven(call: Call) -> tuple[edm.Kind, dict[str, Any], dict[str, Any]]:
    """The object, once the caller is it or may change it, and shows that it holds its key."""
    kind, key = addressed(call)
    body = json_body(call)
    row = to_change(call, kind, key)
    if call.caller.is_user or call.caller.app_id != row["appId"]:
        authorise(call, "applications.write", row)
    proofs.check(call, row, body.get("proof"))
    return kind, row, body


def _end(call: Call, given: Any) -> datetime:
    now = call.tenant.clock.now()
    latest = now + _YEARS
    if given is None:
        return latest
    end = edm.moment(given) if isinstance(given, str) else None
    if end is None:
        raise not_convertible("Edm.DateTimeOffset")
    if not now < end <= latest + timedelta(days=1):
        raise Refusal(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")
    return end


def _self_signed(call: Call, name: str, end: datetime) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    common = name.removeprefix(_SUBJECT)[:64]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(call.tenant.clock.now())
        .not_valid_after(end)
        .sign(private, hashes.SHA256())
    )


def _entry(call: Call, certificate: x509.Certificate, name: str) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import Encoding

    der = certificate.public_bytes(Encoding.DER)
    return {
        "customKeyIdentifier": keys.thumbprint_of(certificate),
        "displayName": name[:90],
        "endDateTime": format_time(certificate.not_valid_after_utc, fraction=False),
        "key": base64.b64encode(der).decode("ascii"),
        "keyId": call.tenant.new_guid(),
        "startDateTime": format_time(certificate.not_valid_before_utc, fraction=False),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def _password(signing: dict[str, Any]) -> dict[str, Any]:
    """What opens the private key; nobody is ever told, and nobody signs in with it."""
    return {
        "customKeyIdentifier": signing["customKeyIdentifier"],
        "displayName": signing["displayName"],
        "endDateTime": signing["endDateTime"],
        "hint": None,
        "keyId": signing["keyId"],
        "secretText": None,
        "startDateTime": signing["startDateTime"],
    }


def _hex(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.hashes import SHA1

    return certificate.fingerprint(SHA1()).hex().upper()  # noqa: S303
