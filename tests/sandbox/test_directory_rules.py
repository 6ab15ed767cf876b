"""Single rules of the model, each with the case on either side of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import GRAPH_APP_ID, Caller, made, operator_of, refusal

from provision.sandbox.server import serve

MISSING = "11111111-1111-4111-8111-111111111111"
BAD = (400, "Request_BadRequest")
PERSONAL = {"signInAudience": "AzureADandPersonalMicrosoftAccount"}


@pytest.fixture(scope="module")
def operator(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("rules") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as server, operator_of(server) as caller:
        yield caller


def a_scope(value: str) -> dict[str, Any]:
    return {
        "id": MISSING,
        "value": value,
        "type": "User",
        "adminConsentDisplayName": "n",
        "adminConsentDescription": "d",
    }


def an_api(value: str) -> dict[str, Any]:
    return {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [a_scope(value)]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"samlMetadataUrl": "https://example.com/saml"}, 201),
        ({"samlMetadataUrl": "ftp://example.com/saml"}, 400),
        ({"info": {"termsOfServiceUrl": "https://example.com"}}, 201),
        ({"info": {"logoUrl": "https://example.com/logo.png"}}, 400),
        ({"uniqueName": ""}, 400),
        ({"web": {"redirectUris": [""]}}, 400),
        ({"web": {"redirectUris": [f"https://a/{n}" for n in range(256)]}}, 201),
        ({"web": {"redirectUris": [f"https://a/{n}" for n in range(257)]}}, 400),
        ({"identifierUris": ["api://x/?q=1"]}, 400),
        ({"api": {"oauth2PermissionScopes": [a_scope("x" * 41)]}}, 201),
        ({**PERSONAL, "api": an_api("x" * 40)}, 201),
        ({**PERSONAL, "api": an_api("x" * 41)}, 400),
        ({"api": {"oauth2PermissionScopes": [{**a_scope("x"), "type": "Robot"}]}}, 400),
        ({"owners@odata.bind": "x"}, 400),
        ({"optionalClaims": {"idToken": [{"name": "upn"}]}}, 201),
        ({"optionalClaims": {"idToken": [{"essential": True}]}}, 400),
        ({"optionalClaims": {"idToken": [{"name": "upn", "essential": None}]}}, 400),
        ({"addIns": [{"type": "FileHandler"}]}, 201),
        ({"addIns": [{"properties": []}]}, 400),
    ],
)
def test_an_application_keeps_to_the_rule(
    operator: Caller, body: dict[str, Any], status: int
) -> None:
    answer = operator.post("applications", {"displayName": "Ruled", **body})

    assert answer.status_code == status, answer.text


def test_what_is_never_null_is_false_unless_said_otherwise(operator: Caller) -> None:
    application = operator.application(
        servicePrincipalLockConfiguration={"allProperties": True},
        requestSignatureVerification={},
        optionalClaims={"accessToken": [{"name": "groups"}]},
    )

    assert application["servicePrincipalLockConfiguration"]["isEnabled"] is False
    assert application["requestSignatureVerification"]["isSignedRequestRequired"] is False
    assert application["optionalClaims"]["accessToken"][0]["essential"] is False
    assert application["optionalClaims"]["idToken"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"entityType": "Group", "displayName": "Payments"}, 204),
        ({"entityType": "Group", "mailNickname": "payments"}, 204),
        ({"entityType": "Group"}, 400),
        ({"entityType": "User", "displayName": "x"}, 400),
        ({"entityType": "Group", "displayName": ""}, 400),
        ({"entityType": "Group", "displayName": 5}, 400),
        ({"entityType": "Group", "mailNickname": "a b"}, 422),
    ],
)
def test_names_are_checked_before_a_group_is_made(
    operator: Caller, body: dict[str, Any], status: int
) -> None:
    answer = operator.post("directoryObjects/validateProperties", body)

    assert answer.status_code == status


def test_one_assignment_is_read_from_either_end(operator: Caller) -> None:
    principal = operator.principal(operator.application())
    assignment = made(operator.grant(principal, "User.Read.All"))

    of_principal = operator.get(
        f"servicePrincipals/{principal['id']}/appRoleAssignments/{assignment['id']}"
    )
    of_resource = operator.get(
        f"servicePrincipals(appId='{GRAPH_APP_ID}')/appRoleAssignedTo/{assignment['id']}"
    )
    of_another = operator.get(
        f"servicePrincipals(appId='{GRAPH_APP_ID}')/appRoleAssignments/{assignment['id']}"
    )

    assert of_principal.json()["principalId"] == of_resource.json()["principalId"]
    assert of_another.status_code == 404


def test_a_federated_credential_must_be_there_to_be_changed(operator: Caller) -> None:
    address = f"applications/{operator.application()['id']}/federatedIdentityCredentials"

    answers = [
        operator.patch(f"{address}/nobody", {"subject": "x"}),
        operator.delete(f"{address}/nobody"),
        operator.get(f"{address}/{MISSING}"),
    ]

    assert [refusal(answer) for answer in answers] == [(404, "Request_ResourceNotFound")] * 3


def test_a_federated_credential_is_named_by_its_name_only(operator: Caller) -> None:
    address = f"applications/{operator.application()['id']}/federatedIdentityCredentials"

    assert refusal(operator.get(f"{address}(issuer='x')")) == (400, "BadRequest")
    body = {"id": MISSING, "name": "x", "issuer": "i", "subject": "s", "audiences": ["a"]}
    assert refusal(operator.post(address, body)) == BAD


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "x", "permissionName": "User.Read"},
        {"permissionId": "x"},
        {"permissionName": "User.Read", "classification": "extreme"},
    ],
)
def test_a_bad_classification_is_refused(operator: Caller, body: dict[str, Any]) -> None:
    writer = operator.workload("Policy.ReadWrite.PermissionGrant", "Application.Read.All")
    address = f"servicePrincipals(appId='{GRAPH_APP_ID}')/delegatedPermissionClassifications"

    assert refusal(writer.post(address, body)) == BAD
    assert refusal(writer.delete(f"{address}/x")) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    "body",
    [
        {"notes": "x" * 1025},
        {"displayName": ""},
        {"servicePrincipalNames": ["https://example.com"]},
        {"appRoles": [{"id": MISSING, "allowedMemberTypes": ["User"]}]},
        {"customSecurityAttributes": {}},
        {"appOwnerOrganizationId": MISSING},
    ],
)
def test_a_service_principal_keeps_to_the_rule(operator: Caller, body: dict[str, Any]) -> None:
    principal = operator.principal(operator.application())

    assert refusal(operator.patch(f"servicePrincipals/{principal['id']}", body)) == BAD


def test_an_upsert_of_a_principal_names_one_application(operator: Caller) -> None:
    application = operator.application()
    key = f"servicePrincipals(appId='{application['appId']}')"

    answer = operator.patch(key, {"appId": MISSING}, Prefer="create-if-missing")

    assert refusal(answer) == BAD


def test_a_principal_takes_secrets_and_symmetric_keys(operator: Caller) -> None:
    principal = operator.principal(operator.application())
    key = {"type": "Symmetric", "usage": "Sign", "key": "c2VjcmV0"}

    address = f"servicePrincipals/{principal['id']}"
    changed = operator.patch(address, {"keyCredentials": [key]})
    (shown,) = operator.get(address).json()["keyCredentials"]

    assert changed.status_code == 204, changed.text
    assert (shown["type"], shown["key"], shown["customKeyIdentifier"]) == ("Symmetric", None, None)
    assert shown["startDateTime"] < shown["endDateTime"]
