"""What a manifest would change, or cannot say, is left out of an import: as little as possible, with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provision.desired import resolve
from provision.diff import diff
from provision.errors import ManifestError
from provision.imported import write
from provision.imported.units import Unit, units_of
from provision.manifest import parse
from provision.model import GRAPH_APP_ID, AppRole, Owner, PermissionScope, ResourceAccess
from provision.plan import (
    AddOwner,
    AuthorizeClients,
    Change,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    RequestPermissions,
    Step,
    UpdateApplication,
    UpdateServicePrincipal,
)
from tests.existing import APP_ID, ME, NOW, USERS, asks, existing, source, unchanged

ROLE: dict[str, Any] = {
    "id": "r",
    "value": "Data.Read",
    "displayName": "Read",
    "description": "Reads",
    "allowedMemberTypes": ["Application"],
    "isEnabled": True,
}
SCOPE: dict[str, Any] = {
    "id": "s",
    "value": "Data.Read",
    "type": "User",
    "adminConsentDisplayName": "Read",
    "adminConsentDescription": "Reads",
    "isEnabled": True,
}


@pytest.mark.parametrize(
    ("role", "why"),
    [
        ({"description": None}, "a manifest would change it"),
        ({"allowedMemberTypes": []}, "nobody could have this role"),
        ({"value": ".dot"}, '".dot" cannot stand in a token'),
    ],
)
def test_app_roles_that_a_manifest_cannot_say_are_left_as_a_whole(
    role: dict[str, Any], why: str
) -> None:
    roles = [ROLE, {**ROLE, "id": "other", "value": "Other", **role}]

    imported, manifest = unchanged(source(existing(properties={"appRoles": roles})))

    assert manifest.applications[0].app_roles is None
    assert f"# left as it is: appRoles: {why}" in imported.text


def test_two_scopes_of_one_value_cannot_be_told_apart() -> None:
    scopes = [SCOPE, {**SCOPE, "id": "twin", "isEnabled": False}]

    imported, manifest = unchanged(
        source(existing(properties={"api": {"oauth2PermissionScopes": scopes}}))
    )

    assert manifest.applications[0].scopes is None
    assert "# left as it is: api.scopes: two of them share a value" in imported.text


def test_a_client_that_is_trusted_with_a_scope_that_is_gone_is_left() -> None:
    client = {"appId": APP_ID, "delegatedPermissionIds": ["gone"]}
    exposed = {"oauth2PermissionScopes": [SCOPE], "preAuthorizedApplications": [client]}

    imported, manifest = unchanged(source(existing(properties={"api": exposed})))

    assert manifest.applications[0].scopes
    assert manifest.applications[0].pre_authorized is None
    assert "api.preAuthorizedApplications: a scope that is not there any more" in imported.text


def test_of_tags_only_those_are_left_that_no_manifest_may_give() -> None:
    imported, manifest = unchanged(source(existing(tags=["good", "Provision:Else", "two words"])))

    assert manifest.applications[0].tags == {"good"}
    assert len(imported.left["some-application"]) == 2


def test_a_permission_of_an_own_role_that_is_switched_off_is_left_and_the_others_are_not() -> None:
    api_id = "33333333-3333-3333-3333-333333333333"
    off = {**ROLE, "id": "off", "value": "Data.Off", "isEnabled": False}
    api = existing(api_id, properties={"displayName": "Orders", "appRoles": [ROLE, off]})
    wanted = [ResourceAccess(resource_app_id=api_id, id=id, type="Role") for id in ("r", "off")]

    imported, manifest = unchanged(source(existing(asks=wanted), api))

    assert [each.value for each in manifest.applications[0].permissions] == ["Data.Read"]
    assert "left as it is: permissions.orders.application.Data.Off:" in imported.text


def test_an_application_that_cannot_be_named_at_all_is_a_comment() -> None:
    imported = write(source(existing("no-guid"), existing()), now=NOW)

    assert "  # Some application (no-guid) is left as it is: " in imported.text
    assert f"adopt: {{appId: {APP_ID}}}" in imported.text


def test_a_heading_that_cannot_be_read_is_a_mistake() -> None:
    with pytest.raises(ManifestError):
        write(source(name="No!"), now=NOW)


def update(*names: str) -> tuple[Change, ...]:
    return tuple(Change(property=name, before=None, after=None) for name in names)


API = AppRole(resource="api-id", id="x", value="Data.Read")


@pytest.mark.parametrize(
    ("step", "units"),
    [
        (
            UpdateApplication(
                app="a", changes=update("appRoles", "api.oauth2PermissionScopes", "web.logoutUrl")
            ),
            [("appRoles",), ("api", "scopes"), ("web", "logoutUrl")],
        ),
        (
            UpdateServicePrincipal(
                app="a", changes=update("accountEnabled", "appRoleAssignmentRequired")
            ),
            [("servicePrincipal", "enabled"), ("servicePrincipal", "assignmentRequired")],
        ),
        (DisableEntitlements(app="a", values=("x",)), []),
        (
            AuthorizeClients(app="a", pre_authorized=(), known=()),
            [("api", "preAuthorizedApplications"), ("api", "knownClientApplications")],
        ),
        (AuthorizeClients(app="a", pre_authorized=None, known=None), []),
        (
            RequestPermissions(app="a", permissions=(API, ME)),
            [
                ("permissions", "called api-id", "application", "Data.Read"),
                ("permissions", f"called {GRAPH_APP_ID}", "delegated", "User.Read"),
            ],
        ),
        (
            GrantAppRole(app="a", role=API),
            [("permissions", "called api-id", "application", "Data.Read")],
        ),
        (
            GrantScopes(app="a", scopes=(PermissionScope(resource="api-id", id="y", value="Do"),)),
            [("permissions", "called api-id", "delegated", "Do")],
        ),
        (
            CreateResourcePrincipal(app="a", resource="api-id", name="x"),
            [("permissions", "called api-id")],
        ),
        (
            AddOwner(app="a", of="application", owner=Owner(id="ana", name="Ana")),
            [("owners", "ana")],
        ),
        (CreateServicePrincipal(app="a"), [()]),
    ],
)
def test_what_asks_for_a_step_is_known(step: Step, units: list[Unit]) -> None:
    assert list(units_of(step, lambda app_id: f"called {app_id}")) == units


GRANTED = "{permissions: {Microsoft Graph: [User.Read.All]}, consent: %s}"
SECRET = "{credentials: {ci: {secret: {store: {dotenv: .env}}}}}"
TRUST = "{credentials: {gh: {federated: {github: {repository: a/b, branch: c}}}}}"


@pytest.mark.parametrize(
    ("says", "needs"),
    [
        ("{}", False),
        ("{tags: [x]}", False),
        (GRANTED % "request", False),
        (GRANTED % "grant", True),
        (SECRET, True),
        (TRUST, True),
        ("{servicePrincipal: {enabled: true}}", True),
    ],
)
def test_an_adopted_application_gets_a_service_principal_once_something_needs_one(
    says: str, needs: bool
) -> None:
    bare = replace(existing(asks=asks(USERS)), service_principal=None)

    assert made(bare, f"  some-application: {adopted(says)}\n") is needs


def test_an_adopted_api_needs_a_service_principal_where_others_are_to_be_granted_its_roles() -> (
    None
):
    bare = replace(existing(properties={"appRoles": [ROLE]}), service_principal=None)
    client = "  client: {displayName: Client, permissions: {some-application: [Data.Read]}}\n"

    assert made(bare, f"  some-application: {adopted('{}')}\n{client}")


def adopted(says: str) -> str:
    more = says.removeprefix("{").removesuffix("}")
    return f"{{adopt: {{appId: {APP_ID}}}{', ' if more else ''}{more}}}"


def made(bare: Any, applications: str) -> bool:
    """Whether a service principal of the adopted application is planned."""
    observed = source(bare).observed()
    text = f"version: 1\nname: abc\napplications:\n{applications}"
    manifest = parse(text, file="m", folder=Path("/"), environ={}, variables={})
    steps = diff(resolve(manifest, observed), observed, now=NOW).steps
    return CreateServicePrincipal(app="some-application") in steps
