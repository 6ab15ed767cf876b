"""Every family of settings and every way of the chain signs in at the sandbox."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path

import families
import pytest
from families import PASSWORD, SUBJECT, Known
from token_endpoint import Authority

from auth import operator
from provision.sandbox import devices, operators
from provision.sandbox.server import Server

File = Callable[[str | bytes], str]
pytestmark = pytest.mark.usefixtures("programs")


@pytest.mark.parametrize("prefix", ["AZURE_", "ARM_"])
def test_a_secret_signs_in(served: Server, known: Known, prefix: str) -> None:
    environ = known.named(prefix) | {f"{prefix}CLIENT_SECRET": known.secret}

    assert families.is_known(families.sign_in(served, environ), known, "env")


def test_a_secret_in_files_signs_in(served: Server, known: Known, file: File) -> None:
    environ = {
        "ARM_TENANT_ID": known.tenant_id,
        "ARM_CLIENT_ID_FILE_PATH": file(f"{known.client_id}\n"),
        "ARM_CLIENT_SECRET_FILE_PATH": file(f"{known.secret}\n"),
    }

    assert families.is_known(families.sign_in(served, environ), known, "env")


@pytest.mark.parametrize("prefix", ["AZURE_", "ARM_"])
@pytest.mark.parametrize("form", ["pem", "sealed", "pfx"])
def test_a_certificate_file_signs_in_sealed_or_not(
    served: Server, known: Known, file: File, prefix: str, form: str
) -> None:
    content: bytes = getattr(known, form)
    name = f"{prefix}CLIENT_CERTIFICATE"
    environ = known.named(prefix) | {f"{name}_PATH": file(content)}
    if form != "pem":
        environ[f"{name}_PASSWORD"] = PASSWORD

    signed = families.sign_in(served, environ)

    assert families.is_known(signed, known, "env")
    assert "client certificate" in signed.says


def test_a_certificate_in_a_variable_signs_in(served: Server, known: Known) -> None:
    environ = known.named("ARM_") | {
        "ARM_CLIENT_CERTIFICATE": base64.b64encode(known.pfx).decode(),
        "ARM_CLIENT_CERTIFICATE_PASSWORD": PASSWORD,
    }

    assert families.is_known(families.sign_in(served, environ), known, "env")


@pytest.mark.parametrize("prefix", ["AZURE_", "ARM_"])
@pytest.mark.parametrize("name", ["AZURE_FEDERATED_TOKEN_FILE", "ARM_OIDC_TOKEN_FILE_PATH"])
def test_a_federated_token_in_a_file_signs_in(
    served: Server, known: Known, file: File, prefix: str, name: str
) -> None:
    environ = known.named(prefix) | {name: file(served.issue_token(SUBJECT))}

    signed = families.sign_in(served, environ)

    assert families.is_known(signed, known, "workload")
    assert signed.says == f"a federated token from {name}"


def test_a_federated_token_in_a_variable_signs_in(served: Server, known: Known) -> None:
    environ = known.named("ARM_") | {"ARM_OIDC_TOKEN": served.issue_token(SUBJECT)}

    assert families.is_known(families.sign_in(served, environ), known, "workload")


@pytest.mark.parametrize("family", ["ACTIONS_ID_TOKEN_REQUEST_", "ARM_OIDC_REQUEST_"])
@pytest.mark.parametrize("prefix", ["AZURE_", "ARM_"])
def test_a_github_job_signs_in(
    served: Server, known: Known, ci_runner: Authority, family: str, prefix: str
) -> None:
    ci_runner.answers.append((200, json.dumps({"value": served.issue_token(SUBJECT)}).encode()))
    environ = known.named(prefix) | {f"{family}URL": ci_runner.url, f"{family}TOKEN": "b"}

    signed = families.sign_in(served, environ)

    assert families.is_known(signed, known, "oidc")
    assert "GitHub Actions" in signed.says


@pytest.mark.parametrize(
    ("prefix", "connection", "bearer"),
    [
        ("AZURESUBSCRIPTION_", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "SYSTEM_ACCESSTOKEN"),
        ("ARM_", "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "SYSTEM_ACCESSTOKEN"),
        ("ARM_", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", "ARM_OIDC_REQUEST_TOKEN"),
    ],
)
def test_an_azure_devops_job_signs_in(
    served: Server, known: Known, ci_runner: Authority, prefix: str, connection: str, bearer: str
) -> None:
    answer = {"oidcToken": served.issue_token(SUBJECT)}
    ci_runner.answers.append((200, json.dumps(answer).encode()))
    environ = known.named(prefix) | {
        "SYSTEM_OIDCREQUESTURI": ci_runner.url,
        connection: "connection",
        bearer: "b",
    }

    signed = families.sign_in(served, environ)

    assert families.is_known(signed, known, "oidc")
    assert "Azure DevOps" in signed.says


@pytest.mark.parametrize("kind", ["cli", "powershell"])
def test_who_is_signed_in_at_a_program_signs_in(
    served: Server, known: Known, programs: Path, kind: str
) -> None:
    stand_in = {"cli": families.az, "powershell": families.pwsh}[kind]
    stand_in(programs, families.token_of(served, known))

    assert families.is_known(families.sign_in(served, {}), known, kind)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("choice", ["managed-identity", None])
def test_a_machines_identity_signs_in(
    served: Server, monkeypatch: pytest.MonkeyPatch, choice: str | None, *, named: bool
) -> None:
    environ = families.machine(served, monkeypatch, f"machine {choice} {named}")
    client = environ.pop("clientId")
    environ |= {"ARM_CLIENT_ID": client, "ARM_USE_MSI": "true"} if named else {}
    cloud = families.cloud_of(served)

    async def asked() -> tuple[str, str]:
        signed = await operator.sign_in(environ, None, cloud, choice=choice)
        async with signed.credential as credential:
            return signed.kind, (await operator.who(credential, cloud)).client_id

    assert asyncio.run(asked()) == ("managed-identity", client)


def test_a_person_signs_in_by_device_code(served: Server) -> None:
    person = operators.add_person(
        served.store, served.tenant(), directory_roles=["Application Administrator"]
    )

    def approve(line: str) -> None:
        devices.approve(served.store, line.rsplit(" ", 1)[1], person.username)

    environ = {"AZURE_TENANT_ID": person.tenant_id}
    signed = families.sign_in(served, environ, "device-code", tell=approve)

    assert (signed.kind, signed.identity.name, signed.identity.person) == (
        "device-code",
        person.username,
        True,
    )
    assert signed.identity.directory_roles == ("Application Administrator",)
    assert signed.read
