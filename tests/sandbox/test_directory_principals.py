"""Service principals, the roles they are given, and delegated grants, over plain HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from caller import GRAPH_APP_ID, UPSERT, Caller, details, made, message, operator_of, refusal

from provision.sandbox.server import Server

MISSING = "11111111-1111-4111-8111-111111111111"
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture
def principal(operator: Caller) -> dict[str, Any]:
    return operator.principal(operator.application(tags=["team"], description="Bills."))


def id_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_new_principal_copies_its_application(operator: Caller) -> None:
    application = operator.application(
        tags=["team"], web={"redirectUris": ["https://localhost"], "homePageUrl": "https://h"}
    )

    answer = operator.post("servicePrincipals", {"appId": application["appId"], "notes": "n"})

    body = made(answer)
    assert body["appOwnerOrganizationId"] == operator.identity["tenantId"]
    assert body["servicePrincipalNames"] == [application["appId"]]
    assert body["replyUrls"] == ["https://localhost"]
    assert body["homepage"] == "https://h"
    assert body["tags"] == ["team"]
    assert body["displayName"] == body["appDisplayName"] == "Billing"
    assert body["notes"] == "n"
    assert body["accountEnabled"] is True
    assert body["id"] != application["id"]
    assert answer.headers["Location"].endswith("/Microsoft.DirectoryServices.ServicePrincipal")


def test_a_principal_needs_an_application(operator: Caller) -> None:
    answer = operator.post("servicePrincipals", {"appId": MISSING})

    assert refusal(answer) == (400, "Request_BadRequest")
    assert message(answer) == (
        f"The appId '{MISSING}' of the service principal does not reference a valid application "
        "object."
    )
    assert details(answer) == [("NoBackingApplicationObject", "appId")]


def test_an_application_has_one_principal(operator: Caller, principal: dict[str, Any]) -> None:
    answer = operator.post("servicePrincipals", {"appId": principal["appId"]})

    assert refusal(answer) == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert details(answer) == [("ObjectConflict", "servicePrincipalNames")]


def test_a_principal_can_be_upserted_by_app_id(operator: Caller) -> None:
    address = f"servicePrincipals(appId='{operator.application()['appId']}')"

    without = operator.patch(address, {"notes": "n"})
    first = operator.patch(address, {"notes": "n"}, **UPSERT)
    second = operator.patch(address, {"notes": "m"}, **UPSERT)

    assert [each.status_code for each in (without, first, second)] == [404, 201, 204]
    assert operator.get(address).json()["notes"] == "m"


def test_microsofts_own_principals_can_be_brought_in(operator: Caller) -> None:
    body = made(operator.post("servicePrincipals", {"appId": KEY_VAULT}))

    assert body["appOwnerOrganizationId"] != operator.identity["tenantId"]
    assert body["oauth2PermissionScopes"]


def test_graph_is_there_with_its_whole_catalogue(operator: Caller) -> None:
    graph = operator.get(f"servicePrincipals(appId='{GRAPH_APP_ID}')").json()

    assert len(graph["appRoles"]) > 700
    assert "User.Read.All" in [role["value"] for role in graph["appRoles"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"appId": None},
        {"appId": 5},
        {"appId": "x", "colour": "red"},
        {"appId": "x", "tags": ["a b"]},
        {"appId": "x", "appOwnerOrganizationId": MISSING},
    ],
)
def test_a_bad_principal_is_refused(operator: Caller, body: dict[str, Any]) -> None:
    if body.get("appId") == "x":
        body = {**body, "appId": operator.application()["appId"]}

    assert refusal(operator.post("servicePrincipals", body)) == (400, "Request_BadRequest")


def test_a_principal_follows_its_application_and_keeps_its_own(
    operator: Caller, principal: dict[str, Any]
) -> None:
    own = f"servicePrincipals/{principal['id']}"
    operator.patch(own, {"tags": ["team", "own"], "notes": "mine"})

    operator.patch(
        f"applications(appId='{principal['appId']}')", {"displayName": "New", "tags": ["crew"]}
    )

    now = operator.get(own).json()
    assert now["displayName"] == now["appDisplayName"] == "New"
    assert now["tags"] == ["crew", "own"]
    assert now["notes"] == "mine"


def test_what_comes_from_the_application_cannot_be_set(
    operator: Caller, principal: dict[str, Any]
) -> None:
    answer = operator.patch(f"servicePrincipals/{principal['id']}", {"signInAudience": "Other"})

    assert message(answer) == "Property 'signInAudience' is read-only and cannot be set."


def test_a_role_is_given_once(operator: Caller, principal: dict[str, Any]) -> None:
    first = operator.grant(principal, "User.Read.All")
    again = operator.grant(principal, "User.Read.All")

    body = made(first)
    assert body["principalId"] == principal["id"]
    assert body["principalType"] == "ServicePrincipal"
    assert body["resourceDisplayName"] == operator.graph_principal()["displayName"]
    assert len(id_bytes(body["id"])) == 32
    assert id_bytes(body["id"])[:16] == UUID(principal["id"]).bytes_le
    assert refusal(again) == (400, "Request_BadRequest")
    assert message(again) == "Permission being assigned already exists on the object"


def test_an_assignment_is_seen_from_both_ends(operator: Caller, principal: dict[str, Any]) -> None:
    given = made(operator.grant(principal, "User.Read.All"))
    mine = f"servicePrincipals/{principal['id']}/appRoleAssignments"
    theirs = f"servicePrincipals/{given['resourceId']}/appRoleAssignedTo"

    by_principal = operator.get(f"{mine}?$filter=resourceId eq {given['resourceId']}").json()
    by_resource = operator.get(f"{theirs}?$filter=principalId eq {principal['id']}").json()
    other = operator.get(f"{mine}?$filter=resourceId eq {MISSING}").json()

    assert [each["id"] for each in by_principal["value"]] == [given["id"]]
    assert [each["id"] for each in by_resource["value"]] == [given["id"]]
    assert other["value"] == []
    assert operator.get(f"{mine}/{given['id']}").json()["appRoleId"] == given["appRoleId"]


def test_a_role_can_be_given_at_the_principals_end(
    operator: Caller, principal: dict[str, Any]
) -> None:
    graph = operator.graph_principal()
    body = {
        "principalId": principal["id"],
        "resourceId": graph["id"],
        "appRoleId": next(r["id"] for r in graph["appRoles"] if r["value"] == "User.Read.All"),
    }

    answer = operator.post(f"servicePrincipals/{principal['id']}/appRoleAssignments", body)

    context = made(answer)["@odata.context"]
    assert context.endswith(f"#servicePrincipals('{principal['id']}')/appRoleAssignments/$entity")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"principalId": MISSING}, "Not a valid reference update."),
        ({"appRoleId": MISSING}, "Not a valid reference update."),
        ({"appRoleId": "00000000-0000-0000-0000-000000000000"}, "Not a valid reference update."),
        ({"resourceId": MISSING}, "One or more property values specified are invalid."),
        (
            {"appRoleId": None},
            "Invalid value specified for property 'appRoleId' of resource 'AppRoleAssignment'.",
        ),
        (
            {"principalId": "x"},
            "Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner "
            "exception for more details.",
        ),
    ],
)
def test_an_assignment_needs_both_ends_and_a_role(
    operator: Caller, principal: dict[str, Any], change: dict[str, Any], text: str
) -> None:
    graph = operator.graph_principal()
    body = {
        "principalId": principal["id"],
        "resourceId": graph["id"],
        "appRoleId": graph["appRoles"][0]["id"],
        **change,
    }

    answer = operator.post(f"servicePrincipals/{graph['id']}/appRoleAssignedTo", body)

    assert refusal(answer) == (400, "Request_BadRequest")
    assert message(answer) == text


def test_an_assignment_to_a_missing_resource_is_not_found(operator: Caller) -> None:
    body = {"principalId": MISSING, "resourceId": MISSING, "appRoleId": MISSING}

    answer = operator.post(f"servicePrincipals/{MISSING}/appRoleAssignedTo", body)

    assert refusal(answer) == (404, "Request_ResourceNotFound")


def test_a_role_for_people_is_not_for_applications(
    operator: Caller, principal: dict[str, Any]
) -> None:
    role = {
        "id": MISSING,
        "displayName": "R",
        "description": "R",
        "allowedMemberTypes": ["User"],
    }
    resource = operator.principal(operator.application(appRoles=[role]))
    user = operator.get("users?$top=1").json()["value"][0]["id"]

    answers = [
        operator.post(
            f"servicePrincipals/{resource['id']}/appRoleAssignedTo",
            {"principalId": id, "resourceId": resource["id"], "appRoleId": MISSING},
        )
        for id in (principal["id"], user)
    ]

    assert [answer.status_code for answer in answers] == [400, 201]
    assert answers[1].json()["principalType"] == "User"


def test_a_role_is_taken_back(operator: Caller, principal: dict[str, Any]) -> None:
    given = made(operator.grant(principal, "User.Read.All"))
    mine = f"servicePrincipals/{principal['id']}/appRoleAssignments"

    elsewhere = operator.delete(
        f"servicePrincipals/{principal['id']}/appRoleAssignedTo/{given['id']}"
    )
    first = operator.delete(f"{mine}/{given['id']}")
    again = operator.delete(f"{mine}/{given['id']}")

    assert [each.status_code for each in (elsewhere, first, again)] == [404, 204, 404]
    assert operator.get(mine).json()["value"] == []


def test_assignments_and_grants_can_be_expanded(
    operator: Caller, principal: dict[str, Any]
) -> None:
    made(operator.grant(principal, "User.Read.All"))
    address = f"servicePrincipals/{principal['id']}"

    expanded = operator.get(f"{address}?$expand=appRoleAssignments").json()["appRoleAssignments"]

    assert [each["principalId"] for each in expanded] == [principal["id"]]


def test_a_delegated_grant_lives_its_life(operator: Caller, principal: dict[str, Any]) -> None:
    graph = operator.graph_principal()
    body = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph["id"],
        "scope": " User.Read",
        "expiryTime": "2030-01-01T00:00:00Z",
    }

    grant = made(operator.post("oauth2PermissionGrants", body))
    again = operator.post("oauth2PermissionGrants", body)
    address = f"oAuth2PermissionGrants/{grant['id']}"
    widened = operator.patch(address, {"scope": "User.Read Mail.Read"})
    moved = operator.patch(address, {"resourceId": MISSING})
    of_principal = operator.get(f"servicePrincipals/{principal['id']}/oauth2PermissionGrants")
    listed = operator.get(f"oauth2PermissionGrants?$filter=clientId eq '{principal['id']}'")
    gone = operator.delete(address)

    both = UUID(principal["id"]).bytes_le + UUID(graph["id"]).bytes_le
    assert id_bytes(grant["id"]) == both
    assert grant["scope"] == " User.Read"
    assert message(again) == "Permission entry already exists."
    assert [widened.status_code, moved.status_code, gone.status_code] == [204, 400, 204]
    assert of_principal.json()["value"][0]["scope"] == "User.Read Mail.Read"
    assert [each["id"] for each in listed.json()["value"]] == [grant["id"]]
    assert operator.get(address).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"consentType": "Everybody"},
        {"consentType": "Principal"},
        {"principalId": MISSING},
        {"clientId": "x"},
        {"scope": "x" * 3851},
    ],
)
def test_a_bad_grant_is_refused(
    operator: Caller, principal: dict[str, Any], change: dict[str, Any]
) -> None:
    id = principal["id"]
    body = {"clientId": id, "consentType": "AllPrincipals", "resourceId": id, **change}

    assert refusal(operator.post("oauth2PermissionGrants", body)) == (400, "Request_BadRequest")


def test_a_grant_for_one_person_names_the_person(
    operator: Caller, principal: dict[str, Any]
) -> None:
    person = operator.get("users?$top=1").json()["value"][0]["id"]
    id = principal["id"]
    body = {"clientId": id, "consentType": "Principal", "resourceId": id, "scope": "x"}

    grant = made(operator.post("oauth2PermissionGrants", {**body, "principalId": person}))
    nobody = operator.post("oauth2PermissionGrants", {**body, "principalId": MISSING})
    expanded = operator.get(f"servicePrincipals/{id}?$expand=oauth2PermissionGrants").json()

    assert id_bytes(grant["id"])[32:] == UUID(person).bytes_le
    assert refusal(nobody) == (404, "Request_ResourceNotFound")
    assert [each["id"] for each in expanded["oauth2PermissionGrants"]] == [grant["id"]]
