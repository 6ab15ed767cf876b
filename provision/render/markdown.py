"""A plan for a pull request: what it allows in a table, then each application as a diff that can be unfolded.

Names come from manifests and tenants, so whatever is not ours stands in a code span, in a fenced block or escaped in
HTML: nobody can break the table, write HTML or mention people with the name of an application.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provision.consent import consented
from provision.model import Desired, Permission
from provision.plan import CreateApplication, Plan, RequestPermissions, RevokeAppRole, RevokeScopes
from provision.render.layout import Line
from provision.render.look import Look, clean
from provision.render.planned import (
    TIERS,
    Explain,
    Names,
    Risk,
    names_of,
    note_lines,
    step_lines,
    summary,
)
from provision.wording import permission

_SCREEN = Look()
_DIFF = {"+": "+", "-": "-", "~": "!"}
"""What GitHub and others colour in a diff."""
_ORDER = (*TIERS, "low")


def plan_markdown(
    plan: Plan,
    desired: Desired | None,
    *,
    body: Mapping[str, Any],
    explain: Explain,
    risk: Risk = lambda _: None,
    warnings: Iterable[str] = (),
) -> str:
    """The whole comment."""
    names = names_of(plan, desired, explain, risk)
    parts = [
        f"## {summary(plan)}",
        f"Manifest {code(plan.owner)}, tenant {code(str(body['tenantId']))}",
        *(f"> **Warning:** {code(each)}" for each in warnings),
        "\n".join(_effects(plan, names)),
        *_applications(plan, names),
    ]
    if plan.steps:
        parts.append(f"Digest: {code(str(body['digest']))}")
    return "\n\n".join(part for part in parts if part) + "\n"


def code(text: str) -> str:
    """A foreign text as code spans: only backticks and bars need care there, and stand outside."""
    parts = re.split(r"([`|])", clean(text, _SCREEN))
    said = [f"&#{ord(part)};" if part in ("`", "|") else f"`{part}`" for part in parts if part]
    return "".join(said) or "(empty)"


def _effects(plan: Plan, names: Names) -> Iterator[str]:
    """Every permission that comes or goes, the dangerous ones first."""
    rows = dict.fromkeys(_asked(plan))
    if not rows:
        return
    yield "| Application | What | Permission | Effect | Risk |"
    yield "|---|---|---|---|---|"
    for app, what, asked in sorted(rows, key=lambda row: _danger(row[2], names)):
        effect, found = names.explain(asked), names.risk(asked)
        risk = f"**{code(found.tier)}** {code(found.reason)}" if found else ""
        said = code(effect) if effect else ""
        yield f"| {code(app)} | {what} | {code(permission(asked))} | {said} | {risk} |"


def _danger(asked: Permission, names: Names) -> int:
    found = names.risk(asked)
    return _ORDER.index(found.tier) if found and found.tier in _ORDER else len(_ORDER)


def _asked(plan: Plan) -> Iterator[tuple[str, str, Permission]]:
    granted = {(step.app, each) for step in plan.steps for each in consented(step)}
    for step in plan.steps:
        yield from ((step.app, "granted", each) for each in consented(step))
        match step:
            case CreateApplication(requested=asked) | RequestPermissions(permissions=asked):
                only = [each for each in asked if (step.app, each) not in granted]
                yield from ((step.app, "requested", each) for each in only)
            case RevokeAppRole():
                yield step.app, "revoked", step.role
            case RevokeScopes():
                yield from ((step.app, "revoked", each) for each in step.scopes)
            case _:
                pass


def _applications(plan: Plan, names: Names) -> Iterator[str]:
    apps = dict.fromkeys([*(s.app for s in plan.steps), *(n.app for n in plan.notes)])
    for app in apps:
        steps = tuple(step for step in plan.steps if step.app == app)
        made, changed, gone = Plan(owner=plan.owner, steps=steps).count()
        lines = [each for step in steps for each in step_lines(step, names)]
        lines += note_lines(note.says for note in plan.notes if note.app == app)
        rows = [_row(each) for each in lines]
        title = html.escape(clean(app or "tenant", _SCREEN))
        counted = f"{made} to create, {changed} to change, {gone} to destroy"
        fence = "`" * max(
            3, 1 + max((len(run) for run in re.findall("`+", "".join(rows))), default=0)
        )
        yield (
            f"<details><summary><code>{title}</code>: {counted}</summary>\n\n"
            + "\n".join([f"{fence}diff", *rows, fence])
            + "\n\n</details>"
        )


def _row(each: Line) -> str:
    """A line with its sign in front, where a diff has it; unwrapped, so that no text can pose as one."""
    signs = [words.text.strip() for words in each.lead if words.text.strip() in _DIFF]
    lead = "".join(words.text for words in each.lead)
    if signs:
        lead = lead.replace(f"{signs[0]} ", "", 1)
    body = "".join(words.text for words in each.body)
    mark = _DIFF[signs[0]] if signs else " "
    return (mark + clean(lead + body, _SCREEN)).rstrip()
