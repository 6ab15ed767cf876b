"""Whole manifests against whole tenants, killed anywhere: what a plan leads to, and what it never touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from provision.desired import resolve
from provision.diff import diff
from provision.document import document, identity, written
from provision.entitlements import SCOPES, entries
from provision.manifest.spec import Manifest
from provision.model import Application, AppRole, Observed, ObservedApplication, Permission
from provision.ownership import owner_of
from provision.plan import (
    DESTROYS,
    CreateResourcePrincipal,
    DeleteApplication,
    Plan,
    RemoveFederated,
    RestoreApplication,
    RevokeAppRole,
    RevokeScopes,
    Step,
    WithdrawPermissions,
)
from provision.saved import beyond
from provision.trust import ours
from tests.build import NOW, OWNER
from tests.simulated import moments, perform
from tests.worlds import World, worlds

bounded = settings(derandomize=True, max_examples=100, deadline=None)

Consent = tuple[str, str]


def planned(manifest: Manifest, seen: Observed) -> Plan:
    return diff(resolve(manifest, seen), seen, now=NOW)


def applied(manifest: Manifest, seen: Observed) -> Observed:
    return perform(planned(manifest, seen), resolve(manifest, seen), seen)


def timeline(manifest: Manifest, seen: Observed) -> list[Observed]:
    return list(moments(planned(manifest, seen), resolve(manifest, seen), seen))


def settled(manifest: Manifest, seen: Observed) -> Observed:
    """One plan is enough; where something is restored, or was killed half-way through it, one more."""
    for _ in range(2):
        seen = applied(manifest, seen)
    return seen


@bounded
@given(worlds())
def test_after_a_plan_was_performed_the_next_one_is_empty(world: World) -> None:
    """What came back, or came with a resource's service principal, can be seen only afterwards."""
    manifest, seen = world

    first = planned(manifest, seen).steps
    again = any(isinstance(step, RestoreApplication | CreateResourcePrincipal) for step in first)
    after = settled(manifest, seen) if again else applied(manifest, seen)

    assert planned(manifest, after).steps == ()


@bounded
@given(worlds(), st.data())
def test_from_wherever_a_run_was_killed_the_next_ones_finish_it(
    world: World, data: st.DataObject
) -> None:
    manifest, seen = world
    killed = data.draw(st.sampled_from(timeline(manifest, seen)))

    after = settled(manifest, killed)

    assert planned(manifest, after).steps == ()
    if (
        not seen.deleted
    ):  # others' consents come back only with a service principal that is restored
        assert kept(after) == kept(settled(manifest, seen))


def kept(seen: Observed) -> object:
    """A state at rest without what has an id of its own."""
    return {
        key: (
            found.application.tags,
            sorted(found.application.required_resource_access),
            {(e.name, e.issuer, e.subject, e.audiences) for e in found.application.federated},
            found.owners,
            found.principal_owners,
            consents(found),
            consents_of_one(found),
        )
        for key, found in seen.applications.items()
    }


def consents(found: ObservedApplication) -> set[Consent]:
    """What was granted for everybody: roles by id, delegated permissions by value."""
    principal = found.service_principal
    if principal is None:
        return set()
    roles = {(each.resource_id, each.app_role_id) for each in principal.app_role_assignments}
    return roles | {
        (each.resource_id, f"scope {value}")
        for each in principal.grants or ()
        if each.principal_id is None
        for value in each.scopes
    }


def consents_of_one(found: ObservedApplication) -> set[object]:
    grants = (found.service_principal.grants or ()) if found.service_principal else ()
    return {each for each in grants if each.principal_id}


def remembered(found: ObservedApplication, *states: Observed) -> set[Consent]:
    """The consents that requiredResourceAccess claims as ours, in the words of the first state that has them."""
    consents = set()
    for each in found.application.required_resource_access:
        of = {principal_of(each.resource_app_id, state) for state in states}
        values = {scope: value for state in states for scope, value in scopes_in(state)}
        name = each.id if each.type == "Role" else f"scope {values.get(each.id, each.id)}"
        consents |= {(principal, name) for principal in of if principal}
    return consents


def principal_of(app_id: str, seen: Observed) -> str | None:
    own = next((e for e in seen.applications.values() if e.application.app_id == app_id), None)
    if own:
        return own.service_principal.id if own.service_principal else None
    return seen.resources[app_id].id if app_id in seen.resources else None


def scopes_in(seen: Observed) -> Iterator[tuple[str, str]]:
    """Every delegated permission by its id."""
    yield from ((each.id, each.value) for r in seen.resources.values() for each in r.scopes)
    for found in seen.applications.values():
        for entry in entries(found.application, SCOPES):
            yield entry["id"], entry["value"]


@bounded
@given(worlds())
def test_at_no_moment_is_anything_foreign_changed(world: World) -> None:
    manifest, seen = world
    adopted = {spec.key for spec in manifest.applications if spec.adopt}

    for moment in timeline(manifest, seen):
        for key, found in seen.applications.items():
            now = moment.applications[key]
            claimed = set() if key in adopted else remembered(found, seen)
            assert foreign(found) <= foreign(now)
            assert found.owners <= now.owners
            assert found.principal_owners <= now.principal_owners
            assert consents_of_one(found) <= consents_of_one(now)
            assert consents(found) - claimed <= consents(now)
            if key in adopted:
                before = found.application.required_resource_access
                assert before <= now.application.required_resource_access
        claimed_strays = [each for each in seen.strays if not deletable(each)]
        assert [each for each in moment.strays if not deletable(each)] == claimed_strays


def foreign(found: ObservedApplication) -> set[object]:
    """Tags, trusts and service principal tags that somebody else put there."""
    app = found.application
    tags = found.service_principal.tags if found.service_principal else frozenset()
    return {
        *(tag for tag in app.tags if tag == "theirs"),
        *(each for each in app.federated if not ours(each, OWNER)),
        *(f"principal {tag}" for tag in tags if tag == "theirs"),
    }


def deletable(stray: Application) -> bool:
    return owner_of(stray.tags) == OWNER and "provision:preserve" not in stray.tags


@bounded
@given(worlds(), st.data())
def test_nothing_that_we_asked_for_and_want_no_longer_stays_granted(
    world: World, data: st.DataObject
) -> None:
    manifest, seen = world
    killed = data.draw(st.sampled_from(timeline(manifest, seen)))

    after = settled(manifest, killed)

    wanted = resolve(manifest, after)
    for app in wanted.applications:
        if app.adopt or app.key not in seen.applications:
            continue
        asked = {
            (principal_of(app_id(each.resource, after), after), said(each))
            for each in (*app.app_roles, *app.scopes)
        }
        claimed = remembered(seen.applications[app.key], seen)
        assert (consents(after.applications[app.key]) & claimed) <= asked


def said(each: Permission) -> str:
    return each.id if isinstance(each, AppRole) else f"scope {each.value}"


def app_id(name: str, seen: Observed) -> str:
    return seen.applications[name].application.app_id if name in seen.applications else name


@bounded
@given(worlds())
def test_at_every_moment_a_consent_of_ours_is_remembered(world: World) -> None:
    """The request is there before the consent, and goes after it."""
    manifest, seen = world
    before = {
        key: consents(found) - remembered(found, seen) for key, found in seen.applications.items()
    }

    for moment in timeline(manifest, seen):
        for key, found in moment.applications.items():
            if key not in seen.deleted:
                strange = consents(found) - remembered(found, seen, moment)
                assert strange <= before.get(key, set())


@bounded
@given(worlds())
def test_inside_an_application_what_takes_away_comes_after_all_that_gives(world: World) -> None:
    """But a trust whose subject moves to another name: the directory takes an issuer and subject once."""
    manifest, seen = world
    takes = (*DESTROYS, WithdrawPermissions)

    plan = planned(manifest, seen)

    new = {(spec.key, each.subject) for spec in manifest.applications for each in spec.federated}
    steps = [
        step
        for step in plan.steps
        if not (isinstance(step, RemoveFederated) and (step.app, step.subject) in new)
    ]
    for app in {step.app for step in steps}:
        mine = [isinstance(step, takes) for step in steps if step.app == app]
        assert mine == sorted(mine)
    deletions = [isinstance(step, DeleteApplication) for step in plan.steps]
    assert deletions == sorted(deletions)


@bounded
@given(worlds(), st.randoms(use_true_random=False))
def test_the_same_facts_in_another_order_give_the_same_plan(world: World, random: Any) -> None:
    manifest, seen = world
    first, again = planned(manifest, seen), planned(manifest, shuffled(seen, random.shuffle))

    assert again == first
    assert text(manifest, seen, again) == text(manifest, seen, first)


def text(manifest: Manifest, seen: Observed, plan: Plan) -> str:
    return written(document(plan, resolve(manifest, seen), manifest, tenant_id="t"))


def shuffled(value: Any, shuffle: Callable[[list[Any]], None]) -> Any:
    """The same with everything that has no order in another one, all the way down."""
    if isinstance(value, list | tuple | frozenset | dict):
        items = list(value.items() if isinstance(value, dict) else value)
        shuffle(items)
        if isinstance(value, dict):
            return {key: shuffled(each, shuffle) for key, each in items}
        return type(value)(shuffled(each, shuffle) for each in items)
    if hasattr(value, "__dataclass_fields__"):
        fields = value.__dataclass_fields__
        return replace(value, **{name: shuffled(getattr(value, name), shuffle) for name in fields})
    return value


@bounded
@given(worlds(), st.data())
def test_after_a_kill_a_reviewed_plan_can_be_applied_again(
    world: World, data: st.DataObject
) -> None:
    """What is left goes nowhere beyond it, but for what shows only after a restore or has lost its name."""
    manifest, seen = world
    plan = planned(manifest, seen)
    assume(not any(isinstance(e, RestoreApplication | CreateResourcePrincipal) for e in plan.steps))
    reviewed = [identity(step, resolve(manifest, seen)) for step in plan.steps]
    killed = data.draw(st.sampled_from(timeline(manifest, seen)))

    left = planned(manifest, killed).steps

    extra = beyond(reviewed, left, resolve(manifest, killed))
    assert [step for step in extra if not nameless(step)] == []


def nameless(step: Step) -> bool:
    """About a permission that our API offers no longer: its value or its id is all that is left."""
    match step:
        case RevokeAppRole():
            asked: tuple[Permission, ...] = (step.role,)
        case RevokeScopes():
            asked = step.scopes
        case WithdrawPermissions():
            asked = step.permissions
        case _:
            asked = ()
    return any(each.id in ("", each.value) for each in asked)
