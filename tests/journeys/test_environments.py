"""`--env` on the command line: one manifest, checked for one place at a time, and targets of every kind."""

from __future__ import annotations

import json
from pathlib import Path

from journey import Provision

from provision.cli.options import Options
from provision.cli.session import read_manifest

TEXT = """\
version: 1
name: contoso
environments:
  dev: {tenant: sandbox, variables: {suffix: " (dev)"}}
  prod: {tenant: contoso.com, variables: {suffix: ""}}
applications:
  deploy:
    displayName: Deploy${suffix}
    credentials:
      main: {federated: {github: {repository: contoso/shop, branch: main}}}
identities:
  nightly: {managedIdentity: 0000000a-0000-0000-0000-000000000001}
"""


def test_a_manifest_with_environments_is_checked_for_the_chosen_one(
    provision: Provision, workplace: Path
) -> None:
    (workplace / "m.yaml").write_text(TEXT, encoding="utf-8")

    chosen = provision("validate", "m.yaml", "--env", "dev", "--json")
    told = provision("validate", "m.yaml", "--env", "prod")
    missing = provision("validate", "m.yaml")
    wrong = provision("plan", "m.yaml", "--env", "test")

    assert chosen.exit_code == 0
    assert json.loads(chosen.stdout)
    assert told.stdout == "m.yaml: valid, 1 application, 1 managed identity\n"
    assert missing.exit_code == 1
    assert "m.yaml:3:1: the manifest has environments, and none is chosen: dev, prod" in (
        missing.stderr
    )
    assert wrong.exit_code == 1
    assert '--env chooses "test", and there is no such environment' in wrong.stderr


def test_an_environment_decides_owner_and_tenant(workplace: Path) -> None:
    path = workplace / "m.yaml"
    path.write_text(TEXT, encoding="utf-8")

    manifest = read_manifest(path, Options(env="prod"))

    assert (manifest.owner, manifest.tenant, manifest.partial) == (
        "contoso.prod",
        "contoso.com",
        False,
    )


def test_a_target_may_be_a_federated_credential_or_an_identity(workplace: Path) -> None:
    path = workplace / "m.yaml"
    path.write_text(TEXT, encoding="utf-8")

    deploy = read_manifest(path, Options(env="dev", target=("deploy/main",)))
    nightly = read_manifest(path, Options(env="dev", target=("nightly",)))

    assert ([each.key for each in deploy.applications], deploy.identities) == (["deploy"], ())
    assert nightly.applications == ()
    assert [each.key for each in nightly.identities] == ["nightly"]
    assert deploy.partial
    assert nightly.partial
