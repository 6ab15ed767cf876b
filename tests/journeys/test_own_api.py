"""An API of the manifest and its clients: made together, changed together, and nothing left over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import outsider
import pytest
import truth
from journey import Provision, StartSandbox

from provision.sandbox.lag import Lag
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

READ = {"Orders.Read.All": {"displayName": "Read all orders", "description": "Reads all orders."}}
WRITE = {"Orders.Write.All": {"displayName": "Write orders", "description": "Writes all orders."}}
SCOPE = {"type": "User", "adminConsentDisplayName": "Use", "adminConsentDescription": "Uses it."}


def api(**changes: Any) -> dict[str, Any]:
    """The API: two roles, two scopes, one client that needs no consent for one of them."""
    return {
        "displayName": "Orders API",
        "identifierUris": ["api://{appId}"],
        "appRoles": {**READ, **WRITE},
        "api": {
            "requestedAccessTokenVersion": 2,
            "scopes": {"Orders.Use": SCOPE, "Orders.Share": SCOPE},
            "preAuthorizedApplications": [
                {"client": "front", "scopes": ["Orders.Use", "Orders.Share"]}
            ],
        },
        **changes,
    }


def front(**changes: Any) -> dict[str, Any]:
    """A client that acts for people and by itself."""
    return {
        "displayName": "Front",
        "permissions": {
            "api": {
                "application": ["Orders.Read.All", "Orders.Write.All"],
                "delegated": ["Orders.Use", "Orders.Share"],
            },
            "Microsoft Graph": {"delegated": ["openid", "User.Read"]},
        },
        **changes,
    }


def write(folder: Path, **applications: dict[str, Any]) -> Path:
    """The manifest `orders.yaml`."""
    path = folder / "orders.yaml"
    content = {"version": 1, "name": "orders", "tenant": "sandbox", "applications": applications}
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path


def shown(server: Server) -> dict[str, Any]:
    """What the tenant really holds of both: offers by value, consents by value."""
    tenant, now = server.tenant(), Seen.truth()
    own, client = (truth.application(server, f"orders.{key}") for key in ("api", "front"))
    roles = {each["id"]: each for each in own["appRoles"]}
    scopes = {each["id"]: each for each in own["api"]["oauth2PermissionScopes"]}
    (principal,) = tenant.find_all("servicePrincipals", "appId", client["appId"], now)
    (resource,) = tenant.find_all("servicePrincipals", "appId", own["appId"], now)
    granted = tenant.find_all("appRoleAssignments", "principalId", principal["id"], now)
    consents = tenant.find_all("oauth2PermissionGrants", "clientId", principal["id"], now)
    asked = [
        access["id"]
        for each in client["requiredResourceAccess"]
        if each["resourceAppId"] == own["appId"]
        for access in each["resourceAccess"]
    ]
    names = {id: each["value"] for id, each in {**roles, **scopes}.items()}
    return {
        "uris": [uri.replace(own["appId"], "APP") for uri in own["identifierUris"]],
        "roles": sorted(each["value"] for each in roles.values()),
        "enabled": all(each["isEnabled"] for each in (*roles.values(), *scopes.values())),
        "scopes": sorted(each["value"] for each in scopes.values()),
        "authorized": sorted(
            names[id]
            for each in own["api"]["preAuthorizedApplications"]
            if each["appId"] == client["appId"]
            for id in each["delegatedPermissionIds"]
        ),
        "granted": sorted(
            names[each["appRoleId"]] for each in granted if each["resourceId"] == resource["id"]
        ),
        "consented": sorted(
            value
            for each in consents
            if each["resourceId"] == resource["id"]
            for value in each["scope"].split()
        ),
        "asked": sorted(names[id] for id in asked),
    }


WHOLE = {
    "uris": ["api://APP"],
    "roles": ["Orders.Read.All", "Orders.Write.All"],
    "enabled": True,
    "scopes": ["Orders.Share", "Orders.Use"],
    "authorized": ["Orders.Share", "Orders.Use"],
    "granted": ["Orders.Read.All", "Orders.Write.All"],
    "consented": ["Orders.Share", "Orders.Use"],
    "asked": ["Orders.Read.All", "Orders.Share", "Orders.Use", "Orders.Write.All"],
}


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest, applied."""
    manifest = write(workplace, api=api(), front=front())
    done = provision("apply", manifest, "--yes")
    assert done.exit_code == 0, done.said
    return manifest


def assert_settled(provision: Provision, manifest: Path) -> None:
    again = provision("plan", manifest, "--detailed-exitcode")
    assert again.exit_code == 0, again.said


def test_an_api_and_its_client_are_made_in_one_run(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    assert shown(sandbox) == WHOLE
    assert_settled(provision, applied)


@pytest.mark.parametrize("profile", ["typical", "slow"])
def test_they_are_made_in_one_run_however_the_directory_lags(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path, profile: str
) -> None:
    sandbox = start_sandbox(profile=profile, scale=200)
    manifest = write(workplace, api=api(), front=front())

    done = provision("apply", manifest, "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert shown(sandbox) == WHOLE


def test_what_the_client_no_longer_asks_for_is_taken_back(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    less = {"api": {"application": ["Orders.Read.All"], "delegated": ["Orders.Use"]}}
    manifest = write(applied.parent, api=api(), front=front(permissions=less))

    done = provision("apply", manifest, "--yes")

    assert done.exit_code == 0, done.said
    expected = {"granted": ["Orders.Read.All"], "consented": ["Orders.Use"]}
    assert shown(sandbox) == {**WHOLE, **expected, "asked": ["Orders.Read.All", "Orders.Use"]}
    assert_settled(provision, manifest)


def test_what_the_api_no_longer_offers_is_disabled_and_removed_in_the_same_apply(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    """Also while clients hold it, and while it is authorized in advance."""
    pre = [{"client": "front", "scopes": ["Orders.Use"]}]
    smaller = api(
        appRoles=READ, api={"scopes": {"Orders.Use": SCOPE}, "preAuthorizedApplications": pre}
    )
    asks = {"api": {"application": ["Orders.Read.All"], "delegated": ["Orders.Use"]}}
    manifest = write(applied.parent, api=smaller, front=front(permissions=asks))

    done = provision("apply", manifest, "--yes")

    assert done.exit_code == 0, done.said
    assert "disable Orders.Share, Orders.Write.All" in done.said
    assert shown(sandbox) == {
        **WHOLE,
        "roles": ["Orders.Read.All"],
        "scopes": ["Orders.Use"],
        "authorized": ["Orders.Use"],
        "granted": ["Orders.Read.All"],
        "consented": ["Orders.Use"],
        "asked": ["Orders.Read.All", "Orders.Use"],
    }
    assert_settled(provision, manifest)


def test_an_enabled_role_is_changed_and_enabled_again_with_the_same_id(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    before = {e["value"]: e["id"] for e in truth.application(sandbox, "orders.api")["appRoles"]}
    renamed = {"Orders.Read.All": {"displayName": "See orders", "description": "Sees them."}}
    manifest = write(applied.parent, api=api(appRoles={**renamed, **WRITE}), front=front())

    done = provision("apply", manifest, "--yes")

    assert done.exit_code == 0, done.said
    roles = {e["value"]: e for e in truth.application(sandbox, "orders.api")["appRoles"]}
    assert roles["Orders.Read.All"]["displayName"] == "See orders"
    assert {value: each["id"] for value, each in roles.items()} == before
    assert shown(sandbox) == WHOLE
    assert_settled(provision, manifest)


def test_a_client_alone_is_applied_against_the_api_that_is_there(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """--target leaves the API as it is, and still knows what it offers."""
    manifest = write(workplace, api=api(), front=front())
    first = provision("apply", manifest, "--yes", "--target", "front", "--skip-verify")
    assert first.exit_code == 1
    assert "The application api, which this one refers to, is not there" in first.said

    api_first = provision("apply", manifest, "--yes", "--target", "api", "--skip-verify")
    then = provision("apply", manifest, "--yes", "--target", "front", "--skip-verify")

    assert (api_first.exit_code, then.exit_code) == (0, 0), api_first.said + then.said
    rest = provision("apply", manifest, "--yes", "--skip-verify")
    assert rest.exit_code == 0, rest.said
    assert shown(sandbox) == WHOLE


def test_both_come_back_from_the_deleted_items_whole(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    gone = provision("destroy", applied, "--yes")
    assert gone.exit_code == 0, gone.said

    back = provision("apply", applied, "--yes", "--skip-verify")
    assert back.exit_code == 0, back.said
    provision("apply", applied, "--yes", "--skip-verify")

    assert shown(sandbox) == WHOLE
    assert_settled(provision, applied)


def test_a_consent_is_taken_back_from_a_restored_client_when_the_api_has_dropped_its_scope(
    applied: Path, sandbox: Server, provision: Provision
) -> None:
    """Consents name scopes by value: what the API offers no longer must still be known as ours."""
    client = truth.application(sandbox, "orders.front")
    outsider.send(sandbox, "DELETE", f"applications/{client['id']}")
    bare = api(api={"scopes": {}, "preAuthorizedApplications": []}, appRoles={})
    manifest = write(applied.parent, api=bare, front=front(permissions={}))

    for _ in range(2):  # the second takes back what was not seen before the restore
        done = provision("apply", manifest, "--yes", "--skip-verify")
        assert done.exit_code == 0, done.said

    found = sandbox.tenant().scan("oauth2PermissionGrants", Seen.truth())
    assert [each["scope"] for each in found if "Orders" in each["scope"]] == []
    assert_settled(provision, manifest)


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_scope_granted_beside_one_that_is_revoked_survives_a_stale_read(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path, seed: int
) -> None:
    """Both are one consent: what a replica showed from before the grant must not be written back."""
    sandbox = start_sandbox(profile="strong", scale=200)
    before = front(permissions={"Microsoft Graph": {"delegated": ["openid"]}})
    manifest = write(workplace, front=before)
    assert provision("apply", manifest, "--yes", "--skip-verify").exit_code == 0
    sandbox.store.lag = Lag(profile="slow", scale=sandbox.scale, seed=seed)
    after = front(permissions={"Microsoft Graph": {"delegated": ["User.Read", "email"]}})

    done = provision("apply", write(workplace, front=after), "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    app = truth.application(sandbox, "orders.front")
    tenant, now = sandbox.tenant(), Seen.truth()
    (principal,) = tenant.find_all("servicePrincipals", "appId", app["appId"], now)
    (consent,) = tenant.find_all("oauth2PermissionGrants", "clientId", principal["id"], now)
    assert sorted(consent["scope"].split()) == ["User.Read", "email"]
