"""A changed manifest plans exactly the change, applies it, and then plans nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server

RICH = {"description": "Nightly export", "tags": ["team-a"], "permissions": None}
READS = {"Microsoft Graph": ["User.Read.All"]}
READS_MORE = {"Microsoft Graph": ["User.Read.All", "Group.Read.All"]}
READS_OTHER = {"Microsoft Graph": ["Group.Read.All"]}
SECOND = paper.a_secret(".env2", "SECOND_")

CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "display name": ({"displayName": "Renamed"}, ["UpdateApplication displayName"]),
    "description": ({"description": "Hourly"}, ["UpdateApplication description"]),
    "description no longer mentioned": ({"description": None}, []),
    "audience": (
        {"signInAudience": "AzureADMultipleOrgs"},
        ["UpdateApplication signInAudience"],
    ),
    "tag added": ({"tags": ["team-a", "team-b"]}, ["UpdateApplication tags"]),
    "tag no longer mentioned": ({"tags": None}, []),
    "permission added": (
        {"permissions": READS_MORE},
        ["RequestPermissions Group.Read.All", "GrantAppRole Group.Read.All"],
    ),
    "permission removed": (
        {"permissions": None},
        ["RevokeAppRole User.Read.All", "WithdrawPermissions User.Read.All"],
    ),
    "permission exchanged": (
        {"permissions": READS_OTHER},
        [
            "RequestPermissions Group.Read.All",
            "GrantAppRole Group.Read.All",
            "RevokeAppRole User.Read.All",
            "WithdrawPermissions User.Read.All",
        ],
    ),
    "credential added": (
        {"credentials": {"ci": paper.a_secret(), "second": SECOND}},
        ["AddSecret second"],
    ),
    "credential removed": ({"credentials": None}, ["RemoveSecret ci"]),
    "credential renamed": (
        {"credentials": {"second": SECOND}},
        ["AddSecret second", "RemoveSecret ci"],
    ),
}


def rich(**changes: Any) -> dict[str, Any]:
    """The application that the changes are made to."""
    return paper.an_app(**{**RICH, "permissions": READS, **changes})


def told(step: dict[str, Any]) -> str:
    """A step in a few words: its kind, and what it is about."""
    about = [change["property"] for change in step.get("changes", ())]
    about += [
        role["value"] for role in (*step.get("permissions", ()), *filter(None, [step.get("role")]))
    ]
    about += [step["credential"]] if "credential" in step else []
    return " ".join([step["step"], *about])


def planned(provision: Provision, manifest: Path) -> list[str]:
    """The steps of a plan, told."""
    plan = provision("plan", manifest, "--json")
    assert plan.exit_code == 0, plan.said
    return [told(step) for step in json.loads(plan.stdout)["steps"]]


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of an application that exists."""
    manifest = paper.write(workplace, rich())
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    return manifest


@pytest.mark.parametrize(("changes", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_changed_manifest_plans_exactly_the_change_and_nothing_once_it_is_applied(
    applied: Path, provision: Provision, changes: dict[str, Any], expected: list[str]
) -> None:
    manifest = paper.write(applied.parent, rich(**changes))

    steps = planned(provision, manifest)
    done = provision("apply", manifest, "--yes")

    assert steps == expected
    assert done.exit_code == 0, done.said
    assert planned(provision, manifest) == []


def test_a_removed_permission_is_taken_from_the_tenant_and_an_added_one_granted(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    manifest = paper.write(applied.parent, rich(permissions=READS_OTHER))

    provision("apply", manifest, "--yes", "--skip-verify")

    assert truth.roles(sandbox) == ["Group.Read.All"]
    (asked,) = truth.application(sandbox)["requiredResourceAccess"]
    offered = {role["id"]: role["value"] for role in truth.graph(sandbox)["appRoles"]}
    assert [offered[each["id"]] for each in asked["resourceAccess"]] == ["Group.Read.All"]


def test_a_renamed_application_stays_the_same_object_with_the_same_secret(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    before = truth.application(sandbox)
    manifest = paper.write(applied.parent, rich(displayName="Renamed"))

    provision("apply", manifest, "--yes", "--skip-verify")

    after = truth.application(sandbox)
    assert (after["id"], after["displayName"]) == (before["id"], "Renamed")
    assert after["passwordCredentials"] == before["passwordCredentials"]


def test_a_tag_that_somebody_else_added_survives_a_change_of_tags(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    ours = truth.application(sandbox)
    sandbox.tenant().put("applications", {**ours, "tags": [*ours["tags"], "theirs"]})
    manifest = paper.write(applied.parent, rich(tags=["team-b"]))

    provision("apply", manifest, "--yes", "--skip-verify")

    assert {"theirs", "team-a", "team-b", *ours["tags"]} == set(truth.application(sandbox)["tags"])


def test_the_secret_of_a_credential_that_left_the_manifest_is_removed_and_its_record_too(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    manifest = paper.write(applied.parent, rich(credentials=None))

    provision("apply", manifest, "--yes")

    assert truth.key_ids(sandbox) == []
    assert [tag for tag in truth.application(sandbox)["tags"] if "stored" in tag] == []


def both(folder: Path) -> Path:
    """A manifest with a second application."""
    other = paper.an_app(displayName="Other", credentials=None)
    return paper.write(folder, applications={"my-workload": rich(), "other": other})


def test_an_added_application_is_made_beside_the_first(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    before = truth.application(sandbox)
    manifest = both(applied.parent)

    done = provision("apply", manifest, "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert truth.application(sandbox, "hello.other")["displayName"] == "Other"
    assert truth.application(sandbox) == before


@pytest.fixture
def without_other(applied: Path, provision: Provision) -> Path:
    """The manifest after the application `other` left it."""
    provision("apply", both(applied.parent), "--yes", "--skip-verify")
    return paper.write(applied.parent, rich())


def test_an_application_that_left_the_manifest_is_kept_without_allow_destroy_and_named(
    without_other: Path, provision: Provision, sandbox: Server
) -> None:
    refused = provision("apply", without_other, "--yes")

    assert refused.exit_code == 1
    assert "no longer in the manifest: Other" in refused.said
    assert "--allow-destroy" in refused.stderr
    assert truth.application(sandbox, "hello.other")["deletedDateTime"] is None


def test_an_application_that_left_the_manifest_is_deleted_with_allow_destroy(
    without_other: Path, provision: Provision, sandbox: Server
) -> None:
    done = provision("apply", without_other, "--yes", "--allow-destroy")

    assert done.exit_code == 0, done.said
    assert [each["uniqueName"] for each in truth.applications(sandbox)] == ["hello.my-workload"]
    assert planned(provision, without_other) == []


def test_a_target_leaves_the_applications_that_it_does_not_name_alone(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    manifest = both(applied.parent)

    provision("apply", manifest, "--yes", "--target", "my-workload", "--skip-verify")

    assert [each["uniqueName"] for each in truth.applications(sandbox)] == ["hello.my-workload"]
