"""Stopped in the middle: what was done is said, and the next apply finishes it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import moment
import paper
import pytest
import truth
from journey import Processes, Provision, StartSandbox

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server


def assert_whole(server: Server, provision: Provision, manifest: Path) -> None:
    """One application, one service principal, its role, and one secret: the stored one, which works."""
    assert len(truth.applications(server)) == 1
    assert len(truth.principals(server)) == 1
    assert truth.roles(server) == ["User.Read.All"]
    held = paper.stored(manifest.parent)
    assert truth.key_ids(server)[-1] == held["AZURE_CLIENT_SECRET_ID"]
    proven = provision("verify", manifest, "--require-proof")
    assert proven.exit_code == 0, proven.said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_request_in_flight_finish_and_says_what_was_done(
    sandbox: Server, provision_process: Processes, workplace: Path, number: int, code: int
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="delay", seconds=0.2, path="servicePrincipals$"))
    running = provision_process.start("apply", manifest, "--yes")
    moment.on_arrival(sandbox, "the service principal", lambda: running.send_signal(number))

    stopped = provision_process.finish(running)

    assert stopped.exit_code == code, stopped.said
    assert "Stopping: the request in flight is finished first" in stopped.said
    assert "done create the service principal" in stopped.said
    assert "left issue secret ci" in stopped.said
    assert "Run it again" in stopped.said
    assert not truth.application(sandbox)["passwordCredentials"]


@pytest.mark.parametrize("write", ["the application", "the grant", "the record"])
def test_apply_after_a_signal_finishes_what_was_begun(
    sandbox: Server,
    provision: Provision,
    provision_process: Processes,
    workplace: Path,
    write: str,
) -> None:
    manifest = paper.write(workplace)
    running = provision_process.start("apply", manifest, "--yes")
    moment.on_arrival(sandbox, write, lambda: running.send_signal(signal.SIGTERM))
    provision_process.finish(running)

    again = provision("apply", manifest, "--yes")

    assert again.exit_code == 0, again.said
    assert_whole(sandbox, provision, manifest)
    assert len(truth.key_ids(sandbox)) == 1


def test_an_interrupted_run_is_still_one_json_document(
    sandbox: Server, provision_process: Processes, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    running = provision_process.start("apply", manifest, "--yes", "--json")
    moment.on_arrival(sandbox, "the grant", lambda: running.send_signal(signal.SIGINT))

    stopped = provision_process.finish(running)

    told = json.loads(stopped.stdout)
    assert [step["step"] for step in told["done"]][:2] == [
        "CreateApplication",
        "CreateServicePrincipal",
    ]
    assert [step["step"] for step in told["left"]][-1] == "AddSecret"


def test_a_second_signal_stops_at_once(
    sandbox: Server, provision: Provision, provision_process: Processes, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="delay", seconds=30, path="servicePrincipals$"))
    running = provision_process.start("apply", manifest, "--yes")
    arrived = moment.on_arrival(
        sandbox, "the service principal", lambda: running.send_signal(signal.SIGTERM)
    )
    arrived.wait(30)
    assert running.stderr is not None
    while "Stopping" not in running.stderr.readline():
        assert running.poll() is None

    running.send_signal(signal.SIGTERM)
    stopped = provision_process.finish(running, within=10)

    assert stopped.exit_code == -signal.SIGTERM


def test_an_embedded_sandbox_survives_its_run_being_killed(
    provision: Provision, provision_process: Processes, workplace: Path
) -> None:
    """Then the directory itself dies with the process: its database must be whole."""
    manifest = paper.write(workplace)
    pace = {"PROVISION_SANDBOX_SCALE": "20", "PROVISION_SANDBOX_SEED": "1"}
    running = provision_process.start("apply", manifest, "--yes", "--debug", env=pace)
    assert running.stderr is not None
    while "PATCH /v1.0/applications" not in running.stderr.readline():
        assert running.poll() is None
    running.kill()
    provision_process.finish(running)

    again = provision("apply", manifest, "--yes", env=pace)

    assert again.exit_code == 0, again.said
    assert "create the application" not in again.stdout


def test_a_signal_while_the_first_secret_is_proven_keeps_it_for_the_next_apply(
    start_sandbox: StartSandbox,
    provision: Provision,
    provision_process: Processes,
    workplace: Path,
) -> None:
    """It is stored already: to issue another one would leave this one without a holder."""
    sandbox = start_sandbox(profile="typical", scale=20)
    manifest = paper.write(workplace)
    running = provision_process.start("apply", manifest, "--yes")
    moment.on_effect(sandbox, "the secret", lambda: running.send_signal(signal.SIGINT))
    stopped = provision_process.finish(running)

    again = provision("apply", manifest, "--yes")

    assert (stopped.exit_code, again.exit_code) == (130, 0), again.said
    assert_whole(sandbox, provision, manifest)
    assert len(truth.key_ids(sandbox)) == 1


def test_a_signal_while_a_rotation_is_proven_leaves_the_old_secret_in_use(
    sandbox: Server, provision: Provision, provision_process: Processes, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")
    before = truth.key_ids(sandbox)
    running = provision_process.start("rotate", manifest, "--now", "--prove", "10m")
    moment.on_effect(sandbox, "the secret", lambda: running.send_signal(signal.SIGTERM))

    stopped = provision_process.finish(running)

    assert stopped.exit_code == 143, stopped.said
    assert truth.key_ids(sandbox) == before
    assert_whole(sandbox, provision, manifest)


def test_a_signal_while_the_proof_waits_still_says_what_was_done(
    start_sandbox: StartSandbox, provision_process: Processes, workplace: Path
) -> None:
    """The changes are in the tenant already: their receipt must not be lost with the proof."""
    sandbox = start_sandbox(profile="slow", scale=100)
    manifest = paper.write(workplace)
    running = provision_process.start("apply", manifest, "--yes")
    moment.on_effect(sandbox, "the record", lambda: running.send_signal(signal.SIGINT))

    stopped = provision_process.finish(running)

    assert stopped.exit_code == 130, stopped.said
    assert "done issue secret ci" in stopped.said


@pytest.mark.parametrize(
    ("when", "write"),
    [
        (moment.on_arrival, "the application"),
        (moment.on_arrival, "the secret"),
        *((moment.on_effect, write) for write in moment.WRITES),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_apply_after_a_kill_finishes_what_was_begun(
    sandbox: Server,
    provision: Provision,
    provision_process: Processes,
    workplace: Path,
    write: str,
    when: moment.When,
) -> None:
    manifest = paper.write(workplace)
    running = provision_process.start("apply", manifest, "--yes")
    happened = when(sandbox, write, running.kill)
    provision_process.finish(running)

    again = provision("apply", manifest, "--yes")

    assert happened.is_set()
    assert again.exit_code == 0, again.said
    assert_whole(sandbox, provision, manifest)
