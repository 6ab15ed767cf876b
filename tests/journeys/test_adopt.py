"""Taking over what somebody else made: what is theirs stays theirs, also when the manifest goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crowd
import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server


@pytest.fixture
def theirs(sandbox: Server) -> dict[str, Any]:
    """An application as the portal makes one: a tag, a secret, a role that was granted, no uniqueName."""
    return crowd.portal(sandbox)


def adopting(app: dict[str, Any], *permissions: str, **changes: Any) -> dict[str, Any]:
    """The manifest's words for it."""
    wanted = {"displayName": None, "adopt": {"appId": app["appId"]}, **changes}
    if "permissions" not in changes:
        wanted["permissions"] = {"Microsoft Graph": list(permissions or ("Group.Read.All",))}
    return paper.an_app(**wanted)


def now(server: Server, app: dict[str, Any]) -> dict[str, Any]:
    """The application as it is in the tenant."""
    (found,) = (each for each in truth.applications(server) if each["id"] == app["id"])
    return found


def granted(server: Server, app: dict[str, Any]) -> list[str]:
    """Its application permissions of Microsoft Graph."""
    principal = outsider.send(server, "GET", f"servicePrincipals(appId='{app['appId']}')")
    listed = outsider.send(server, "GET", f"servicePrincipals/{principal['id']}/appRoleAssignments")
    offered = {role["id"]: role["value"] for role in truth.graph(server)["appRoles"]}
    return sorted(offered[each["appRoleId"]] for each in listed["value"])


def test_an_adopted_application_gets_a_permission_and_a_secret_beside_its_own(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    before = now(sandbox, theirs)

    done = provision("apply", paper.write(workplace, adopting(theirs)), "--yes")

    after = now(sandbox, theirs)
    assert done.exit_code == 0, done.said
    assert granted(sandbox, theirs) == ["Group.Read.All", "User.Read.All"]
    assert after["passwordCredentials"][0]["displayName"] == "by hand"
    assert len(after["passwordCredentials"]) == 2
    assert set(before["tags"]) < set(after["tags"])
    assert not [tag for tag in after["tags"] if tag.startswith("provision:owner:")]
    assert after["uniqueName"] is None
    assert after["displayName"] == before["displayName"]
    assert paper.stored(workplace)["AZURE_CLIENT_ID"] == theirs["appId"]


def test_an_adoption_revokes_nothing_and_says_what_the_manifest_does_not_mention(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    planned = provision("plan", paper.write(workplace, adopting(theirs)))
    provision("apply", paper.write(workplace, adopting(theirs)), "--yes")

    again = provision("plan", paper.write(workplace, adopting(theirs)), "--detailed-exitcode")

    assert "User.Read.All is granted, but not in the manifest: adopted" in planned.said
    assert again.exit_code == 0, again.said
    requested = now(sandbox, theirs)["requiredResourceAccess"][0]["resourceAccess"]
    assert len(requested) == 3


def test_our_secret_is_rotated_beside_theirs(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, adopting(theirs))
    provision("apply", manifest, "--yes")
    first = paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"]

    done = provision("rotate", manifest, "--now", "--no-overlap")

    left = {
        each["keyId"]: each["displayName"] for each in now(sandbox, theirs)["passwordCredentials"]
    }
    assert done.exit_code == 0, done.said
    assert "by hand" in left.values()
    assert first not in left
    assert paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"] in left


def test_destroy_takes_from_it_what_was_added_and_says_that_it_stays(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    credentials = {"ci": paper.a_secret(), "github": {"federated": {"github": GITHUB}}}
    manifest = paper.write(workplace, adopting(theirs, credentials=credentials))
    before = now(sandbox, theirs)
    applied = provision("apply", manifest, "--yes", "--skip-verify")
    assert applied.exit_code == 0, applied.said
    assert trusts(sandbox, theirs) == ["github"]

    done = provision("destroy", manifest, "--yes")
    again = provision("destroy", manifest, "--yes")

    after = now(sandbox, theirs)
    assert (done.exit_code, again.exit_code) == (0, 0), done.said + again.said
    assert "was adopted: it stays" in done.said
    assert after["tags"] == before["tags"]
    assert after["passwordCredentials"] == before["passwordCredentials"]
    assert trusts(sandbox, theirs) == []
    assert not (workplace / paper.STORE).exists()
    assert "remove secret" not in again.said


def test_it_may_leave_the_manifest_without_anything_happening_to_it(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    provision("apply", paper.write(workplace, adopting(theirs)), "--yes")
    before = now(sandbox, theirs)

    other = paper.write(workplace, applications={"other": paper.an_app(credentials=None)})
    done = provision("apply", other, "--yes", "--allow-destroy", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert now(sandbox, theirs) == before


def test_what_is_not_there_cannot_be_adopted(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = {"appId": "0a0a0a0a-0000-0000-0000-00000000000a"}

    refused = provision("plan", paper.write(workplace, adopting(app)))

    assert refused.exit_code == 1
    assert "There is no application with appId 0a0a0a0a-0000-0000-0000-00000000000a" in refused.said


def test_what_another_manifest_made_cannot_be_adopted(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    made = paper.write(workplace, paper.an_app(credentials=None), name="first-owner")
    provision("apply", made, "--yes", "--skip-verify")
    app = truth.application(sandbox, "first-owner.my-workload")

    refused = provision("apply", paper.write(workplace, adopting(app)), "--yes")

    assert refused.exit_code == 1
    assert 'the owner tag "first-owner"' in refused.said
    assert truth.application(sandbox, "first-owner.my-workload") == app


def test_destroy_leaves_what_is_marked_preserve_with_its_store(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, paper.an_app(preserve=True))
    provision("apply", manifest, "--yes", "--skip-verify")
    before = truth.application(sandbox)

    done = provision("destroy", manifest, "--yes")

    assert done.exit_code == 0, done.said
    assert "is marked preserve: left as it is" in done.said
    assert truth.application(sandbox) == before
    assert (workplace / paper.STORE).exists()


def test_destroy_leaves_what_was_marked_preserve_and_has_left_the_manifest(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    provision(
        "apply", paper.write(workplace, paper.an_app(preserve=True)), "--yes", "--skip-verify"
    )
    other = paper.write(workplace, applications={"other": paper.an_app(credentials=None)})

    planned = provision("plan", other)
    done = provision("destroy", other, "--yes")

    assert done.exit_code == 0, done.said
    assert "kept: it was marked preserve" in planned.said
    assert truth.application(sandbox)["deletedDateTime"] is None


def test_destroy_revokes_what_identities_were_granted_and_nothing_else(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    identity = a_managed_identity(sandbox)
    outsider.grant(sandbox, identity["id"], "Group.Read.All")
    manifest = paper.write(
        workplace,
        paper.an_app(credentials=None),
        identities={
            "nightly": {
                "managedIdentity": identity["id"],
                "permissions": {"Microsoft Graph": ["User.Read.All"]},
            }
        },
    )
    applied = provision("apply", manifest, "--yes", "--skip-verify")
    assert applied.exit_code == 0, applied.said
    assert granted(sandbox, identity) == ["Group.Read.All", "User.Read.All"]

    shown = provision("output", manifest)
    done = provision("destroy", manifest, "--yes")

    assert done.exit_code == 0, done.said
    assert "revoke User.Read.All" in done.said
    assert granted(sandbox, identity) == ["Group.Read.All"]
    assert f"NIGHTLY_SERVICE_PRINCIPAL_OBJECT_ID={identity['id']}" in shown.stdout
    assert f"NIGHTLY_CLIENT_ID={identity['appId']}" in shown.stdout


GITHUB = {"repository": "contoso/app", "branch": "main"}


def a_managed_identity(server: Server) -> dict[str, Any]:
    """A service principal as Azure makes one for a managed identity; here an application's will do."""
    return crowd.with_principal(server, outsider.application(server, displayName="nightly"))


def trusts(server: Server, app: dict[str, Any]) -> list[str]:
    """The names of its federated credentials."""
    path = f"applications/{app['id']}/federatedIdentityCredentials"
    return sorted(each["name"] for each in outsider.send(server, "GET", path)["value"])


def test_a_destroy_that_is_refused_keeps_the_store_and_can_be_repeated(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, adopting(theirs))
    assert provision("apply", manifest, "--yes", "--skip-verify").exit_code == 0
    denied = Fault(
        do="status", status=403, path="removePassword", code="Authorization_RequestDenied"
    )
    sandbox.faults.add(denied)

    refused = provision("destroy", manifest, "--yes")
    kept = (workplace / paper.STORE).exists()
    sandbox.faults.clear()
    again = provision("destroy", manifest, "--yes")

    assert (refused.exit_code, again.exit_code) == (1, 0), again.said
    assert kept
    assert [each["displayName"] for each in now(sandbox, theirs)["passwordCredentials"]] == [
        "by hand"
    ]
    assert not (workplace / paper.STORE).exists()


def test_a_role_without_a_value_can_be_taken_off_too(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Applications for SAML come with such a role, `msiam_access`, which is enabled."""
    role = {
        "id": "8774f594-1d59-4279-b9d9-59ef09a23530",
        "displayName": "msiam_access",
        "description": "msiam_access",
        "allowedMemberTypes": ["User"],
        "isEnabled": True,
        "value": None,
    }
    theirs = outsider.application(sandbox, appRoles=[role])
    outsider.send(sandbox, "POST", "servicePrincipals", {"appId": theirs["appId"]})
    manifest = paper.write(
        workplace, adopting(theirs, appRoles={}, credentials=None, permissions=None)
    )

    done = provision("apply", manifest, "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert now(sandbox, theirs)["appRoles"] == []


def adopting_too(workplace: Path, app: dict[str, Any], name: str) -> Path:
    """Another team's manifest of the same application, with one secret of its own."""
    wanted = adopting(app, credentials={name: paper.a_secret(prefix="OTHER_")})
    manifest = paper.write(workplace, wanted, name="other")
    return manifest.rename(workplace / "other.yaml")


@pytest.mark.parametrize("name", ["ci", "deploy"])
def test_two_manifests_may_adopt_one_application_and_leave_each_others_secrets_alone(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path, name: str
) -> None:
    """Also where both call theirs by the same name: a record belongs to whoever named its secret."""
    second = adopting_too(workplace, theirs, name)
    first = paper.write(workplace, adopting(theirs))
    for manifest in (first, second):
        done = provision("apply", manifest, "--yes")
        assert done.exit_code == 0, done.said
    secrets = now(sandbox, theirs)["passwordCredentials"]

    planned = [provision("plan", each, "--detailed-exitcode") for each in (first, second)]
    gone = provision("destroy", second, "--yes")

    assert [each.exit_code for each in planned] == [0, 0], [each.said for each in planned]
    assert len(secrets) == 3
    assert gone.exit_code == 0, gone.said
    left = now(sandbox, theirs)
    assert left["passwordCredentials"] == secrets[:2]
    assert any(tag.startswith("provision:stored:ci:") for tag in left["tags"])
    assert provision("plan", first, "--detailed-exitcode").exit_code == 0


def test_an_application_gets_another_key_by_adoption_and_never_two_at_once(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Two keys of one application would take back from each other what they grant."""
    old = {"my-workload": paper.an_app()}
    provision("apply", paper.write(workplace, applications=old), "--yes")
    before = truth.application(sandbox)
    new = {"orders": adopting(before, "User.Read.All", "Mail.Send")}
    beside = {"orders": adopting(before, "Mail.Send", credentials=None)}

    both = provision("apply", paper.write(workplace, applications={**old, **beside}), "--yes")
    done = provision("apply", paper.write(workplace, applications=new), "--yes")

    assert both.exit_code == 1
    assert f"my-workload and orders are one application of this tenant: {before['appId']}" in (
        both.said
    )
    assert done.exit_code == 0, done.said
    after = truth.application(sandbox)
    assert after["id"] == before["id"]
    assert after["passwordCredentials"] == before["passwordCredentials"]
    assert truth.roles(sandbox) == ["Mail.Send", "User.Read.All"]
