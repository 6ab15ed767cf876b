"""Client assertions: a JWT that the client signed with its certificate, or that a trusted issuer did."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any

from provision.sandbox import federation
from provision.sandbox.jws import (
    Assertion,
    check_times,
    from_base64,
    invalid_client,
    malformed,
    parsed,
    verified,
)
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant, parse_time
from provision.sandbox.tokens import SigningKey

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_ALGORITHMS = ("RS256", "PS256")
_PLACES = ("x5t#S256", "x5t", "kid")
_SEE_KEYS = (
    "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys"
    " for app Id '{app_id}'. Review the documentation at"
    " https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service"
    " endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0"
    "&tabs=http to build a query request URL, such as"
    " 'https://graph.microsoft.com/beta/applications/{object_id}']."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """The client that an assertion is to speak for, and the doors of the server it came to."""

    store: Store
    key: SigningKey
    tenant: Tenant
    names: frozenset[str]
    app_id: str
    name: str
    application: Mapping[str, Any] | None
    principal: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Key:
    """A certificate that the client registered."""

    certificate: Certificate
    start: datetime
    end: datetime


def check(text: str, checking: Checking) -> None:
    """https://learn.microsoft.com/entra/identity-platform/certificate-credentials"""
    assertion = parsed(text)
    issuer, subject = assertion.claim("iss").lower(), assertion.claim("sub").lower()
    if issuer != checking.app_id and issuer != subject:
        federation.check(assertion, checking)
        return
    if not issuer or {issuer, subject} != {checking.app_id}:
        raise invalid_client(
            700021,
            "Client assertion application identifier doesn't match 'client_id' parameter."
            " Review the documentation at https://docs.microsoft.com/azure/active-directory/develop"
            "/active-directory-certificate-credentials .",
        )
    _check_audience(assertion, checking)
    _check_signature(assertion, checking)
    check_times(assertion, checking.tenant)


def _check_audience(assertion: Assertion, checking: Checking) -> None:
    """The token endpoint, or the tenant in one of its older forms."""
    audience = assertion.claim("aud").rstrip("/").lower()
    rest = ("/oauth2/v2.0/token", "/v2.0", "/oauth2/token", "")
    homes = {name.rstrip("/").lower() for name in checking.names}
    tenants = (checking.tenant.id, checking.tenant.domain)
    if audience in {
        f"{home}/{tenant}{end}" for home in homes for tenant in tenants for end in rest
    }:
        return
    raise invalid_client(
        700023,
        "Client assertion audience claim does not match Realm issuer. Review the documentation at"
        " https://docs.microsoft.com/azure/active-directory/develop"
        "/active-directory-certificate-credentials .",
    )


def _check_signature(assertion: Assertion, checking: Checking) -> None:
    if assertion.header.get("alg") not in _ALGORITHMS:
        raise malformed()
    wanted = _thumbprints(assertion.header)
    found = next((key for key in _keys(checking) if _named(key.certificate, wanted)), None)
    shown = f"Thumbprint of key used by client: '{wanted[0].hex().upper() if wanted else ''}'"
    places = _SEE_KEYS.format(
        app_id=checking.app_id, object_id=(checking.application or {}).get("id", checking.app_id)
    )
    if found is None:
        raise invalid_client(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on"
            f" application. [Reason - The key was not found., {shown}, {places}",
        )
    if not verified(assertion, found.certificate.public_key(), _ALGORITHMS):
        raise invalid_client(
            700027,
            "Client assertion contains an invalid signature. [Reason - The key was not found.]",
        )
    now = checking.tenant.clock.now()
    if found.start <= now < found.end:
        return
    state, reason = "expired", "The key used is expired."
    if now < found.start:
        state, reason = "not yet valid", "The key used is not yet valid."
    start, end = (f"{moment:%m/%d/%Y %H:%M:%S}" for moment in (found.start, found.end))
    raise invalid_client(
        700027,
        f"The certificate with identifier used to sign the client assertion is {state} on"
        f" application. [Reason - {reason}, {shown}, Found key 'Start={start}, End={end}',"
        f" {places}",
    )


def _keys(checking: Checking) -> Iterator[_Key]:
    """The certificates of the application and of its service principal, newest first."""
    from cryptography.x509 import load_der_x509_certificate

    for holder in (checking.application, checking.principal):
        for credential in reversed((holder or {}).get("keyCredentials") or ()):
            if credential.get("usage") != "Verify" or not credential.get("key"):
                continue
            try:
                der = base64.b64decode(credential["key"])
                certificate = load_der_x509_certificate(der)
            except (ValueError, binascii.Error):
                continue
            start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            if credential.get("startDateTime"):
                start = max(start, parse_time(credential["startDateTime"]))
            if credential.get("endDateTime"):
                end = min(end, parse_time(credential["endDateTime"]))
            yield _Key(certificate, start, end)


def _thumbprints(header: Mapping[str, Any]) -> list[bytes]:
    """What the header calls its key: SHA-256 or SHA-1 of the certificate, in any usual spelling."""
    found = []
    for place in _PLACES:
        value = header.get(place)
        if not isinstance(value, str) or not value:
            continue
        for read in (bytes.fromhex, from_base64):
            try:
                digest = read(value)
            except ValueError:
                continue
            if len(digest) in (20, 32):
                found.append(digest)
    return found


def _named(certificate: Certificate, wanted: list[bytes]) -> bool:
    from cryptography.hazmat.primitives.serialization import Encoding

    der = certificate.public_bytes(Encoding.DER)
    digests = (sha1(der, usedforsecurity=False).digest(), sha256(der).digest())
    return any(digest in digests for digest in wanted)
