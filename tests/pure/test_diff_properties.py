"""From any state, at any moment of a kill: what a plan leads to, and what it never does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from provision.diff import diff
from provision.life import facts_of, listed_in
from provision.model import Desired, DesiredApplication, Observed, ObservedApplication
from provision.ownership import STORED, credential_of, owner_tag
from provision.plan import AddSecret, RemoveSecret, Step
from provision.renewal import Rotation
from tests.build import (
    HOUR,
    NOW,
    OWNER,
    a_grant,
    a_key,
    a_password,
    a_record,
    asked,
    observed,
    registered,
)
from tests.simulated import moments, perform
from tests.tenants import FOREIGN, State, rotations, states

bounded = settings(derandomize=True, max_examples=200, deadline=None)


def settled(wanted: Desired, seen: Observed) -> Observed:
    """The state at rest: applied again and again, after each overlap, until nothing retires any more."""
    for hours in range(0, 25 * 8, 25):
        now = NOW + hours * HOUR
        for _ in range(2):
            plan = diff(wanted, seen, now=now)
            seen = perform(plan, wanted, seen, now=now)
        assert diff(wanted, seen, now=now).steps == ()
        if not any("retires" in note.says for note in diff(wanted, seen, now=now).notes):
            return seen
    raise AssertionError("it never comes to rest")


def shape(wanted: Desired, seen: Observed) -> list[object]:
    """What two states at rest have in common, however they were reached: all but keys and dates."""
    return [
        (
            app.key,
            found.application.properties,
            {tag for tag in found.application.tags if not tag.startswith(STORED)},
            found.application.required_resource_access,
            found.service_principal is not None,
            _granted(found),
            _credentials(app, found),
        )
        for app in wanted.applications
        for found in [seen.applications[app.key]]
    ]


def _granted(found: ObservedApplication) -> set[tuple[str, str]]:
    grants = found.service_principal.app_role_assignments if found.service_principal else ()
    return {(grant.resource_id, grant.app_role_id) for grant in grants}


def _credentials(wanted: DesiredApplication, found: ObservedApplication) -> list[object]:
    """Per credential: whether one is recorded, and how many besides; then what else is listed of ours."""
    names = [each.name for each in wanted.stored]
    known = {name: facts_of(found, owner=OWNER, credential=name) for name in names}
    listed = listed_in(found.application).values()
    mine = {pair[0] for p in listed if (pair := credential_of(OWNER, p.display_name))}
    return [
        *(
            (name, f.record is not None, len(f.listed.keys() - {f.current}))
            for name, f in known.items()
        ),
        mine - set(names),
    ]


def theirs(seen: Observed) -> dict[str, object]:
    """Everything in an application that is not ours to change."""
    everything = {**{k: d.application for k, d in seen.deleted.items()}}
    everything |= {key: found.application for key, found in seen.applications.items()}
    return {
        key: (
            {tag for tag in app.tags if not tag.startswith(STORED)} & {"theirs"},
            set(app.required_resource_access) & set(FOREIGN),
            {p for p in listed_in(app).values() if not credential_of(OWNER, p.display_name)},
        )
        for key, app in everything.items()
    }


def as_observed(wanted: Desired) -> Observed:
    """A tenant in which everything is as it is wanted."""
    return observed(
        *(
            registered(
                app.key,
                requested=asked(*app.app_roles),
                granted=[a_grant(role) for role in app.app_roles],
                passwords=[a_password(s.name, credential=s.name) for s in app.secrets],
                keys=[a_key(s.name, credential=s.name) for s in app.certificates],
                tags=[*app.tags, *(a_record(s.name, credential=s.name) for s in app.stored)],
                properties=app.properties,
            )
            for app in wanted.applications
        )
    )


@bounded
@given(states(buried=False))
def test_what_is_as_it_is_wanted_needs_neither_step_nor_note(state: State) -> None:
    wanted, _ = state

    plan = diff(wanted, as_observed(wanted), now=NOW)

    assert (plan.steps, plan.notes) == ((), ())


@bounded
@given(states(buried=False), rotations())
def test_after_a_plan_was_performed_the_next_one_is_empty(state: State, rotation: Rotation) -> None:
    wanted, seen = state
    plan = diff(wanted, seen, now=NOW, rotation=rotation)

    after = perform(plan, wanted, seen)

    assert diff(wanted, after, now=NOW).steps == ()


@bounded
@given(states())
def test_a_restored_application_needs_at_most_one_more_plan(state: State) -> None:
    """Which consents come back with it shows only when it is there."""
    wanted, seen = state
    first = perform(diff(wanted, seen, now=NOW), wanted, seen)
    plan = diff(wanted, first, now=NOW)

    second = perform(plan, wanted, first)

    assert {type(step).__name__ for step in plan.steps} <= {"RevokeAppRole", "WithdrawPermissions"}
    assert diff(wanted, second, now=NOW).steps == ()


@bounded
@given(states(), rotations(), st.data())
def test_a_plan_that_was_killed_converges_to_the_same_state(
    state: State, rotation: Rotation, data: st.DataObject
) -> None:
    wanted, seen = state
    # Others' consents come back with a service principal only if it is restored, not made anew.
    assume(all(app.grant for app in wanted.applications if app.key in seen.deleted))
    plan = diff(wanted, seen, now=NOW, rotation=rotation)
    timeline = list(moments(plan, wanted, seen))
    killed = data.draw(st.sampled_from(timeline))

    repaired = settled(wanted, killed)

    assert shape(wanted, repaired) == shape(wanted, settled(wanted, timeline[-1]))


@bounded
@given(states(), rotations())
def test_at_no_moment_is_anything_foreign_changed(state: State, rotation: Rotation) -> None:
    wanted, seen = state
    plan = diff(wanted, seen, now=NOW, rotation=rotation)

    for moment in moments(plan, wanted, seen):
        now_theirs = theirs(moment)
        assert {key: now_theirs[key] for key in theirs(seen)} == theirs(seen)
        assert [stray for stray in moment.strays if owner_tag(OWNER) not in stray.tags]


@bounded
@given(states(buried=False), rotations())
def test_at_no_moment_is_a_consent_revoked_that_was_not_requested(
    state: State, rotation: Rotation
) -> None:
    wanted, seen = state
    plan = diff(wanted, seen, now=NOW, rotation=rotation)

    for moment in moments(plan, wanted, seen):
        for key, found in seen.applications.items():
            requested = {
                a.id for a in found.application.required_resource_access if a.type == "Role"
            }
            others = {grant for grant in _granted(found) if grant[1] not in requested - {"x"}}
            assert others <= _granted(moment.applications[key])


@bounded
@given(states(buried=False), rotations())
def test_at_every_moment_a_consent_to_take_back_is_remembered(
    state: State, rotation: Rotation
) -> None:
    wanted, seen = state
    plan = diff(wanted, seen, now=NOW, rotation=rotation)
    strangers = {key: _strange(found) for key, found in seen.applications.items()}

    for moment in moments(plan, wanted, seen):
        for key, found in moment.applications.items():
            assert _strange(found) <= strangers.get(key, set())


def _strange(found: ObservedApplication) -> set[tuple[str, str]]:
    """Consents that requiredResourceAccess does not claim as ours."""
    access = found.application.required_resource_access
    ours = {entry.id for entry in access if entry.type == "Role"}
    return {grant for grant in _granted(found) if grant[1] not in ours}


def removals(steps: tuple[Step, ...]) -> Iterator[tuple[RemoveSecret, bool]]:
    """Each removal, and whether a new secret of the same credential was issued before it."""
    issued: set[tuple[str, str]] = set()
    for step in steps:
        if isinstance(step, AddSecret):
            issued.add((step.app, step.credential))
        elif isinstance(step, RemoveSecret):
            yield step, (step.app, step.credential) in issued


@bounded
@given(states(), rotations())
def test_no_secret_goes_while_no_other_one_is_known_to_work(
    state: State, rotation: Rotation
) -> None:
    wanted, seen = state
    secrets = {(app.key, s.name): s for app in wanted.applications for s in app.secrets}
    plan = diff(wanted, seen, now=NOW, rotation=rotation)

    for step, issued in removals(plan.steps):
        if (step.app, step.credential) not in secrets or step.app in seen.deleted:
            continue
        found = seen.applications[step.app]
        facts = facts_of(found, owner=OWNER, credential=step.credential)
        works = facts.current and (facts.active is None or facts.active.end > NOW)
        at_once = issued and not (rotation.overlap and secrets[step.app, step.credential].overlap)
        expired = facts.listed[step.key_id].end <= NOW
        assert expired or at_once or (works and step.key_id != facts.current)


@bounded
@given(states(), rotations(), st.randoms(use_true_random=False))
def test_the_same_facts_in_another_order_give_the_same_plan(
    state: State, rotation: Rotation, random: Any
) -> None:
    wanted, seen = state

    plan = diff(wanted, shuffled(seen, random.shuffle), now=NOW, rotation=rotation)

    assert repr(plan) == repr(diff(wanted, seen, now=NOW, rotation=rotation))


def shuffled(seen: Observed, shuffle: Callable[[list[Any]], None]) -> Observed:
    def mixed(items: Any) -> list[Any]:
        copy = list(items)
        shuffle(copy)
        return copy

    def mixed_app(found: ObservedApplication) -> ObservedApplication:
        app, principal = found.application, found.service_principal
        passwords = tuple(mixed(app.password_credentials))
        tags, access = frozenset(mixed(app.tags)), frozenset(mixed(app.required_resource_access))
        if principal:
            grants = tuple(mixed(principal.app_role_assignments))
            principal = replace(principal, app_role_assignments=grants)
        return replace(
            found,
            application=replace(
                app, tags=tags, required_resource_access=access, password_credentials=passwords
            ),
            service_principal=principal,
            held=dict(mixed(found.held.items())),
        )

    return replace(
        seen,
        applications={key: mixed_app(found) for key, found in mixed(seen.applications.items())},
        strays=tuple(mixed(seen.strays)),
    )
