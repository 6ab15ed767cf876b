"""Azure CLI works against the sandbox as it does against the real service: unmodified."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure import Azure, Refused
from cryptography import x509

from provision.sandbox.server import Server

GRAPH = "00000003-0000-0000-c000-000000000000"
READ_APPLICATIONS = "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"
READ_ME = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"

New = Callable[..., dict[str, Any]]


@pytest.fixture
def new_app(az: Azure) -> Iterator[New]:
    """Makes applications, and deletes them after the test."""
    made: list[str] = []

    def make(*options: str) -> dict[str, Any]:
        app = az.patiently("ad", "app", "create", "--display-name", f"az {uuid4()}", *options)
        made.append(app["id"])
        return dict(app)

    yield make
    for id in made:
        az.patiently("ad", "app", "delete", "--id", id)


@pytest.fixture
def app(new_app: New) -> dict[str, Any]:
    """An application."""
    return new_app()


@pytest.fixture
def principal(az: Azure, app: dict[str, Any]) -> dict[str, Any]:
    """The application's service principal."""
    return dict(az.patiently("ad", "sp", "create", "--id", app["appId"]))


def settled(az: Azure, *question: str, until: Callable[[Any], bool]) -> Any:
    """The answer once every replica has it."""
    for _ in range(20):
        answer = az.patiently(*question)
        if until(answer):
            return answer
    raise AssertionError(f"{question} never settled: {answer}")


def test_it_signs_in_as_a_service_principal(az: Azure, server: Server) -> None:
    account = az("account", "show")

    assert account["user"] == {"name": server.operator()["clientId"], "type": "servicePrincipal"}
    assert account["tenantId"] == server.operator()["tenantId"]
    assert az("cloud", "show")["name"] == "Sandbox"


def test_a_wrong_secret_is_explained(server: Server, tmp_path: Path, az: Azure) -> None:
    stranger = Azure(program=az.program, folder=tmp_path, server=server)
    operator = server.operator()

    with pytest.raises(Refused, match="AADSTS7000215"):
        stranger(
            "login",
            "--service-principal",
            "--allow-no-subscriptions",
            *("--tenant", operator["tenantId"]),
            *("--username", operator["clientId"]),
            *("--password", "wrong"),
        )


def test_an_application_lives(az: Azure) -> None:
    name = f"az {uuid4()}"
    made = az.patiently(
        "ad", "app", "create", "--display-name", name, "--sign-in-audience", "AzureADMyOrg"
    )
    id = made["id"]

    az.patiently("ad", "app", "update", "--id", id, "--identifier-uris", f"api://{made['appId']}")
    listed = settled(az, "ad", "app", "list", "--display-name", name, until=bool)
    shown = settled(
        az, "ad", "app", "show", "--id", id, until=lambda answer: answer["identifierUris"]
    )
    by_uri = settled(
        az, "ad", "app", "list", "--identifier-uri", f"api://{made['appId']}", until=bool
    )
    az.patiently("ad", "app", "delete", "--id", id)

    assert [each["id"] for each in listed] == [each["id"] for each in by_uri] == [id]
    assert shown["identifierUris"] == [f"api://{made['appId']}"]
    gone = settled(az, "ad", "app", "list", "--display-name", name, until=lambda apps: not apps)
    assert gone == []


def test_an_application_is_found_by_its_app_id(az: Azure, app: dict[str, Any]) -> None:
    assert az.patiently("ad", "app", "show", "--id", app["appId"])["id"] == app["id"]


def test_an_application_is_made_with_everything(az: Azure, new_app: New) -> None:
    roles = [
        {
            "allowedMemberTypes": ["Application"],
            "description": "Read it",
            "displayName": "Reader",
            "isEnabled": True,
            "value": "Data.Read",
        }
    ]
    access = [
        {"resourceAppId": GRAPH, "resourceAccess": [{"id": READ_APPLICATIONS, "type": "Role"}]}
    ]

    made = new_app(
        *("--app-roles", json.dumps(roles)),
        *("--required-resource-accesses", json.dumps(access)),
        *("--web-redirect-uris", "https://localhost/a", "https://localhost/b"),
        *("--public-client-redirect-uris", "http://localhost"),
        *("--enable-id-token-issuance", "true"),
        *("--is-fallback-public-client", "true"),
        *("--optional-claims", json.dumps({"idToken": [{"name": "email", "essential": False}]})),
    )

    assert [role["value"] for role in made["appRoles"]] == ["Data.Read"]
    assert made["requiredResourceAccess"] == access
    assert made["web"]["redirectUris"] == ["https://localhost/a", "https://localhost/b"]
    assert made["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] is True
    assert made["isFallbackPublicClient"] is True


def test_making_it_again_changes_it(az: Azure, app: dict[str, Any]) -> None:
    name = app["displayName"]
    settled(az, "ad", "app", "list", "--display-name", name, until=bool)

    az.patiently(
        "ad", "app", "create", "--display-name", name, "--is-fallback-public-client", "true"
    )

    listed = settled(
        az,
        *("ad", "app", "list", "--display-name", name),
        until=lambda apps: bool(apps) and apps[0]["isFallbackPublicClient"],
    )
    assert [each["id"] for each in listed] == [app["id"]]


def test_a_service_principal_lives(az: Azure, new_app: New) -> None:
    app = new_app()
    made = az.patiently("ad", "sp", "create", "--id", app["appId"])

    shown = az.patiently("ad", "sp", "show", "--id", app["appId"])
    listed = settled(az, "ad", "sp", "list", "--display-name", app["displayName"], until=bool)
    az.patiently("ad", "sp", "update", "--id", made["id"], "--set", "notes=hello")
    changed = settled(az, "ad", "sp", "show", "--id", made["id"], until=lambda sp: sp["notes"])
    az.patiently("ad", "sp", "delete", "--id", made["id"])

    assert shown["id"] == made["id"] == listed[0]["id"]
    assert changed["notes"] == "hello"
    gone = settled(
        az,
        *("ad", "sp", "list", "--display-name", app["displayName"]),
        until=lambda principals: not principals,
    )
    assert gone == []


def test_a_secret_is_reset(az: Azure, app: dict[str, Any]) -> None:
    first = az.patiently("ad", "app", "credential", "reset", "--id", app["id"])
    second = az.patiently("ad", "app", "credential", "reset", "--id", app["id"])

    left = settled(
        az,
        *("ad", "app", "credential", "list", "--id", app["id"]),
        until=lambda found: len(found) == 1,
    )
    assert first["password"] != second["password"]
    assert left[0]["hint"] == second["password"][:3]


def test_a_secret_is_added_and_deleted(az: Azure, app: dict[str, Any]) -> None:
    question = ("ad", "app", "credential", "list", "--id", app["id"])
    for name in ("one", "two"):
        given = ("--append", "--display-name", name)
        az.patiently("ad", "app", "credential", "reset", "--id", app["id"], *given)
    both = settled(az, *question, until=lambda found: len(found) == 2)

    key = next(each["keyId"] for each in both if each["displayName"] == "one")
    az.patiently("ad", "app", "credential", "delete", "--id", app["id"], "--key-id", key)

    left = settled(az, *question, until=lambda found: len(found) == 1)
    assert [each["displayName"] for each in left] == ["two"]


def test_a_service_principal_has_secrets_too(az: Azure, principal: dict[str, Any]) -> None:
    made = az.patiently("ad", "sp", "credential", "reset", "--id", principal["id"], "--append")

    listed = settled(az, "ad", "sp", "credential", "list", "--id", principal["id"], until=bool)
    assert listed[0]["hint"] == made["password"][:3]


def test_a_certificate_is_made_and_signs_in(
    az: Azure, server: Server, principal: dict[str, Any], tmp_path: Path
) -> None:
    app_id = principal["appId"]
    made = az.patiently(
        "ad", "app", "credential", "reset", "--id", app_id, "--create-cert", "--append"
    )
    certificate = Path(made["fileWithCertAndPrivateKey"])
    listed = settled(az, "ad", "app", "credential", "list", "--id", app_id, "--cert", until=bool)

    workload = Azure(program=az.program, folder=tmp_path, server=server)
    settled_login(
        workload,
        *("--tenant", made["tenant"], "--username", app_id, "--certificate", str(certificate)),
    )

    x509.load_pem_x509_certificate(certificate.read_bytes())
    assert [each["type"] for each in listed] == ["AsymmetricX509Cert"]
    assert workload("account", "show")["user"]["name"] == app_id


def settled_login(azure: Azure, *who: str) -> None:
    """Sign in as soon as the token service knows the credential."""
    for _ in range(20):
        try:
            azure("login", "--service-principal", "--allow-no-subscriptions", *who)
        except Refused as refused:
            if "AADSTS700" not in str(refused):
                raise
        else:
            return
    raise AssertionError("nobody let us in")


def test_a_federated_credential_lives(az: Azure, app: dict[str, Any], place: Path) -> None:
    def given(**properties: str) -> str:
        body = {
            "name": "main",
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:octo/repo:ref:refs/heads/main",
            "audiences": ["api://AzureADTokenExchange"],
            **properties,
        }
        file = place / f"{uuid4()}.json"
        file.write_text(json.dumps(body), encoding="utf-8")
        return f"@{file}"

    command = ("ad", "app", "federated-credential")
    made = az.patiently(*command, "create", "--id", app["id"], "--parameters", given())
    one = ("--id", app["id"], "--federated-credential-id", made["id"])
    by_name = ("--id", app["id"], "--federated-credential-id", "main")
    listed = settled(az, *command, "list", "--id", app["id"], until=bool)
    az.patiently(*command, "update", *one, "--parameters", given(description="changed"))
    shown = settled(az, *command, "show", *by_name, until=lambda found: found["description"])
    az.patiently(*command, "delete", *one)

    assert [each["name"] for each in listed] == ["main"]
    assert shown["description"] == "changed"
    assert settled(az, *command, "list", "--id", app["id"], until=lambda found: not found) == []


def test_permissions_are_requested_and_granted(
    az: Azure, app: dict[str, Any], principal: dict[str, Any]
) -> None:
    asked = (f"{READ_ME}=Scope", f"{READ_APPLICATIONS}=Role")
    az.patiently(
        *("ad", "app", "permission", "add", "--id", app["id"], "--api", GRAPH),
        *("--api-permissions", *asked),
    )
    listed = settled(az, "ad", "app", "permission", "list", "--id", app["id"], until=bool)
    az.patiently(
        *("ad", "app", "permission", "grant", "--id", app["appId"], "--api", GRAPH),
        *("--scope", "User.Read"),
    )
    grants = settled(az, "ad", "app", "permission", "list-grants", "--id", app["appId"], until=bool)

    access = {each["id"]: each["type"] for each in listed[0]["resourceAccess"]}
    assert access == {READ_ME: "Scope", READ_APPLICATIONS: "Role"}
    assert [each["scope"].strip() for each in grants] == ["User.Read"]


def test_a_permission_is_withdrawn(az: Azure, app: dict[str, Any]) -> None:
    command, question = ("ad", "app", "permission"), ("--id", app["id"])
    wanted = ("--api", GRAPH, "--api-permissions", f"{READ_ME}=Scope")
    az.patiently(*command, "add", *question, *wanted)
    settled(az, *command, "list", *question, until=bool)

    az.patiently(*command, "delete", *question, "--api", GRAPH, "--api-permissions", READ_ME)

    assert settled(az, *command, "list", *question, until=lambda found: not found) == []


def test_consent_is_given_through_rest(az: Azure, principal: dict[str, Any]) -> None:
    graph = az.patiently("ad", "sp", "show", "--id", GRAPH)
    body = {
        "principalId": principal["id"],
        "resourceId": graph["id"],
        "appRoleId": READ_APPLICATIONS,
    }

    made = az.graph("POST", f"servicePrincipals/{principal['id']}/appRoleAssignments", body)

    address = f"servicePrincipals/{principal['id']}/appRoleAssignments"
    listed = [az.graph("GET", address)["value"] for _ in range(6)][-1]
    assert [each["id"] for each in listed] == [made["id"]]


def test_owners_come_and_go(az: Azure, app: dict[str, Any]) -> None:
    person = az.patiently("ad", "user", "list")[0]["id"]
    command = ("ad", "app", "owner")

    az.patiently(*command, "add", "--id", app["id"], "--owner-object-id", person)
    owners = settled(az, *command, "list", "--id", app["id"], until=lambda found: len(found) == 2)
    az.patiently(*command, "remove", "--id", app["id"], "--owner-object-id", person)

    left = settled(az, *command, "list", "--id", app["id"], until=lambda found: len(found) == 1)
    assert person in {each["id"] for each in owners}
    assert person not in {each["id"] for each in left}


def test_an_identity_for_automation_is_made_in_one_go(
    az: Azure, server: Server, tmp_path: Path
) -> None:
    made = az("ad", "sp", "create-for-rbac", "--name", f"rbac {uuid4()}")
    workload = Azure(program=az.program, folder=tmp_path, server=server)

    settled_login(
        workload,
        *("--tenant", made["tenant"], "--username", made["appId"], "--password", made["password"]),
    )

    assert workload("account", "show")["user"]["name"] == made["appId"]
    az.patiently("ad", "app", "delete", "--id", made["appId"])
