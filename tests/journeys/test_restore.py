"""A manifest that uses everything comes back from the deleted items as it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server


def whole(owner: str) -> dict[str, Any]:
    """An API with scopes and roles, and a client of it with delegated permissions, trusts and owners."""
    api = {
        "displayName": "Orders API",
        "identifierUris": ["api://{appId}"],
        "api": {
            "requestedAccessTokenVersion": 2,
            "scopes": {"Orders.Read": {}, "Orders.Write": {"type": "User"}},
            "preAuthorizedApplications": [{"client": "client", "scopes": ["Orders.Read"]}],
            "knownClientApplications": ["client"],
        },
        "appRoles": {"Orders.Read.All": {}},
        "owners": [owner],
        "servicePrincipal": {"assignmentRequired": True, "tags": ["HideApp"]},
    }
    client = {
        "displayName": "Orders client",
        "web": {"redirectUris": ["https://orders.contoso.com/"]},
        "optionalClaims": {"idToken": [{"name": "email"}]},
        "permissions": {
            "orders-api": {"application": ["Orders.Read.All"], "delegated": ["Orders.Read"]},
            "Microsoft Graph": {"application": ["User.Read.All"], "delegated": ["User.Read"]},
        },
        "credentials": {
            "ci": paper.a_secret(),
            "github": {"federated": {"github": {"repository": "a/b", "branch": "main"}}},
        },
        "owners": [owner],
    }
    return {"orders-api": api, "client": client}


@pytest.mark.parametrize(
    "sandbox",
    [{"profile": "strong"}, {"profile": "typical", "seed": 11, "scale": 100.0}],
    indirect=True,
)
def test_everything_comes_back_under_the_same_ids(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    person = outsider.send(sandbox, "GET", "users")["value"][0]["userPrincipalName"]
    manifest = paper.write(workplace, applications=whole(person))
    first = provision("apply", manifest, "--yes", "--skip-verify")
    before = {each["uniqueName"]: each for each in truth.applications(sandbox)}
    destroyed = provision("destroy", manifest, "--yes")
    assert (first.exit_code, destroyed.exit_code) == (0, 0), first.said + destroyed.said

    done = provision("apply", manifest, "--yes", "--skip-verify")

    after = {each["uniqueName"]: each for each in truth.applications(sandbox)}
    assert done.exit_code == 0, done.said
    for name, found in before.items():
        same = ("id", "appId", "displayName", "api", "appRoles", "identifierUris", "web")
        for each in (*same, "optionalClaims", "requiredResourceAccess"):
            assert after[name][each] == found[each], each
    assert len(after["hello.client"]["passwordCredentials"]) == 1


def test_after_a_restore_nothing_is_left_to_do(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    person = outsider.send(sandbox, "GET", "users")["value"][0]["userPrincipalName"]
    manifest = paper.write(workplace, applications=whole(person))
    provision("apply", manifest, "--yes", "--skip-verify")
    provision("destroy", manifest, "--yes")

    provision("apply", manifest, "--yes", "--skip-verify")
    planned = provision("plan", manifest, "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said
    client = f"servicePrincipals(appId='{truth.application(sandbox, 'hello.client')['appId']}')"
    assert len(outsider.send(sandbox, "GET", f"{client}/appRoleAssignments")["value"]) == 2
    assert len(outsider.send(sandbox, "GET", f"{client}/oauth2PermissionGrants")["value"]) == 2


def test_what_changed_in_the_manifest_meanwhile_is_changed_on_the_way(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    person = outsider.send(sandbox, "GET", "users")["value"][0]["userPrincipalName"]
    manifest = paper.write(workplace, applications=whole(person))
    provision("apply", manifest, "--yes", "--skip-verify")
    provision("destroy", manifest, "--yes")
    wanted = whole(person)
    wanted["orders-api"]["api"]["scopes"] = {"Orders.Read": {"adminConsentDisplayName": "Read"}}
    wanted["orders-api"]["appRoles"]["Orders.Write.All"] = {}
    wanted["client"]["permissions"]["orders-api"]["application"] = ["Orders.Write.All"]
    manifest = paper.write(workplace, applications=wanted)

    done = provision("apply", manifest, "--yes", "--skip-verify")
    again = provision("apply", manifest, "--yes", "--skip-verify")
    planned = provision("plan", manifest, "--detailed-exitcode")

    assert done.exit_code == 0, done.said
    assert again.exit_code == 0, again.said
    assert planned.exit_code == 0, planned.said
    offered = truth.application(sandbox, "hello.orders-api")
    assert [each["value"] for each in offered["api"]["oauth2PermissionScopes"]] == ["Orders.Read"]


def test_output_names_adopted_applications_and_the_rest_of_the_manifest(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    theirs = outsider.application(sandbox)
    apps = {
        "theirs": {"adopt": {"appId": theirs["appId"]}},
        "ours": {"displayName": "Ours"},
    }
    manifest = paper.write(workplace, applications=apps)
    assert provision("apply", manifest, "--yes", "--skip-verify").exit_code == 0

    shown = provision("output", manifest)
    one = provision("output", manifest, "--target", "theirs")

    assert f"THEIRS_CLIENT_ID={theirs['appId']}" in shown.stdout
    assert f"OURS_CLIENT_ID={truth.application(sandbox, 'hello.ours')['appId']}" in shown.stdout
    assert f"AZURE_CLIENT_ID={theirs['appId']}" in one.stdout


@pytest.mark.parametrize(
    "sandbox",
    [{"profile": "typical", "seed": seed, "scale": 100.0} for seed in (1, 91)],
    indirect=True,
)
def test_consents_that_come_back_with_a_service_principal_are_taken_back_when_they_show(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Withdrawn before, what was granted would pass for somebody else's decision for good."""
    provision("apply", paper.write(workplace, paper.an_app("Mail.Send")), "--yes")
    sandbox.advance(timedelta(minutes=10))
    (principal,) = truth.principals(sandbox)
    outsider.send(sandbox, "DELETE", f"servicePrincipals/{principal['id']}")
    sandbox.advance(timedelta(minutes=10))
    manifest = paper.write(workplace, paper.an_app("User.Read.All"))

    first = provision("apply", manifest, "--yes", "--skip-verify")
    sandbox.advance(timedelta(minutes=10))
    second = provision("apply", manifest, "--yes", "--skip-verify")

    assert first.exit_code == 0, first.said
    assert "Apply again" in first.said
    assert second.exit_code == 0, second.said
    assert truth.roles(sandbox) == ["User.Read.All"]
    sandbox.advance(timedelta(minutes=10))
    assert provision("plan", manifest, "--detailed-exitcode").exit_code == 0
