"""The examples load without a warning, and the editors' schema is the one that the code has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.manifest import json_schema, load

FOLDER = Path(__file__).parent.parent / "manifests"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


def test_the_schema_for_editors_is_in_step():
    written = (FOLDER / "schema.json").read_bytes().decode("utf-8")

    assert written == json.dumps(json_schema(), indent=2) + "\n"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_without_a_warning(path):
    manifest = load(path, environ={}, variables={})

    assert manifest.warnings == ()
    assert manifest.tenant == "sandbox"
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
        for application in load(path, environ={}, variables={}).applications
        for secret in application.secrets
    ]

    assert len(secrets) == len(set(secrets))
