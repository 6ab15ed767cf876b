"""What an application must not be: bad values are refused with the service's own codes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import Caller, details, message, operator_of, refusal

from provision.sandbox.server import serve

MISSING = "11111111-1111-4111-8111-111111111111"
ROLE = {
    "id": "a0000000-0000-4000-8000-000000000001",
    "displayName": "Reader",
    "description": "Reads.",
    "value": "Things.Read.All",
    "allowedMemberTypes": ["Application"],
}
SCOPE = {
    "id": "a0000000-0000-4000-8000-000000000002",
    "value": "things.read",
    "adminConsentDisplayName": "Read",
    "adminConsentDescription": "Read things.",
}


@pytest.fixture(scope="module")
def operator(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """One sandbox for all of these: what is refused leaves nothing behind."""
    folder = tmp_path_factory.mktemp("refusals") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as server, operator_of(server) as caller:
        yield caller


@pytest.mark.parametrize(
    ("key", "named"),
    [(f"/{MISSING}", MISSING), (f"(appId='{MISSING}')", MISSING), ("(uniqueName='no')", "no")],
)
def test_a_missing_application_is_not_found(operator: Caller, key: str, named: str) -> None:
    answer = operator.get(f"applications{key}")

    assert refusal(answer) == (404, "Request_ResourceNotFound")
    assert message(answer) == (
        f"Resource '{named}' does not exist or one of its queried reference-property objects are "
        "not present."
    )


def test_an_identifier_that_is_no_guid_is_refused(operator: Caller) -> None:
    answer = operator.get("applications/billing")

    assert refusal(answer) == (400, "Request_BadRequest")
    assert message(answer) == "Invalid object identifier 'billing'."


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "Request_BadRequest"),
        ({"displayName": None}, "Request_BadRequest"),
        ({"displayName": ""}, "Request_BadRequest"),
        ({"displayName": "x" * 257}, "Request_BadRequest"),
        ({"displayName": 5}, "Request_BadRequest"),
        ({"displayName": "\ud800"}, "Request_BadRequest"),
        ({"displayName": "x", "colour": "red"}, "Request_BadRequest"),
        ({"displayName": "x", "id": MISSING}, "Request_BadRequest"),
        ({"displayName": "x", "appId": MISSING}, "Request_BadRequest"),
        ({"displayName": "x", "publisherDomain": "example.com"}, "Request_BadRequest"),
        ({"displayName": "x", "oauth2RequirePostResponse": True}, "Request_BadRequest"),
        ({"displayName": "x", "description": "x" * 1025}, "Request_BadRequest"),
        ({"displayName": "x", "tags": "a"}, "Request_BadRequest"),
        ({"displayName": "x", "tags": None}, "Request_BadRequest"),
        ({"displayName": "x", "tags": ["a b"]}, "Request_BadRequest"),
        ({"displayName": "x", "tags": [""]}, "Request_BadRequest"),
        ({"displayName": "x", "tags": ["x" * 257]}, "Request_BadRequest"),
        ({"displayName": "x", "tags": ["a", "A"]}, "DuplicateValue"),
        ({"displayName": "x", "signInAudience": "Everybody"}, "Request_BadRequest"),
        ({"displayName": "x", "groupMembershipClaims": "Some"}, "Request_BadRequest"),
        ({"displayName": "x", "nativeAuthenticationApisEnabled": "some"}, "Request_BadRequest"),
        ({"displayName": "x", "tokenEncryptionKeyId": "x"}, "Request_BadRequest"),
        ({"displayName": "x", "tokenEncryptionKeyId": MISSING}, "Request_BadRequest"),
        ({"displayName": "x", "isFallbackPublicClient": "true"}, "Request_BadRequest"),
        ({"displayName": "x", "web": []}, "Request_BadRequest"),
        ({"displayName": "x", "web": {"colour": "red"}}, "Request_BadRequest"),
        ({"displayName": "x", "web": {"logoutUrl": "http://example.com"}}, "Request_BadRequest"),
        ({"displayName": "x", "web": {"redirectUris": ["a", "a"]}}, "DuplicateValue"),
        ({"displayName": "x", "spa": {"redirectUris": ["u", ""]}}, "Request_BadRequest"),
        ({"displayName": "x", "api": {"requestedAccessTokenVersion": 3}}, "Request_BadRequest"),
        ({"displayName": "x", "@odata.type": "#microsoft.graph.group"}, "BadRequest"),
        ({"displayName": "x", "owners@odata.bind": ["nobody"]}, "Request_BadRequest"),
        ({"displayName": "x", "identifierUris": ["api://app/"]}, "Request_BadRequest"),
        ({"displayName": "x", "identifierUris": ["plain"]}, "Request_BadRequest"),
        (
            {"displayName": "x", "identifierUris": ["https://example.com/x"]},
            "HostNameNotOnVerifiedDomain",
        ),
        ({"displayName": "x", "requestSignatureVerification": "x"}, "Request_BadRequest"),
        ({"displayName": "x", "uniqueName": ""}, "Request_BadRequest"),
        ({"displayName": "x", "owners@odata.bind": "x"}, "Request_BadRequest"),
        ({"displayName": "x", "tags": [f"t{n}" for n in range(1201)]}, "Request_BadRequest"),
        (
            {"displayName": "x", "web": {"redirectUris": [f"https://h/{n}" for n in range(257)]}},
            "Request_BadRequest",
        ),
        (
            {
                "displayName": "x" * 91,
                "signInAudience": "PersonalMicrosoftAccount",
                "api": {"requestedAccessTokenVersion": 2},
            },
            "Request_BadRequest",
        ),
        ({"displayName": "x", "identifierUris": ["api://" + "x" * 250]}, "Request_BadRequest"),
        ({"displayName": "x", "appRoles": [{"id": MISSING}]}, "Request_BadRequest"),
        (
            {"displayName": "x", "api": {"oauth2PermissionScopes": [{**SCOPE, "type": "Robot"}]}},
            "Request_BadRequest",
        ),
        (
            {"displayName": "x", "api": {"oauth2PermissionScopes": [{**SCOPE, "id": None}]}},
            "Request_BadRequest",
        ),
        (
            {
                "displayName": "x",
                "api": {
                    "preAuthorizedApplications": [{"appId": "x", "delegatedPermissionIds": []}]
                },
            },
            "Request_BadRequest",
        ),
        ([], "BadRequest"),
        ("text", "BadRequest"),
    ],
)
def test_a_bad_body_is_refused(operator: Caller, body: Any, code: str) -> None:
    assert refusal(operator.post("applications", body)) == (400, code)


def test_a_missing_name_is_named(operator: Caller) -> None:
    assert message(operator.post("applications", {})) == (
        "A value is required for property 'displayName' of resource 'Application'."
    )


def test_a_bad_value_is_named_with_details(operator: Caller) -> None:
    answer = operator.post("applications", {"displayName": "x" * 257})

    assert message(answer) == (
        "Invalid value specified for property 'displayName' of resource 'Application'."
    )
    assert details(answer) == [("InvalidValue", "displayName")]


def test_a_read_only_property_may_be_repeated_but_not_changed(operator: Caller) -> None:
    made_one = operator.application()
    address = f"applications/{made_one['id']}"

    same = operator.patch(address, {"appId": made_one["appId"], "displayName": "New"})
    other = operator.patch(address, {"appId": MISSING})

    assert same.status_code == 204
    assert message(other) == "Property 'appId' is read-only and cannot be set."


def test_an_audience_with_personal_accounts_needs_token_version_two(operator: Caller) -> None:
    audience = {"displayName": "x", "signInAudience": "AzureADandPersonalMicrosoftAccount"}

    without = operator.post("applications", audience)
    with_two = operator.post(
        "applications", {**audience, "api": {"requestedAccessTokenVersion": 2}}
    )

    assert (without.status_code, with_two.status_code) == (400, 201)


@pytest.mark.parametrize(
    ("access", "code"),
    [
        ([{"resourceAppId": "x", "resourceAccess": []}], "Request_BadRequest"),
        ([{"resourceAccess": []}], "Request_BadRequest"),
        (
            [{"resourceAppId": MISSING, "resourceAccess": [{"id": MISSING, "type": "Both"}]}],
            "Request_BadRequest",
        ),
        (
            [{"resourceAppId": MISSING, "resourceAccess": [{"id": "x", "type": "Role"}]}],
            "Request_BadRequest",
        ),
        ([{"resourceAppId": MISSING, "resourceAccess": []}] * 2, "DuplicateValue"),
        (
            [{"resourceAppId": MISSING, "resourceAccess": [{"id": MISSING, "type": "Role"}] * 2}],
            "DuplicateValue",
        ),
    ],
)
def test_required_access_has_its_shape(operator: Caller, access: list[Any], code: str) -> None:
    answer = operator.post("applications", {"displayName": "x", "requiredResourceAccess": access})

    assert refusal(answer) == (400, code)


def test_an_enabled_role_is_disabled_before_it_goes(operator: Caller) -> None:
    address = f"applications/{operator.application(appRoles=[ROLE])['id']}"

    removed = operator.patch(address, {"appRoles": []})
    renamed = operator.patch(address, {"appRoles": [{**ROLE, "value": "Other"}]})
    disabled = operator.patch(address, {"appRoles": [{**ROLE, "isEnabled": False}]})
    then_removed = operator.patch(address, {"appRoles": []})

    assert refusal(removed) == (400, "CannotDeleteOrUpdateEnabledEntitlement")
    assert refusal(renamed) == (400, "CannotDeleteOrUpdateEnabledEntitlement")
    assert [disabled.status_code, then_removed.status_code] == [204, 204]


def test_an_enabled_scope_is_disabled_before_it_goes(operator: Caller) -> None:
    address = f"applications/{operator.application(api={'oauth2PermissionScopes': [SCOPE]})['id']}"

    removed = operator.patch(address, {"api": {"oauth2PermissionScopes": []}})

    assert refusal(removed) == (400, "CannotDeleteOrUpdateEnabledEntitlement")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": None}, "Request_BadRequest"),
        ({"displayName": ""}, "Request_BadRequest"),
        ({"description": None}, "Request_BadRequest"),
        ({"value": "with space"}, "Request_BadRequest"),
        ({"value": ".dot"}, "Request_BadRequest"),
        ({"value": "x" * 121}, "Request_BadRequest"),
        ({"allowedMemberTypes": []}, "InvalidValue"),
        ({"allowedMemberTypes": ["Robot"]}, "Request_BadRequest"),
    ],
)
def test_a_role_has_its_shape(operator: Caller, change: dict[str, Any], code: str) -> None:
    body = {"displayName": "x", "appRoles": [{**ROLE, **change}]}

    assert refusal(operator.post("applications", body)) == (400, code)


@pytest.mark.parametrize("change", [{"value": "Other"}, {"id": SCOPE["id"]}])
def test_roles_differ_in_id_and_value(operator: Caller, change: dict[str, Any]) -> None:
    answer = operator.post(
        "applications", {"displayName": "x", "appRoles": [ROLE, {**ROLE, **change}]}
    )

    assert refusal(answer) == (400, "DuplicateValue")
    assert details(answer) == [("DuplicateValue", "appRoles")]


def test_a_scope_must_not_share_its_id_with_a_role(operator: Caller) -> None:
    scopes = {"oauth2PermissionScopes": [{**SCOPE, "id": ROLE["id"]}]}

    answer = operator.post("applications", {"displayName": "x", "appRoles": [ROLE], "api": scopes})

    assert refusal(answer) == (400, "DuplicateValue")


def test_a_pre_authorised_scope_must_be_ones_own(operator: Caller) -> None:
    def with_scope(id: str) -> dict[str, Any]:
        entry = {"appId": MISSING, "delegatedPermissionIds": [id]}
        return {"oauth2PermissionScopes": [SCOPE], "preAuthorizedApplications": [entry]}

    own = operator.post("applications", {"displayName": "x", "api": with_scope(SCOPE["id"])})
    foreign = operator.post("applications", {"displayName": "x", "api": with_scope(MISSING)})

    assert own.status_code == 201
    assert refusal(foreign) == (400, "InvalidValue")


def test_an_identifier_uri_belongs_to_one_application(operator: Caller) -> None:
    first, second = operator.application(), operator.application()
    uri = f"api://{first['appId']}"
    both = f"api://{second['appId']}/{first['appId']}"

    own = operator.patch(f"applications/{first['id']}", {"identifierUris": [uri, both]})
    foreign = operator.patch(f"applications/{second['id']}", {"identifierUris": [uri]})
    operator.delete(f"applications/{first['id']}")
    taken = operator.patch(f"applications/{second['id']}", {"identifierUris": [both]})

    assert own.status_code == 204
    assert refusal(foreign) == (400, "HostNameNotOnVerifiedDomain")
    assert message(taken) == (
        "Another object with the same value for property identifierUris already exists."
    )
    assert details(taken) == [("ObjectConflict", "identifierUris")]


@pytest.mark.parametrize(
    "uri",
    ["https://sandbox.onmicrosoft.com/x", "https://a.sandbox.onmicrosoft.com", "api://{tenant}/x"],
)
def test_a_verified_domain_is_accepted(operator: Caller, uri: str) -> None:
    assert operator.application(identifierUris=[uri.format(tenant=operator.identity["tenantId"])])


def test_an_unknown_segment_is_refused_before_anything_else(operator: Caller) -> None:
    answer = operator.get(f"applications/{MISSING}/extensionProperties")

    assert refusal(answer) == (400, "BadRequest")
    assert message(answer) == "Resource not found for the segment 'extensionProperties'."


def test_an_owner_that_nobody_knows_is_not_found(operator: Caller) -> None:
    bind = [f"https://graph.microsoft.com/v1.0/directoryObjects/{MISSING}"]

    answer = operator.post("applications", {"displayName": "x", "owners@odata.bind": bind})

    assert refusal(answer) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize("body", ["{", "[1", "NaN", '{"displayName": NaN}', "\xff"])
def test_a_body_that_is_no_json_is_refused(operator: Caller, body: str) -> None:
    answer = operator.raw("applications", body.encode("latin-1"))

    assert refusal(answer) == (400, "BadRequest")


def test_an_unknown_key_is_no_segment(operator: Caller) -> None:
    answer = operator.get("applications(colour='red')")

    assert refusal(answer) == (400, "BadRequest")
