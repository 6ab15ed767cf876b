"""An operator of the sandbox who can prove itself in every way, and the settings that each way reads."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from auth import clouds, operator, workload
from provision.clock import SystemClock
from provision.graph.client import Graph
from provision.sandbox import identities, issuers, operators
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen, format_time

SUBJECT = "repo:contoso/infra:ref:refs/heads/main"
PASSWORD = "open sesame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An application of the sandbox that may read applications, with everything it signs in with."""

    tenant_id: str
    client_id: str
    secret: str = field(repr=False)
    expired: str = field(repr=False)
    pem: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    pfx: bytes = field(repr=False)
    stranger: bytes = field(repr=False)

    def named(self, prefix: str) -> dict[str, str]:
        """Tenant and client, in one family of variables."""
        return {f"{prefix}TENANT_ID": self.tenant_id, f"{prefix}CLIENT_ID": self.client_id}


def register(server: Server) -> Known:
    """Put the application into the sandbox's tenant: two secrets, a certificate and a federation."""
    tenant = server.tenant()
    made = operators.add_application(tenant, name="known", roles=["Application.Read.All"])
    now = tenant.clock.now()
    application = tenant.find("applications", "appId", made.client_id, Seen.truth()) or {}
    key, certificate = key_pair()
    expired, expired_id = tenant.new_secret_text(), tenant.new_guid()
    day = timedelta(days=1)
    changed = {
        "keyCredentials": [
            {
                "keyId": tenant.new_guid(),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": _base64(certificate.public_bytes(Encoding.DER)),
                "startDateTime": format_time(now - day),
                "endDateTime": format_time(now + day),
            }
        ],
        "passwordCredentials": [
            *application["passwordCredentials"],
            {
                "keyId": expired_id,
                "startDateTime": format_time(now - 9 * day),
                "endDateTime": format_time(now - day),
            },
        ],
        "_secrets": {**application["_secrets"], expired_id: tenant.hash_secret(expired)},
    }
    tenant.put("applications", {**application, **changed}, lag="none")
    trust = {
        "id": tenant.new_guid(),
        "name": "main",
        "issuer": issuers.local(server.url, tenant),
        "subject": SUBJECT,
        "audiences": ["api://AzureADTokenExchange"],
        "description": None,
        "_application": application["id"],
    }
    tenant.put("federatedIdentityCredentials", trust, lag="none")
    return Known(
        tenant_id=tenant.id,
        client_id=made.client_id,
        secret=made.client_secret,
        expired=expired,
        pem=_pem(key, certificate, NoEncryption()),
        sealed=_pem(key, certificate, BestAvailableEncryption(PASSWORD.encode())),
        pfx=pkcs12.serialize_key_and_certificates(
            b"known", key, certificate, None, BestAvailableEncryption(PASSWORD.encode())
        ),
        stranger=_pem(*key_pair(), NoEncryption()),
    )


def key_pair() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A key and a certificate that it signed itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "known")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, made


def _pem(
    key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    seal: NoEncryption | BestAvailableEncryption,
) -> bytes:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, seal)
    return private + certificate.public_bytes(Encoding.PEM)


def _base64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()


def cloud_of(server: Server) -> clouds.Cloud:
    """The sandbox as what it is to a client: a private cloud."""
    return clouds.custom(server.url, server.url, server.ca_bundle)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Which way was taken, whom it made us, what Graph answered, and what was told on the way."""

    kind: str
    says: str
    identity: operator.Identity
    read: bool
    told: tuple[str, ...]


def sign_in(
    server: Server,
    environ: dict[str, str],
    choice: str | None = None,
    *,
    tell: Callable[[str], None] | None = None,
) -> SignedIn:
    """Sign in as the command does, and read a page of applications from Graph."""
    cloud, told = cloud_of(server), list[str]()

    def hear(line: str) -> None:
        told.append(line)
        if tell:
            tell(line)

    async def asked() -> SignedIn:
        signed = await operator.sign_in(environ, None, cloud, choice=choice, tell=hear)
        async with signed.credential as credential:
            identity = await operator.who(credential, cloud)
            opened = Graph.open(
                credential,
                cloud.graph,
                clouds.hosts(cloud),
                clock=SystemClock(1.0),
                ca_bundle=cloud.ca_bundle,
            )
            async with opened as graph:
                reply = await graph.send("GET", "/applications?$top=1", action="list applications")
        return SignedIn(
            kind=signed.kind,
            says=signed.says,
            identity=identity,
            read=reply.ok,
            told=tuple(told),
        )

    return asyncio.run(asked())


def is_known(signed: SignedIn, known: Known, kind: str) -> bool:
    """Whether this is the application that the sandbox knows, and Graph answered it."""
    who = signed.identity
    return (
        (signed.kind, who.client_id, who.tenant_id) == (kind, known.client_id, known.tenant_id)
        and who.roles == {"Application.Read.All"}
        and signed.read
    )


def token_of(server: Server, known: Known) -> str:
    """What a program that is signed in hands out."""
    cloud = cloud_of(server)
    return asyncio.run(workload.token(known.tenant_id, known.client_id, known.secret, cloud))


def machine(server: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, str]:
    """The settings of a machine with an identity of its own, which azure-identity reads by itself."""
    made = identities.add(server.tenant(), name)
    environ = {"IDENTITY_ENDPOINT": f"{server.url}/msi/token", "IDENTITY_HEADER": made.header}
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    return environ | {"clientId": made.client_id}


def az(folder: Path, token: str) -> Path:
    """A stand-in for the Azure CLI that hands out this token."""
    answer = json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3600})
    return program(folder / "az", f"cat <<'END'\n{answer}\nEND\n")


def pwsh(folder: Path, token: str) -> Path:
    """A stand-in for PowerShell with the Az module, signed in."""
    return program(folder / "pwsh", f"echo 'azsdk%{token}%{int(time.time()) + 3600}'\n")


def program(path: Path, script: str) -> Path:
    """A program that does this; `cat` stands outside the test's PATH."""
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}", encoding="utf-8")
    path.chmod(0o755)
    return path
