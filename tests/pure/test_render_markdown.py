"""A plan in a pull request says what it does, whatever the names in it would like it to say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.model import GRAPH_APP_ID, AppRole
from provision.plan import (
    Change,
    CreateApplication,
    GrantAppRole,
    Note,
    Plan,
    RequestPermissions,
    UpdateApplication,
)
from provision.render.look import Look, clean
from provision.render.markdown import code, plan_markdown
from provision.render.planned import Rating

HOSTILE = st.text(
    st.sampled_from("`|<>@#[]()!*_~\\&;:/\n\r\t -+=x1\u202e\u2028") | st.characters(), max_size=30
)
BODY = {"tenantId": "t-1", "digest": "d" * 64}
CODE = re.compile(r"`[^`]*`|<code>[^<]*</code>")


bounded = settings(derandomize=True, max_examples=100, deadline=None)


def markdown(plan: Plan, **more: object) -> str:
    options: dict[str, object] = {"explain": lambda _: None, **more}
    return plan_markdown(plan, None, body=BODY, **options)  # type: ignore[arg-type]


def a_plan(text: str) -> Plan:
    """Every place in which a name may stand."""
    role = AppRole(resource=text, id="1", value=text)
    return Plan(
        owner=text,
        steps=(
            CreateApplication(
                app=text,
                unique_name=text,
                properties={"displayName": text, "description": text},
                tags=(text,),
                requested=(role,),
            ),
            UpdateApplication(
                app="b",
                changes=(Change(property=text, before=[text], after=[f"{text}z", f"{text}y"]),),
            ),
            GrantAppRole(app="b", role=role),
        ),
        notes=(Note(app="b", says=text),),
    )


def parts(said: str) -> tuple[str, list[str]]:
    """What is outside of the fenced blocks, and the lines inside them."""
    outside, inside, fence = [], [], ""
    for line in said.split("\n"):
        opened = re.fullmatch(r"(`{3,})diff", line)
        if not fence and opened:
            fence = opened[1]
        elif fence and line == fence:
            fence = ""
        elif fence:
            inside.append(line)
        else:
            outside.append(line)
    assert not fence, "a block that is never closed"
    return "\n".join(outside), inside


@bounded
@given(HOSTILE)
def test_no_name_breaks_a_table_mentions_anybody_or_becomes_html(text: str) -> None:
    said = markdown(
        a_plan(text or "x"),
        explain=lambda _: text,
        risk=lambda _: Rating(tier=text, reason=text),
        warnings=[text],
    )
    like = markdown(
        a_plan("x"),
        explain=lambda _: "x",
        risk=lambda _: Rating(tier="x", reason="x"),
        warnings=["x"],
    )

    outside, inside = parts(said)
    plain, rows = parts(like)
    bare = CODE.sub("", outside)
    assert len(outside.splitlines()) == len(plain.splitlines())
    assert len(inside) == len(rows)
    assert [line.count("|") for line in CODE.sub("", outside).splitlines()] == [
        line.count("|") for line in CODE.sub("", plain).splitlines()
    ]
    assert "@" not in bare
    assert set(re.findall(r"<[^>]*>", bare)) <= {
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
    }
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2028\u2029]", said)


@bounded
@given(HOSTILE)
def test_no_line_of_a_diff_begins_with_a_sign_that_is_not_the_steps_own(text: str) -> None:
    _, inside = parts(markdown(a_plan(text or "x")))

    assert [line[:1] for line in inside] == [line[:1] for line in parts(markdown(a_plan("x")))[1]]


@bounded
@given(HOSTILE)
def test_a_name_stands_in_code_spans_that_it_cannot_leave_and_loses_nothing(text: str) -> None:
    said = code(text)

    assert re.fullmatch(r"(`[^`|\n]+`|&#96;|&#124;)+|\(empty\)", said)
    shown = re.sub(r"`([^`]*)`|&#(\d+);", lambda m: chr(int(m[2])) if m[2] else m[1], said)
    assert shown == (clean(text, Look()) or "(empty)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain", "`plain`"),
        ("a`b", "`a`&#96;`b`"),
        ("a|b", "`a`&#124;`b`"),
        ("||", "&#124;&#124;"),
        ("two\nlines", "`two\\nlines`"),
        ("", "(empty)"),
    ],
)
def test_backticks_and_bars_stand_outside(text: str, said: str) -> None:
    assert code(text) == said


def test_the_most_dangerous_permission_stands_first() -> None:
    tiers = {
        value: Rating(tier=tier, reason="")
        for value, tier in {"c": "low", "a": "tier 0", "b": "high"}.items()
    }
    steps = tuple(
        GrantAppRole(app="web", role=AppRole(resource=GRAPH_APP_ID, id=value, value=value))
        for value in ("c", "x", "b", "a")
    )

    said = markdown(Plan(owner="o", steps=steps), risk=lambda role: tiers.get(role.value))

    assert re.findall(r"granted \| `(\w) of", said) == ["a", "b", "c", "x"]


def test_a_permission_that_is_granted_is_not_listed_as_requested_too() -> None:
    role = AppRole(resource=GRAPH_APP_ID, id="1", value="Mail.Send")
    steps = (RequestPermissions(app="a", permissions=(role,)), GrantAppRole(app="a", role=role))

    said = markdown(Plan(owner="o", steps=steps))

    assert [line for line in said.splitlines() if "Mail.Send" in line and line[0] == "|"] == [
        "| `a` | granted | `Mail.Send of Microsoft Graph` |  |  |"
    ]


def test_an_empty_plan_is_a_heading_and_no_digest() -> None:
    said = markdown(Plan(owner="o", steps=()))

    assert said == (
        "## No changes. The tenant matches the manifest.\n\nManifest `o`, tenant `t-1`\n"
    )
