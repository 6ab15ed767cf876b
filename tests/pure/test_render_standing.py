"""How things stand, as people read it: a table where it fits, and nothing lost where it does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from golden_files import comparing

from provision.diff import diff
from provision.model import (
    Desired,
    DesiredFederated,
    DesiredIdentity,
    Observed,
    ServicePrincipal,
)
from provision.render.look import Look
from provision.render.standing import standing_text
from provision.status import Standing, standing
from tests.build import (
    DAY,
    HOUR,
    MAIL,
    NOW,
    OWNER,
    USERS,
    a_grant,
    a_key,
    a_password,
    a_pem,
    a_record,
    a_secret,
    an_app,
    asked,
    observed,
    registered,
)
from tests.standings import EMPTY, holds, stand

Golden = Callable[[str, str], None]
ONE, TWO, THREE, FOUR = (f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "1234")
TRUST = DesiredFederated(
    name="deploy",
    issuer="https://token.actions.githubusercontent.com",
    subject="repo:contoso/web:ref:refs/heads/main",
    audience="api://AzureADTokenExchange",
)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return comparing(request.config)


def everything() -> Standing:
    """Applications in every condition: rotated, late, expired, held elsewhere, absent, and an identity."""
    calm = registered(
        "calm",
        requested=asked(USERS),
        granted=[a_grant(USERS)],
        passwords=[
            a_password(ONE, age=70 * DAY, left=20 * DAY),
            a_password(TWO, age=3 * HOUR, left=89 * DAY + HOUR),
            a_password(THREE, name="made in the portal"),
        ],
        tags=[a_record(TWO, age=3 * HOUR)],
        held={"ci": holds(TWO, app="calm")},
    )
    late = registered(
        "late",
        requested=asked(USERS, MAIL),
        granted=[a_grant(USERS)],
        passwords=[
            a_password(ONE, age=70 * DAY, left=20 * DAY),
            a_password(TWO, credential="job", age=93 * DAY, left=-3 * DAY),
            a_password(THREE, credential="far", age=DAY),
            a_password(FOUR, credential="was"),
        ],
        tags=[
            a_record(ONE),
            a_record(TWO, credential="job", age=92 * DAY),
            a_record(THREE, credential="far", age=DAY),
        ],
        held={
            "ci": holds(ONE, app="late"),
            "job": holds(TWO, app="late"),
            "far": EMPTY,
        },
    )
    tls = registered(
        "tls",
        passwords=[
            a_password(ONE, age=DAY / 2, left=89 * DAY),
            a_password(THREE, name="made in the portal"),
        ],
        keys=[a_key(TWO, credential="front", left=20 * DAY)],
        tags=[a_record(ONE, age=DAY / 2), a_record(TWO, credential="front")],
    )
    wanted = Desired(
        owner=OWNER,
        applications=(
            an_app("calm", roles=[USERS], secrets=[a_secret()]),
            replace(
                an_app(
                    "late",
                    roles=[USERS, MAIL],
                    secrets=[a_secret(), a_secret("job"), a_secret("far")],
                    properties={"displayName": "renamed"},
                    grant=False,
                ),
                federated=(TRUST,),
            ),
            an_app("new", secrets=[a_secret()]),
            an_app(
                "tls",
                secrets=[replace(a_secret(), replaces=(THREE,))],
                certificates=[a_pem("front")],
            ),
        ),
        identities=(DesiredIdentity(key="func", principal_id="sp", app_roles=frozenset({USERS})),),
    )
    seen: Observed = replace(
        observed(calm, late, tls, strays=[registered("old")]),
        identities={"func": ServicePrincipal(id="sp", app_id="f", assignments_known=False)},
    )
    return standing(wanted, seen, diff(wanted, seen, now=NOW), NOW)


@pytest.mark.parametrize("width", [160, 120, 80, 40])
def test_how_things_stand_reads_as_reviewed(golden: Golden, width: int) -> None:
    golden(f"status-{width}", standing_text(everything(), Look(width=width)))


@pytest.mark.parametrize("width", [160, 80, 40])
def test_colour_changes_no_word(width: int) -> None:
    colored = standing_text(everything(), Look(width=width, color=True))

    plain = re.sub(r"\x1b\[[\d;]*m", "", colored)
    assert plain == standing_text(everything(), Look(width=width))
    assert "\x1b[32mactive" in colored
    assert "\x1b[1;31mexpired" in colored


def test_where_nothing_is_due_the_next_end_is_told() -> None:
    found = registered(
        passwords=[
            a_password("k2", age=HOUR, left=89 * DAY),
            a_password("k9", name="theirs", left=DAY),
        ],
        tags=[a_record("k2", age=HOUR)],
        held={"ci": holds("k2")},
    )

    said = standing_text(stand(an_app(secrets=[a_secret()]), found), Look())

    assert said.endswith("Nothing is due. The next to expire is web/ci, 2026-05-29, in 89 d.\n")


def test_without_credentials_there_is_no_table() -> None:
    said = standing_text(stand(an_app(), registered()), Look())

    assert said == "web: no consent needed; matches the manifest\n\nNothing is due.\n"


def test_what_others_called_theirs_can_neither_hide_nor_widen_anything() -> None:
    theirs = a_password("k9", name="\x1b[2J\u202e" + "long " * 17)
    stands = stand(an_app(), registered(passwords=[theirs]))

    said = standing_text(stands, Look())

    assert r"\x1b[2J\u202elong" in said
    assert max(map(len, said.splitlines())) <= 80
    assert "key k9" in said
