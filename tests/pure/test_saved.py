"""A saved plan is read back with care, and nothing is done beyond it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.diff import diff
from provision.document import document, identity, written
from provision.errors import OutdatedPlan, PlanError, UsageError
from provision.model import GRAPH_APP_ID, PermissionScope
from provision.plan import (
    KEEPING,
    AddFederated,
    AddSecret,
    Change,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    Plan,
    RecordStored,
    RemoveSecret,
    RequestPermissions,
    RestoreServicePrincipal,
    Step,
    UpdateApplication,
    UpdateServicePrincipal,
    WithdrawPermissions,
)
from provision.saved import (
    beyond,
    read,
    recognised,
    refuse_beyond,
    refuse_other_digest,
    refuse_other_tenant,
)
from tests.build import MAIL, NOW, SITES, USERS, a_manifest, a_secret, an_app, desired
from tests.samples import DESIRED, ID, PLAN
from tests.simulated import moments
from tests.tenants import State, states

WANTED = desired(an_app("web", secrets=[a_secret("ci")]))
SCOPES = tuple(
    PermissionScope(resource=GRAPH_APP_ID, id=value, value=value) for value in ("openid", "profile")
)
CREATE = CreateApplication(
    app="web",
    unique_name="contoso.web",
    properties={"displayName": "Web", "web.redirectUris": ["https://a"], "identifierUris": []},
    tags=("x", "y"),
    requested=(MAIL, USERS),
)
ISSUE = AddSecret(app="web", credential="ci", reason="first", rotation=False)


bounded = settings(derandomize=True, max_examples=60, deadline=None)


def a_body(*steps: Step, **changes: Any) -> dict[str, Any]:
    body = document(Plan(owner="contoso", steps=steps), WANTED, a_manifest(), tenant_id="t-1")
    return {**body, "folder": ".", "file": "hello.yaml", **changes}


def update(name: str, before: Any, after: Any) -> UpdateApplication:
    return UpdateApplication(
        app="web", changes=(Change(property=name, before=before, after=after),)
    )


def new(reviewed: tuple[Step, ...], *now: Step) -> list[Step]:
    return beyond([identity(step, WANTED) for step in reviewed], now, WANTED)


# --- reading


def test_a_saved_plan_is_read_back_as_it_was_written() -> None:
    body = document(PLAN, DESIRED, a_manifest(environment="prod"), tenant_id=ID, only="consent")
    text = written({**body, "folder": "..", "file": "../hello.yaml"})

    found = recognised(text)
    assert found is not None
    saved = read(found, "plan.json")

    assert saved.steps == tuple(body["steps"])
    assert (saved.digest, saved.tenant_id, saved.environment) == (body["digest"], ID, "prod")
    assert (saved.consent_only, saved.targets, saved.folder) == (True, None, "..")
    assert beyond(saved.steps, PLAN.steps, DESIRED) == []


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nname: hello\n",
        '{"version": 1, "name": "hello"}',
        "{",
        "[]",
        '{"format": 1}',
        "",
    ],
)
def test_a_manifest_is_no_saved_plan(text: str) -> None:
    assert recognised(text) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "provision/plan"}, "the plan for programs to read"),
        ({"format": "provision/apply"}, "its format is provision/apply"),
        ({"version": 2}, "of version 2, and this program knows version 1"),
        ({"version": None}, "of version None"),
        ({"steps": {}}, "damaged saved plan: see steps"),
        ({"steps": ["x"]}, "damaged saved plan: see steps"),
        ({"steps": [{"step": "GrantAppRole"}]}, "damaged saved plan: see steps"),
        ({"owner": None, "targets": "web"}, "damaged saved plan: see owner, targets"),
        ({"folder": "/etc"}, "damaged saved plan: see folder"),
        ({"tenantId": "t-2"}, "its digest is another"),
        ({"manifest": {"version": 1}}, "its digest is another"),
        ({"digest": "0" * 64}, "its digest is another"),
    ],
)
def test_what_cannot_be_applied_is_refused_in_words(change: dict[str, Any], said: str) -> None:
    found = a_body(GrantAppRole(app="web", role=MAIL), **change)

    with pytest.raises(PlanError, match=said) as refused:
        read(found, "plan.json")

    assert "provision plan FILE --out" in refused.value.hint


@bounded
@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda each: st.lists(each), max_leaves=5)
)
def test_no_json_at_all_makes_reading_fail_without_words(value: Any) -> None:
    for key in a_body():
        if key != "format":
            with pytest.raises(PlanError):
                read(a_body(**{key: [value, "unlike"]}), "plan.json")


def test_a_plan_of_some_targets_names_them() -> None:
    manifest = a_manifest(partial=True)
    body = document(Plan(owner="contoso", steps=()), WANTED, manifest, tenant_id="t-1")

    assert read({**body, "folder": ".", "file": "m.yaml"}, "plan.json").targets == ()


def test_another_tenant_is_refused_and_both_are_named() -> None:
    saved = read(a_body(), "plan.json")

    refuse_other_tenant(saved, "t-1", "plan.json")
    with pytest.raises(PlanError, match="made for tenant t-1, and this is tenant t-2"):
        refuse_other_tenant(saved, "t-2", "plan.json")


# --- nothing beyond what was reviewed


@bounded
@given(states())
def test_after_any_interruption_nothing_is_left_but_what_was_reviewed(state: State) -> None:
    """Whatever of a plan is done already: all but the tidying of credentials is held by the saved plan."""
    wanted, seen = state
    try:
        plan = diff(wanted, seen, now=NOW)
    except PlanError:
        return
    reviewed = [identity(step, wanted) for step in plan.steps]

    for moment in moments(plan, wanted, seen):
        left = diff(wanted, moment, now=NOW).steps
        extra = [step for step in beyond(reviewed, left, wanted) if not isinstance(step, KEEPING)]
        restored = {step.app for step in plan.steps if type(step).__name__ == "RestoreApplication"}
        assert [step for step in extra if step.app not in restored] == []


@pytest.mark.parametrize(
    ("reviewed", "now"),
    [
        (CREATE, CREATE),
        (CREATE, update("displayName", None, "Web")),
        (CREATE, update("web.redirectUris", [], ["https://a"])),
        (CREATE, update("tags", ["x"], ["x", "y"])),
        (CREATE, RequestPermissions(app="web", permissions=(MAIL,))),
        (
            RequestPermissions(app="web", permissions=(MAIL, USERS)),
            RequestPermissions(app="web", permissions=(replace(USERS, id="other"),)),
        ),
        (
            WithdrawPermissions(app="web", permissions=(MAIL, USERS)),
            WithdrawPermissions(app="web", permissions=(MAIL,)),
        ),
        (
            GrantScopes(app="web", scopes=SCOPES),
            GrantScopes(app="web", scopes=SCOPES[:1]),
        ),
        (ISSUE, replace(ISSUE, reason="other", rotation=True)),
        (ISSUE, RecordStored(app="web", credential="ci", key_id="k9")),
        (
            DisableEntitlements(app="web", values=("A", "B")),
            DisableEntitlements(app="web", values=("B",)),
        ),
        (
            update("appRoles", [{"value": "A", "isEnabled": True}], [{"value": "B"}]),
            update("appRoles", [{"value": "A", "isEnabled": False}], [{"value": "B"}]),
        ),
        (
            CreateServicePrincipal(app="web"),
            RestoreServicePrincipal(app="web", service_principal_id="1"),
        ),
        (update("displayName", "a", "c"), update("displayName", "b", "c")),
        (
            update("tags", ["moment:1"], ["moment:1", "x"]),
            update("tags", ["moment:2"], ["moment:2", "x"]),
        ),
        (update("web.redirectUris", ["a", "b"], ["c"]), update("web.redirectUris", ["b"], ["c"])),
        (update("web.redirectUris", ["a"], []), update("web.redirectUris", None, [])),
        (
            update("web.redirectUris", ["a"], ["a", "b"]),
            update("web.redirectUris", ["b", "a"], ["a", "b"]),
        ),
    ],
)
def test_the_rest_of_what_was_reviewed_may_be_done(reviewed: Step, now: Step) -> None:
    assert new((reviewed,), now) == []


@pytest.mark.parametrize(
    ("reviewed", "now"),
    [
        (CREATE, update("displayName", None, "Other")),
        (CREATE, update("tags", [], ["z"])),
        (update("tags", ["a"], ["b"]), update("tags", ["a", "c"], ["b"])),
        (CREATE, RequestPermissions(app="web", permissions=(SITES,))),
        (CREATE, replace(CREATE, app="api")),
        (CREATE, GrantAppRole(app="web", role=MAIL)),
        (GrantAppRole(app="web", role=MAIL), GrantAppRole(app="web", role=USERS)),
        (
            GrantScopes(app="web", scopes=SCOPES[:1]),
            GrantScopes(app="web", scopes=SCOPES),
        ),
        (ISSUE, replace(ISSUE, credential="cd")),
        (ISSUE, RemoveSecret(app="web", credential="ci", key_id="k", reason="")),
        (
            update("displayName", "a", "b"),
            UpdateServicePrincipal(
                app="web", changes=(Change(property="displayName", before="a", after="b"),)
            ),
        ),
        (update("web.redirectUris", ["a"], ["b"]), update("web.redirectUris", ["a", "c"], ["b"])),
        (update("web.redirectUris", ["a"], ["b"]), update("web.redirectUris", ["a"], ["b", "c"])),
        (
            update("appRoles", [{"value": "A"}], [{"value": "B"}]),
            update("appRoles", [{"value": "A"}, {"value": "C"}], [{"value": "B"}]),
        ),
        (
            DeleteApplication(app="old", application_id="1", display_name="Old"),
            DeleteApplication(app="old", application_id="2", display_name="Old"),
        ),
        (
            AddFederated(app="web", credential="ci", issuer="i", subject="s", audience="a"),
            AddFederated(app="web", credential="ci", issuer="i", subject="other", audience="a"),
        ),
    ],
)
def test_whatever_was_not_reviewed_is_found(reviewed: Step, now: Step) -> None:
    assert new((reviewed,), now) == [now]


def test_new_steps_are_refused_by_their_words() -> None:
    grant = GrantAppRole(app="web", role=MAIL)

    with pytest.raises(OutdatedPlan) as refused:
        refuse_beyond([], [grant, CREATE], WANTED)

    assert str(refused.value).splitlines() == [
        "This would take 2 steps that the reviewed plan does not hold:",
        "  web: grant Mail.Send of Microsoft Graph",
        "  web: create the application",
    ]


# --- the digest that was demanded


def test_the_beginning_of_a_digest_is_enough_if_it_is_long_enough() -> None:
    found = a_body()["digest"]

    for demanded in (found, found[:12], found[:16].upper(), f" {found} "):
        refuse_other_digest(demanded, found)


@pytest.mark.parametrize("demanded", ["", "abc", "0123456789a", "not a digest", "0" * 65])
def test_what_is_no_digest_is_wrong_usage(demanded: str) -> None:
    with pytest.raises(UsageError, match="at least 12 characters"):
        refuse_other_digest(demanded, "0" * 64)


def test_another_digest_is_refused_and_both_are_named() -> None:
    with pytest.raises(OutdatedPlan, match="0000000000000000, not 111111111111"):
        refuse_other_digest("1" * 12, "0" * 64)


def test_a_saved_plan_is_valid_json_of_ascii() -> None:
    text = written(a_body(update("displayName", "Zoë", "\u202e")))

    assert text.isascii()
    assert json.loads(text)["steps"][0]["changes"][0]["before"] == "Zoë"


def test_where_nothing_goes_beyond_nothing_is_refused() -> None:
    refuse_beyond([identity(CREATE, WANTED)], [CREATE], WANTED)
    with pytest.raises(OutdatedPlan, match="a step that the reviewed plan does not hold"):
        refuse_beyond([], [CREATE], WANTED)


def test_a_mark_that_nobody_reviewed_is_not_taken_off() -> None:
    """Without `provision:preserve` an application is deleted once it has left its manifest."""
    before, after = ["a", "provision:preserve"], ["a"]
    step = UpdateApplication(
        app="web", changes=(Change(property="tags", before=before, after=after),)
    )

    assert beyond([], [step], WANTED) == [step]
    assert beyond([identity(step, WANTED)], [step], WANTED) == []


ON = {"id": "1", "value": "Read", "isEnabled": True}
OFF = {**ON, "isEnabled": False}


def offering(before: list[Any], after: list[Any]) -> UpdateApplication:
    change = Change(property="appRoles", before=before, after=after)
    return UpdateApplication(app="web", changes=(change,))


def test_a_role_that_was_switched_off_before_a_kill_may_still_go() -> None:
    reviewed = [identity(offering([ON], []), WANTED)]

    assert beyond(reviewed, [offering([OFF], [])], WANTED) == []


def test_a_role_that_was_to_be_changed_may_not_go() -> None:
    changed = {**ON, "description": "new"}
    reviewed = [identity(offering([ON], [changed]), WANTED)]

    assert beyond(reviewed, [offering([OFF], [changed])], WANTED) == []
    assert beyond(reviewed, [offering([ON], [])], WANTED) == [offering([ON], [])]
