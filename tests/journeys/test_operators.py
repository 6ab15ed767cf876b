"""Operators who may little: what they can do is done, and the rest is said in the manifest's words."""

from __future__ import annotations

import json
from pathlib import Path

import outsider
import paper
import pytest
import somebody
import truth
from journey import Provision

from provision.sandbox import operators
from provision.sandbox.server import Server

OWNED, ALL = "Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"
GRANTS = "AppRoleAssignment.ReadWrite.All"
CONSENT = "Microsoft Graph refused to grant User.Read.All of Microsoft Graph to my-workload"


@pytest.fixture
def manifest(workplace: Path) -> Path:
    """One application that reads users and has a secret; the operator's settings name the tenant."""
    paper.write(workplace, tenant=None)
    return Path("hello.yaml")


def stored_key(workplace: Path) -> str:
    return paper.stored(workplace, Path(".env"))["AZURE_CLIENT_SECRET_ID"]


def consent(sandbox: Server) -> None:
    """An administrator grants what was asked for."""
    (principal,) = (
        each
        for each in truth.principals(sandbox)
        if each["appId"] == truth.application(sandbox)["appId"]
    )
    outsider.grant(sandbox, principal["id"], "User.Read.All")


def test_with_owned_by_alone_all_but_the_consent_is_done_and_said_who_may(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    as_ci = somebody.application(sandbox, provision, "CI", OWNED)

    planned, applied = as_ci("plan", manifest), as_ci("apply", manifest, "--yes")

    assert planned.exit_code == 0, planned.said
    assert applied.exit_code == 1
    assert CONSENT in applied.said
    assert "the role Privileged Role Administrator or Global Administrator" in applied.said
    assert "run `provision apply --only consent hello.yaml`." in applied.said
    assert f"Or grant CI {GRANTS} and Application.Read.All." in applied.said
    assert f"CI holds {OWNED}. The rest of my-workload is done." in applied.said
    assert truth.roles(sandbox) == []
    assert truth.key_ids(sandbox) == [stored_key(workplace)]


def test_with_owned_by_alone_one_looks_again_rotates_proves_and_takes_away(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    """What was granted may not be read with that permission: the token tells it."""
    as_ci = somebody.application(sandbox, provision, "CI", OWNED)
    as_ci("apply", manifest, "--yes", "--skip-verify")
    consent(sandbox)

    planned, proven = as_ci("plan", manifest, "--detailed-exitcode"), as_ci("verify", manifest)
    rotated = as_ci("rotate", manifest, "--now")
    gone = as_ci("destroy", manifest, "--yes")

    assert planned.exit_code == 0, planned.said
    assert "cannot be read by this operator (Application.Read.All would do)" in planned.said
    assert proven.exit_code == 0, proven.said
    assert rotated.exit_code == 0, rotated.said
    assert gone.exit_code == 0, gone.said
    assert [app["displayName"] for app in truth.applications(sandbox)] == ["CI"]


def test_a_permission_that_leaves_the_manifest_stays_asked_for_while_its_grant_is_hidden(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    """Were the request withdrawn first, nobody would know later that the grant was ours to revoke."""
    as_ci = somebody.application(sandbox, provision, "CI", OWNED)
    as_ci("apply", manifest, "--yes", "--skip-verify")
    consent(sandbox)
    asked = truth.application(sandbox)["requiredResourceAccess"]
    paper.write(workplace, paper.an_app("Group.Read.All", consent="request"), tenant=None)

    as_ci("apply", manifest, "--yes", "--skip-verify")

    (before,), (after,) = asked, truth.application(sandbox)["requiredResourceAccess"]
    assert len(after["resourceAccess"]) == 2
    assert before["resourceAccess"][0] in after["resourceAccess"]
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_a_right_to_consent_that_is_not_whole_names_only_what_is_missing(
    sandbox: Server, provision: Provision, manifest: Path
) -> None:
    as_ci = somebody.application(sandbox, provision, "CI", OWNED, GRANTS)

    applied = as_ci("apply", manifest, "--yes")

    assert applied.exit_code == 1
    assert "Or grant CI Application.Read.All." in applied.said
    assert f"CI holds {GRANTS} and {OWNED}." in applied.said


def test_owned_by_with_the_right_to_consent_is_all_that_a_pipeline_needs(
    sandbox: Server, provision: Provision, manifest: Path
) -> None:
    as_ci = somebody.application(sandbox, provision, "CI", OWNED, GRANTS, "Application.Read.All")

    applied, again = as_ci("apply", manifest, "--yes"), as_ci("apply", manifest, "--yes")

    assert applied.exit_code == 0, applied.said
    assert again.exit_code == 0, again.said
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_an_owner_who_may_not_be_added_keeps_nothing_else_from_being_done(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """It takes more than owning the application: Directory.Read.All too."""
    person = operators.add_person(sandbox.store, sandbox.tenant(), name="Adele")
    paper.write(workplace, paper.an_app(owners=[person.user_id]), tenant=None)
    as_ci = somebody.application(sandbox, provision, "CI", OWNED, GRANTS, "Application.Read.All")

    applied = as_ci("apply", "hello.yaml", "--yes")

    assert applied.exit_code == 1
    assert f"failed make {person.user_id} an owner of the application" in applied.said
    assert "Directory.Read.All" in applied.said, applied.said
    assert truth.roles(sandbox) == ["User.Read.All"]
    assert truth.key_ids(sandbox) == [stored_key(workplace)]


def test_an_application_administrator_leaves_the_consent_to_one_who_may(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    as_ada = somebody.person(sandbox, provision, workplace, "Ada", ["Application Administrator"])
    as_eve = somebody.person(
        sandbox, provision, workplace, "Eve", ["Privileged Role Administrator"]
    )

    applied = as_ada("apply", manifest, "--yes")
    key, roles = stored_key(workplace), truth.roles(sandbox)
    consented = as_eve("apply", manifest, "--yes")

    assert applied.exit_code == 1
    assert CONSENT in applied.said
    assert "the role Privileged Role Administrator or Global Administrator" in applied.said
    assert "provision apply --only consent hello.yaml" in applied.said
    assert "holds the directory role Application Administrator." in applied.said
    assert "Or grant" not in applied.said
    assert "The rest of my-workload is done." in applied.said
    assert roles == []
    assert consented.exit_code == 0, consented.said
    assert truth.roles(sandbox) == ["User.Read.All"]
    assert truth.key_ids(sandbox) == [key]


def test_a_refused_consent_to_several_permissions_is_explained_once(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = paper.an_app("User.Read.All", "Group.Read.All", "Mail.Send")
    paper.write(workplace, app, tenant=None)
    as_ci = somebody.application(sandbox, provision, "CI", OWNED)

    applied = as_ci("apply", "hello.yaml", "--yes", "--json")

    failed = json.loads(applied.stdout)["failed"]
    hints = [each["error"]["hint"] for each in failed]
    assert len(failed) == 3
    assert [hint for hint in hints if hint != "As said above."] == hints[:1]
    assert "--only consent" in hints[0]
    assert all("refused to grant" in each["error"]["message"] for each in failed)


def test_a_plain_user_makes_what_the_tenant_lets_users_make(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    as_pat = somebody.person(sandbox, provision, workplace, "Pat")

    planned, applied = as_pat("plan", manifest), as_pat("apply", manifest, "--yes")

    assert planned.exit_code == 0, planned.said
    assert applied.exit_code == 1
    assert CONSENT in applied.said
    assert "pat@sandbox.onmicrosoft.com holds no directory role." in applied.said
    assert truth.key_ids(sandbox) == [stored_key(workplace)]


def test_a_plain_user_takes_away_what_is_their_own_and_nothing_of_others(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    as_pat = somebody.person(sandbox, provision, workplace, "Pat")
    as_sam = somebody.person(sandbox, provision, workplace, "Sam")
    as_pat("apply", manifest, "--yes", "--skip-verify")

    refused, gone = as_sam("destroy", manifest, "--yes"), as_pat("destroy", manifest, "--yes")

    assert refused.exit_code == 1
    assert "Have sam@sandbox.onmicrosoft.com made an owner of my-workload" in refused.said
    assert "sign in as someone who holds the role Application Administrator" in refused.said
    assert gone.exit_code == 0, gone.said
    assert truth.applications(sandbox) == []


def test_a_plain_user_whom_the_tenant_does_not_let_is_told_the_role_and_nothing_is_made(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    operators.let_users_register(sandbox.tenant(), allowed=False)
    as_pat = somebody.person(sandbox, provision, workplace, "Pat")

    applied = as_pat("apply", manifest, "--yes")

    assert applied.exit_code == 1
    assert "refused to create the application for my-workload" in applied.said
    assert "Application Developer or Application Administrator" in applied.said
    assert "pat@sandbox.onmicrosoft.com holds no directory role." in applied.said
    assert applied.said.count("Microsoft Graph refused") == 1
    assert truth.applications(sandbox) == []
    assert not (workplace / ".env").exists()


@pytest.mark.parametrize(
    "command", ["plan", "apply --yes", "verify", "rotate --now", "destroy --yes"]
)
def test_who_holds_nothing_is_told_so_at_the_first_read_and_only_once(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path, command: str
) -> None:
    as_nobody = somebody.application(sandbox, provision, "Nobody")
    verb, *flags = command.split()

    refused = as_nobody(verb, manifest, *flags)

    assert refused.exit_code == 1
    assert refused.said.count("Error:") == 1
    assert "Nobody holds no permission of Microsoft Graph" in refused.said
    assert f"{OWNED} to manage applications of its own" in refused.said
    assert f"{GRANTS} with Application.Read.All to consent" in refused.said
    assert [app["displayName"] for app in truth.applications(sandbox)] == ["Nobody"]
    assert not (workplace / ".env").exists()


def test_who_may_only_read_is_told_at_the_first_write_what_it_takes_and_what_is_held(
    sandbox: Server, provision: Provision, manifest: Path
) -> None:
    as_reader = somebody.application(sandbox, provision, "Reader", "Application.Read.All")

    planned, applied = as_reader("plan", manifest), as_reader("apply", manifest, "--yes")

    assert planned.exit_code == 0, planned.said
    assert applied.exit_code == 1
    assert "refused to create the application for my-workload" in applied.said
    assert OWNED in applied.said
    assert "Reader holds Application.Read.All." in applied.said


@pytest.mark.parametrize("command", ["apply --yes", "rotate --now", "destroy --yes"])
def test_an_application_that_somebody_else_made_is_not_changed_with_owned_by(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path, command: str
) -> None:
    as_admin = somebody.application(sandbox, provision, "Admin", ALL, GRANTS)
    as_ci = somebody.application(sandbox, provision, "CI", OWNED, "Application.Read.All")
    as_admin("apply", manifest, "--yes")
    before = truth.application(sandbox)
    paper.write(workplace, paper.an_app(displayName="Renamed"), tenant=None)
    verb, *flags = command.split()

    refused = as_ci(verb, manifest, *flags)

    assert refused.exit_code == 1
    assert "for my-workload Try: Have CI made an owner of my-workload" in refused.said
    assert f"with {OWNED}, only what one owns can be changed" in refused.said
    assert f"holds {ALL}" in refused.said
    assert truth.application(sandbox) == before


def test_what_may_be_deleted_may_not_always_be_purged_and_that_is_said_apart(
    sandbox: Server, provision: Provision, manifest: Path
) -> None:
    as_ci = somebody.application(sandbox, provision, "CI", OWNED, GRANTS, "Application.Read.All")
    as_ci("apply", manifest, "--yes")

    refused = as_ci("destroy", manifest, "--yes", "--purge")

    assert refused.exit_code == 1
    assert "purge the application of my-workload: it is among the deleted items" in refused.said
    assert f"as someone who holds {ALL}" in refused.said
    assert "owner" not in refused.said
    assert truth.application(sandbox, deleted=True)["uniqueName"] == "hello.my-workload"


def test_auth_decides_whose_rights_count_when_both_are_signed_in(
    sandbox: Server, provision: Provision, workplace: Path, manifest: Path
) -> None:
    as_pat = somebody.person(sandbox, provision, workplace, "Pat")
    variables = outsider.operator(sandbox).variables

    chosen = as_pat("plan", manifest, "--auth", "cli", env=variables)
    usual = as_pat("plan", manifest, env=variables)

    assert "Operator: pat@sandbox.onmicrosoft.com, by the Azure CLI's sign-in" in chosen.stderr
    assert f"by the client secret of {variables['AZURE_CLIENT_ID']}" in usual.stderr


def test_a_tenant_whose_name_may_not_be_read_costs_no_more_than_a_remark(
    sandbox: Server, provision: Provision, manifest: Path
) -> None:
    as_ci = somebody.application(sandbox, provision, "CI", OWNED)

    planned = as_ci("plan", manifest)

    (line,) = (line for line in planned.stderr.splitlines() if line.startswith("Tenant:"))
    tenant = sandbox.tenant().id
    assert line == f"Tenant:   {tenant} (Organization.Read.All would show its name)"
