"""An application that bears our uniqueName, but is not ours, is never written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

TAGS = [["provision:owner:somebody"], ["unrelated"], []]
COMMANDS = [("plan",), ("apply", "--yes"), ("rotate", "--now"), ("destroy", "--yes")]


@pytest.fixture(params=TAGS, ids=["another owner", "no owner", "no tag"])
def theirs(sandbox: Server, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Somebody else's application under our name, as it is in the tenant."""
    made = outsider.application(sandbox, uniqueName="hello.my-workload", tags=request.param)
    outsider.send(sandbox, "POST", f"applications/{made['id']}/addPassword", {})
    outsider.send(sandbox, "POST", "servicePrincipals", {"appId": made["appId"]})
    return truth.application(sandbox)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_command_changes_it(
    theirs: dict[str, Any],
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    command: tuple[str, ...],
) -> None:
    principals = truth.principals(sandbox)

    provision(command[0], paper.write(workplace), *command[1:])

    assert truth.applications(sandbox, deleted=None) == [theirs]
    assert truth.principals(sandbox, deleted=None) == principals


def test_apply_changes_nothing_of_it_when_a_replica_did_not_know_it_yet(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Missing at first sight, it is planned as new; to make something of its name would write over it."""
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="lag404", path=r"applications\(uniqueName=", nth=1))

    refused = provision("apply", manifest, "--yes")

    assert refused.exit_code == 1
    assert theirs["appId"] in refused.said
    assert truth.applications(sandbox, deleted=None) == [theirs]


def test_apply_stops_before_any_write_and_says_whose_it_is(
    theirs: dict[str, Any], sandbox: Server, provision: Provision, workplace: Path
) -> None:
    refused = provision("apply", paper.write(workplace), "--yes")

    owner = (
        'the owner tag "somebody"'
        if "provision:owner:somebody" in theirs["tags"]
        else "no owner tag"
    )
    assert refused.exit_code == 1
    assert owner in refused.said
    assert theirs["appId"] in refused.said


def test_another_manifests_application_with_the_same_key_is_left_alone(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    app = paper.an_app(credentials=None)
    provision("apply", paper.write(workplace, app, name="second"), "--yes")
    theirs = truth.application(sandbox, "second.my-workload")

    provision("apply", paper.write(workplace, app), "--yes")

    assert truth.application(sandbox, "second.my-workload") == theirs
    assert truth.application(sandbox, "hello.my-workload")["id"] != theirs["id"]
