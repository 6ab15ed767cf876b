"""The examples load without a warning, and the editors' schema is the one that the code has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from provision.manifest import json_schema, load, parse
from provision.manifest.spec import Manifest

FOLDER = Path(__file__).parent.parent / "manifests"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


def places(path: Path) -> list[str | None]:
    """The environments in which an example exists."""
    return list(yaml.safe_load(path.read_text(encoding="utf-8")).get("environments", {})) or [None]


def loaded(path: Path) -> Iterator[Manifest]:
    for environment in places(path):
        yield load(path, environ={}, variables={}, environment=environment)


def test_the_examples_are_these():
    assert [path.stem for path in EXAMPLES] == [
        *("api-and-client", "credentials", "daemon", "environments", "fleet"),
        *("github-actions", "hello", "operator"),
    ]


def test_the_schema_for_editors_is_in_step():
    written = (FOLDER / "schema.json").read_bytes().decode("utf-8")

    assert written == json.dumps(json_schema(), indent=2) + "\n"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_without_a_warning(path):
    for manifest in loaded(path):
        assert manifest.warnings == ()
        assert manifest.tenant in ("sandbox", "sandbox/prod")
        assert manifest.applications


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_tells_editors_its_schema(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]

    assert first == "# yaml-language-server: $schema=./schema.json"


def test_no_two_examples_share_a_store():
    """Somebody tries them one after the other, in one folder."""
    secrets = [
        secret.store
        for path in EXAMPLES
        for manifest in loaded(path)
        for application in manifest.applications
        for secret in application.secrets
    ]

    assert len(secrets) == len(set(secrets))


def test_the_fleet_is_fifty_applications_of_two_kinds():
    (fleet,) = loaded(FOLDER / "fleet.yaml")

    asked = [tuple(each.value for each in spec.permissions) for spec in fleet.applications]
    assert len(asked) == 50
    assert set(asked) == {("User.Read.All", "Group.Read.All"), ("AuditLog.Read.All",)}


@pytest.mark.parametrize("count", [0, 3])
def test_the_fleet_maker_prints_a_manifest_of_as_many_applications_as_wanted(count):
    maker = FOLDER.parent / "bench" / "fleet.py"

    done = subprocess.run(
        [sys.executable, str(maker), str(count), "--store", "x.env"],
        capture_output=True,
        text=True,
        check=True,
    )
    made = parse(done.stdout, file="fleet", folder=FOLDER, environ={}, variables={})

    assert len(made.applications) == count
    assert {len(each.secrets) for each in made.applications} <= {1}
    assert made.warnings == ()
