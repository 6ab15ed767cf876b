"""Answers that never come, and services that are busy: an apply ends whole all the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import moment
import paper
import pytest
import truth
from journey import Provision, StartSandbox

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

TROUBLES = {
    "no answer, though done": Fault(do="drop_after"),
    "no answer, and not done": Fault(do="drop_before"),
    "429 with Retry-After": Fault(do="status", status=429, retry_after=2),
    "503 without it": Fault(do="status", status=503),
}


def at(write: str, fault: Fault) -> Fault:
    """The same trouble, once, at one write of the apply."""
    method, path = moment.WRITES[write]
    return Fault(
        do=fault.do,
        method=method,
        path=path,
        nth=1,
        status=fault.status,
        retry_after=fault.retry_after,
    )


def assert_whole(server: Server, provision: Provision, manifest: Path) -> None:
    """One application, one service principal, its role, and one secret: the stored one, which works."""
    assert len(truth.applications(server)) == 1
    assert len(truth.principals(server)) == 1
    assert truth.roles(server) == ["User.Read.All"]
    assert truth.key_ids(server) == [paper.stored(manifest.parent)["AZURE_CLIENT_SECRET_ID"]]
    planned = provision("plan", manifest, "--detailed-exitcode")
    assert planned.exit_code == 0, planned.said


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("write", moment.WRITES)
def test_trouble_at_one_write_is_overcome_in_the_same_run(
    sandbox: Server, provision: Provision, workplace: Path, write: str, trouble: str
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(at(write, TROUBLES[trouble]))

    applied = provision("apply", manifest, "--yes")

    assert applied.exit_code == 0, applied.said
    assert_whole(sandbox, provision, manifest)


@pytest.mark.parametrize("seed", [1, 3])
def test_a_lost_secret_that_nobody_holds_is_gone_once_the_overlap_has_passed(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path, seed: int
) -> None:
    """Replicas may hide it while the run looks for it: then a later run removes it."""
    sandbox = start_sandbox(profile="typical", scale=20, seed=seed)
    manifest = paper.write(workplace)
    sandbox.faults.add(at("the secret", Fault(do="drop_after")))
    applied = provision("apply", manifest, "--yes")
    sandbox.advance(timedelta(hours=25))

    again = provision("apply", manifest, "--yes")

    assert (applied.exit_code, again.exit_code) == (0, 0), again.said
    assert truth.key_ids(sandbox) == [paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"]]


def test_an_application_that_failed_is_not_said_to_have_nothing_to_prove(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="status", status=403, path="addPassword"))

    applied = provision("apply", manifest, "--yes")

    assert applied.exit_code == 1
    assert "failed issue secret ci" in applied.said
    assert "Nothing to prove" not in applied.said


def test_a_throttled_run_waits_as_long_as_it_is_told(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="status", status=429, retry_after=5, path="organization", nth=1))

    provision("plan", manifest)

    asked = [entry for entry in sandbox.requests if "organization" in entry.path]
    assert [entry.status for entry in asked] == [429, 200]


def test_a_service_that_stays_busy_ends_the_run_with_words(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="status", status=503, method="POST", path="servicePrincipals$"))

    applied = provision("apply", manifest, "--yes")

    assert applied.exit_code == 1
    assert "done create the application" in applied.said
    assert "Traceback" not in applied.said


@pytest.mark.parametrize("nth", range(9, 15))
def test_a_run_that_dies_at_any_request_is_finished_by_the_next(
    start_sandbox: StartSandbox, provision: Provision, workplace: Path, nth: int
) -> None:
    """From one request on nothing is answered any more: the ninth is the first write, two proofs follow the last."""
    sandbox = start_sandbox(scale=300)
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="refuse_all", path="/", nth=nth))
    died = provision("apply", manifest, "--yes")
    sandbox.faults.clear()

    again = provision("apply", manifest, "--yes")

    assert (died.exit_code, again.exit_code) == (1, 0), again.said
    assert_whole(sandbox, provision, manifest)
