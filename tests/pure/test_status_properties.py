"""Status against plans, in tenants of every kind: they agree, nothing is left out, and nothing is told twice."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.desired import resolve
from provision.diff import diff
from provision.model import Desired, DesiredPrincipal, Observed
from provision.plan import ADDS, REMOVES, DeleteApplication, Plan
from provision.render import jsonout
from provision.render.look import Look
from provision.render.standing import standing_text
from provision.roster import State as Word
from provision.schemas import status_schema
from provision.status import FEDERATED, Standing, standing
from tests.build import NOW
from tests.fitting import misfits
from tests.tenants import State, states
from tests.worlds import World, worlds

bounded = settings(derandomize=True, max_examples=150, deadline=None)


def compared(wanted: Desired, seen: Observed) -> tuple[Plan, Standing]:
    plan = diff(wanted, seen, now=NOW)
    return plan, standing(wanted, seen, plan, NOW)


def disabled(wanted: Desired) -> Desired:
    off = DesiredPrincipal(enabled=False)
    return replace(
        wanted, applications=tuple(replace(each, principal=off) for each in wanted.applications)
    )


@given(states(buried=False))
@bounded
def test_every_listed_secret_is_in_exactly_one_row(state: State) -> None:
    wanted, seen = state

    _, stands = compared(wanted, seen)

    listed = {
        (key, each.key_id)
        for key, found in seen.applications.items()
        for each in found.application.password_credentials
    }
    told = Counter((row.app, row.key_id) for row in stands.rows if row.key_id)
    assert listed <= told.keys()
    assert set(told.values()) <= {1}


@given(states())
@bounded
def test_every_declared_credential_has_a_row(state: State) -> None:
    wanted, seen = state

    _, stands = compared(wanted, seen)

    declared = {(app.key, secret.name) for app in wanted.applications for secret in app.secrets}
    assert declared <= {(row.app, row.credential) for row in stands.rows}


@pytest.mark.parametrize("off", [False, True], ids=["enabled", "disabled"])
@given(state=states(buried=False))
@bounded
def test_what_is_due_is_what_the_plan_does_or_what_only_another_machine_can(
    state: State, off: bool
) -> None:
    wanted, seen = state
    wanted = disabled(wanted) if off else wanted

    plan, stands = compared(wanted, seen)

    adds = {(step.app, step.credential) for step in plan.steps if isinstance(step, ADDS)}
    removes = {(step.app, step.key_id) for step in plan.steps if isinstance(step, REMOVES)}
    for row in stands.rows:
        planned = (row.app, row.key_id) in removes
        added = (row.app, row.credential) in adds and row.state not in (
            Word.RETIRING,
            Word.ORPHAN,
        )
        elsewhere = row.state is Word.ELSEWHERE and not off
        if row.due:
            assert planned or added or elsewhere
        else:
            assert not planned
    due = {(row.app, row.credential) for row in stands.due}
    assert adds <= due


@given(states())
@bounded
def test_every_step_of_a_plan_is_told_by_a_row_or_counted(state: State) -> None:
    wanted, seen = state

    plan, stands = compared(wanted, seen)

    keys = {(row.app, row.key_id) for row in stands.rows if row.due}
    told = [
        step
        for step in plan.steps
        if isinstance(step, ADDS) or (isinstance(step, REMOVES) and (step.app, step.key_id) in keys)
    ]
    assert len(plan.steps) == len(told) + sum(each.changes for each in stands.applications)


@given(states())
@bounded
def test_what_is_not_ours_is_never_due(state: State) -> None:
    _, stands = compared(*state)

    assert not [row for row in stands.due if row.state is Word.NOT_OURS]


@given(worlds())
@bounded
def test_whole_manifests_are_told_too(world: World) -> None:
    manifest, seen = world
    wanted = resolve(manifest, seen)

    plan, stands = compared(wanted, seen)

    trusts = {(step.app, step.credential) for step in plan.steps if isinstance(step, FEDERATED)}
    assert {(row.app, row.credential) for row in stands.due} == trusts
    counted = sum(each.changes for each in stands.applications)
    assert counted == sum(not isinstance(step, FEDERATED) for step in plan.steps)
    strays = sum(isinstance(step, DeleteApplication) for step in plan.steps)
    assert len(stands.applications) == len(wanted.applications) + len(wanted.identities) + strays


@given(states(), st.sampled_from([40, 60, 80, 100, 120, 160]))
@bounded
def test_no_line_is_wider_than_the_screen_and_no_key_id_is_cut(state: State, width: int) -> None:
    _, stands = compared(*state)

    said = standing_text(stands, Look(width=width, encoding="ascii"))

    assert max(map(len, said.splitlines())) <= width
    assert not [row for row in stands.rows if row.key_id and row.key_id not in said]
    assert len(re.findall(r"^ {0,2}! ", said, re.MULTILINE)) == len(stands.due)


@given(st.one_of(states(), worlds()))
@bounded
def test_the_document_fits_its_schema(state: State | World) -> None:
    first, seen = state
    wanted = first if isinstance(first, Desired) else resolve(first, seen)

    _, stands = compared(wanted, seen)

    document = json.loads(jsonout.status_json(stands, tenant_id="t"))
    assert misfits(document, status_schema()) == []
    assert document["due"] is bool(stands.due)
