"""The order of a plan: safe inside an application, the manifest's between them, and always the same."""

from __future__ import annotations

from dataclasses import replace

from provision.diff import diff
from provision.model import GRAPH_APP_ID, AppRole, Desired, Observed, ObservedApplication
from provision.ownership import owner_tag
from provision.plan import (
    AddSecret,
    Change,
    CreateApplication,
    DeleteApplication,
    GrantAppRole,
    Plan,
    RequestPermissions,
    RevokeAppRole,
    UpdateApplication,
    WithdrawPermissions,
)
from provision.renewal import Rotation
from tests.build import (
    DAY,
    GRAPH,
    NOW,
    OWNER,
    SITES,
    USERS,
    a_grant,
    a_password,
    a_record,
    a_secret,
    an_app,
    asked,
    desired,
    observed,
    registered,
)

ROLES = tuple(AppRole(resource=GRAPH_APP_ID, id=f"n{i}", value=f"N{i}") for i in range(10, 26))
TAGS = tuple(f"t{i}" for i in range(10, 26))
"""So many that no set lists them in order by chance."""


def planned(wanted: Desired, seen: Observed) -> Plan:
    return diff(wanted, seen, now=NOW)


def many(*found: ObservedApplication) -> Observed:
    resource = replace(GRAPH, app_roles=frozenset(ROLES))
    return replace(observed(*found), resources={GRAPH_APP_ID: resource})


def test_what_is_made_is_sorted() -> None:
    plan = planned(desired(an_app(roles=ROLES, tags=TAGS)), many())

    made, _, *grants = plan.steps
    assert isinstance(made, CreateApplication)
    assert (made.tags, made.requested) == ((owner_tag(OWNER), *TAGS), ROLES)
    assert grants == [GrantAppRole(app="web", role=role) for role in ROLES]


def test_what_is_changed_is_sorted() -> None:
    plan = planned(desired(an_app(roles=ROLES, tags=["zone"])), many(registered(tags=TAGS)))

    before = [owner_tag(OWNER), *TAGS]
    change = Change(property="tags", before=before, after=[*before, "zone"])
    assert plan.steps[:2] == (
        UpdateApplication(app="web", changes=(change,)),
        RequestPermissions(app="web", permissions=ROLES),
    )


def test_what_is_taken_back_is_sorted() -> None:
    grants = [a_grant(role) for role in reversed(ROLES)]

    plan = planned(desired(an_app()), many(registered(requested=asked(*ROLES), granted=grants)))

    assert plan.steps == (
        *(RevokeAppRole(app="web", role=r, assignment_id=f"grant-{r.id}") for r in ROLES),
        WithdrawPermissions(app="web", permissions=ROLES),
    )


def test_inside_an_application_what_gives_comes_before_what_takes_away() -> None:
    app = an_app(
        roles=[SITES], secrets=[a_secret(), a_secret("web")], properties={"displayName": "new"}
    )
    passwords = [
        a_password("old", age=80 * DAY, left=10 * DAY),
        a_password("spare", age=70 * DAY, left=20 * DAY),
        a_password("left", credential="gone"),
    ]
    there = registered(
        requested=asked(USERS),
        granted=[a_grant(USERS)],
        passwords=passwords,
        tags=[a_record("spare", age=70 * DAY)],
    )

    plan = planned(desired(app), observed(there))

    assert [
        (type(step).__name__, getattr(step, "credential", getattr(step, "key_id", "")))
        for step in plan.steps
    ] == [
        ("UpdateApplication", ""),
        ("RequestPermissions", ""),
        ("GrantAppRole", ""),
        ("AddSecret", "ci"),
        ("AddSecret", "web"),
        ("RevokeAppRole", ""),
        ("RemoveSecret", "ci"),
        ("RemoveSecret", "gone"),
        ("WithdrawPermissions", ""),
    ]


def test_applications_keep_the_order_of_the_manifest_and_deletions_come_last() -> None:
    wanted = desired(an_app("zebra"), an_app("ant"), an_app("bee"))
    seen = observed(strays=[registered("old"), registered("aged")])

    plan = planned(wanted, seen)

    assert [step.app for step in plan.steps] == [
        *("zebra", "zebra", "ant", "ant", "bee", "bee"),
        *("aged", "old"),
    ]
    assert isinstance(plan.steps[-1], DeleteApplication)


def test_findings_about_others_consents_are_sorted() -> None:
    there = registered(granted=[a_grant(role) for role in reversed(ROLES)])

    plan = planned(desired(an_app()), many(there))

    assert [note.says.split(" ")[0] for note in plan.notes] == [role.value for role in ROLES]


def test_strays_are_deleted_in_the_order_of_their_names() -> None:
    first, second = registered("z"), registered("a")
    first = replace(first, application=replace(first.application, unique_name="contoso.1"))

    plan = planned(desired(), observed(strays=[second, first]))

    assert [step.app for step in plan.steps] == ["1", "a"]


def test_what_the_operator_asks_for_reaches_the_secrets() -> None:
    there = registered(passwords=[a_password()], tags=[a_record()])
    forced = Rotation(forced=frozenset({("web", "ci")}))

    plan = diff(desired(an_app(secrets=[a_secret()])), observed(there), now=NOW, rotation=forced)

    assert plan.steps == (AddSecret(app="web", credential="ci", reason="asked for", rotation=True),)
