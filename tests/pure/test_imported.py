"""What exists in a tenant becomes a manifest that reads back and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provision.imported.keys import keys_of, name_for
from provision.imported.source import clear_names
from provision.manifest import parse
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    OAuth2PermissionGrant,
    Resource,
    ResourceAccess,
)
from tests.existing import (
    APP_ID,
    GRAPH,
    MAIL,
    ME,
    USERS,
    a_password,
    a_trust,
    asks,
    existing,
    source,
    unchanged,
)


def test_what_is_granted_in_full_is_to_be_granted() -> None:
    everyone = OAuth2PermissionGrant(
        id="g",
        client_id="c",
        resource_id="graph",
        principal_id=None,
        scopes=frozenset({"User.Read"}),
    )
    app = existing(asks=asks(USERS, ME), granted=[USERS], grants=[everyone])

    imported, manifest = unchanged(source(app))

    assert manifest.applications[0].grant
    assert "        application:\n          - User.Read.All  # Read" in imported.text
    assert "        delegated:\n          - User.Read  # Sign in" in imported.text
    assert "but not" not in imported.text


def test_what_is_not_granted_is_only_requested_and_named() -> None:
    imported, manifest = unchanged(source(existing(asks=asks(USERS, MAIL), granted=[USERS])))

    assert not manifest.applications[0].grant
    assert "# requested, but not granted: Mail.Send of Microsoft Graph" in imported.text


def test_what_was_granted_without_being_requested_is_named() -> None:
    imported, manifest = unchanged(source(existing(granted=[MAIL])))

    assert manifest.applications[0].permissions == ()
    assert "# granted, but not requested: Mail.Send of Microsoft Graph" in imported.text


def test_consents_of_single_users_are_named_and_count_for_no_grant() -> None:
    own = [
        OAuth2PermissionGrant(
            id=user,
            client_id="c",
            resource_id="graph",
            principal_id=user,
            scopes=frozenset({"User.Read"}),
        )
        for user in ("ana", "bo")
    ]

    imported, manifest = unchanged(source(existing(asks=asks(ME), grants=own)))

    assert not manifest.applications[0].grant
    assert "# granted by 2 users for themselves: User.Read of Microsoft Graph" in imported.text


def test_delegated_consents_that_cannot_be_read_are_no_reason_to_ask_again() -> None:
    app = existing(asks=asks(USERS, ME), granted=[USERS])
    assert app.service_principal
    unread = replace(app, service_principal=replace(app.service_principal, grants=None))

    imported, manifest = unchanged(source(unread))

    assert manifest.applications[0].grant
    assert "could not be read by this operator" in imported.text


def test_what_no_resource_offers_any_more_is_a_comment() -> None:
    gone = ResourceAccess(resource_app_id=GRAPH_APP_ID, id="gone", type="Role")

    imported, _ = unchanged(source(existing(asks=[gone])))

    assert (
        "requests the application permission gone, and Microsoft Graph no longer" in imported.text
    )


def test_an_api_whose_name_is_not_clear_is_called_by_its_app_id() -> None:
    app_id = "33333333-3333-3333-3333-333333333333"
    role = AppRole(resource=app_id, id="r", value="Data.Read")
    other = Resource(id="o", app_id=app_id, display_name="Twin", app_roles=frozenset({role}))
    resources = {GRAPH_APP_ID: GRAPH, app_id: other}

    imported, manifest = unchanged(source(existing(asks=asks(role)), resources=resources))

    assert manifest.applications[0].permissions[0].resource == app_id
    assert f"      {app_id}:  # Twin" in imported.text


def test_an_imported_api_is_called_by_its_key_also_where_clients_are_named() -> None:
    api_id = "33333333-3333-3333-3333-333333333333"
    scope = {
        "id": "s1",
        "value": "Orders.Read",
        "type": "Admin",
        "adminConsentDisplayName": "x",
        "adminConsentDescription": "y",
        "isEnabled": True,
    }
    trusted = {"appId": APP_ID, "delegatedPermissionIds": ["s1"]}
    exposed = {"oauth2PermissionScopes": [scope], "preAuthorizedApplications": [trusted]}
    api = existing(api_id, properties={"displayName": "Orders", "api": exposed})
    asked = ResourceAccess(resource_app_id=api_id, id="s1", type="Scope")

    _, manifest = unchanged(source(existing(asks=[asked]), api))

    client, offering = manifest.applications
    assert client.permissions[0].resource == "orders"
    assert offering.pre_authorized
    assert offering.pre_authorized[0].client == "some-application"


def test_a_role_without_a_value_keeps_the_list_out_of_the_manifest() -> None:
    role = {"id": "r", "value": None, "displayName": "x", "isEnabled": True}

    imported, manifest = unchanged(source(existing(properties={"appRoles": [role]})))

    assert manifest.applications[0].app_roles is None
    assert imported.left == {"some-application": ("appRoles: an app role without a value",)}


def test_credentials_are_told_with_a_way_to_take_over_and_never_as_ours() -> None:
    app = existing(
        passwords=[a_password("by hand")],
        more={"keyCredentials": [{"keyId": "k2", "displayName": "CN=x", "endDateTime": None}]},
        federated=[a_trust("github")],
    )

    imported, manifest = unchanged(source(app))

    assert "#   secret       by hand  key-1   until 2027-01-02" in imported.text
    assert "#   certificate  CN=x     k2" in imported.text
    assert "#   federated    github" in imported.text
    assert manifest.applications[0].secrets == ()
    example = "    # credentials:\n    #   ci:\n    #     secret:"
    assert example in imported.text
    start = imported.text.index(example)
    uncommented = imported.text[:start] + imported.text[start:].replace("    # ", "    ")
    taken = parse(uncommented, file="m", folder=Path("/"), environ={}, variables={})
    assert [secret.name for secret in taken.applications[0].secrets] == ["ci"]


def test_settings_without_a_key_are_named() -> None:
    implicit = {"implicitGrantSettings": {"enableIdTokenIssuance": True}}
    app = existing(
        properties={"web": implicit, "api": {"acceptMappedClaims": True}},
        more={"addIns": [{}], "requestSignatureVerification": {"isSignedRequestRequired": True}},
        principal_more={"preferredSingleSignOnMode": "saml", "keyCredentials": [{}]},
    )

    imported, _ = unchanged(source(app))

    for says in (
        "web.implicitGrantSettings.enableIdTokenIssuance is on",
        "api.acceptMappedClaims is on",
        "addIns: 1",
        "requestSignatureVerification.isSignedRequestRequired is on",
        "single sign-on of the service principal: saml",
        "certificates of the service principal itself: 1",
    ):
        assert f"# left as it is: {says}" in imported.text


def test_power_over_the_tenant_is_named_twice_as_a_manifest_must() -> None:
    role = AppRole(resource=GRAPH_APP_ID, id="t0", value="RoleManagement.ReadWrite.Directory")
    graph = replace(GRAPH, app_roles=GRAPH.app_roles | {role})

    imported, _ = unchanged(
        source(existing(asks=asks(role), granted=[role]), resources={GRAPH_APP_ID: graph})
    )

    assert "allowTier0: [RoleManagement.ReadWrite.Directory]" in imported.text


def test_an_application_without_a_service_principal_gets_none() -> None:
    app = replace(existing(asks=asks(USERS)), service_principal=None)

    _, manifest = unchanged(source(app))

    assert not manifest.applications[0].grant


def test_a_tenant_without_applications_is_a_manifest_too() -> None:
    _, manifest = unchanged(source(cloud="usgov"))

    assert manifest.applications == ()
    assert manifest.cloud == "usgov"


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (
            ["Contoso API", "contoso-api", "CONTOSO   api!"],
            ["contoso-api", "contoso-api-2", "contoso-api-3"],
        ),
        (["", "🚀", "  "], ["app", "app-2", "app-3"]),
        (["Ünïcode Näme"], ["unicode-name"]),
        (["0a0a0a0a-0000-0000-0000-000000000000"], ["app-0a0a0a0a-0000-0000-0000-000000000000"]),
        (["x" * 60, "x" * 60], ["x" * 40, "x" * 38 + "-2"]),
    ],
)
def test_keys_are_made_of_display_names(names: list[str], keys: list[str]) -> None:
    applications = [
        existing(f"{number}", properties={"displayName": name}).application
        for number, name in enumerate(names)
    ]

    assert list(keys_of(applications).values()) == keys


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (["orders"], "orders"),
        (["a"], "a-app"),
        (["x" * 40], "x" * 30),
        (["a", "b"], "imported"),
        ([], "imported"),
    ],
)
def test_a_manifest_is_named_after_the_one_application_in_it(keys: list[str], name: str) -> None:
    assert name_for(keys) == name


def test_claims_and_the_form_of_tokens_are_said_in_full() -> None:
    claim = {"name": "groups", "essential": False, "additionalProperties": ["emit_as_roles"]}
    properties = {
        "optionalClaims": {"idToken": [claim], "accessToken": [], "saml2Token": []},
        "api": {"requestedAccessTokenVersion": 2},
        "isFallbackPublicClient": False,
    }

    imported, manifest = unchanged(source(existing(properties=properties)))

    said = manifest.applications[0].properties
    assert said["api.requestedAccessTokenVersion"] == 2
    assert said["isFallbackPublicClient"] is False
    assert "additionalProperties: [emit_as_roles]" in imported.text


def test_default_access_is_no_permission() -> None:
    default = AppRole(resource=GRAPH_APP_ID, id="00000000-0000-0000-0000-000000000000", value="")

    imported, _ = unchanged(source(existing(granted=[default])))

    assert "granted, but not requested" not in imported.text


def test_a_trust_alone_offers_no_way_to_take_over() -> None:
    imported, _ = unchanged(source(existing(federated=[a_trust("github")])))

    assert "#   federated  github" in imported.text
    assert "credentials:" not in imported.text


def test_a_name_is_clear_where_it_means_one_api_and_is_no_key() -> None:
    names = ("Alone", "Twin", "orders")
    resources = {
        name: Resource(id=name, app_id=name, display_name=name, app_roles=frozenset())
        for name in names
    }
    means = {"Alone": "Alone", "orders": "orders"}

    assert clear_names(resources, means, {APP_ID: "orders"}) == {"Alone": "Alone"}
