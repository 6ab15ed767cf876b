"""Tokens for other resources than Graph: found by any name, in the version that they ask for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from caller import Caller, made, operator_of
from workloads import refusal

from provision.sandbox.server import Server, serve

ROLE = "b1c9a4a4-3f5a-4d6e-9a52-2f2a8a6f0b11"
STORAGE = "e406a681-f3d4-42a8-90b6-c2b029497af1"


@pytest.fixture(scope="module")
def server(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox for all of these; each test makes its own APIs."""
    folder = tmp_path_factory.mktemp("resources") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


class Client:
    """A workload that asks for tokens."""

    def __init__(self, operator: Caller, server: Server) -> None:
        self.operator, self.server = operator, server
        self.application = operator.application(displayName="client")
        self.principal = operator.principal(self.application)
        address = f"applications/{self.application['id']}/addPassword"
        self.secret = operator.post(address, {}).json()["secretText"]

    def ask(self, resource: str) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.application["appId"],
            "client_secret": self.secret,
            "scope": f"{resource}/.default",
        }
        url = f"{self.server.url}/{self.server.tenant().id}/oauth2/v2.0/token"
        return httpx.post(url, data=form, verify=_trust(self.server), trust_env=False)

    def claims(self, resource: str) -> dict[str, Any]:
        token = self.ask(resource).json()["access_token"]
        found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return found

    def holds(self, api: dict[str, Any], role_id: str = ROLE) -> None:
        body = {
            "principalId": self.principal["id"],
            "resourceId": api["id"],
            "appRoleId": role_id,
        }
        made(self.operator.post(f"servicePrincipals/{api['id']}/appRoleAssignedTo", body))


def _trust(server: Server) -> Any:
    import ssl

    return ssl.create_default_context(cafile=str(server.ca_bundle))


@pytest.fixture
def client(operator: Caller, server: Server) -> Client:
    return Client(operator, server)


def an_api(operator: Caller, *, version: int | None = None, **principal: Any) -> dict[str, Any]:
    """A custom API with one role, its name `api://{appId}`; the answer is its service principal."""
    role = {
        "id": ROLE,
        "value": "Orders.Read",
        "displayName": "Read orders",
        "description": "Read orders",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }
    application = operator.application(
        displayName="Orders", appRoles=[role], api={"requestedAccessTokenVersion": version}
    )
    name = f"api://{application['appId']}"
    operator.patch(f"applications/{application['id']}", {"identifierUris": [name]})
    api = operator.principal(application)
    if principal:
        operator.patch(f"servicePrincipals/{api['id']}", principal)
    return api


def test_an_api_is_known_by_its_uri_and_by_its_app_id(operator: Caller, client: Client) -> None:
    api = an_api(operator)
    name = f"api://{api['appId']}"

    assert client.claims(name)["aud"] == name
    assert client.claims(api["appId"])["aud"] == api["appId"]


def test_an_old_token_is_what_an_api_gets_that_asks_for_nothing(
    operator: Caller, client: Client, server: Server
) -> None:
    claims = client.claims(an_api(operator)["appId"])

    assert claims["ver"] == "1.0"
    assert claims["iss"] == f"https://sts.windows.net/{server.tenant().id}/"
    assert (claims["appid"], claims["appidacr"]) == (client.application["appId"], "1")
    assert not {"idtyp", "wids", "azp", "roles"} & set(claims)


def test_a_new_token_is_what_an_api_gets_that_asks_for_it(
    operator: Caller, client: Client, server: Server
) -> None:
    api = an_api(operator, version=2)

    claims = client.claims(f"api://{api['appId']}")

    assert (claims["ver"], claims["aud"]) == ("2.0", api["appId"])
    assert claims["iss"] == f"{server.url}/{server.tenant().id}/v2.0"
    assert (claims["azp"], claims["azpacr"]) == (client.application["appId"], "1")
    assert claims["oid"] == claims["sub"] == client.principal["id"]
    assert not {"appid", "appidacr", "app_displayname", "idp", "idtyp", "wids"} & set(claims)


def test_an_api_may_ask_who_is_an_application(operator: Caller, client: Client) -> None:
    api = an_api(operator, version=2)
    wanted = {"accessToken": [{"name": "idtyp", "essential": False}]}
    operator.patch(f"applications(appId='{api['appId']}')", {"optionalClaims": wanted})

    assert client.claims(api["appId"])["idtyp"] == "app"


def test_the_roles_are_those_of_the_api(operator: Caller, client: Client) -> None:
    api, other = an_api(operator), an_api(operator)
    client.holds(api)

    assert client.claims(api["appId"])["roles"] == ["Orders.Read"]
    assert "roles" not in client.claims(other["appId"])
    assert "roles" not in client.claims("https://graph.microsoft.com")


def test_an_api_with_assignment_required_answers_nobody_else(
    operator: Caller, client: Client
) -> None:
    api = an_api(operator, appRoleAssignmentRequired=True)

    before = client.ask(api["appId"])
    client.holds(api)
    after = client.ask(api["appId"])

    assert refusal(before) == (400, "invalid_grant", 501051)
    assert before.json()["error_description"].startswith(
        f"AADSTS501051: Application '{client.application['appId']}'(client) is not assigned to a"
        f" role for the application '{api['appId']}'(Orders)."
    )
    assert after.status_code == 200


def test_an_api_without_service_principal_is_not_found(operator: Caller, client: Client) -> None:
    application = operator.application(displayName="Bare")

    answer = client.ask(application["appId"])

    assert refusal(answer) == (400, "invalid_resource", 500011)
    assert (
        f"principal named {application['appId']} was not found in the tenant named Sandbox"
        in (answer.json()["error_description"])
    )


def test_a_disabled_api_is_refused(operator: Caller, client: Client) -> None:
    api = an_api(operator, accountEnabled=False)

    assert refusal(client.ask(api["appId"])) == (400, "invalid_resource", 500014)


def test_a_service_of_microsoft_is_there_once_somebody_brought_it(
    operator: Caller, client: Client
) -> None:
    before = client.ask("https://storage.azure.com")
    made(operator.post("servicePrincipals", {"appId": STORAGE}))

    assert refusal(before) == (400, "invalid_resource", 500011)
    assert client.claims("https://storage.azure.com")["aud"] == "https://storage.azure.com"
    assert client.claims("https://storage.azure.com/")["aud"] == "https://storage.azure.com/"


def test_an_application_may_be_its_own_resource(operator: Caller, client: Client) -> None:
    app_id = client.application["appId"]

    assert client.claims(app_id)["aud"] == app_id


def test_a_token_for_an_api_opens_nothing_at_graph(operator: Caller, client: Client) -> None:
    token = client.ask(an_api(operator)["appId"]).json()["access_token"]

    answer = httpx.get(
        f"{client.server.url}/v1.0/organization",
        headers={"authorization": f"Bearer {token}"},
        verify=_trust(client.server),
        trust_env=False,
    )

    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == (
        "Access token validation failure. Invalid audience."
    )


def test_a_role_that_was_switched_off_is_not_in_the_token(operator: Caller, client: Client) -> None:
    api = an_api(operator)
    client.holds(api)
    roles = operator.get(f"applications(appId='{api['appId']}')").json()["appRoles"]
    off = [{**role, "isEnabled": False} for role in roles]

    operator.patch(f"applications(appId='{api['appId']}')", {"appRoles": off})

    assert "roles" not in client.claims(api["appId"])
