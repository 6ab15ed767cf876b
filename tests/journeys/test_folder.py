"""The files beside a manifest: what `init` writes, what a path means, and what `--target` leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import paper
import pytest
import truth
from journey import Provision
from test_tenant_choice import as_operator

from provision.sandbox.server import Server

INIT = ("init", "made.yaml", "--name", "contoso-team", "--app", "billing", "--tenant", "sandbox")


def two_apps(workplace: Path) -> Path:
    """A manifest with two applications, each with a store of its own."""
    apps = {
        name: paper.an_app(credentials={"ci": paper.a_secret(f"{name}.env")})
        for name in ("first", "second")
    }
    return paper.write(workplace, applications=apps)


def test_what_init_writes_is_a_valid_manifest(provision: Provision) -> None:
    provision(*INIT, "--permission", "User.Read.All", "--permission", "Mail.Send")

    checked = provision("validate", "made.yaml")

    assert checked.exit_code == 0, checked.said
    assert "Warning" not in checked.stderr


def test_what_init_writes_can_be_applied_as_it_is(sandbox: Server, provision: Provision) -> None:
    provision(*INIT, "--permission", "User.Read.All")

    applied = provision("apply", "made.yaml", "--yes")

    assert applied.exit_code == 0, applied.said
    assert truth.roles(sandbox, "contoso-team.billing") == ["User.Read.All"]


def test_init_never_overwrites(provision: Provision, workplace: Path) -> None:
    (workplace / "made.yaml").write_text("mine\n", encoding="utf-8")

    refused = provision(*INIT)

    assert refused.exit_code == 64
    assert "made.yaml exists already" in refused.said
    assert (workplace / "made.yaml").read_text(encoding="utf-8") == "mine\n"


def test_init_without_a_terminal_asks_for_a_name_by_its_flag(
    provision: Provision, workplace: Path
) -> None:
    refused = provision("init", "made.yaml")

    assert refused.exit_code == 64
    assert "--name" in refused.said
    assert not (workplace / "made.yaml").exists()


@pytest.mark.parametrize("name", ["ab", "Contoso", "a b", "x" * 31])
def test_init_refuses_a_name_that_no_manifest_may_bear(
    provision: Provision, workplace: Path, name: str
) -> None:
    refused = provision("init", "made.yaml", "--name", name)

    assert refused.exit_code == 64
    assert "Traceback" not in refused.said
    assert not (workplace / "made.yaml").exists()


def test_init_keeps_secrets_and_the_sandbox_out_of_git(
    provision: Provision, workplace: Path
) -> None:
    provision(*INIT)

    assert (workplace / ".gitignore").read_text(encoding="utf-8") == ".env\n.provision/\n"


def test_init_adds_only_what_gitignore_lacks(provision: Provision, workplace: Path) -> None:
    (workplace / ".gitignore").write_text("build/\n.env", encoding="utf-8")

    provision(*INIT)

    assert (workplace / ".gitignore").read_text(encoding="utf-8") == "build/\n.env\n.provision/\n"


def test_a_store_of_another_name_is_kept_out_of_git_too(
    provision: Provision, workplace: Path
) -> None:
    provision(*INIT, "--store", "secrets/ci.env")

    assert "secrets/ci.env" in (workplace / ".gitignore").read_text(encoding="utf-8").split()


def test_paths_in_a_manifest_are_relative_to_the_manifest(
    sandbox: Server, provision: Provision, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "team").mkdir()
    (workplace / "elsewhere").mkdir()
    paper.write(workplace / "team", tenant=None)
    monkeypatch.chdir(workplace / "elsewhere")

    applied = provision(
        "apply", os.path.join("..", "team", "hello.yaml"), "--yes", env=as_operator(sandbox)
    )

    assert applied.exit_code == 0, applied.said
    assert paper.stored(workplace, Path("team", ".env"))["AZURE_CLIENT_SECRET"]
    assert list((workplace / "elsewhere").iterdir()) == []


def test_a_folder_below_uses_the_same_sandbox(
    sandbox: Server, provision: Provision, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "below").mkdir()
    manifest = paper.write(workplace / "below")
    monkeypatch.chdir(workplace / "below")

    provision("apply", manifest, "--yes")

    assert len(truth.applications(sandbox)) == 1
    assert not (workplace / "below" / ".provision").exists()


def test_target_applies_one_application_only(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = two_apps(workplace)

    applied = provision("apply", manifest, "--yes", "--target", "second")

    assert applied.exit_code == 0, applied.said
    assert [each["uniqueName"] for each in truth.applications(sandbox)] == ["hello.second"]


def test_target_does_not_plan_to_delete_the_others(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = two_apps(workplace)
    provision("apply", manifest, "--yes")

    planned = provision("plan", manifest, "--target", "second", "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said


def test_target_of_a_credential_rotates_that_one_only(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    credentials = {name: paper.a_secret(f"{name}.env") for name in ("ci", "cd")}
    manifest = paper.write(workplace, paper.an_app(credentials=credentials))
    provision("apply", manifest, "--yes")
    before = paper.stored(workplace, paper.STORE.with_name("ci.env"))

    rotated = provision("rotate", manifest, "--now", "--target", "my-workload/cd")

    assert rotated.exit_code == 0, rotated.said
    assert paper.stored(workplace, paper.STORE.with_name("ci.env")) == before
    assert len(truth.key_ids(sandbox)) == 3


def test_destroy_with_a_target_leaves_the_others(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = two_apps(workplace)
    provision("apply", manifest, "--yes")

    destroyed = provision("destroy", manifest, "--yes", "--target", "first")

    assert destroyed.exit_code == 0, destroyed.said
    assert [each["uniqueName"] for each in truth.applications(sandbox)] == ["hello.second"]
    assert paper.stored(workplace, paper.STORE.with_name("second.env"))["AZURE_CLIENT_SECRET"]


def test_an_unknown_target_names_those_that_there_are(
    provision: Provision, workplace: Path
) -> None:
    refused = provision("plan", two_apps(workplace), "--target", "third")

    assert refused.exit_code == 64
    assert "first, first/ci, second, second/ci" in refused.said


def test_a_token_is_not_asked_with_a_secret_outside_the_folder_and_that_is_said(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    project = workplace / "project"
    project.mkdir()
    secret = {"ci": paper.a_secret("../outside.env")}
    manifest = paper.write(project, paper.an_app(credentials=secret))
    provision("apply", manifest, "--yes", "--skip-verify", "--real-stores")

    refused = provision("token", manifest, "my-workload", "--real-stores")

    assert (workplace / "outside.env").exists()
    assert refused.exit_code == 1
    assert "is outside the manifest's folder" in refused.said
