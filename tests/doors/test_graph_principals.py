"""Service principals: what they say of themselves, and the permissions that APIs offer."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Scripted, parts_of, refusal, serving
from tenant_graph import signed_in

from provision.errors import Forbidden, NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph
from provision.model import GRAPH_APP_ID, AppRole, PermissionScope
from provision.sandbox import identities
from provision.sandbox.server import Server

SWITCHED_OFF = {
    "id": "sp",
    "appId": "client",
    "displayName": "Hello",
    "accountEnabled": False,
    "appRoleAssignmentRequired": True,
    "tags": ["HideApp"],
    "servicePrincipalType": "ManagedIdentity",
}
ROLE = {
    "id": "0e000000-0000-0000-0000-000000000001",
    "value": "Orders.Read",
    "displayName": "Read orders",
    "description": "Read orders",
    "isEnabled": True,
    "allowedMemberTypes": ["Application"],
}
SCOPE = {
    "id": "0e000000-0000-0000-0000-000000000002",
    "value": "Orders.Write",
    "adminConsentDisplayName": "Write orders",
    "adminConsentDescription": "Write orders",
    "isEnabled": True,
    "type": "User",
}


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def test_a_service_principal_says_how_it_is_set(scripted: Scripted) -> None:
    key = "/servicePrincipals(appId='client')"
    scripted.otherwise = parts_of({key: SWITCHED_OFF, f"{key}/appRoleAssignments": {"value": []}})

    found = scripted.run(lambda graph: directory.service_principals(graph, ["client"]))["client"]

    assert (found.enabled, found.assignment_required) == (False, True)
    assert (found.tags, found.display_name, found.type) == ({"HideApp"}, "Hello", "ManagedIdentity")
    assert found.grants is None


def test_a_managed_identity_is_read_with_its_permissions_in_one_request(
    scripted: Scripted,
) -> None:
    granted = {"id": "as", "appRoleId": "role", "principalId": "sp", "resourceId": "graph"}
    scripted.otherwise = parts_of(
        {
            "/servicePrincipals/sp": SWITCHED_OFF,
            "/servicePrincipals/sp/appRoleAssignments": {"value": [granted]},
        }
    )

    found = scripted.run(lambda graph: directory.service_principal_by_id(graph, "sp"))

    assert found.type == "ManagedIdentity"
    assert [each.app_role_id for each in found.app_role_assignments] == ["role"]
    assert len(scripted.asked) == 1


def test_a_service_principal_that_is_not_there_is_none(scripted: Scripted) -> None:
    scripted.otherwise = parts_of({})

    assert scripted.run(lambda graph: directory.service_principal_by_id(graph, "sp")) is None


def test_a_service_principal_that_may_not_be_read_is_no_absence(scripted: Scripted) -> None:
    denied = refusal(403, "Authorization_RequestDenied")
    scripted.otherwise = parts_of({"/servicePrincipals/sp": denied})

    with pytest.raises(Forbidden, match="read the service principal sp"):
        scripted.run(lambda graph: directory.service_principal_by_id(graph, "sp"))


def test_a_managed_identity_of_the_tenant_is_found_by_its_object_id(server: Server) -> None:
    made = identities.add(server.tenant(), "builder")

    found = signed_in(
        server, lambda graph: directory.service_principal_by_id(graph, made.principal_id)
    )

    assert (found.id, found.app_id) == (made.principal_id, made.client_id)
    assert (found.display_name, found.type) == ("builder", "ManagedIdentity")


def test_a_change_to_a_service_principal_that_does_not_show_is_not_yet(
    scripted: Scripted,
) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    with pytest.raises(NotYetVisible):
        scripted.run(lambda graph: directory.update_service_principal(graph, "sp", {"tags": []}))

    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("PATCH", "/v1.0/servicePrincipals/sp")
    assert asked.body == {"tags": []}


def test_a_service_principal_is_switched_off(server: Server) -> None:
    async def work(graph: Graph) -> None:
        made = await directory.upsert_application(graph, "hello.web", {"displayName": "Hello"})
        assert made is not None
        principal = await directory.create_service_principal(graph, made.app_id)
        assert (principal.enabled, principal.assignment_required) == (True, False)

        body = {"accountEnabled": False, "appRoleAssignmentRequired": True, "tags": ["HideApp"]}
        await directory.update_service_principal(graph, principal.id, body)

        found = (await directory.service_principals(graph, [made.app_id]))[made.app_id]
        assert (found.enabled, found.assignment_required) == (False, True)
        assert found.tags == {"HideApp"}

    signed_in(server, work)


def test_a_resource_offers_the_scopes_that_are_enabled_and_named(scripted: Scripted) -> None:
    scopes = [
        {"id": "on", "value": "Orders.Read", "isEnabled": True},
        {"id": "off", "value": "Orders.Old", "isEnabled": False},
        {"id": "bare", "value": None, "isEnabled": True},
    ]
    body = {"id": "sp", "appId": "api", "displayName": "Orders", "oauth2PermissionScopes": scopes}
    scripted.will(Answer(body=body))

    found = scripted.run(lambda graph: directory.resource(graph, "api"))

    assert found.scopes == {PermissionScope(resource="api", id="on", value="Orders.Read")}
    assert found.scope("Orders.Read").id == "on"


def test_a_resource_has_the_names_that_its_tokens_may_be_for(scripted: Scripted) -> None:
    names = ["api", "api://orders.example"]
    body = {"id": "sp", "appId": "api", "displayName": "Orders", "servicePrincipalNames": names}
    scripted.will(Answer(body=body))

    found = scripted.run(lambda graph: directory.resource(graph, "api"))

    assert found.names == set(names)
    assert "servicePrincipalNames" in scripted.asked[-1].path


def test_microsoft_graph_offers_both_kinds_of_permissions(server: Server) -> None:
    found = signed_in(server, lambda graph: directory.resource(graph, GRAPH_APP_ID))

    assert found.role("User.Read.All") is not None
    assert found.scope("User.Read").id == "e1fe6dd8-ba31-4d61-89e7-88639da4683d"


def test_resources_of_a_name_are_those_that_offer_something(scripted: Scripted) -> None:
    def named(app_id: str, **offered: Any) -> dict[str, Any]:
        return {"id": f"sp of {app_id}", "appId": app_id, "displayName": "It's ours", **offered}

    link = f"{scripted.url}/v1.0/servicePrincipals?$skiptoken=a"
    first = [named("z", appRoles=[ROLE]), named("client", appRoles=[], oauth2PermissionScopes=[])]
    scripted.will(
        Answer(body={"value": first, "@odata.nextLink": link}),
        Answer(body={"value": [named("a", oauth2PermissionScopes=[SCOPE])]}),
    )

    found = scripted.run(lambda graph: directory.resources_named(graph, "It's ours"))

    assert [resource.app_id for resource in found] == ["a", "z"]
    assert "$filter=displayName eq 'It''s ours'&" in scripted.asked[0].path


def test_an_api_of_the_tenant_is_found_by_its_name(server: Server) -> None:
    async def work(graph: Graph) -> None:
        body = {
            "displayName": "Tom's orders & more",
            "appRoles": [ROLE],
            "api": {"oauth2PermissionScopes": [SCOPE]},
        }
        made = await directory.upsert_application(graph, "hello.api", body)
        assert made is not None
        principal = await directory.create_service_principal(graph, made.app_id)

        (found,) = await directory.resources_named(graph, "Tom's orders & more")

        assert (found.id, found.app_id) == (principal.id, made.app_id)
        role = AppRole(resource=made.app_id, id=ROLE["id"], value="Orders.Read")
        assert found.app_roles == {role}
        assert [scope.value for scope in found.scopes] == ["Orders.Write"]
        assert await directory.resources_named(graph, "Tom") == ()

    signed_in(server, work)
