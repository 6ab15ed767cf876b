"""Applying again: nothing to do, no second secret, no duplicate, whatever the replicas show."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path

import outsider
import paper
import pytest
import truth
from journey import Processes, Provision

from provision.lock import one_at_a_time
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

LAGGING = [{"profile": "typical", "seed": seed} for seed in (1, 2, 3, 4, 5)]

SLOWLY = [{"profile": "typical", "seed": seed, "scale": 15.0} for seed in (2, 4, 8)]
"""Slow enough that a record still lags when the second command begins."""


def writes(server: Server) -> list[str]:
    """What was sent to change the tenant, oldest first."""
    return [
        f"{entry.method} {entry.path}"
        for entry in server.requests
        if entry.method != "GET" and not entry.path.endswith(("/token", "/$batch"))
    ]


def test_a_plan_after_apply_is_empty(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    planned = provision("plan", manifest, "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said
    assert "No changes" in planned.stdout


@pytest.mark.parametrize("sandbox", LAGGING[:2], indirect=True)
def test_a_plan_is_empty_once_the_lag_has_passed(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")
    sandbox.advance(timedelta(minutes=5))

    planned = provision("plan", manifest, "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said
    assert "No changes" in planned.stdout


def test_a_plan_before_apply_tells_of_changes_by_its_exit_code(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    planned = provision("plan", manifest, "--detailed-exitcode")

    assert planned.exit_code == 2
    assert truth.applications(sandbox, deleted=None) == []


@pytest.mark.parametrize("sandbox", LAGGING, indirect=True)
def test_a_second_apply_at_once_issues_no_secret_and_makes_no_duplicate(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    first = provision("apply", manifest, "--yes")
    (before,) = truth.key_ids(sandbox)

    second = provision("apply", manifest, "--yes")

    assert (first.exit_code, second.exit_code) == (0, 0), first.said + second.said
    assert truth.key_ids(sandbox) == [before]
    assert len(truth.applications(sandbox, deleted=None)) == 1
    assert len(truth.principals(sandbox, deleted=None)) == 1
    assert sum("addPassword" in write for write in writes(sandbox)) == 1


@pytest.mark.parametrize("sandbox", LAGGING[:2], indirect=True)
def test_a_second_apply_at_once_leaves_the_store_as_it_is(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes", "--skip-verify")
    before = paper.stored(workplace)

    provision("apply", manifest, "--yes", "--skip-verify")

    assert paper.stored(workplace) == before
    assert [before["AZURE_CLIENT_SECRET_ID"]] == truth.key_ids(sandbox)


@pytest.mark.parametrize("sandbox", SLOWLY, indirect=True)
def test_a_second_apply_at_once_on_a_machine_without_the_store_issues_no_secret(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """The record that it is stored elsewhere may lag: what seems unknown is looked at again first."""
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes", "--skip-verify")
    (before,) = truth.key_ids(sandbox)
    (workplace / paper.STORE).unlink()

    second = provision("apply", manifest, "--yes", "--skip-verify")

    assert truth.key_ids(sandbox) == [before]
    assert "held elsewhere" in second.said


def test_a_second_apply_writes_nothing_to_the_tenant(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")
    sandbox.requests.clear()

    provision("apply", manifest, "--yes")

    assert writes(sandbox) == []


@pytest.mark.parametrize("sandbox", LAGGING[:1], indirect=True)
def test_of_two_applies_at_the_same_time_the_second_waits_and_one_secret_is_issued(
    sandbox: Server, provision_process: Processes, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(Fault(do="delay", method="PATCH", path="uniqueName", nth=1, seconds=3))
    started = [provision_process.start("apply", manifest, "--yes") for _ in range(2)]

    ended = [provision_process.finish(process) for process in started]

    assert [each.exit_code for each in ended] == [0, 0], [each.said for each in ended]
    assert sum("Another run of hello is at work" in each.stderr for each in ended) == 1
    assert sum("No changes" in each.stdout for each in ended) == 1
    assert len(truth.key_ids(sandbox)) == 1
    assert len(truth.applications(sandbox, deleted=None)) == 1


def test_ctrl_c_ends_the_waiting_for_another_run(
    sandbox: Server, provision_process: Processes, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    with one_at_a_time(sandbox.operator()["tenantId"], "hello", lambda _: None):
        waiting = provision_process.start("apply", manifest, "--yes")
        assert waiting.stderr is not None
        while "waiting for it to finish" not in waiting.stderr.readline():
            assert waiting.poll() is None
        waiting.send_signal(signal.SIGINT)

        stopped = provision_process.finish(waiting)

    assert stopped.exit_code == 130, stopped.said
    assert "Traceback" not in stopped.said
    assert truth.applications(sandbox) == []


def test_an_application_that_no_replica_showed_at_first_keeps_what_others_remember_on_it(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """To register it anew would replace its tags, and the list of what was asked for, whole."""
    manifest = paper.write(workplace, paper.an_app("User.Read.All", "Group.Read.All"))
    provision("apply", manifest, "--yes")
    made = truth.application(sandbox)
    tags = [*made["tags"], "team:somebody-else"]
    outsider.send(sandbox, "PATCH", f"applications/{made['id']}", {"tags": tags})
    (workplace / paper.STORE).unlink()  # as on a machine whose store does not hold the secret
    paper.write(workplace, paper.an_app("User.Read.All"))
    sandbox.faults.add(
        *(Fault(do="lag404", path=r"applications\(uniqueName=", nth=nth) for nth in (1, 2))
    )

    again = provision("apply", manifest, "--yes", "--target", "my-workload")

    assert again.exit_code == 0, again.said
    assert sorted(truth.application(sandbox)["tags"]) == sorted(tags)
    assert truth.key_ids(sandbox) == [made["passwordCredentials"][0]["keyId"]]
    assert truth.roles(sandbox) == ["User.Read.All"]


@pytest.mark.parametrize("looks", [1, 3])
def test_microsoft_graph_itself_may_be_missing_on_replicas_that_are_behind(
    sandbox: Server, provision: Provision, workplace: Path, looks: int
) -> None:
    """What it offers is known all the same: it stands in the shipped catalogue."""
    manifest = paper.write(workplace)
    missing = r"servicePrincipals\(appId='00000003-0000-0000-c000-000000000000'"
    sandbox.faults.add(*(Fault(do="lag404", path=missing, nth=nth) for nth in range(1, looks + 1)))

    applied = provision("apply", manifest, "--yes")

    assert applied.exit_code == 0, applied.said
    assert truth.roles(sandbox) == ["User.Read.All"]
