"""What a manifest may say beside one application with a secret: each noun made, changed, and not made twice."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Provision, StartSandbox

from provision.sandbox import identities, operators
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

GITHUB = "https://token.actions.githubusercontent.com"


def bare(**changes: Any) -> dict[str, Any]:
    """An application that asks for nothing."""
    return paper.an_app(**{"permissions": None, "credentials": None, **changes})


def settled(provision: Provision, manifest: Path, **first: Any) -> str:
    """Apply, and plan again: nothing is left to do. Answers with what the apply said."""
    done = provision("apply", manifest, "--yes", *first.get("words", ()))
    assert done.exit_code == 0, done.said
    again = provision("plan", manifest, "--detailed-exitcode", *first.get("words", ())[1:])
    assert again.exit_code == 0, again.said
    return str(done.said)


def principal(server: Server, unique_name: str = "hello.my-workload") -> dict[str, Any]:
    """The service principal of an application, as it really is."""
    app_id = truth.application(server, unique_name)["appId"]
    found = server.tenant().find("servicePrincipals", "appId", app_id, Seen.truth())
    assert found is not None
    return found


def granted(server: Server, principal_id: str) -> list[tuple[str, str]]:
    """What a service principal was granted: resource and role, by name."""
    tenant, now = server.tenant(), Seen.truth()
    found = []
    for each in tenant.find_all("appRoleAssignments", "principalId", principal_id, now):
        resource = tenant.get("servicePrincipals", each["resourceId"], now)
        assert resource is not None
        (role,) = (e["value"] for e in resource["appRoles"] if e["id"] == each["appRoleId"])
        found.append((resource["displayName"], role))
    return sorted(found)


EVERYTHING = {
    "description": "What it is for",
    "notes": "Ask the platform team.",
    "signInAudience": "AzureADMultipleOrgs",
    "groupMembershipClaims": "SecurityGroup",
    "web": {
        "redirectUris": ["https://app.contoso.example/signin", "https://app.contoso.example/b"],
        "logoutUrl": "https://app.contoso.example/signout",
    },
    "spa": {"redirectUris": ["https://app.contoso.example/spa"]},
    "publicClient": {"redirectUris": ["http://localhost"]},
    "optionalClaims": {"accessToken": [{"name": "ipaddr"}]},
    "tags": ["team:a"],
    "servicePrincipal": {"enabled": True, "assignmentRequired": True, "tags": ["HideApp"]},
}


def test_every_property_is_set_once_and_then_left_alone(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    settled(provision, paper.write(workplace, bare(**EVERYTHING)))

    made, there = truth.application(sandbox), principal(sandbox)
    assert made["web"]["redirectUris"] == EVERYTHING["web"]["redirectUris"]
    assert made["web"]["logoutUrl"] == "https://app.contoso.example/signout"
    assert made["spa"]["redirectUris"] == ["https://app.contoso.example/spa"]
    assert made["publicClient"]["redirectUris"] == ["http://localhost"]
    assert made["optionalClaims"]["accessToken"][0]["name"] == "ipaddr"
    assert (made["notes"], made["groupMembershipClaims"]) == (
        "Ask the platform team.",
        "SecurityGroup",
    )
    assert there["appRoleAssignmentRequired"] is True
    assert {"HideApp", "team:a"} <= set(there["tags"])


def test_what_is_mentioned_is_exact_and_what_is_not_stays(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    settled(provision, paper.write(workplace, bare(**EVERYTHING)))
    made = truth.application(sandbox)
    theirs = {
        "web": {"homePageUrl": "https://theirs.example"},
        "tags": [*made["tags"], "theirs"],
    }
    outsider.send(sandbox, "PATCH", f"applications/{made['id']}", theirs)
    less = bare(web={"redirectUris": []}, servicePrincipal={"enabled": False})

    said = settled(provision, paper.write(workplace, less))

    made, there = truth.application(sandbox), principal(sandbox)
    assert made["web"]["redirectUris"] == []
    assert made["web"]["homePageUrl"] == "https://theirs.example"
    assert made["web"]["logoutUrl"] == "https://app.contoso.example/signout"
    assert made["notes"] == "Ask the platform team."
    assert "theirs" in made["tags"]
    assert (there["accountEnabled"], there["appRoleAssignmentRequired"]) == (False, True)
    assert "change accountEnabled of the service principal" in said


def test_owners_are_added_by_name_or_id_and_never_taken_away(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    people = [
        operators.add_person(sandbox.store, sandbox.tenant(), name=name)
        for name in ("adele", "bert")
    ]
    owners = [people[0].username, people[1].user_id]
    owned = bare(owners=owners, servicePrincipal={"owners": owners[:1]})
    settled(provision, paper.write(workplace, owned))
    settled(provision, paper.write(workplace, bare(owners=owners[1:])))

    made = truth.application(sandbox)
    listed = outsider.send(sandbox, "GET", f"applications/{made['id']}/owners")["value"]
    there = principal(sandbox)
    of_it = outsider.send(sandbox, "GET", f"servicePrincipals/{there['id']}/owners")["value"]
    assert {each.user_id for each in people} <= {each["id"] for each in listed}
    assert people[0].user_id in {each["id"] for each in of_it}


def test_nobody_of_that_name_is_told_with_the_line(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    planned = provision("plan", paper.write(workplace, bare(owners=["nobody@contoso.example"])))

    assert planned.exit_code == 1
    assert 'nobody in this tenant is called "nobody@contoso.example"' in planned.said
    assert "hello.yaml:" in planned.said


@pytest.mark.parametrize(
    ("resource", "role"),
    [
        ("Office 365 Exchange Online", "Mail.Read"),
        ("00000002-0000-0ff1-ce00-000000000000", "Mail.Read"),
        ("Application Insights API", "Data.Read"),
    ],
)
def test_another_resource_is_named_by_name_or_app_id_and_made_if_it_is_missing(
    sandbox: Server, provision: Provision, workplace: Path, resource: str, role: str
) -> None:
    manifest = paper.write(workplace, bare(permissions={resource: [role]}))

    settled(provision, manifest, words=("--skip-verify",))

    ((_, value),) = granted(sandbox, principal(sandbox)["id"])
    assert value == role


def test_a_permission_of_another_resource_is_taken_back_with_it(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Also when the manifest names that resource no longer at all."""
    asks = {
        "Office 365 Exchange Online": {
            "application": ["Mail.Read"],
            "delegated": ["EWS.AccessAsUser.All"],
        }
    }
    settled(provision, paper.write(workplace, bare(permissions=asks)), words=("--skip-verify",))

    settled(provision, paper.write(workplace, bare()), words=("--skip-verify",))

    there = principal(sandbox)
    assert granted(sandbox, there["id"]) == []
    now = Seen.truth()
    found = sandbox.tenant().find_all("oauth2PermissionGrants", "clientId", there["id"], now)
    assert list(found) == []
    assert truth.application(sandbox)["requiredResourceAccess"] == []


def test_a_managed_identity_is_granted_what_it_needs_and_keeps_what_others_gave_it(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    made = identities.add(sandbox.tenant(), "nightly-function")
    outsider.grant(sandbox, made.principal_id, "Group.Read.All")
    wanted = {
        "managedIdentity": made.principal_id,
        "permissions": {"Microsoft Graph": ["User.Read.All"]},
    }
    manifest = paper.write(workplace, bare(), identities={"nightly": wanted})

    said = settled(provision, manifest, words=("--skip-verify",))

    assert granted(sandbox, made.principal_id) == [
        ("Microsoft Graph", "Group.Read.All"),
        ("Microsoft Graph", "User.Read.All"),
    ]
    assert "Group.Read.All is granted, but not in the manifest: left as it is" in said


def test_an_identity_that_is_not_there_is_told_with_the_line(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    wanted = {"managedIdentity": "5c0e0000-0000-4000-8000-000000000000", "permissions": {}}

    planned = provision("plan", paper.write(workplace, bare(), identities={"nightly": wanted}))

    assert planned.exit_code == 1
    assert "there is no managed identity 5c0e0000-0000-4000-8000-000000000000" in planned.said


def test_federated_credentials_are_added_changed_and_removed_beside_others(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    def trusting(**credentials: Any) -> Path:
        return paper.write(workplace, bare(credentials=credentials or None))

    main = {"federated": {"github": {"repository": "contoso/shop", "branch": "main"}}}
    prod = {"federated": {"github": {"repository": "contoso/shop", "environment": "prod"}}}
    settled(provision, trusting(main=main, prod=prod), words=("--skip-verify",))
    app = truth.application(sandbox)
    theirs = {
        "name": "theirs",
        "issuer": GITHUB,
        "subject": "repo:fabrikam/x:pull_request",
        "audiences": ["api://AzureADTokenExchange"],
    }
    outsider.send(sandbox, "POST", f"applications/{app['id']}/federatedIdentityCredentials", theirs)
    moved = {"federated": {"github": {"repository": "contoso/store", "branch": "main"}}}

    settled(provision, trusting(main=moved), words=("--skip-verify",))

    path = f"applications/{app['id']}/federatedIdentityCredentials"
    listed = outsider.send(sandbox, "GET", path)["value"]
    assert {each["name"]: each["subject"] for each in listed} == {
        "main": "repo:contoso/store:ref:refs/heads/main",
        "theirs": "repo:fabrikam/x:pull_request",
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"x": "main", "y": "release"}, {"x": "release", "y": "main"}),
        ({"x": "main", "y": "release"}, {"x": "release"}),
        ({"x": "main"}, {"a": "main", "x": "release"}),
        ({"x": "1", "y": "2", "z": "3"}, {"x": "2", "y": "3", "z": "1"}),
    ],
)
@pytest.mark.parametrize("sandbox", [{}, {"profile": "typical", "seed": 3}], indirect=True)
def test_subjects_may_move_from_one_federated_credential_to_another(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    before: dict[str, str],
    after: dict[str, str],
) -> None:
    """The directory takes an issuer and subject once, so what holds it has to go first."""
    for branches in (before, after):
        trust = {
            name: {"federated": {"github": {"repository": "contoso/shop", "branch": branch}}}
            for name, branch in branches.items()
        }
        manifest = paper.write(workplace, bare(credentials=trust))
        done = provision("apply", manifest, "--yes", "--skip-verify")
        assert done.exit_code == 0, done.said
        sandbox.advance(timedelta(minutes=10))

    kind, id = "federatedIdentityCredentials", truth.application(sandbox)["id"]
    listed = sandbox.tenant().find_all(kind, "_application", id, Seen.truth())
    assert {e["name"]: e["subject"].split("/")[-1] for e in listed} == after
    assert json.loads(provision("plan", manifest, "--json").stdout)["steps"] == []


def test_what_is_preserved_is_not_deleted_when_it_leaves_the_manifest(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    both = {"my-workload": bare(), "kept": bare(displayName="Kept", preserve=True)}
    settled(provision, paper.write(workplace, applications=both))

    done = provision("apply", paper.write(workplace, bare()), "--yes", "--allow-destroy")

    assert done.exit_code == 0, done.said
    assert "Kept is no longer in the manifest, and kept: it was marked preserve" in done.said
    assert truth.application(sandbox, "hello.kept")["displayName"] == "Kept"


def test_preserve_can_be_taken_back(sandbox: Server, provision: Provision, workplace: Path) -> None:
    both = {"my-workload": bare(), "kept": bare(displayName="Kept", preserve=True)}
    settled(provision, paper.write(workplace, applications=both))
    both["kept"] = bare(displayName="Kept")
    settled(provision, paper.write(workplace, applications=both))

    done = provision("apply", paper.write(workplace, bare()), "--yes", "--allow-destroy")

    assert done.exit_code == 0, done.said
    assert [each["displayName"] for each in truth.applications(sandbox)] == ["My Workload"]


def test_environments_are_owners_of_their_own(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    environments = {
        "dev": {"tenant": "sandbox", "variables": {"suffix": " (dev)"}},
        "prod": {"tenant": "sandbox", "variables": {"suffix": ""}},
    }
    manifest = paper.write(
        workplace, bare(displayName="My Workload${suffix}"), environments=environments
    )
    for environment in environments:
        done = provision("apply", manifest, "--yes", "--env", environment)
        assert done.exit_code == 0, done.said

    made = {each["uniqueName"]: each["displayName"] for each in truth.applications(sandbox)}
    assert made == {
        "hello.dev.my-workload": "My Workload (dev)",
        "hello.prod.my-workload": "My Workload",
    }
    gone = provision("destroy", manifest, "--yes", "--env", "dev")
    assert gone.exit_code == 0, gone.said
    assert [each["uniqueName"] for each in truth.applications(sandbox)] == [
        "hello.prod.my-workload"
    ]


def test_everything_at_once_survives_a_lagging_directory(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path
) -> None:
    sandbox = start_sandbox(profile="typical", scale=100, seed=7)
    asks = {
        "Microsoft Graph": {"application": ["User.Read.All"], "delegated": ["User.Read"]},
        "Application Insights API": ["Data.Read"],
    }
    trust = {"federated": {"github": {"repository": "contoso/shop", "branch": "main"}}}
    whole = bare(**EVERYTHING, permissions=asks, credentials={"main": trust})
    manifest = paper.write(workplace, whole)

    done = provision("apply", manifest, "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    sandbox.advance(timedelta(minutes=10))
    again = provision("plan", manifest, "--json")
    assert json.loads(again.stdout)["steps"] == []
