"""`--only consent`: a developer registers, an administrator consents, and neither outdates the other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import outsider
import paper
import pytest
import truth
from journey import Outcome, Provision

from provision.sandbox.server import Server

REQUESTED = paper.an_app("User.Read.All", "Group.Read.All", consent="request")


def digest_of(outcome: Outcome) -> str:
    assert outcome.exit_code in (0, 2), outcome.said
    return str(json.loads(outcome.stdout)["digest"])


@pytest.fixture
def requested(sandbox: Server, workplace: Path, provision: Provision) -> Path:
    """A manifest that only asks for its permissions, applied by a developer."""
    manifest = paper.write(workplace, REQUESTED)
    provision("apply", manifest, "--yes", "--skip-verify")
    return manifest


def test_an_administrator_sees_and_grants_what_is_only_requested(
    requested: Path, provision: Provision, sandbox: Server
) -> None:
    planned = provision("plan", requested, "--only", "consent", "--detailed-exitcode")
    done = provision("apply", requested, "--only", "consent", "--yes")

    assert planned.exit_code == 2
    assert "Plan: 2 to create, 0 to change, 0 to destroy." in planned.stdout
    assert done.exit_code == 0, done.said
    assert truth.roles(sandbox) == ["Group.Read.All", "User.Read.All"]
    assert "1 proven" in done.stdout


def test_when_all_is_consented_to_there_is_nothing_left(
    requested: Path, provision: Provision
) -> None:
    provision("apply", requested, "--only", "consent", "--yes", "--skip-verify")

    planned = provision("plan", requested, "--only", "consent", "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said
    assert "No changes" in planned.stdout


def test_consent_touches_nothing_else(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    """The manifest renames the application and wants another secret: that is the developer's to apply."""
    secrets = {"ci": paper.a_secret(), "cd": paper.a_secret(prefix="CD_")}
    app = {**REQUESTED, "displayName": "Renamed", "credentials": secrets}
    manifest = paper.write(workplace, app)

    done = provision("apply", manifest, "--only", "consent", "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert truth.application(sandbox)["displayName"] == "My Workload"
    assert len(truth.key_ids(sandbox)) == 1
    assert truth.roles(sandbox) == ["Group.Read.All", "User.Read.All"]


def test_an_administrator_on_another_machine_reads_the_grants_instead_of_a_token(
    requested: Path, provision: Provision, workplace: Path
) -> None:
    shutil.rmtree(workplace / ".provision" / "sandbox" / "default" / "stores")

    done = provision("apply", requested, "--only", "consent", "--yes")

    assert done.exit_code == 0, done.said
    assert "not provable here" in done.stdout


def test_what_does_not_exist_yet_waits_and_stops_nothing_else(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    second = paper.an_app(credentials={"ci": paper.a_secret(prefix="SECOND_")})
    manifest = paper.write(workplace, applications={"my-workload": REQUESTED, "second": second})

    done = provision("apply", manifest, "--only", "consent", "--yes")

    assert done.exit_code == 0, done.said
    assert "The application does not exist yet: run provision apply first" in done.said
    assert truth.roles(sandbox) == ["Group.Read.All", "User.Read.All"]
    assert len(truth.applications(sandbox)) == 1


def test_where_all_of_it_waits_nothing_is_done_and_nothing_is_called_proven(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    done = provision("apply", paper.write(workplace), "--only", "consent", "--yes")

    assert done.exit_code == 0, done.said
    assert "run provision apply first" in done.said
    assert "prove" not in done.said
    assert truth.applications(sandbox) == []


@pytest.mark.parametrize("sandbox", [{"profile": "typical", "seed": 5}], indirect=True)
def test_an_administrator_elsewhere_is_not_misled_by_a_grant_that_lags(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    shutil.rmtree(workplace / ".provision" / "sandbox" / "default" / "stores")

    done = provision("apply", requested, "--only", "consent", "--yes")

    assert done.exit_code == 0, done.said
    assert truth.roles(sandbox) == ["Group.Read.All", "User.Read.All"]


def test_a_permission_that_the_application_does_not_request_yet_waits(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    """Granted without a request it would look like somebody else's decision, and never be taken back."""
    more = {**REQUESTED, "permissions": {"Microsoft Graph": ["User.Read.All", "Mail.Send"]}}
    manifest = paper.write(workplace, more)

    done = provision("apply", manifest, "--only", "consent", "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert "The application does not request it yet" in done.said
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_the_developers_own_apply_does_not_outdate_what_was_reviewed(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Reviewed before anything exists, consented to once it does."""
    manifest = paper.write(workplace, REQUESTED)
    reviewed = digest_of(provision("plan", manifest, "--only", "consent", "--json"))
    provision("apply", manifest, "--yes", "--skip-verify")

    done = provision("apply", manifest, "--only", "consent", "--yes", "--digest", reviewed)

    assert done.exit_code == 0, done.said
    assert truth.roles(sandbox) == ["Group.Read.All", "User.Read.All"]


def test_another_permission_does_outdate_it(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    reviewed = digest_of(provision("plan", requested, "--only", "consent", "--json"))
    more = {**REQUESTED, "permissions": {"Microsoft Graph": ["User.Read.All", "Mail.Send"]}}

    refused = provision(
        "apply", paper.write(workplace, more), "--only", "consent", "--yes", "--digest", reviewed
    )

    assert refused.exit_code == 1
    assert "another digest" in refused.said
    assert truth.roles(sandbox) == []


def test_another_application_under_the_reviewed_key_does_outdate_it(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    """The digest leaves the manifest out, but not which application is given the power."""
    asked = outsider.send(sandbox, "GET", "applications(uniqueName='hello.my-workload')")
    theirs = outsider.application(
        sandbox, displayName="Theirs", requiredResourceAccess=asked["requiredResourceAccess"]
    )
    principal = outsider.send(sandbox, "POST", "servicePrincipals", {"appId": theirs["appId"]})
    reviewed = digest_of(provision("plan", requested, "--only", "consent", "--json"))
    swapped = paper.write(workplace, {**REQUESTED, "adopt": {"appId": theirs["appId"]}})

    refused = provision(
        "apply", swapped, "--only", "consent", "--yes", "--skip-verify", "--digest", reviewed
    )

    assert refused.exit_code == 1
    assert "another digest" in refused.said
    path = f"servicePrincipals/{principal['id']}/appRoleAssignments"
    assert outsider.send(sandbox, "GET", path)["value"] == []


def test_a_saved_plan_of_consents_holds_for_the_applications_of_its_own_manifest_only(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    provision("plan", requested, "--only", "consent", "--out", "consent.json")
    paper.write(workplace, REQUESTED, name="others")
    provision("apply", requested, "--yes", "--skip-verify")
    saved = json.loads((workplace / "consent.json").read_text(encoding="utf-8"))
    saved["manifest"]["name"] = "others"
    (workplace / "consent.json").write_text(json.dumps(saved), encoding="utf-8")

    refused = provision("apply", "consent.json", "--yes", "--skip-verify")

    assert refused.exit_code == 1
    assert "it is a plan of hello, and its manifest is others" in refused.said
    assert truth.roles(sandbox, "others.my-workload") == []


def test_a_consent_that_was_withdrawn_from_the_manifest_is_revoked(
    requested: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    provision("apply", requested, "--only", "consent", "--yes", "--skip-verify")
    fewer = {**REQUESTED, "permissions": {"Microsoft Graph": ["User.Read.All"]}}
    manifest = paper.write(workplace, fewer)

    done = provision("apply", manifest, "--only", "consent", "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_an_operator_who_may_not_consent_is_told_what_is_wanted(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    reach = ("--login", sandbox.url, "--graph", sandbox.url, "--ca-bundle", str(sandbox.ca_bundle))
    developer = outsider.identity(sandbox, "Application.ReadWrite.All", "Directory.Read.All")
    manifest = paper.write(workplace, REQUESTED, tenant=None)
    provision("apply", manifest, "--yes", "--skip-verify", *reach, env=developer.variables)

    refused = provision(
        "apply", manifest, "--only", "consent", "--yes", *reach, env=developer.variables
    )

    assert refused.exit_code == 1
    assert "AppRoleAssignment.ReadWrite.All" in refused.said


def test_only_takes_consent_and_nothing_else(provision: Provision, workplace: Path) -> None:
    assert provision("plan", paper.write(workplace), "--only", "secrets").exit_code == 64
