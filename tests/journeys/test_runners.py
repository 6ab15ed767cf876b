"""Several processes at once on one manifest: one correct result, and nothing that a person must do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import outsider
import paper
import pytest
import runners
import truth

from provision.sandbox.server import Server

PACE = [{"profile": "typical", "scale": 40.0, "seed": 7}]
APPLY = ("apply", "--yes")
SEVERAL = [way for way in runners.WAYS if way != "one machine"]

pytestmark = pytest.mark.parametrize("sandbox", PACE, indirect=True)


@pytest.mark.parametrize("way", SEVERAL)
def test_two_machines_that_apply_at_once_end_with_one_application_and_then_one_secret(
    sandbox: Server, workplace: Path, way: runners.Way
) -> None:
    for number in (1, 2):
        places = runners.machines(workplace, way, 2, name=f"race-{number}")

        ended = runners.race(sandbox, places, APPLY)

        assert [each.exit_code for each in ended] == [0, 0], [each.said for each in ended]
        met = runners.overlap(sandbox)
        assert met.sessions == 2
        assert met.pairs > 0
        assert met.turns > 2
        runners.assert_one_result(sandbox, places)
        runners.assert_settles(sandbox, places)


def test_a_machine_whose_secret_was_not_the_one_that_stayed_is_told_and_issues_none(
    sandbox: Server, workplace: Path
) -> None:
    places = runners.machines(workplace, "own stores", 2, name="told")
    runners.race(sandbox, places, APPLY)
    runners.assert_settles(sandbox, places)
    (kept,) = truth.key_ids(sandbox, "told.my-workload")
    (loser,) = (place for place in places if place.holds() != kept)

    again = runners.alone(loser, *APPLY, "--skip-verify")

    assert again.exit_code == 0, again.said
    assert "held elsewhere" in again.said
    assert truth.key_ids(sandbox, "told.my-workload") == [kept]


@pytest.mark.parametrize("way", SEVERAL)
def test_two_machines_that_carry_out_the_same_change_end_with_it_done_once(
    sandbox: Server, workplace: Path, way: runners.Way
) -> None:
    places = runners.machines(workplace, way, 2, name="change")
    runners.alone(places[0], *APPLY)
    sandbox.advance(runners.AFTER_LAG)
    changed = paper.an_app("Group.Read.All", "Mail.Send", displayName="Changed")
    places = runners.machines(workplace, way, 2, name="change", app=changed)

    ended = runners.race(sandbox, places, APPLY)

    assert [each.exit_code for each in ended] == [0, 0], [each.said for each in ended]
    assert runners.overlap(sandbox).pairs > 0
    assert truth.application(sandbox, "change.my-workload")["displayName"] == "Changed"
    runners.assert_one_result(sandbox, places, "Group.Read.All", "Mail.Send", most=1)
    runners.assert_settles(sandbox, places)


@pytest.mark.parametrize("way", SEVERAL)
def test_apply_beside_destroy_leaves_what_the_next_apply_repairs(
    sandbox: Server, workplace: Path, way: runners.Way
) -> None:
    places = runners.machines(workplace, way, 2, name="undone")
    runners.alone(places[0], *APPLY, "--skip-verify")
    sandbox.advance(runners.AFTER_LAG)

    ended = runners.race(sandbox, places, ("destroy", "--yes"), APPLY)
    sandbox.advance(runners.AFTER_LAG)
    again = runners.alone(places[1], *APPLY)

    assert all(each.exit_code in (0, 1) for each in ended), [each.said for each in ended]
    assert not any("Traceback" in each.said for each in ended)
    assert again.exit_code == 0, again.said
    runners.assert_one_result(sandbox, places[1:], most=3)
    runners.assert_settles(sandbox, places)


@pytest.mark.parametrize("way", SEVERAL)
def test_rotate_beside_apply_leaves_one_secret_once_the_overlap_has_passed(
    sandbox: Server, workplace: Path, way: runners.Way
) -> None:
    places = runners.machines(workplace, way, 2, name="turned")
    runners.alone(places[0], *APPLY, "--skip-verify")
    sandbox.advance(timedelta(hours=2))
    (before,) = truth.key_ids(sandbox, "turned.my-workload")

    ended = runners.race(sandbox, places, ("rotate", "--now"), APPLY)

    assert [each.exit_code for each in ended] == [0, 0], [each.said for each in ended]
    assert runners.overlap(sandbox).pairs > 0
    assert len(truth.key_ids(sandbox, "turned.my-workload")) == 2
    runners.assert_settles(sandbox, places)
    assert truth.key_ids(sandbox, "turned.my-workload") != [before]


def test_the_log_tells_two_clients_apart_without_their_tokens(sandbox: Server) -> None:
    first, second = (outsider.ask_token(sandbox, outsider.operator(sandbox)) for _ in range(2))
    sandbox.requests.clear()

    for token in (first, second, first):
        outsider.send(sandbox, "GET", "organization", token=token)

    told = [entry.session for entry in sandbox.requests]
    assert told[0] == told[2] != told[1]
    assert all(len(session) == 12 for session in told)
    began = [entry.began for entry in sandbox.requests]
    assert began == sorted(began)
