"""A plan for people, for a pull request, for programs, and for later: what `plan` prints and saves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server
from tests.fitting import misfits


def saved(path: Path) -> dict[str, object]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_a_plan_ends_with_the_digest_that_apply_can_be_held_to(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    planned = provision("plan", manifest)
    digest = planned.stdout.splitlines()[-1].removeprefix("Digest: ")
    whole = json.loads(provision("plan", manifest, "--json").stdout)["digest"]

    assert len(digest) == 16
    assert whole.startswith(digest)


def test_a_plan_without_changes_has_nothing_to_be_held_to(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes", "--skip-verify")

    assert "Digest" not in provision("plan", manifest).said


def test_apply_does_what_has_the_digest(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    digest = provision("plan", manifest).stdout.split()[-1]

    done = provision("apply", manifest, "--yes", "--skip-verify", "--digest", digest)

    assert done.exit_code == 0, done.said
    assert truth.roles(sandbox) == ["User.Read.All"]


def test_apply_refuses_a_plan_of_another_digest_and_writes_nothing(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    digest = provision("plan", paper.write(workplace)).stdout.split()[-1]
    more = paper.write(workplace, paper.an_app("User.Read.All", "Mail.Send"))

    refused = provision("apply", more, "--yes", "--digest", digest)

    assert refused.exit_code == 1
    assert "another digest than the one demanded: " in refused.said
    assert digest in refused.said
    assert [each["displayName"] for each in truth.applications(sandbox)] == []


def test_a_digest_that_is_too_short_is_wrong_usage(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    refused = provision("apply", paper.write(workplace), "--yes", "--digest", "abc")

    assert refused.exit_code == 64
    assert "at least 12 characters" in refused.said


def test_a_plan_for_a_pull_request_is_markdown_on_stdout(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = paper.an_app("User.Read.All", displayName="@everyone </details> | `x`")

    planned = provision("plan", paper.write(workplace, app), "--format", "markdown")

    assert planned.exit_code == 0, planned.said
    assert planned.stdout.startswith("## Plan: 4 to create, 0 to change, 0 to destroy.\n")
    assert "| `my-workload` | granted | `User.Read.All of Microsoft Graph` |" in planned.stdout
    fence = planned.stdout.index("```diff")
    assert fence < planned.stdout.index("@everyone") < planned.stdout.rindex("```")


@pytest.mark.parametrize("place", ["plan.json", "plans/plan.json", "../plan.json"])
def test_a_saved_plan_knows_the_way_to_its_manifest_and_no_absolute_path(
    sandbox: Server, provision: Provision, workplace: Path, place: str
) -> None:
    folder = workplace / "team"
    folder.mkdir()
    (folder / "plans").mkdir()
    manifest = paper.write(folder)
    out = folder / place

    planned = provision("plan", manifest, "--out", out)

    assert planned.exit_code == 0, planned.said
    found = saved(out)
    here = Path(os.path.normpath(out.parent / str(found["folder"])))
    assert here == folder
    assert Path(os.path.normpath(out.parent / str(found["file"]))) == manifest
    assert str(workplace) not in out.read_text(encoding="utf-8")


def test_a_reviewer_sees_in_which_folder_a_secret_will_be(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """A secret that leaves the manifest's folder must not look like one that stays there."""
    outside = paper.an_app(credentials={"ci": paper.a_secret("../public/.env")})
    manifest = paper.write(workplace, outside)

    for form in ("text", "markdown"):
        planned = provision("plan", manifest, "--format", form, "--out", "plan.json")
        assert "ci → ../public/.env (AZURE_*)" in planned.stdout
    steps = json.loads((workplace / "plan.json").read_text(encoding="utf-8"))["steps"]
    assert [each["store"] for each in steps if "store" in each] == ["../public/.env (AZURE_*)"]


def test_saving_the_same_plan_again_writes_the_same_bytes(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    for name in ("one.json", "two.json"):
        provision("plan", manifest, "--out", name)

    assert (workplace / "one.json").read_bytes() == (workplace / "two.json").read_bytes()


def test_a_saved_plan_is_of_the_targets_that_were_chosen(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    both = {
        key: paper.an_app(credentials={"ci": paper.a_secret(prefix=f"{key.upper()}_")})
        for key in ("first", "second")
    }
    manifest = paper.write(workplace, applications=both)

    provision("plan", manifest, "--target", "second", "--out", "plan.json")

    found = saved(workplace / "plan.json")
    steps = found["steps"]
    assert found["targets"] == ["second"]
    assert isinstance(steps, list)
    assert {step["app"] for step in steps} == {"second"}


def test_the_manifest_is_never_overwritten_by_its_plan(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    before = manifest.read_bytes()

    refused = provision("plan", manifest, "--out", manifest)

    assert refused.exit_code == 64
    assert manifest.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    refused = provision("plan", paper.write(workplace), "--out", "absent/plan.json")

    assert refused.exit_code == 1
    assert "absent/plan.json cannot be written" in refused.said


def test_the_plan_that_programs_read_is_not_applied(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    told = provision("plan", paper.write(workplace), "--json").stdout
    (workplace / "plan.json").write_text(told, encoding="utf-8")

    refused = provision("apply", "plan.json", "--yes")

    assert refused.exit_code == 1
    assert "--out plan.json" in refused.said


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("plan hello.yaml", "plan"),
        ("plan hello.yaml --only consent", "plan"),
        ("apply hello.yaml --yes", "apply"),
        ("destroy hello.yaml --yes", "apply"),
    ],
)
def test_a_document_fits_the_schema_that_is_printed_for_it(
    sandbox: Server, provision: Provision, workplace: Path, command: str, name: str
) -> None:
    paper.write(workplace)
    if command.startswith("destroy"):
        provision("apply", "hello.yaml", "--yes", "--skip-verify")

    told = provision(*command.split(), "--json")

    schema = json.loads(provision("schema", "--of", name).stdout)
    assert misfits(json.loads(told.stdout), schema) == []


def test_a_saved_plan_fits_the_schema_that_is_printed_for_it(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    provision("plan", paper.write(workplace), "--out", "plan.json")

    schema = json.loads(provision("schema", "--of", "saved-plan").stdout)
    assert misfits(saved(workplace / "plan.json"), schema) == []


def test_a_plan_that_changes_something_still_saves_it_when_it_exits_with_two(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    planned = provision("plan", manifest, "--detailed-exitcode", "--out", "plan.json", "--json")

    assert planned.exit_code == 2
    assert json.loads(planned.stdout)["digest"] == saved(workplace / "plan.json")["digest"]


def test_with_targets_nothing_is_planned_for_deletion(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """From the absence of the others nothing is concluded."""
    second = paper.an_app(credentials={"ci": paper.a_secret(prefix="SECOND_")})
    both = paper.write(workplace, applications={"my-workload": paper.an_app(), "second": second})
    provision("apply", both, "--yes", "--skip-verify")
    manifest = paper.write(workplace)

    whole = provision("plan", manifest, "--detailed-exitcode")
    part = provision("plan", manifest, "--target", "my-workload", "--detailed-exitcode")

    assert (whole.exit_code, part.exit_code) == (2, 0)
    assert "1 to destroy" in whole.stdout
