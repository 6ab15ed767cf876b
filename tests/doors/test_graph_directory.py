"""The directory's operations: what is sent, and what an answer means to us."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted import DROPPED, Answer, Scripted, parts_of, refusal, serving

from provision.errors import Conflict, Forbidden, GraphError, NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph
from provision.model import AppRoleAssignment, Organization, ResourceAccess, ServicePrincipal

ISSUED = {
    "@odata.context": "…",
    "keyId": "key-1",
    "secretText": "the value",
    "startDateTime": "2026-11-23T10:17:06.1234567Z",
    "endDateTime": "2027-11-23T12:30:15Z",
}
ASSIGNMENT = {"id": "as", "appRoleId": "role", "principalId": "sp", "resourceId": "graph"}
GRANTED = AppRoleAssignment(id="as", app_role_id="role", principal_id="sp", resource_id="graph")

Work = Callable[[Graph], Awaitable[Any]]


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def an_application(**properties: Any) -> dict[str, Any]:
    """An application as Graph shows it."""
    return {
        "id": "object",
        "appId": "client",
        "uniqueName": "hello.web",
        "displayName": "Hello",
        "description": None,
        "signInAudience": "AzureADMyOrg",
        "notes": "kept",
        "serviceManagementReference": "not ours to manage",
        "tags": ["provision:owner:hello"],
        "requiredResourceAccess": [],
        "passwordCredentials": [],
        **properties,
    }


def grant(graph: Graph) -> Awaitable[Any]:
    return directory.grant_app_role(
        graph, principal_id="sp", resource_id="graph", app_role_id="role"
    )


def upsert(graph: Graph) -> Awaitable[Any]:
    return directory.upsert_application(graph, "hello.web", {"displayName": "Hello"})


def create_principal(graph: Graph) -> Awaitable[Any]:
    return directory.create_service_principal(graph, "client")


def principals(graph: Graph) -> Awaitable[Any]:
    return directory.service_principals(graph, ["client", "absent"])


def test_an_application_is_read_with_what_we_manage(scripted: Scripted) -> None:
    access = [
        {"resourceAppId": "graph", "resourceAccess": [{"id": "r", "type": "Role"}]},
        {"resourceAppId": "other", "resourceAccess": []},
    ]
    scripted.will(Answer(body=an_application(requiredResourceAccess=access)))

    found = scripted.run(lambda graph: directory.application(graph, "object"))

    assert (found.id, found.app_id, found.unique_name) == ("object", "client", "hello.web")
    assert found.tags == {"provision:owner:hello"}
    assert found.properties == {
        "displayName": "Hello",
        "description": None,
        "notes": "kept",
        "signInAudience": "AzureADMyOrg",
    }
    assert found.required_resource_access == {
        ResourceAccess(resource_app_id="graph", id="r", type="Role")
    }


def test_a_secret_is_listed_with_aware_dates_to_the_microsecond(scripted: Scripted) -> None:
    listed = {**ISSUED, "displayName": None, "secretText": None}
    scripted.will(Answer(body=an_application(passwordCredentials=[listed])))

    found = scripted.run(lambda graph: directory.application(graph, "object"))

    (password,) = found.password_credentials
    assert (password.key_id, password.display_name) == ("key-1", "")
    assert password.start == datetime(2026, 11, 23, 10, 17, 6, 123456, tzinfo=UTC)
    assert password.end == datetime(2027, 11, 23, 12, 30, 15, tzinfo=UTC)


def test_an_application_that_is_not_there_is_none(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    assert scripted.run(lambda graph: directory.application(graph, "object")) is None


def test_an_answer_that_lacks_its_id_is_a_failure_with_a_name(scripted: Scripted) -> None:
    scripted.will(Answer(body={"displayName": "Hello"}))

    with pytest.raises(GraphError, match="read the application object cannot be understood"):
        scripted.run(lambda graph: directory.application(graph, "object"))


def test_our_applications_are_found_by_their_tag(scripted: Scripted) -> None:
    scripted.will(Answer(body={"value": [an_application(), an_application(id="second")]}))

    found = scripted.run(lambda graph: directory.applications_owned(graph, "provision:owner:it's"))

    assert [application.id for application in found] == ["object", "second"]
    assert "$filter=tags/any(t:t eq 'provision:owner:it''s')&" in scripted.asked[0].path
    assert scripted.asked[0].path.endswith("&$top=999")


def test_applications_are_looked_up_by_name_and_missing_ones_left_out(scripted: Scripted) -> None:
    key = "/applications(uniqueName='hello.web')"
    scripted.otherwise = parts_of({key: an_application()})

    found = scripted.run(
        lambda graph: directory.applications_named(graph, ["hello.web", "absent", "hello.web"])
    )

    assert {name: application.id for name, application in found.items()} == {"hello.web": "object"}
    assert len(scripted.asked[0].body["requests"]) == 2


def test_a_refused_part_of_a_look_up_is_no_absence(scripted: Scripted) -> None:
    """Taking a 403 for "not there" would create everything a second time."""
    part = {"id": "0", "status": 403, "body": {"error": {"code": "Authorization_RequestDenied"}}}
    scripted.will(Answer(body={"responses": [part]}))

    with pytest.raises(Forbidden, match="look the applications up by name"):
        scripted.run(lambda graph: directory.applications_named(graph, ["hello.web"]))


def test_an_upsert_that_creates_gives_the_application(scripted: Scripted) -> None:
    scripted.will(Answer(status=201, body=an_application()))

    made = scripted.run(upsert)

    assert made.id == "object"
    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("PATCH", "/v1.0/applications(uniqueName='hello.web')")
    assert asked.headers["prefer"] == "create-if-missing"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {"displayName": "Hello"}


def test_an_upsert_that_updates_gives_none(scripted: Scripted) -> None:
    scripted.will(Answer(status=204))

    assert scripted.run(upsert) is None


def test_a_name_that_a_deleted_application_holds_is_a_conflict(scripted: Scripted) -> None:
    said = "Another object with the same value for property uniqueName already exists."
    scripted.will(refusal(400, "Request_BadRequest", said))

    with pytest.raises(Conflict, match=r"create the application hello\.web: Another object"):
        scripted.run(upsert)


def test_an_update_too_early_is_not_yet(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    with pytest.raises(NotYetVisible):
        scripted.run(lambda graph: directory.update_application(graph, "object", {"tags": []}))


def test_a_deleted_application_can_be_deleted_again(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    scripted.run(lambda graph: directory.delete_application(graph, "object"))

    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("DELETE", "/v1.0/applications/object")


def test_deleted_applications_tell_since_when(scripted: Scripted) -> None:
    gone = an_application(deletedDateTime="2026-11-22T08:00:00Z")
    scripted.will(Answer(body={"value": [gone]}))

    (found,) = scripted.run(directory.deleted_applications)

    assert found.application.unique_name == "hello.web"
    assert found.deleted == datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_a_deleted_service_principal_is_found_by_its_application(scripted: Scripted) -> None:
    scripted.will(
        Answer(body={"value": [{"id": "sp", "appId": "client", "accountEnabled": False}]})
    )

    found = scripted.run(lambda graph: directory.deleted_service_principal(graph, "client"))

    assert found is not None
    assert (found.id, found.enabled) == ("sp", False)
    assert "$filter=appId eq 'client'&" in scripted.asked[0].path


def test_no_deleted_service_principal_is_none(scripted: Scripted) -> None:
    assert scripted.run(lambda graph: directory.deleted_service_principal(graph, "client")) is None


def test_a_restore_behind_a_lost_answer_is_done(scripted: Scripted) -> None:
    scripted.will(DROPPED, refusal(404, "Request_ResourceNotFound"))

    scripted.run(lambda graph: directory.restore(graph, "object"))

    assert [asked.path for asked in scripted.asked] == [
        "/v1.0/directory/deletedItems/object/restore"
    ] * 2


def test_a_purge_before_the_recycle_bin_shows_it_is_not_yet(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    with pytest.raises(NotYetVisible):
        scripted.run(lambda graph: directory.purge(graph, "object"))


def test_service_principals_come_with_their_grants(scripted: Scripted) -> None:
    key = "/servicePrincipals(appId='client')"
    scripted.otherwise = parts_of(
        {key: {"id": "sp", "appId": "client"}, f"{key}/appRoleAssignments": {"value": [ASSIGNMENT]}}
    )

    found = scripted.run(principals)

    assert found == {
        "client": ServicePrincipal(id="sp", app_id="client", app_role_assignments=(GRANTED,))
    }
    assert len(scripted.asked) == 1


def test_many_grants_are_read_to_their_last_page(scripted: Scripted) -> None:
    key = "/servicePrincipals(appId='client')"
    link = f"{scripted.url}/v1.0{key}/appRoleAssignments?$skiptoken=a"
    batched = parts_of(
        {
            key: {"id": "sp", "appId": "client"},
            f"{key}/appRoleAssignments": {"value": [ASSIGNMENT], "@odata.nextLink": link},
        }
    )
    last_page = Answer(body={"value": [{**ASSIGNMENT, "id": "last"}]})
    scripted.otherwise = lambda asked: batched(asked) if asked.method == "POST" else last_page

    found = scripted.run(principals)

    assert [grant.id for grant in found["client"].app_role_assignments] == ["as", "last"]


def test_a_resource_offers_only_what_applications_can_be_granted(scripted: Scripted) -> None:
    def role(value: str | None, *, enabled: bool = True, member: str = "Application") -> Any:
        id_ = f"id of {value}"
        return {"id": id_, "value": value, "isEnabled": enabled, "allowedMemberTypes": [member]}

    roles = [role("Read.All"), role("Old", enabled=False), role("Users", member="User"), role(None)]
    body = {"id": "sp", "appId": "graph", "displayName": "Microsoft Graph", "appRoles": roles}
    scripted.will(Answer(body=body))

    found = scripted.run(lambda graph: directory.resource(graph, "graph"))

    assert (found.id, found.app_id, found.display_name) == ("sp", "graph", "Microsoft Graph")
    assert {(role.value, role.id) for role in found.app_roles} == {("Read.All", "id of Read.All")}


def test_a_resource_that_the_tenant_lacks_is_none(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    assert scripted.run(lambda graph: directory.resource(graph, "graph")) is None


def test_a_service_principal_is_created_for_its_application(scripted: Scripted) -> None:
    scripted.will(Answer(status=201, body={"id": "sp", "appId": "client"}))

    assert scripted.run(create_principal) == ServicePrincipal(id="sp", app_id="client")
    assert scripted.asked[0].body == {"appId": "client"}


def test_a_service_principal_that_exists_is_read_instead(scripted: Scripted) -> None:
    scripted.will(
        refusal(409, "Request_MultipleObjectsWithSameKeyValue"),
        Answer(body={"id": "sp", "appId": "client"}),
    )

    assert scripted.run(create_principal).id == "sp"


def test_a_service_principal_that_exists_but_does_not_show_is_not_yet(scripted: Scripted) -> None:
    scripted.will(
        refusal(409, "Request_MultipleObjectsWithSameKeyValue"),
        refusal(404, "Request_ResourceNotFound"),
    )

    with pytest.raises(NotYetVisible):
        scripted.run(create_principal)


def test_a_grant_gives_the_assignment(scripted: Scripted) -> None:
    scripted.will(Answer(status=201, body=ASSIGNMENT))

    assert scripted.run(grant) == GRANTED
    assert scripted.asked[0].path == "/v1.0/servicePrincipals/sp/appRoleAssignments"
    assert scripted.asked[0].body == {
        "principalId": "sp",
        "resourceId": "graph",
        "appRoleId": "role",
    }


def test_a_grant_behind_a_lost_answer_is_no_failure(scripted: Scripted) -> None:
    said = "Permission being assigned already exists on the object"
    scripted.will(DROPPED, refusal(400, "Request_BadRequest", said))

    assert scripted.run(grant) is None


def test_a_revoked_grant_can_be_revoked_again(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    scripted.run(
        lambda graph: directory.revoke_app_role(graph, principal_id="sp", assignment_id="as")
    )

    asked = scripted.asked[0]
    assert asked.method == "DELETE"
    assert asked.path == "/v1.0/servicePrincipals/sp/appRoleAssignments/as"


@pytest.mark.parametrize(
    ("domains", "domain"),
    [
        (
            [
                {"name": "a.onmicrosoft.com", "isInitial": True, "isDefault": False},
                {"name": "example.com", "isInitial": False, "isDefault": True},
            ],
            "example.com",
        ),
        ([{"name": "a.onmicrosoft.com", "isInitial": True}], "a.onmicrosoft.com"),
        ([], ""),
    ],
)
def test_the_tenant_is_known_by_its_default_domain(
    scripted: Scripted, domains: list[dict[str, Any]], domain: str
) -> None:
    tenant = {"id": "tenant", "displayName": "Contoso", "verifiedDomains": domains}
    scripted.will(Answer(body={"value": [tenant]}))

    found = scripted.run(directory.organization)

    assert found == Organization(id="tenant", display_name="Contoso", domain=domain)


def test_a_tenant_that_may_not_be_read_is_none(scripted: Scripted) -> None:
    scripted.will(refusal(403, "Authorization_RequestDenied"))

    assert scripted.run(directory.organization) is None
