"""Client assertions as other people's clients make them, and applications that accept them."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha1, sha256
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen, format_time

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    key: rsa.RSAPrivateKey
    der: bytes

    @property
    def sha1(self) -> bytes:
        return sha1(self.der, usedforsecurity=False).digest()

    @property
    def sha256(self) -> bytes:
        return sha256(self.der).digest()

    @property
    def pem(self) -> bytes:
        """Key and certificate in one file, as azure-identity reads them."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + x509.load_der_x509_certificate(self.der).public_bytes(Encoding.PEM)


@cache
def pair(name: str = "workload", *, days: int = 365) -> Pair:
    """A certificate of this name; making one takes a while, so each is made once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return Pair(key, made.public_bytes(Encoding.DER))


def base64url(content: bytes, *, padded: bool = False) -> str:
    text = base64.urlsafe_b64encode(content).decode()
    return text if padded else text.rstrip("=")


def register(server: Server, app_id: str, *pairs: Pair, on: str = "applications") -> None:
    """Put certificates on an application, or on its service principal."""
    tenant = server.tenant()
    found = tenant.find(on, "appId", app_id, Seen.truth()) or {}
    credentials = [
        {
            "customKeyIdentifier": base64.b64encode(each.sha1).decode(),
            "displayName": "workload",
            "endDateTime": format_time(tenant.clock.now() + timedelta(days=90)),
            "key": base64.b64encode(each.der).decode(),
            "keyId": tenant.new_guid(),
            "startDateTime": format_time(tenant.clock.now() - timedelta(hours=1)),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        }
        for each in pairs
    ]
    tenant.put(on, {**found, "keyCredentials": credentials}, lag="none")


def signed(
    server: Server,
    app_id: str,
    by: Pair,
    *,
    algorithm: str = "PS256",
    header: dict[str, str] | None = None,
    **claims: Any,
) -> str:
    """An assertion; what is not given is as MSAL does it, and None leaves a claim out."""
    now = time.time()
    content = {
        "aud": f"{server.url}/{server.tenant().id}/oauth2/v2.0/token",
        "exp": now + 600,
        "iat": now,
        "iss": app_id,
        "jti": "5f2d6e5c-4d51-4b59-9a7c-0e6b2c2e5a11",
        "sub": app_id,
        **claims,
    }
    given = {name: value for name, value in content.items() if value is not None}
    named = {"x5t#S256": base64url(by.sha256)} if header is None else header
    return jwt.encode(given, by.key, algorithm=algorithm, headers=named)


def federate(
    server: Server,
    app_id: str,
    *,
    issuer: str,
    subject: str | None,
    audience: str = EXCHANGE,
    lag: str = "none",
    **properties: Any,
) -> None:
    """Give an application a federated credential."""
    tenant = server.tenant()
    application = tenant.find("applications", "appId", app_id, Seen.truth()) or {}
    credential = {
        "id": tenant.new_guid(),
        "name": tenant.new_guid(),
        "issuer": issuer,
        "subject": subject,
        "audiences": [audience],
        "description": None,
        "_application": application["id"],
        **properties,
    }
    tenant.put("federatedIdentityCredentials", credential, lag=lag)


def jwks() -> dict[str, Any]:
    """The keys of an issuer of somebody else, whose certificate is `pair("issuer")`."""
    numbers = pair("issuer").key.public_key().public_numbers()
    modulus = base64url(numbers.n.to_bytes(256, "big"))
    return {"keys": [{"kty": "RSA", "kid": "mine", "use": "sig", "n": modulus, "e": "AQAB"}]}
