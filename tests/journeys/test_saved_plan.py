"""`apply plan.json`: what was reviewed is done, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import paper
import pytest
import truth
from journey import Provision, StartSandbox

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

ROOT = Path(__file__).resolve().parent.parent.parent
RENAMED = paper.an_app("User.Read.All", displayName="Renamed")


@pytest.fixture
def plan(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """A saved plan of one application that does not exist yet."""
    provision("plan", paper.write(workplace), "--out", "plan.json")
    return workplace / "plan.json"


def test_a_saved_plan_is_applied_and_proven(
    plan: Path, provision: Provision, sandbox: Server
) -> None:
    done = provision("apply", plan, "--yes")

    assert done.exit_code == 0, done.said
    assert "1 proven" in done.stdout
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_the_manifest_of_a_saved_plan_is_the_one_that_was_reviewed(
    plan: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    paper.write(workplace, paper.an_app("Mail.Send", displayName="Changed meanwhile"))

    done = provision("apply", plan, "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert truth.application(sandbox)["displayName"] == "My Workload"
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_a_saved_plan_is_applied_from_any_folder_and_finds_its_stores(
    plan: Path, provision: Provision, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = workplace / "below"
    below.mkdir()
    monkeypatch.chdir(below)

    done = provision("apply", "../plan.json", "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert paper.stored(workplace)["AZURE_CLIENT_SECRET"]


def test_what_is_done_already_is_not_done_again(
    plan: Path, provision: Provision, sandbox: Server
) -> None:
    provision("apply", plan, "--yes", "--skip-verify")
    before = truth.key_ids(sandbox)

    again = provision("apply", plan, "--yes", "--skip-verify")

    assert again.exit_code == 0, again.said
    assert "No changes" in again.stdout
    assert truth.key_ids(sandbox) == before


def test_after_a_failure_the_same_saved_plan_finishes_the_work(
    plan: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.faults.add(
        Fault(do="status", status=403, path="addPassword", code="Authorization_RequestDenied")
    )
    broken = provision("apply", plan, "--yes", "--skip-verify")
    sandbox.faults.clear()

    done = provision("apply", plan, "--yes")

    assert broken.exit_code == 1
    assert done.exit_code == 0, done.said
    assert "1 proven" in done.stdout


@pytest.mark.parametrize(
    "path", ["servicePrincipals", "appRoleAssignments", "oauth2PermissionGrants", "addPassword"]
)
def test_wherever_a_large_plan_breaks_off_the_same_saved_plan_finishes_it(
    provision: Provision, sandbox: Server, workplace: Path, path: str
) -> None:
    """An API with its roles and scopes, and two clients: much of it is half-way done then."""
    shutil.copy(ROOT / "manifests" / "api-and-client.yaml", workplace)
    provision("plan", "api-and-client.yaml", "--out", "plan.json")
    sandbox.faults.add(
        Fault(do="status", status=403, method="POST", path=path, code="Authorization_RequestDenied")
    )
    broken = provision("apply", "plan.json", "--yes", "--skip-verify")
    sandbox.faults.clear()

    done = provision("apply", "plan.json", "--yes", "--skip-verify")
    after = provision("plan", "api-and-client.yaml", "--detailed-exitcode")

    assert broken.exit_code == 1
    assert done.exit_code == 0, done.said
    assert after.exit_code == 0, after.said


def test_a_step_that_was_not_reviewed_is_refused_and_named(
    provision: Provision, sandbox: Server, workplace: Path
) -> None:
    """Somebody renamed the application between the review and the apply."""
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes", "--skip-verify")
    more = paper.write(workplace, paper.an_app("User.Read.All", "Mail.Send"))
    provision("plan", more, "--out", "plan.json")
    provision("apply", paper.write(workplace, RENAMED), "--yes", "--skip-verify")

    refused = provision("apply", "plan.json", "--yes")

    assert refused.exit_code == 1
    assert "my-workload: change displayName" in refused.said
    assert "grant Mail.Send" not in refused.stderr
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_a_saved_plan_is_of_one_tenant(plan: Path, provision: Provision, workplace: Path) -> None:
    refused = provision("apply", plan, "--yes", "--tenant", "sandbox/other")

    assert refused.exit_code == 1
    assert "was made for tenant" in refused.said


def test_a_plan_that_was_edited_is_refused(plan: Path, provision: Provision) -> None:
    found = json.loads(plan.read_text(encoding="utf-8"))
    found["manifest"]["applications"]["my-workload"]["displayName"] = "Edited"
    plan.write_text(json.dumps(found), encoding="utf-8")

    refused = provision("apply", plan, "--yes")

    assert refused.exit_code == 1
    assert "was changed after it was saved" in refused.said


@pytest.mark.parametrize("option", [("--target", "my-workload"), ("--var", "a=b")])
def test_what_was_settled_when_it_was_saved_cannot_be_given_again(
    plan: Path, provision: Provision, option: tuple[str, str]
) -> None:
    assert provision("apply", plan, "--yes", *option).exit_code == 64


def test_a_saved_plan_of_some_targets_leaves_the_others_alone(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    both = {
        key: paper.an_app(credentials={"ci": paper.a_secret(prefix=f"{key.upper()}_")})
        for key in ("first", "second")
    }
    manifest = paper.write(workplace, applications=both)
    provision("plan", manifest, "--target", "second", "--out", "plan.json")

    done = provision("apply", "plan.json", "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert [each["uniqueName"] for each in truth.applications(sandbox)] == ["hello.second"]


def test_deletions_of_a_saved_plan_are_still_to_be_allowed(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    second = paper.an_app(credentials={"ci": paper.a_secret(prefix="SECOND_")})
    both = paper.write(workplace, applications={"my-workload": paper.an_app(), "second": second})
    provision("apply", both, "--yes", "--skip-verify")
    provision("plan", paper.write(workplace), "--out", "plan.json")

    refused = provision("apply", "plan.json", "--yes", "--skip-verify")
    done = provision("apply", "plan.json", "--yes", "--skip-verify", "--allow-destroy")

    assert refused.exit_code == 1
    assert "--allow-destroy" in refused.stderr
    assert done.exit_code == 0, done.said
    assert len(truth.applications(sandbox)) == 1


def test_a_saved_plan_has_its_own_digest_to_demand(plan: Path, provision: Provision) -> None:
    digest = json.loads(plan.read_text(encoding="utf-8"))["digest"]

    refused = provision("apply", plan, "--yes", "--digest", "0" * 12)
    done = provision("apply", plan, "--yes", "--skip-verify", "--digest", digest[:16])

    assert refused.exit_code == 1
    assert done.exit_code == 0, done.said


def test_a_saved_plan_of_consents_waits_for_the_developer_and_is_not_outdated_by_them(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, paper.an_app(consent="request"))
    provision("plan", manifest, "--only", "consent", "--out", "consent.json")

    early = provision("apply", "consent.json", "--yes")
    provision("apply", manifest, "--yes", "--skip-verify")
    done = provision("apply", "consent.json", "--yes")

    assert early.exit_code == 0, early.said
    assert "run provision apply first" in early.said
    assert done.exit_code == 0, done.said
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_a_saved_plan_holds_while_the_tenant_surprises(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path
) -> None:
    """Lag makes a run plan an application again: that plan too may hold nothing that was not reviewed."""
    sandbox = start_sandbox(profile="typical", seed=7)
    provision("plan", paper.write(workplace), "--out", "plan.json")

    done = provision("apply", "plan.json", "--yes")

    assert done.exit_code == 0, done.said
    assert truth.roles(sandbox) == ["User.Read.All"]
    assert len(truth.key_ids(sandbox)) == 1


def test_a_saved_plan_whose_folder_was_changed_is_refused(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Its stores start from there: the secret would go elsewhere."""
    manifest = paper.write(workplace)
    (workplace / "plans").mkdir()
    saved = workplace / "plans" / "plan.json"
    planned = provision("plan", manifest, "--out", saved)
    assert "Its digest, with the way to the manifest's folder" in planned.said
    body = json.loads(saved.read_text(encoding="utf-8"))
    saved.write_text(json.dumps({**body, "folder": "../public"}), encoding="utf-8")

    refused = provision("apply", saved, "--yes")

    assert refused.exit_code == 1
    assert "was changed after it was saved: its digest is another" in refused.said
    assert truth.applications(sandbox) == []
