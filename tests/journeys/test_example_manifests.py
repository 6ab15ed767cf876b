"""Every example in manifests/ is applied as a newcomer would, by a directory that lags, and taken away again."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import truth
import yaml
from journey import Provision, StartSandbox

FOLDER = Path(__file__).parents[2] / "manifests"


def cases() -> list[tuple[str, str | None]]:
    """The examples, each in all its environments."""
    found: list[tuple[str, str | None]] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        environments = yaml.safe_load(path.read_text(encoding="utf-8")).get("environments")
        found += [(path.name, name) for name in environments or [None]]
    return found


@pytest.mark.parametrize(("name", "environment"), cases(), ids=lambda value: value or "")
def test_an_example_is_applied_proven_settled_and_taken_away(
    start_sandbox: StartSandbox,
    provision: Provision,
    workplace: Path,
    name: str,
    environment: str | None,
) -> None:
    sandbox = start_sandbox(profile="typical", scale=100)
    shutil.copy(FOLDER / name, workplace / name)
    words = [name, "--tenant", "sandbox", *(["--env", environment] if environment else [])]

    done = provision("apply", *words, "--yes")
    assert done.exit_code == 0, done.said
    sandbox.advance(timedelta(minutes=10))
    again = provision("plan", *words, "--json")
    assert json.loads(again.stdout)["steps"] == [], again.said
    verified = provision("verify", *words, "--json")
    findings = json.loads(verified.stdout)["findings"]
    assert {finding["result"] for finding in findings} <= {
        "proven",
        "pending consent",
        "not provable here",
    }

    gone = provision("destroy", *words, "--yes", "--purge")
    assert gone.exit_code == 0, gone.said
    assert truth.applications(sandbox, deleted=None) == []
