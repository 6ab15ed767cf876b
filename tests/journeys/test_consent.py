"""Consent that is withheld: only asked for, or refused to an operator who may not give it."""

from __future__ import annotations

from pathlib import Path

import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

REQUESTED = paper.an_app("User.Read.All", "Group.Read.All", consent="request")


@pytest.fixture
def requested(sandbox: Server, workplace: Path) -> Path:
    """A manifest that only asks for its permissions."""
    return paper.write(workplace, REQUESTED)


def test_apply_with_a_consent_that_is_only_requested_is_done_and_says_pending(
    requested: Path, provision: Provision, sandbox: Server
) -> None:
    done = provision("apply", requested, "--yes")

    assert done.exit_code == 0, done.said
    assert "pending consent" in done.stdout
    assert truth.roles(sandbox) == []
    (asked,) = truth.application(sandbox)["requiredResourceAccess"]
    assert len(asked["resourceAccess"]) == 2


def test_verify_fails_while_consent_is_pending_and_names_the_missing_roles(
    requested: Path, provision: Provision
) -> None:
    provision("apply", requested, "--yes", "--skip-verify")

    refused = provision("verify", requested)

    assert refused.exit_code == 1
    assert "no administrator has consented to Group.Read.All, User.Read.All" in refused.said


def test_a_plan_with_a_pending_consent_is_empty_and_notes_what_it_waits_for(
    requested: Path, provision: Provision
) -> None:
    provision("apply", requested, "--yes", "--skip-verify")

    planned = provision("plan", requested, "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said
    assert "waits for an administrator's consent" in planned.said


def test_verify_succeeds_once_an_administrator_has_consented(
    requested: Path, provision: Provision, sandbox: Server
) -> None:
    provision("apply", requested, "--yes", "--skip-verify")
    (principal,) = truth.principals(sandbox)
    for role in ("User.Read.All", "Group.Read.All"):
        outsider.grant(sandbox, principal["id"], role)

    proven = provision("verify", requested)

    assert proven.exit_code == 0, proven.said


def test_verify_waits_for_a_consent_as_long_as_it_is_told(
    requested: Path, provision: Provision, sandbox: Server
) -> None:
    """Of two roles one comes early: waiting ends only with the second, or with the time."""
    provision("apply", requested, "--yes", "--skip-verify")
    (principal,) = truth.principals(sandbox)
    outsider.grant(sandbox, principal["id"], "User.Read.All")

    refused = provision("verify", requested, "--wait", "30s")

    assert refused.exit_code == 1
    assert "no administrator has consented to Group.Read.All" in refused.said


@pytest.fixture
def developer(sandbox: Server) -> tuple[str, ...]:
    """The options by which an operator reaches the sandbox as a cloud of its own."""
    return (
        *("--login", sandbox.url, "--graph", sandbox.url),
        *("--ca-bundle", str(sandbox.ca_bundle)),
    )


@pytest.fixture
def variables(sandbox: Server) -> dict[str, str]:
    """How an operator signs in who may register applications, but not consent."""
    found = outsider.identity(
        sandbox, "Application.ReadWrite.All", "Directory.Read.All", "Organization.Read.All"
    )
    return found.variables


def test_an_operator_who_may_not_consent_gets_the_rest_done_and_is_told_what_is_wanted(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    developer: tuple[str, ...],
    variables: dict[str, str],
) -> None:
    manifest = paper.write(workplace, tenant=None)

    refused = provision("apply", manifest, "--yes", *developer, env=variables)

    assert refused.exit_code == 1
    assert "AppRoleAssignment.ReadWrite.All" in refused.said
    assert "Nothing to prove" not in refused.said
    assert truth.roles(sandbox) == []
    assert truth.key_ids(sandbox) == [
        paper.stored(workplace, Path(".env"))["AZURE_CLIENT_SECRET_ID"]
    ]


def test_what_an_operator_could_not_consent_to_is_all_that_an_administrator_has_left_to_do(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    developer: tuple[str, ...],
    variables: dict[str, str],
) -> None:
    manifest = paper.write(workplace, tenant=None)
    provision("apply", manifest, "--yes", "--skip-verify", *developer, env=variables)
    administrator = outsider.operator(sandbox).variables

    done = provision("apply", manifest, "--yes", *developer, env=administrator)

    assert done.exit_code == 0, done.said
    assert "Done: 1 created, 0 changed, 0 destroyed." in done.stdout
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_an_operator_who_may_not_write_applications_is_told_which_permission_is_wanted(
    sandbox: Server, provision: Provision, workplace: Path, developer: tuple[str, ...]
) -> None:
    reader = outsider.identity(sandbox, "Directory.Read.All").variables
    manifest = paper.write(workplace, tenant=None)

    refused = provision("apply", manifest, "--yes", *developer, env=reader)

    assert refused.exit_code == 1
    assert "Application.ReadWrite" in refused.said
    assert [each["displayName"] for each in truth.applications(sandbox)] == ["Theirs"]


def test_an_operator_who_may_not_read_deleted_items_or_the_organization_still_plans(
    sandbox: Server, provision: Provision, workplace: Path, developer: tuple[str, ...]
) -> None:
    modest = outsider.identity(sandbox, "Application.Read.All").variables
    manifest = paper.write(workplace, tenant=None)

    planned = provision("plan", manifest, *developer, env=modest)

    assert planned.exit_code == 0, planned.said
    assert "Plan: 4 to create" in planned.stdout


@pytest.mark.parametrize("sandbox", [{"profile": "typical", "seed": 21}], indirect=True)
def test_apply_waits_until_a_granted_role_is_in_the_token(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    done = provision("apply", paper.write(workplace), "--yes")

    assert done.exit_code == 0, done.said
    assert "1 proven" in done.stdout


def test_a_consent_that_may_not_be_taken_back_stays_ours_until_somebody_may(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """The request remembers it: withdrawn too early, the next apply would take it for somebody else's."""
    provision("apply", paper.write(workplace, paper.an_app("User.Read.All", "Mail.Send")), "--yes")
    manifest = paper.write(workplace)
    sandbox.faults.add(
        Fault(
            do="status",
            status=403,
            code="Authorization_RequestDenied",
            method="DELETE",
            path="appRoleAssign",
        )
    )
    refused = provision("apply", manifest, "--yes", "--skip-verify")
    sandbox.faults.clear()

    done = provision("apply", manifest, "--yes", "--skip-verify")

    assert (refused.exit_code, done.exit_code) == (1, 0), done.said
    assert truth.roles(sandbox) == ["User.Read.All"]
