"""Consents: delegated permissions read, granted for everybody, widened and taken back."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import DROPPED, Answer, Scripted, parts_of, refusal, serving
from tenant_graph import signed_in, with_rights

from provision.errors import Forbidden, GraphError, NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph
from provision.model import GRAPH_APP_ID, OAuth2PermissionGrant, Resource, ServicePrincipal
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

BAD = "Request_BadRequest"
LISTED = {
    "id": "grant",
    "clientId": "sp",
    "consentType": "AllPrincipals",
    "principalId": None,
    "resourceId": "graph",
    "scope": " User.Read  Mail.Read ",
}
GRANT = OAuth2PermissionGrant(
    id="grant",
    client_id="sp",
    resource_id="graph",
    principal_id=None,
    scopes=frozenset({"User.Read", "Mail.Read"}),
)
KEY = "/servicePrincipals(appId='client')"


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def grant(graph: Graph) -> Awaitable[Any]:
    return directory.grant_scopes(
        graph, client_id="sp", resource_id="graph", scopes=["User.Read", "Mail.Read", "User.Read"]
    )


def principals(graph: Graph) -> Awaitable[Any]:
    return directory.service_principals(graph, ["client", "other"], delegated=["client", "absent"])


async def a_client(graph: Graph) -> tuple[ServicePrincipal, Resource]:
    """A service principal, and Microsoft Graph's."""
    made = await directory.upsert_application(graph, "hello.web", {"displayName": "Hello"})
    assert made is not None
    resource = await directory.resource(graph, GRAPH_APP_ID)
    assert resource is not None
    return await directory.create_service_principal(graph, made.app_id), resource


def test_delegated_consents_come_with_service_principals_where_asked_for(
    scripted: Scripted,
) -> None:
    other = "/servicePrincipals(appId='other')"
    scripted.otherwise = parts_of(
        {
            KEY: {"id": "sp", "appId": "client"},
            f"{KEY}/appRoleAssignments": {"value": []},
            f"{KEY}/oauth2PermissionGrants": {"value": [LISTED]},
            other: {"id": "sp2", "appId": "other"},
            f"{other}/appRoleAssignments": {"value": []},
            f"{other}/oauth2PermissionGrants": {"value": [LISTED]},
        }
    )

    found = scripted.run(principals)

    assert found["client"].grants == (GRANT,)
    assert found["other"].grants is None
    assert [len(asked.body["requests"]) for asked in scripted.asked] == [5]


def test_consents_that_may_not_be_read_are_unknown(scripted: Scripted) -> None:
    scripted.otherwise = parts_of(
        {
            KEY: {"id": "sp", "appId": "client"},
            f"{KEY}/appRoleAssignments": {"value": []},
            f"{KEY}/oauth2PermissionGrants": refusal(403, "Authorization_RequestDenied"),
        }
    )

    assert scripted.run(principals)["client"].grants is None


def test_consents_that_the_service_fails_to_tell_are_a_failure(scripted: Scripted) -> None:
    scripted.otherwise = parts_of(
        {
            KEY: {"id": "sp", "appId": "client"},
            f"{KEY}/appRoleAssignments": {"value": []},
            f"{KEY}/oauth2PermissionGrants": refusal(400, BAD),
        }
    )

    with pytest.raises(GraphError, match="read service principals and their grants"):
        scripted.run(principals)


def test_delegated_consents_are_read_to_their_last_page(scripted: Scripted) -> None:
    path = f"{KEY}/oauth2PermissionGrants"
    link = f"{scripted.url}/v1.0{path}?$skiptoken=a"
    batched = parts_of(
        {
            KEY: {"id": "sp", "appId": "client"},
            f"{KEY}/appRoleAssignments": {"value": []},
            path: {"value": [LISTED], "@odata.nextLink": link},
        }
    )
    of_one = {**LISTED, "id": "hers", "consentType": "Principal", "principalId": "adele"}
    last_page = Answer(body={"value": [of_one]})
    scripted.otherwise = lambda asked: batched(asked) if asked.method == "POST" else last_page

    found = scripted.run(principals)["client"].grants

    assert [(each.id, each.principal_id) for each in found] == [("grant", None), ("hers", "adele")]


def test_the_consents_of_one_principal_are_read_to_their_last_page(scripted: Scripted) -> None:
    link = f"{scripted.url}/v1.0/servicePrincipals/sp/oauth2PermissionGrants?$skiptoken=a"
    scripted.will(
        Answer(body={"value": [], "@odata.nextLink": link}),
        Answer(body={"value": [LISTED]}),
    )

    assert scripted.run(lambda graph: directory.grants_of(graph, "sp")) == (GRANT,)


def test_the_consents_of_a_principal_that_does_not_show_are_not_yet(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    with pytest.raises(NotYetVisible):
        scripted.run(lambda graph: directory.grants_of(graph, "sp"))


def test_scopes_are_granted_for_everybody(scripted: Scripted) -> None:
    scripted.will(Answer(status=201, body=LISTED))

    assert scripted.run(grant) is True

    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1.0/oauth2PermissionGrants")
    assert asked.body == {
        "clientId": "sp",
        "consentType": "AllPrincipals",
        "resourceId": "graph",
        "scope": "Mail.Read User.Read",
    }


@pytest.mark.parametrize(
    "already",
    [
        refusal(400, BAD, "Permission entry already exists."),
        refusal(409, "Request_MultipleObjectsWithSameKeyValue"),
    ],
)
def test_scopes_behind_a_lost_answer_are_granted_already(
    scripted: Scripted, already: Answer
) -> None:
    scripted.will(DROPPED, already)

    assert scripted.run(grant) is False


@pytest.mark.parametrize(
    "late",
    [
        refusal(404, "Request_ResourceNotFound"),
        refusal(404, "Directory_ObjectNotFound", "Unable to read the company information."),
        refusal(400, BAD, "Not a valid reference update."),
        refusal(
            400,
            BAD,
            "Resource 'x' does not exist or one of its queried reference-property objects are not "
            "present.",
        ),
    ],
)
def test_scopes_of_what_does_not_show_are_not_yet(scripted: Scripted, late: Answer) -> None:
    scripted.will(late)

    with pytest.raises(NotYetVisible):
        scripted.run(grant)


def test_a_consent_that_does_not_show_yet_cannot_be_changed_yet(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    with pytest.raises(NotYetVisible):
        scripted.run(lambda graph: directory.set_scopes(graph, "grant", ["User.Read"]))

    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("PATCH", "/v1.0/oauth2PermissionGrants/grant")
    assert asked.body == {"scope": "User.Read"}


def test_a_deleted_consent_can_be_deleted_again(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    scripted.run(lambda graph: directory.delete_grant(graph, "grant"))

    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("DELETE", "/v1.0/oauth2PermissionGrants/grant")


def test_scopes_are_granted_widened_and_taken_back(server: Server) -> None:
    async def work(graph: Graph) -> None:
        principal, resource = await a_client(graph)
        ends = {"client_id": principal.id, "resource_id": resource.id or ""}

        assert await directory.grant_scopes(graph, **ends, scopes=["User.Read"]) is True
        assert await directory.grant_scopes(graph, **ends, scopes=["Mail.Read"]) is False
        (granted,) = await directory.grants_of(graph, principal.id)
        assert (granted.scopes, granted.principal_id) == ({"User.Read"}, None)

        await directory.set_scopes(graph, granted.id, {"User.Read", "Mail.Read"})
        app_id = principal.app_id
        found = await directory.service_principals(graph, [app_id], delegated=[app_id])
        (widened,) = found[app_id].grants or ()
        assert widened.scopes == {"User.Read", "Mail.Read"}

        await directory.delete_grant(graph, granted.id)
        await directory.delete_grant(graph, granted.id)
        assert await directory.grants_of(graph, principal.id) == ()

    signed_in(server, work)


def test_a_consent_that_was_written_behind_a_404_is_there_at_the_next_attempt(
    server: Server,
) -> None:
    """Graph says that it cannot read the company, and has granted all the same."""
    server.faults.add(
        Fault(do="status_after", status=404, method="POST", path="oauth2PermissionGrants", nth=1)
    )

    async def work(graph: Graph) -> None:
        principal, resource = await a_client(graph)
        ends = {"client_id": principal.id, "resource_id": resource.id or ""}

        with pytest.raises(NotYetVisible):
            await directory.grant_scopes(graph, **ends, scopes=["User.Read"])
        assert await directory.grant_scopes(graph, **ends, scopes=["User.Read"]) is False
        (granted,) = await directory.grants_of(graph, principal.id)
        assert granted.scopes == {"User.Read"}

    signed_in(server, work)


def test_an_operator_that_may_not_consent_hears_what_each_kind_takes(server: Server) -> None:
    hints = {}

    async def work(graph: Graph) -> None:
        principal, resource = await a_client(graph)
        role = resource.role("User.Read.All")
        assert role is not None
        ends = {"resource_id": resource.id or "", "app_role_id": role.id}
        with pytest.raises(Forbidden) as refused:
            await directory.grant_app_role(graph, principal_id=principal.id, **ends)
        hints["application"] = refused.value.hint
        with pytest.raises(Forbidden) as refused:
            await directory.grant_scopes(
                graph, client_id=principal.id, resource_id=resource.id or "", scopes=["User.Read"]
            )
        hints["delegated"] = refused.value.hint
        found = await directory.service_principals(
            graph, [principal.app_id], delegated=[principal.app_id]
        )
        assert found[principal.app_id].grants is None

    with_rights(server, work, ["Application.ReadWrite.OwnedBy", "Application.Read.All"])

    assert "AppRoleAssignment.ReadWrite.All and Application.Read.All" in hints["application"]
    assert "Privileged Role Administrator or Global Administrator" in hints["application"]
    assert "DelegatedPermissionGrant.ReadWrite.All" in hints["delegated"]
    assert "Cloud Application Administrator" in hints["delegated"]
