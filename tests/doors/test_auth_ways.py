"""The ways to sign in: which variables make one, and what each presents to the token service."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from token_endpoint import CLAIMS, Authority

from auth import clouds, operator
from auth.errors import AuthError, CredentialUnavailable, SignInUnreachable

TENANT, CLIENT = CLAIMS["tid"], CLAIMS["appid"]
ARM = {"ARM_TENANT_ID": TENANT, "ARM_CLIENT_ID": CLIENT}
AZURE = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT}


@pytest.fixture(autouse=True)
def no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is signed in at a CLI here."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture(scope="module")
def pfx() -> bytes:
    """A certificate with its key, under the password `open`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "operator")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    sealed = serialization.BestAvailableEncryption(b"open")
    return pkcs12.serialize_key_and_certificates(b"operator", key, made, None, sealed)


def cloud_of(authority: Authority) -> clouds.Cloud:
    return clouds.custom(authority.url, authority.url, authority.ca_bundle)


def presented(
    authority: Authority, environ: dict[str, str], choice: str | None = None
) -> tuple[operator.Operator, dict[str, str]]:
    """Sign in, ask for a token: the way that was taken, and what the token service was shown."""

    async def asked() -> operator.Operator:
        cloud = cloud_of(authority)
        signed = await operator.sign_in(environ, None, cloud, choice=choice)
        async with signed.credential as credential:
            await credential.get_token(cloud.scope)
        return signed

    signed = asyncio.run(asked())
    return signed, next(reversed(authority.forms), {})


def why(authority: Authority, environ: dict[str, str], way: str) -> str:
    """Why a way is none."""
    with pytest.raises(CredentialUnavailable) as failure:
        asyncio.run(operator.sign_in(environ, None, cloud_of(authority)))
    return dict(failure.value.tried)[way]


@pytest.mark.parametrize("family", ["AZURE_", "ARM_"])
def test_either_family_of_variables_names_a_secret(authority: Authority, family: str) -> None:
    environ = {
        f"{family}TENANT_ID": TENANT,
        f"{family}CLIENT_ID": CLIENT,
        f"{family}CLIENT_SECRET": "s",
    }

    signed, form = presented(authority, environ)

    assert (signed.kind, signed.client_id) == ("env", CLIENT)
    assert (form["client_id"], form["client_secret"]) == (CLIENT, "s")


def test_terraforms_variables_may_name_files(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "id").write_text(f"{CLIENT}\n", encoding="utf-8")
    (tmp_path / "secret").write_text("s\n", encoding="utf-8")
    environ = {
        "ARM_TENANT_ID": TENANT,
        "ARM_CLIENT_ID_FILE_PATH": str(tmp_path / "id"),
        "ARM_CLIENT_SECRET_FILE_PATH": str(tmp_path / "secret"),
    }

    _, form = presented(authority, environ)

    assert (form["client_id"], form["client_secret"]) == (CLIENT, "s")


def test_the_families_are_not_mixed(authority: Authority) -> None:
    environ = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "one", "ARM_CLIENT_SECRET": "s"}

    reason = why(authority, environ, "env")

    assert reason == "AZURE_CLIENT_SECRET not set; ARM_CLIENT_ID and ARM_TENANT_ID not set"


def test_a_named_tenant_comes_before_the_environments(authority: Authority) -> None:
    environ = AZURE | {"AZURE_CLIENT_SECRET": "s"}

    async def asked() -> None:
        cloud = cloud_of(authority)
        signed = await operator.sign_in(environ, "contoso.com", cloud)
        async with signed.credential as credential:
            await credential.get_token(cloud.scope)

    asyncio.run(asked())

    assert authority.asked[-1] == "POST /contoso.com/oauth2/v2.0/token"


def test_a_file_that_is_named_and_not_there_stops_the_search(authority: Authority) -> None:
    environ = ARM | {"ARM_CLIENT_SECRET_FILE_PATH": "nowhere"}

    with pytest.raises(AuthError, match="ARM_CLIENT_SECRET_FILE_PATH"):
        asyncio.run(operator.sign_in(environ, None, cloud_of(authority)))


def test_a_certificate_signs_instead_of_a_secret(
    authority: Authority, tmp_path: Path, pfx: bytes
) -> None:
    (tmp_path / "operator.pfx").write_bytes(pfx)
    environ = AZURE | {
        "AZURE_CLIENT_CERTIFICATE_PATH": str(tmp_path / "operator.pfx"),
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": "open",
    }

    signed, form = presented(authority, environ)

    assert signed.says == f"the client certificate of {CLIENT} (environment)"
    assert form["client_assertion"].count(".") == 2
    assert "client_secret" not in form


def test_terraforms_certificate_may_be_the_variable_itself(
    authority: Authority, pfx: bytes
) -> None:
    environ = ARM | {
        "ARM_CLIENT_CERTIFICATE": base64.b64encode(pfx).decode(),
        "ARM_CLIENT_CERTIFICATE_PASSWORD": "open",
    }

    _, form = presented(authority, environ)

    assert form["client_assertion"].count(".") == 2


@pytest.mark.parametrize(
    "environ",
    [
        {"AZURE_CLIENT_CERTIFICATE_PATH": "nowhere.pem"},
        {"ARM_CLIENT_CERTIFICATE": "!"},
        {"ARM_CLIENT_CERTIFICATE": "bm8gY2VydGlmaWNhdGU="},
    ],
)
def test_a_certificate_that_cannot_be_used_stops_the_search(
    authority: Authority, environ: dict[str, str]
) -> None:
    with pytest.raises(AuthError, match="CLIENT_CERTIFICATE") as failure:
        asyncio.run(operator.sign_in(AZURE | ARM | environ, None, cloud_of(authority)))

    assert "PEM" in failure.value.hint


def test_a_wrong_password_is_not_repeated(authority: Authority, pfx: bytes) -> None:
    environ = ARM | {
        "ARM_CLIENT_CERTIFICATE": base64.b64encode(pfx).decode(),
        "ARM_CLIENT_CERTIFICATE_PASSWORD": "canary",
    }

    with pytest.raises(AuthError) as failure:
        asyncio.run(operator.sign_in(environ, None, cloud_of(authority)))

    assert "canary" not in str(failure.value) + failure.value.hint


@pytest.mark.parametrize("family", ["ACTIONS_ID_TOKEN_REQUEST_", "ARM_OIDC_REQUEST_"])
def test_a_github_job_presents_the_token_of_its_runner(
    authority: Authority, ci_runner: Authority, family: str
) -> None:
    ci_runner.answers.append((200, b'{"count": 1, "value": "job.token.signed"}'))
    environ = AZURE | {
        f"{family}URL": f"{ci_runner.url}/token?api-version=2.0",
        f"{family}TOKEN": "bearer",
    }

    signed, form = presented(authority, environ)

    assert signed.kind == "oidc"
    assert form["client_assertion"] == "job.token.signed"
    assert ci_runner.asked == ["GET /token"]
    assert ci_runner.queries == ["api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"]
    assert ci_runner.headers[0]["Authorization"] == "Bearer bearer"


def test_an_azure_devops_job_presents_the_token_of_its_service_connection(
    authority: Authority, ci_runner: Authority
) -> None:
    ci_runner.answers.append((200, b'{"oidcToken": "job.token.signed"}'))
    environ = {
        "AZURESUBSCRIPTION_TENANT_ID": TENANT,
        "AZURESUBSCRIPTION_CLIENT_ID": CLIENT,
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "connection",
        "SYSTEM_OIDCREQUESTURI": f"{ci_runner.url}/oidctoken",
        "SYSTEM_ACCESSTOKEN": "bearer",
    }

    signed, form = presented(authority, environ)

    assert signed.says == "the job's token from Azure DevOps"
    assert form["client_assertion"] == "job.token.signed"
    assert ci_runner.asked == ["POST /oidctoken"]
    assert ci_runner.queries == ["api-version=7.1&serviceConnectionId=connection"]


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "no CI runner"),
        ({"GITHUB_ACTIONS": "true"}, "id-token: write"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        ({"ARM_USE_OIDC": "false"}, "ARM_USE_OIDC"),
        ({"SYSTEM_OIDCREQUESTURI": "https://x"}, "SYSTEM_ACCESSTOKEN is not set"),
        (
            {"SYSTEM_OIDCREQUESTURI": "https://x", "SYSTEM_ACCESSTOKEN": "b"},
            "none of AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
        ),
        (
            {"ARM_OIDC_REQUEST_URL": "https://x", "ARM_OIDC_REQUEST_TOKEN": "b"},
            "AZURE_CLIENT_ID and AZURE_TENANT_ID not set",
        ),
    ],
)
def test_a_job_that_cannot_vouch_for_itself_says_why(
    authority: Authority, environ: dict[str, str], reason: str
) -> None:
    assert reason in why(authority, environ, "oidc")


@pytest.mark.parametrize(
    "url", ["http://runner.example.org/token", "ftp://x", "//x", "http://[::1"]
)
def test_a_runners_bearer_never_travels_in_the_clear(authority: Authority, url: str) -> None:
    environ = AZURE | {"ARM_OIDC_REQUEST_URL": url, "ARM_OIDC_REQUEST_TOKEN": "bearer"}

    with pytest.raises(AuthError, match="https"):
        asyncio.run(operator.sign_in(environ, None, cloud_of(authority)))


@pytest.mark.parametrize("answer", [(403, b"canary"), (200, b"canary"), (200, b"[]"), (200, b"{}")])
def test_a_runner_that_does_not_vouch_is_said_so_without_its_words(
    authority: Authority, ci_runner: Authority, answer: tuple[int, bytes]
) -> None:
    ci_runner.answers.append(answer)
    environ = AZURE | {
        "ACTIONS_ID_TOKEN_REQUEST_URL": ci_runner.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer",
    }

    with pytest.raises(CredentialUnavailable, match="GitHub Actions does not vouch") as failure:
        presented(authority, environ)

    assert "canary" not in str(failure.value)


def test_a_runner_that_does_not_answer_is_unreachable(
    authority: Authority, unused_port: int
) -> None:
    environ = AZURE | {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{unused_port}/",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer",
    }

    with pytest.raises(SignInUnreachable, match="GitHub Actions"):
        presented(authority, environ)


@pytest.mark.parametrize("name", ["AZURE_FEDERATED_TOKEN_FILE", "ARM_OIDC_TOKEN_FILE_PATH"])
def test_a_federated_token_is_read_from_its_file_at_every_use(
    authority: Authority, tmp_path: Path, name: str
) -> None:
    """Kubernetes replaces the file every hour: what was read at the start is stale at the end."""
    file = tmp_path / "token"
    file.write_text("old", encoding="utf-8")

    async def asked() -> operator.Operator:
        cloud = cloud_of(authority)
        signed = await operator.sign_in(AZURE | {name: str(file)}, None, cloud)
        file.write_text("new\n", encoding="utf-8")
        async with signed.credential as credential:
            await credential.get_token(cloud.scope)
        return signed

    signed = asyncio.run(asked())

    assert (signed.kind, signed.client_id) == ("workload", CLIENT)
    assert authority.forms[-1]["client_assertion"] == "new"


def test_a_federated_token_may_be_the_variable_itself(authority: Authority) -> None:
    _, form = presented(authority, ARM | {"ARM_OIDC_TOKEN": "given"})

    assert form["client_assertion"] == "given"


def test_a_federated_token_alone_is_not_enough(authority: Authority) -> None:
    reason = why(authority, {"ARM_OIDC_TOKEN": "given"}, "workload")

    assert reason == "ARM_OIDC_TOKEN is set, but AZURE_CLIENT_ID and AZURE_TENANT_ID not set"


def test_the_azure_cli_can_be_switched_off(authority: Authority) -> None:
    assert "ARM_USE_CLI" in why(authority, {"ARM_USE_CLI": "false"}, "cli")


@pytest.mark.parametrize("environ", [{}, {"IDENTITY_ENDPOINT": "http://127.0.0.1/"}])
def test_the_metadata_address_is_not_asked_unless_it_was_chosen(
    authority: Authority, environ: dict[str, str]
) -> None:
    """On a network that is not Azure's, that address belongs to whoever took it."""
    assert "--auth managed-identity" in why(authority, environ, "managed-identity")


def test_an_app_service_gives_its_identity(
    authority: Authority, ci_runner: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"access_token": authority.token, "expires_on": "4000000000", "resource": "r"}
    ci_runner.answers.append((200, json.dumps(answer).encode()))
    environ = {"IDENTITY_ENDPOINT": f"{ci_runner.url}/msi", "IDENTITY_HEADER": "h"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)  # azure-identity reads these by itself

    signed, _ = presented(authority, environ)

    assert signed.kind == "managed-identity"
    assert ci_runner.asked == ["GET /msi"]


def test_azure_powershell_is_asked_once_the_cli_is_not_there(
    authority: Authority, tmp_path: Path
) -> None:
    program = tmp_path / "pwsh"
    program.write_text(f"#!/bin/sh\necho 'azsdk%{authority.token}%4000000000'\n", encoding="utf-8")
    program.chmod(0o755)

    signed = asyncio.run(operator.sign_in({}, None, cloud_of(authority)))

    assert signed.kind == "powershell"


def test_a_browser_opens_only_when_a_token_is_wanted(authority: Authority) -> None:
    cloud = cloud_of(authority)

    signed = asyncio.run(operator.sign_in({}, TENANT, cloud, choice="browser"))

    assert signed.kind == "browser"
    assert authority.asked == []
