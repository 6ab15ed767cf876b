"""Objects asked for by identifier, by owner, by change; and what is beside them."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from caller import GRAPH_APP_ID, Caller, made, message, operator_of, refusal
from person import PersonCaller, somebody

from provision.sandbox.directory import app_role_assignments, quota
from provision.sandbox.server import Server, serve
from provision.sandbox.tenant import Seen

MISSING = "11111111-1111-4111-8111-111111111111"
DENIED = (403, "Authorization_RequestDenied")


@pytest.fixture(scope="module")
def server(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("objects") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


def ids(answer: httpx.Response) -> list[str]:
    return [each["id"] for each in answer.json()["value"]]


def test_objects_are_had_by_their_identifiers(operator: Caller) -> None:
    application = operator.application()
    principal = operator.principal(application)
    (user,) = operator.get("users?$top=1").json()["value"]
    wanted = [user["id"], MISSING, principal["id"].upper(), application["id"], user["id"]]

    answer = operator.post("directoryObjects/getByIds", {"ids": wanted})
    typed = operator.post(
        "directoryObjects/microsoft.graph.getByIds",
        {"ids": wanted, "types": ["user", "directoryObjectPartnerReference"]},
    )

    assert answer.json()["@odata.context"].endswith("$metadata#directoryObjects")
    assert [(each["id"], each["@odata.type"]) for each in answer.json()["value"]] == [
        (user["id"], "#microsoft.graph.user"),
        (principal["id"], "#microsoft.graph.servicePrincipal"),
        (application["id"], "#microsoft.graph.application"),
    ]
    assert ids(typed) == [user["id"]]


@pytest.mark.parametrize(
    "body", [{}, {"ids": "x"}, {"ids": [5]}, {"ids": [MISSING] * 1001}, {"ids": [], "types": 5}]
)
def test_a_bad_list_of_identifiers_is_refused(operator: Caller, body: dict[str, Any]) -> None:
    answer = operator.post("directoryObjects/getByIds", body)

    assert refusal(answer) == (400, "Request_BadRequest")


def test_what_a_caller_may_not_read_is_only_named(operator: Caller) -> None:
    application = operator.application()
    (user,) = operator.get("users?$top=1").json()["value"]
    reader = operator.workload("User.Read.All")
    body = {"ids": [application["id"], user["id"]]}

    named, shown = reader.post("directoryObjects/getByIds", body).json()["value"]

    assert named == {"@odata.type": "#microsoft.graph.application", "id": application["id"]}
    assert shown["displayName"] == user["displayName"]
    assert refusal(operator.workload().post("directoryObjects/getByIds", body)) == DENIED


def test_an_object_of_unknown_kind_is_read_and_deleted(operator: Caller) -> None:
    application = operator.application()
    address = f"directoryObjects/{application['id']}"

    shown = operator.get(address)
    reader = operator.workload("User.Read.All").get(address)
    deleted = operator.delete(address)

    assert shown.json()["@odata.type"] == "#microsoft.graph.application"
    assert shown.json()["@odata.id"].endswith("/Microsoft.DirectoryServices.Application")
    assert refusal(reader) == DENIED
    assert deleted.status_code == 204
    assert operator.get(f"applications/{application['id']}").status_code == 404
    assert operator.get(f"directoryObjects/{MISSING}").status_code == 404
    assert operator.get("directoryObjects/x").status_code == 400


def test_a_principal_shows_what_it_owns_and_has_made(operator: Caller) -> None:
    other = operator.workload("Application.ReadWrite.OwnedBy")
    mine = other.application()
    principal = other.principal(mine)
    address = f"servicePrincipals(appId='{other.identity['clientId']}')"

    owned = operator.get(f"{address}/ownedObjects")
    created = operator.get(f"{address}/createdObjects")
    cast = operator.get(f"{address}/ownedObjects/microsoft.graph.application")

    assert set(ids(owned)) == set(ids(created)) == {mine["id"], principal["id"]}
    assert ids(cast) == [mine["id"]]


def test_people_see_themselves_and_what_is_theirs(server: Server, operator: Caller) -> None:
    person = PersonCaller(server, somebody(server, "Application Administrator", name="Ada Byron"))
    application = person.application()

    me = person.get("me").json()
    owned = person.get("me/ownedObjects")
    person.close()

    assert me["displayName"] == "Ada Byron"
    assert me["@odata.context"].endswith("$metadata#users/$entity")
    assert ids(owned) == [application["id"]]
    assert refusal(operator.get("me/ownedObjects")) == (400, "BadRequest")


def test_roles_are_given_to_people_and_groups_too(operator: Caller) -> None:
    role = {
        "id": MISSING,
        "allowedMemberTypes": ["User"],
        "description": "d",
        "displayName": "n",
        "value": "People.Only",
    }
    resource = operator.principal(operator.application(appRoles=[role]))
    (user,) = operator.get("users?$top=1").json()["value"]
    body = {"principalId": user["id"], "resourceId": resource["id"], "appRoleId": MISSING}

    given = operator.post(f"users/{user['id']}/appRoleAssignments", body)
    listed = operator.get(
        f"users/{user['id']}/appRoleAssignments?$filter=resourceId eq {resource['id']}"
    )
    from_resource = operator.get(f"servicePrincipals/{resource['id']}/appRoleAssignedTo")
    taken = operator.delete(f"users/{user['id']}/appRoleAssignments/{given.json()['id']}")

    assert made(given)["principalType"] == "User"
    assert given.json()["@odata.context"].endswith(
        f"$metadata#users('{user['id']}')/appRoleAssignments/$entity"
    )
    assert ids(listed) == ids(from_resource) == [given.json()["id"]]
    assert taken.status_code == 204


def test_one_principal_holds_so_many_roles_and_no_more(
    operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_role_assignments, "MOST", 1)
    principal = operator.principal(operator.application())
    made(operator.grant(principal, "User.Read.All"))

    answer = operator.grant(principal, "Group.Read.All")

    assert refusal(answer) == (403, "Directory_QuotaExceeded")


def test_a_tenant_is_full_at_some_point(
    operator: Caller, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = server.tenant().counts()
    kinds = ("applications", "servicePrincipals", "users", "groups")
    tenant = server.tenant()
    deleted = sum(1 for kind in kinds for _ in tenant.scan(kind, Seen.truth(), deleted=True))
    most = sum(counts.get(kind, 0) for kind in kinds) + deleted + 2
    monkeypatch.setattr(quota, "MOST_OBJECTS", most)
    server.store.room.clear()

    fits = [operator.application() for _ in range(2)]
    answer = operator.post("applications", {"displayName": "one too many"})
    operator.delete(f"applications/{fits[0]['id']}")
    deleted_counts = operator.post("applications", {"displayName": "still one too many"})
    operator.delete(f"directory/deletedItems/{fits[0]['id']}")
    purged = operator.post("applications", {"displayName": "fits again"})
    server.store.room.clear()

    assert refusal(answer) == (403, "Directory_QuotaExceeded")
    assert message(answer).startswith("The directory object quota limit")
    assert refusal(deleted_counts) == (403, "Directory_QuotaExceeded")
    assert purged.status_code == 201


def test_a_person_without_a_role_makes_so_many_objects_and_no_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "MOST_OF_A_PERSON", 1)
    plain = PersonCaller(server, somebody(server, name="Plain Person"))
    admin = PersonCaller(server, somebody(server, "Application Administrator", name="Busy Admin"))

    statuses = [
        caller.post("applications", {"displayName": "x"}).status_code
        for caller in (plain, plain, admin, admin)
    ]
    plain.close()
    admin.close()

    assert statuses == [201, 403, 201, 201]


def test_only_full_rights_let_claims_be_mapped(operator: Caller) -> None:
    """A service fault that callers have to know: ownership does not suffice for this property."""
    owner = operator.workload("Application.ReadWrite.OwnedBy")
    address = f"applications/{owner.application()['id']}"
    body = {"api": {"acceptMappedClaims": True}}

    assert refusal(owner.patch(address, body)) == DENIED
    assert operator.patch(address, body).status_code == 204
    assert owner.patch(address, {"notes": "x"}).status_code == 204


def test_changes_are_told_since_the_last_question(operator: Caller) -> None:
    kept, gone = operator.application(), operator.application()
    first = operator.get("applications/delta?$select=id,displayName").json()
    while "@odata.nextLink" in first:
        first = operator.get(first["@odata.nextLink"]).json()
    link = first["@odata.deltaLink"]

    operator.patch(f"applications/{kept['id']}", {"displayName": "Renamed"})
    operator.delete(f"applications/{gone['id']}")
    made_since = operator.application()
    second = operator.get(link).json()
    third = operator.get(second["@odata.deltaLink"]).json()

    told = {each["id"]: each for each in second["value"]}
    assert told == {
        kept["id"]: {"id": kept["id"], "displayName": "Renamed"},
        gone["id"]: {"id": gone["id"], "@removed": {"reason": "changed"}},
        made_since["id"]: {"id": made_since["id"], "displayName": "Billing"},
    }
    assert third["value"] == []


def test_changes_made_between_two_pages_are_told_next_time(operator: Caller) -> None:
    for _ in range(3):
        operator.application()
    page = operator.get("applications/delta?$top=2&$select=id").json()
    seen = ids_of(page)
    early = seen[0]
    operator.patch(f"applications/{early}", {"displayName": "Changed meanwhile"})
    while "@odata.nextLink" in page:
        page = operator.get(page["@odata.nextLink"]).json()
        seen += ids_of(page)

    again = operator.get(page["@odata.deltaLink"]).json()

    assert len(seen) == len(set(seen))
    assert early in ids_of(again)


def ids_of(body: dict[str, Any]) -> list[str]:
    return [each["id"] for each in body["value"]]


@pytest.mark.parametrize("collection", ["servicePrincipals", "users", "oauth2PermissionGrants"])
def test_other_collections_tell_their_changes_too(operator: Caller, collection: str) -> None:
    body = operator.get(f"{collection}/delta()").json()

    assert body["@odata.context"].endswith(f"$metadata#{collection}")
    assert "@odata.deltaLink" in body


def test_a_forged_token_of_changes_is_refused(operator: Caller) -> None:
    answer = operator.get("applications/delta?$deltatoken=x")

    assert refusal(answer) == (400, "Request_BadRequest")


def test_the_model_is_there_for_everybody(server: Server, http: httpx.Client) -> None:
    answer = http.get("/v1.0/$metadata")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/xml"
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - our own answer
    assert root.tag == "{http://docs.oasis-open.org/odata/ns/edmx}Edmx"


def test_a_permission_is_classified_once(operator: Caller) -> None:
    writer = operator.workload("Policy.ReadWrite.PermissionGrant", "Application.Read.All")
    graph = operator.graph_principal()
    address = f"servicePrincipals/{graph['id']}/delegatedPermissionClassifications"

    created = writer.post(address, {"permissionName": "User.Read", "classification": "low"})
    again = writer.post(address, {"permissionId": created.json()["permissionId"]})
    unknown = writer.post(address, {"permissionName": "Nobody.Knows"})
    listed = writer.get(address).json()["value"]
    deleted = writer.delete(f"{address}/{created.json()['id']}")

    assert made(created)["permissionName"] == "User.Read"
    assert refusal(again) == (400, "Request_BadRequest")
    assert refusal(unknown) == (400, "Request_BadRequest")
    assert [each["classification"] for each in listed] == ["low"]
    assert deleted.status_code == 204
    assert refusal(operator.post(address, {"permissionName": "User.Read"})) == DENIED


def test_a_grant_is_seen_from_the_client_and_from_the_person(operator: Caller) -> None:
    client = operator.principal(operator.application())
    graph = operator.graph_principal()
    (user,) = operator.get("users?$top=1").json()["value"]
    body = {
        "clientId": client["id"],
        "resourceId": graph["id"],
        "consentType": "Principal",
        "principalId": user["id"],
        "scope": " User.Read",
    }

    grant = made(operator.post("oauth2PermissionGrants", body))

    assert ids(operator.get(f"users/{user['id']}/oauth2PermissionGrants")) == [grant["id"]]
    of_client = operator.get(f"servicePrincipals/{client['id']}/oauth2PermissionGrants")
    assert ids(of_client) == [grant["id"]]
    assert refusal(operator.post("oauth2PermissionGrants", body)) == (400, "Request_BadRequest")
    assert operator.delete(f"oAuth2PermissionGrants/{grant['id']}").status_code == 204


def test_an_identifier_uri_for_everybody_is_unique_in_every_tenant(
    server: Server, operator: Caller
) -> None:
    uri = f"https://app.{server.tenant().domain}/shared"
    operator.application(identifierUris=[uri], signInAudience="AzureADMultipleOrgs")
    other = server.tenant("other")
    other.put("domains", {"id": server.tenant().domain, "isVerified": True}, lag="none")

    caller = Caller(server, server.operator("other"))
    body = {"displayName": "x", "identifierUris": [uri]}
    at_home = caller.post("applications", body)
    everywhere = caller.post("applications", {**body, "signInAudience": "AzureADMultipleOrgs"})
    caller.close()

    assert at_home.status_code == 201
    assert refusal(everywhere) == (400, "Request_BadRequest")


def test_beta_names_pre_authorised_permissions_differently(
    server: Server, operator: Caller
) -> None:
    scope = {
        "id": MISSING,
        "value": "read",
        "type": "User",
        "adminConsentDisplayName": "n",
        "adminConsentDescription": "d",
    }
    application = operator.application(api={"oauth2PermissionScopes": [scope]})
    beta = f"{server.url}/beta/applications/{application['id']}"
    entry = {"appId": GRAPH_APP_ID, "permissionIds": [MISSING]}

    changed = operator.patch(beta, {"api": {"preAuthorizedApplications": [entry]}})

    assert changed.status_code == 204, changed.text
    assert operator.get(beta).json()["api"]["preAuthorizedApplications"] == [entry]
    v1 = operator.get(f"applications/{application['id']}").json()["api"]
    assert v1["preAuthorizedApplications"] == [
        {"appId": GRAPH_APP_ID, "delegatedPermissionIds": [MISSING]}
    ]
