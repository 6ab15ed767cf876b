"""What exists becomes a manifest that changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crowd
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server


@pytest.fixture
def made(sandbox: Server) -> dict[str, dict[str, Any]]:
    """Applications of all kinds."""
    return crowd.fill(sandbox)


def printed(provision: Provision, folder: Path, *words: object) -> Path:
    """A manifest as `import` prints it."""
    done = provision("import", *words, "--tenant", "sandbox")
    assert done.exit_code == 0, done.said
    path = folder / "imported.yaml"
    path.write_text(done.stdout, encoding="utf-8")
    return path


def test_everything_in_a_tenant_imported_at_once_plans_empty(
    made: dict[str, dict[str, Any]], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    before = truth.applications(sandbox), truth.principals(sandbox)

    manifest = printed(provision, workplace, "--all")
    valid = provision("validate", manifest)
    planned = provision("plan", manifest, "--detailed-exitcode")

    assert valid.exit_code == 0, valid.said
    assert planned.exit_code == 0, planned.said
    assert "No changes" in planned.stdout
    for app in made.values():
        assert f"adopt: {{appId: {app['appId']}}}" in manifest.read_text(encoding="utf-8")
    assert (truth.applications(sandbox), truth.principals(sandbox)) == before
