"""Which tenant a command works on, as whom, and how both are said."""

from __future__ import annotations

from pathlib import Path

import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server

ELSEWHERE = "contoso.example"


def as_operator(server: Server, identity: dict[str, str] | None = None) -> dict[str, str]:
    """The settings of somebody for whom the sandbox is a private cloud like any other."""
    who = identity or server.operator()
    return {
        "PROVISION_LOGIN": server.url,
        "PROVISION_GRAPH": server.url,
        "PROVISION_CA_BUNDLE": str(server.ca_bundle),
        "AZURE_TENANT_ID": who["tenantId"],
        "AZURE_CLIENT_ID": who["clientId"],
        "AZURE_CLIENT_SECRET": who["clientSecret"],
    }


def as_workload(server: Server, workplace: Path) -> dict[str, str]:
    """The same, signing in with what the workload's store holds."""
    held = paper.stored(workplace, Path(".env"))
    identity = {
        "tenantId": held["AZURE_TENANT_ID"],
        "clientId": held["AZURE_CLIENT_ID"],
        "clientSecret": held["AZURE_CLIENT_SECRET"],
    }
    return as_operator(server, identity)


def test_without_any_tenant_the_error_says_how_to_name_one(
    provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, tenant=None)

    refused = provision("plan", manifest)

    assert refused.exit_code == 64
    for way in ("--tenant", "`tenant`", "AZURE_TENANT_ID", "ARM_TENANT_ID", "--tenant sandbox"):
        assert way in refused.said


def test_nothing_falls_back_to_the_sandbox(provision: Provision, workplace: Path) -> None:
    manifest = paper.write(workplace, tenant=None)

    provision("apply", manifest, "--yes")

    assert not (workplace / ".provision").exists()


@pytest.mark.parametrize("variable", ["AZURE_TENANT_ID", "ARM_TENANT_ID"])
def test_the_environment_names_the_tenant_when_nothing_else_does(
    sandbox: Server, provision: Provision, workplace: Path, variable: str
) -> None:
    manifest = paper.write(workplace, tenant=None)

    seen = provision("plan", manifest, env={variable: "sandbox"})

    assert seen.exit_code == 0, seen.said
    assert "Plan: 4 to create" in seen.stdout


def test_azure_tenant_id_goes_before_arm_tenant_id(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, tenant=None)

    seen = provision(
        "plan", manifest, env={"AZURE_TENANT_ID": "sandbox", "ARM_TENANT_ID": ELSEWHERE}
    )

    assert seen.exit_code == 0, seen.said
    assert f"ARM_TENANT_ID names {ELSEWHERE}, which is not used" in seen.said


def test_the_manifest_goes_before_the_environment_and_this_is_said(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    seen = provision("plan", manifest, env={"AZURE_TENANT_ID": ELSEWHERE})

    assert seen.exit_code == 0, seen.said
    assert f"the manifest chose tenant sandbox; AZURE_TENANT_ID names {ELSEWHERE}" in seen.said


def test_the_command_line_goes_before_the_manifest_and_this_is_said(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, tenant=ELSEWHERE)

    seen = provision("plan", manifest, "--tenant", "sandbox")

    assert seen.exit_code == 0, seen.said
    assert f"--tenant chose tenant sandbox; the manifest names {ELSEWHERE}" in seen.said


def test_sources_that_agree_are_not_mentioned(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    seen = provision("plan", manifest, "--tenant", "sandbox", env={"ARM_TENANT_ID": "Sandbox"})

    assert "not used" not in seen.said


def test_every_command_says_which_tenant_and_who_the_operator_is(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    seen = provision("plan", manifest)

    assert sandbox.operator()["tenantId"] in seen.stderr
    assert "provision sandbox operator" in seen.stderr
    assert "environment" in seen.stderr


def test_a_private_cloud_is_reached_by_its_hosts_and_writes_the_real_store(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, tenant=None)

    applied = provision("apply", manifest, "--yes", env=as_operator(sandbox))

    assert applied.exit_code == 0, applied.said
    held = paper.stored(workplace, Path(".env"))
    assert held["AZURE_CLIENT_ID"] == truth.application(sandbox)["appId"]


@pytest.mark.parametrize("missing", ["PROVISION_LOGIN", "PROVISION_GRAPH"])
def test_one_host_of_a_private_cloud_is_not_enough(
    sandbox: Server, provision: Provision, workplace: Path, missing: str
) -> None:
    """The other half would be Microsoft's own: a token of one must never go to the other."""
    settings = {**as_operator(sandbox), missing: ""}

    refused = provision("plan", paper.write(workplace, tenant=None), env=settings)

    assert refused.exit_code == 64
    assert "--login and --graph name a cloud together" in refused.said


@pytest.mark.parametrize(
    "command", ["plan", "apply --yes", "verify", "rotate --now", "destroy --yes"]
)
def test_the_workload_itself_is_no_operator(
    sandbox: Server, provision: Provision, workplace: Path, command: str
) -> None:
    manifest = paper.write(workplace, tenant=None)
    provision("apply", manifest, "--yes", env=as_operator(sandbox))
    before = truth.application(sandbox)
    verb, *flags = command.split()

    refused = provision(verb, manifest, *flags, env=as_workload(sandbox, workplace))

    assert refused.exit_code == 1
    assert "You are signed in as the workload my-workload" in refused.said
    assert "AZURE_CLIENT_ID" in refused.said
    assert "--auth cli" in refused.said
    assert truth.application(sandbox) == before


def test_the_workload_is_recognised_in_the_directory_when_no_store_tells(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, paper.an_app("Application.Read.All"), tenant=None)
    provision("apply", manifest, "--yes", env=as_operator(sandbox))
    settings = as_workload(sandbox, workplace)
    (workplace / ".env").unlink()

    refused = provision("plan", manifest, env=settings)

    assert refused.exit_code == 1
    assert "You are signed in as the workload my-workload" in refused.said


def misspelt(workplace: Path) -> Path:
    """A manifest whose only permission has two letters exchanged, in line 7, column 37."""
    path = workplace / "hello.yaml"
    path.write_text(
        "version: 1\nname: hello\ntenant: sandbox\napplications:\n  my-workload:\n"
        "    displayName: My Workload\n"
        "    permissions: {Microsoft Graph: [User.Raed.All]}\n",
        encoding="utf-8",
    )
    return path


def test_an_unknown_permission_is_a_warning_offline(provision: Provision, workplace: Path) -> None:
    """The shipped catalogue ages: only the tenant can say that there is no such permission."""
    misspelt(workplace)

    checked = provision("validate", "hello.yaml")

    assert checked.exit_code == 0
    assert 'Warning: hello.yaml:7:37: "User.Raed.All" is no known' in checked.said
    assert 'did you mean "User.Read.All"?' in checked.said


def test_a_permission_that_the_tenant_does_not_know_is_an_error_at_its_place(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    misspelt(workplace)

    refused = provision("plan", "hello.yaml")

    assert refused.exit_code == 1
    assert "hello.yaml:7:37: Microsoft Graph offers no application permission" in refused.said
    assert 'did you mean "User.Read.All"?' in refused.said


def test_an_unknown_permission_stops_apply_before_anything_is_made(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    misspelt(workplace)

    refused = provision("apply", "hello.yaml", "--yes")

    assert refused.exit_code == 1
    assert truth.applications(sandbox) == []
