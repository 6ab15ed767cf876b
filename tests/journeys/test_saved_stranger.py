"""A saved plan that somebody changed on its way: its digest is held against it before anything is looked at."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import paper
import pytest
from journey import Outcome, Provision

from provision import document
from provision.sandbox.server import Server

REQUESTED = {"consent": "request", "credentials": None}


@pytest.fixture
def bait(workplace: Path) -> dict[str, Any]:
    """A credential whose store runs a program of the plan's folder when it is read."""
    program = workplace / "get"
    program.write_text(f"#!{sys.executable} -IS\nopen('started', 'w')\n", encoding="utf-8")
    program.chmod(0o755)
    command = {"write": ["./get"], "read": ["./get"], "input": "json"}
    return {"ci": {"secret": {"store": {"command": command}}}}


def changed(plan: Path, credentials: dict[str, Any]) -> None:
    """Put a store into the plan, as somebody would who makes the digest fit again."""
    body = json.loads(plan.read_text(encoding="utf-8"))
    body["manifest"]["applications"]["my-workload"]["credentials"] = credentials
    body["digest"] = document.digest(body)
    plan.write_text(json.dumps(body), encoding="utf-8")


def saved(provision: Provision, workplace: Path, *words: str) -> tuple[Path, str]:
    """A saved plan and its digest."""
    manifest = paper.write(workplace, paper.an_app(**REQUESTED))
    provision("apply", manifest, "--yes", "--skip-verify")
    done: Outcome = provision("plan", manifest, "--out", "plan.json", *words)
    assert done.exit_code == 0, done.said
    plan = workplace / "plan.json"
    return plan, json.loads(plan.read_text(encoding="utf-8"))["digest"]


def test_another_digest_than_the_one_demanded_is_refused_before_a_program_is_started(
    sandbox: Server, provision: Provision, workplace: Path, bait: dict[str, Any]
) -> None:
    plan, digest = saved(provision, workplace)
    changed(plan, bait)

    refused = provision("apply", plan, "--yes", "--digest", digest, "--real-stores")

    assert refused.exit_code != 0
    assert "another digest" in refused.said
    assert not (workplace / "started").exists()


def test_consents_start_no_program_although_their_digest_leaves_the_stores_out(
    sandbox: Server, provision: Provision, workplace: Path, bait: dict[str, Any]
) -> None:
    plan, digest = saved(provision, workplace, "--only", "consent")
    changed(plan, bait)

    done = provision("apply", plan, "--yes", "--digest", digest, "--real-stores")

    assert done.exit_code == 0, done.said
    assert not (workplace / "started").exists()
