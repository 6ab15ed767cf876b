"""azure-identity and MSAL, unmodified, as workloads: secret, certificate, assertion, sync and aio."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import msal
import pytest
from azure import identity
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from provision.sandbox import identities, operators
from provision.sandbox.server import Server, serve
from provision.sandbox.tenant import Seen, format_time

SCOPE = "https://graph.microsoft.com/.default"
SUBJECT = "system:serviceaccount:shop:orders"
ISSUER = "https://cluster.example"
EXCHANGE = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class Workload:
    """A client that proves itself in three ways."""

    tenant_id: str
    client_id: str
    secret: str
    pem: Path
    thumbprint: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox for all of these."""
    with serve(tmp_path_factory.mktemp("clients") / "sandbox", profile="strong") as running:
        yield running


@pytest.fixture(autouse=True)
def _trust_only_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """requests lets this variable win over the certificates that a client was given."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def workload(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    tenant = server.tenant()
    made = operators.add_application(tenant, name="workload", roles=["User.Read.All"])
    application = tenant.find("applications", "appId", made.client_id, Seen.truth()) or {}
    key, certificate = _certificate()
    der = certificate.public_bytes(Encoding.DER)
    credential = {
        "endDateTime": format_time(tenant.clock.now() + timedelta(days=30)),
        "key": base64.b64encode(der).decode(),
        "keyId": tenant.new_guid(),
        "startDateTime": format_time(tenant.clock.now() - timedelta(hours=1)),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }
    tenant.put("applications", {**application, "keyCredentials": [credential]}, lag="none")
    trust(server, made.client_id, ISSUER, SUBJECT)
    pem = tmp_path_factory.mktemp("keys") / "workload.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return Workload(
        tenant_id=tenant.id,
        client_id=made.client_id,
        secret=made.client_secret,
        pem=pem,
        thumbprint=certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303
    )


def trust(server: Server, client_id: str, issuer: str, subject: str) -> None:
    tenant = server.tenant()
    application = tenant.find("applications", "appId", client_id, Seen.truth()) or {}
    credential = {
        "id": tenant.new_guid(),
        "name": tenant.new_guid(),
        "issuer": issuer,
        "subject": subject,
        "audiences": [EXCHANGE],
        "description": None,
        "_application": application["id"],
    }
    tenant.put("federatedIdentityCredentials", credential, lag="none")


def _certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "workload")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = (
        builder.public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    return key, made


def custom_cloud(server: Server) -> dict[str, Any]:
    """What every credential is told of a cloud that is not Microsoft's."""
    return {
        "authority": server.url,
        "disable_instance_discovery": True,
        "connection_verify": str(server.ca_bundle),
    }


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def assertion_file(server: Server, folder: Path) -> Path:
    """The file that Kubernetes keeps fresh."""
    path = folder / "token"
    path.write_text(server.issue_token(SUBJECT, issuer=ISSUER), encoding="utf-8")
    return path


@pytest.mark.parametrize("package", [identity, aio])
@pytest.mark.parametrize("way", ["secret", "certificate", "assertion", "workload"])
def test_every_credential_of_a_workload_gets_a_token(
    server: Server, workload: Workload, tmp_path: Path, package: Any, way: str
) -> None:
    who = (workload.tenant_id, workload.client_id)
    cloud = custom_cloud(server)
    credential = {
        "secret": lambda: package.ClientSecretCredential(*who, workload.secret, **cloud),
        "certificate": lambda: package.CertificateCredential(*who, str(workload.pem), **cloud),
        "assertion": lambda: package.ClientAssertionCredential(
            *who, lambda: server.issue_token(SUBJECT, issuer=ISSUER), **cloud
        ),
        "workload": lambda: package.WorkloadIdentityCredential(
            tenant_id=who[0],
            client_id=who[1],
            token_file_path=str(assertion_file(server, tmp_path)),
            **cloud,
        ),
    }[way]

    token = asyncio.run(_asked(credential)) if package is aio else _token(credential())

    claims = claims_of(token)
    assert claims["appid"] == workload.client_id
    assert claims["roles"] == ["User.Read.All"]
    assert claims["appidacr"] == ("1" if way == "secret" else "2")


def _token(credential: Any) -> str:
    with credential:
        token: str = credential.get_token(SCOPE, enable_cae=True).token
        return token


async def _asked(make: Any) -> str:
    async with make() as credential:
        token: str = (await credential.get_token(SCOPE)).token
        return token


def test_a_refusal_arrives_with_its_code(server: Server, workload: Workload) -> None:
    credential = identity.ClientSecretCredential(
        workload.tenant_id, workload.client_id, "wrong", **custom_cloud(server)
    )

    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(SCOPE)


def test_a_subject_that_nobody_trusts_is_refused(server: Server, workload: Workload) -> None:
    credential = identity.ClientAssertionCredential(
        workload.tenant_id,
        workload.client_id,
        lambda: server.issue_token("system:serviceaccount:shop:Orders", issuer=ISSUER),
        **custom_cloud(server),
    )

    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        credential.get_token(SCOPE)


@pytest.mark.parametrize("public", [True, False])
def test_msal_signs_with_a_certificate_in_both_its_ways(
    server: Server, workload: Workload, *, public: bool
) -> None:
    """With the public certificate PS256 and x5t#S256, without it RS256 and x5t."""
    pem = workload.pem.read_text(encoding="utf-8")
    certificate = {"public_certificate": pem} if public else {"thumbprint": workload.thumbprint}
    client = msal.ConfidentialClientApplication(
        workload.client_id,
        authority=f"{server.url}/{workload.tenant_id}",
        client_credential={"private_key": pem, **certificate},
        instance_discovery=False,
        verify=str(server.ca_bundle),
    )

    first, second = (client.acquire_token_for_client([SCOPE]) for _ in range(2))

    assert claims_of(first["access_token"])["appid"] == workload.client_id
    assert second["token_source"] == "cache"


def test_msal_tells_a_wrong_tenant(server: Server, workload: Workload) -> None:
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        msal.ConfidentialClientApplication(
            workload.client_id,
            authority=f"{server.url}/nowhere.example",
            client_credential=workload.secret,
            instance_discovery=False,
            verify=str(server.ca_bundle),
        )


def test_msal_can_ask_the_sandbox_which_clouds_there_are(
    server: Server, workload: Workload
) -> None:
    client = msal.ConfidentialClientApplication(
        workload.client_id,
        authority=f"{server.url}/{workload.tenant_id}",
        client_credential=workload.secret,
        instance_discovery=f"{server.url}/common/discovery/instance",
        verify=str(server.ca_bundle),
    )

    assert "access_token" in client.acquire_token_for_client([SCOPE])


@pytest.fixture
def machine(server: Server, monkeypatch: pytest.MonkeyPatch) -> identities.Identity:
    """This process runs in an app service that has an identity."""
    made = identities.add(server.tenant(), f"machine-{time.monotonic_ns()}")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", made.header)
    return made


@pytest.mark.parametrize("package", [identity, aio])
def test_a_managed_identity_is_found_where_the_environment_says(
    server: Server, machine: identities.Identity, package: Any
) -> None:
    def credential() -> Any:
        return package.ManagedIdentityCredential(connection_verify=str(server.ca_bundle))

    token = asyncio.run(_asked(credential)) if package is aio else _plain(credential())

    assert claims_of(token)["oid"] == machine.principal_id


def _plain(credential: Any, scope: str = SCOPE) -> str:
    with credential:
        token: str = credential.get_token(scope).token
        return token


def test_a_managed_identity_stands_in_for_the_secret_of_an_application(
    server: Server, workload: Workload, machine: identities.Identity
) -> None:
    issuer = f"{server.url}/{workload.tenant_id}/v2.0"
    trust(server, workload.client_id, issuer, machine.principal_id)
    verify = str(server.ca_bundle)
    with identity.ManagedIdentityCredential(connection_verify=verify) as inner:
        credential = identity.ClientAssertionCredential(
            workload.tenant_id,
            workload.client_id,
            lambda: inner.get_token(f"{EXCHANGE}/.default").token,
            **custom_cloud(server),
        )

        assert claims_of(_token(credential))["appid"] == workload.client_id


def test_tenants_side_by_side_know_nothing_of_each_other(
    server: Server, workload: Workload
) -> None:
    other = server.operator("other")
    cloud = custom_cloud(server)

    with (
        identity.ClientSecretCredential(
            other["tenantId"], workload.client_id, workload.secret, **cloud
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700016"),
    ):
        credential.get_token(SCOPE)


def test_the_keys_verify_what_was_signed(server: Server, workload: Workload) -> None:
    import ssl
    import urllib.request

    context = ssl.create_default_context(cafile=str(server.ca_bundle))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    place = f"{server.url}/{workload.tenant_id}/discovery/v2.0/keys"
    with opener.open(place) as answer:
        keys = json.load(answer)["keys"]
    credential = identity.ClientSecretCredential(
        workload.tenant_id, workload.client_id, workload.secret, **custom_cloud(server)
    )

    token = _plain(credential)

    kid = jwt.get_unverified_header(token)["kid"]
    key = next(jwt.PyJWK(each, algorithm="RS256") for each in keys if each["kid"] == kid)
    assert jwt.decode(token, key.key, algorithms=["RS256"], audience="https://graph.microsoft.com")
