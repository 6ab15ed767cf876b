"""Managed identities: how a machine finds its token, and what the token may do."""

from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pytest
from workloads import TRUTH

from provision.sandbox import identities
from provision.sandbox.furnish import put_assignment
from provision.sandbox.server import Server

GRAPH = "https://graph.microsoft.com"
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"


@pytest.fixture
def machine(server: Server) -> identities.Identity:
    return identities.add(server.tenant(), "nightly")


def asked(http: httpx.Client, header: str, **query: str) -> httpx.Response:
    given = {"api-version": "2019-08-01", "resource": GRAPH, **query}
    params = {name: value for name, value in given.items() if value}
    return http.get("/msi/token", params=params, headers={"X-IDENTITY-HEADER": header})


def claims_of(answer: httpx.Response) -> dict[str, Any]:
    token = answer.json()["access_token"]
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_an_app_service_answers_as_the_real_one(
    http: httpx.Client, machine: identities.Identity
) -> None:
    answer = asked(http, machine.header)

    body, claims = answer.json(), claims_of(answer)
    assert (body["resource"], body["token_type"]) == (GRAPH, "Bearer")
    assert body["client_id"] == machine.client_id == claims["appid"]
    assert 3000 < int(body["expires_on"]) - time.time() < 3600
    assert (claims["idtyp"], claims["appidacr"], claims["oid"]) == (
        "app",
        "2",
        machine.principal_id,
    )
    assert claims["xms_mirid"] == machine.resource_id


def test_a_managed_identity_reads_what_it_may(
    server: Server, http: httpx.Client, machine: identities.Identity
) -> None:
    tenant = server.tenant()
    graph = tenant.find("servicePrincipals", "appId", GRAPH_APP_ID, TRUTH) or {}
    role = next(role["id"] for role in graph["appRoles"] if role["value"] == "User.Read.All")
    principal = tenant.get("servicePrincipals", machine.principal_id, TRUTH) or {}
    put_assignment(tenant, principal, graph, role)

    token = asked(http, machine.header).json()["access_token"]

    headers = {"authorization": f"Bearer {token}"}
    assert http.get("/v1.0/users", headers=headers).status_code == 200
    assert http.get("/v1.0/applications", headers=headers).status_code == 403


def test_graph_shows_what_it_is(graph: httpx.Client, machine: identities.Identity) -> None:
    shown = graph.get(f"/v1.0/servicePrincipals/{machine.principal_id}").json()

    assert shown["servicePrincipalType"] == "ManagedIdentity"
    assert shown["alternativeNames"] == ["isExplicit=True", machine.resource_id]


@pytest.mark.parametrize("name", ["client_id", "object_id", "mi_res_id"])
def test_an_identity_may_be_named_in_any_way(
    http: httpx.Client, machine: identities.Identity, name: str
) -> None:
    value = {
        "client_id": machine.client_id,
        "object_id": machine.principal_id,
        "mi_res_id": machine.resource_id,
    }[name]

    assert asked(http, machine.header, **{name: value}).status_code == 200
    assert asked(http, machine.header, **{name: "other"}).status_code == 400


@pytest.mark.parametrize(
    ("header", "query", "words"),
    [
        ("wrong", {}, "No managed identity was found"),
        ("", {}, "No managed identity was found"),
        (None, {"resource": ""}, "'resource' is missing"),
        (None, {"resource": "api://nobody"}, "AADSTS500011"),
    ],
)
def test_a_refusal_has_the_form_of_an_app_service(
    http: httpx.Client,
    machine: identities.Identity,
    header: str | None,
    query: dict[str, str],
    words: str,
) -> None:
    answer = asked(http, machine.header if header is None else header, **query)

    assert answer.status_code == answer.json()["statusCode"] == 400
    assert words in answer.json()["message"]


def test_a_virtual_machine_asks_without_a_secret(
    server: Server, http: httpx.Client, machine: identities.Identity
) -> None:
    place, query = "/metadata/identity/oauth2/token", {"resource": GRAPH}

    alone = http.get(place, params=query, headers={"Metadata": "true"})
    bare = http.get(place, params=query)
    identities.add(server.tenant(), "second")
    unclear = http.get(place, params=query, headers={"Metadata": "true"})
    named = http.get(
        place, params={**query, "client_id": machine.client_id}, headers={"Metadata": "true"}
    )

    assert claims_of(alone)["oid"] == claims_of(named)["oid"] == machine.principal_id
    assert bare.json()["error_description"] == "Required metadata header not specified"
    assert unclear.json()["error_description"].startswith("Multiple user assigned identities")


def test_two_identities_have_two_names(server: Server, machine: identities.Identity) -> None:
    with pytest.raises(ValueError, match="called nightly already"):
        identities.add(server.tenant(), "nightly")


def test_the_header_is_kept_as_a_hash_and_shown_nowhere(
    server: Server, machine: identities.Identity
) -> None:
    principal = server.tenant().get("servicePrincipals", machine.principal_id, TRUTH)

    assert machine.header not in str(principal)
    assert machine.header not in repr(machine)
