"""The examples of the daemons, applied while the directory is slow: it takes long and needs nobody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from journey import Provision, StartSandbox

MANIFEST = Path(__file__).parents[2] / "manifests" / "daemon.yaml"


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_daemons_are_applied_from_nothing_however_slow_the_directory_is(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path, seed: int
) -> None:
    """Two hundred of them are applied by `make bench-slow`, at half this pace."""
    start_sandbox(profile="slow", scale=100.0, seed=seed)
    shutil.copy(MANIFEST, workplace)

    done = provision("apply", "daemon.yaml", "--yes", "--json")

    assert done.exit_code == 0, done.said
    findings = {found["app"]: found["result"] for found in json.loads(done.stdout)["findings"]}
    assert findings == {
        "directory-sync": "proven",
        "audit-export": "proven",
        "notifier": "pending consent",
    }
