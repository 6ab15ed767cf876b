"""A certificate in a file of its users, from the command line: used, renamed, exchanged, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.server import Server
from tests.keypairs import a_pair


def put(folder: Path, name: str, *, key: bool = True) -> None:
    """A PEM file with somebody's certificate, and with its key unless that is elsewhere."""
    pair = a_pair(name)
    assert pair.key is not None
    text = pair.key.reveal()
    begin = 0 if key else text.index("-----BEGIN CERTIFICATE")
    (folder / "ci.pem").write_text(text[begin:], encoding="utf-8")


def write(folder: Path, *names: str) -> Path:
    credentials = {name: {"certificate": {"pem": "ci.pem"}} for name in names}
    return paper.write(folder, paper.an_app(credentials=credentials))


@pytest.fixture
def trusted(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """A manifest whose one credential is a certificate out of a file, applied."""
    put(workplace, "workload")
    manifest = write(workplace, "ci")
    done = provision("apply", manifest, "--yes")
    assert done.exit_code == 0, done.said
    return manifest


def certificates(server: Server) -> list[dict[str, Any]]:
    """What the application trusts."""
    found: list[dict[str, Any]] = truth.application(server)["keyCredentials"]
    return found


def test_a_token_can_be_asked_for_with_it(trusted: Path, provision: Provision) -> None:
    done = provision("token", trusted, "my-workload", "--decode")

    assert done.exit_code == 0, done.said
    assert json.loads(done.stdout)["roles"] == ["User.Read.All"]


def test_a_renamed_credential_signs_in_with_it_as_before(
    trusted: Path, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    before = [each["keyId"] for each in certificates(sandbox)]

    done = provision("apply", write(workplace, "deploy"), "--yes")

    assert done.exit_code == 0, done.said
    assert [each["keyId"] for each in certificates(sandbox)] == before
    assert "my-workload/deploy proven" in done.said
    assert "No changes" in provision("plan", trusted).said
