"""A plan and a receipt as lines: grouped by application, one signed line per step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from provision.life import is_kept_up
from provision.model import Desired, DesiredApplication, Permission
from provision.plan import (
    AddCertificate,
    AddFederated,
    AddOwner,
    AddSecret,
    AuthorizeClients,
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    Plan,
    RecordStored,
    RemoveCertificate,
    RemoveFederated,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    RevokeScopes,
    Step,
    UpdateApplication,
    UpdateFederated,
    UpdateServicePrincipal,
    WithdrawPermissions,
)
from provision.render.changes import Detail, change_details, set_details, shown
from provision.render.layout import BLANK, Line, Words, line, say
from provision.wording import exactly, noun, permission, permissions, short, sign

Explain = Callable[[Permission], str | None]
"""A permission's effect in plain words, if anybody knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """How much power a permission gives, `tier 0`, `high`, `medium` or `low`, and what can be done with it."""

    tier: str
    reason: str


Risk = Callable[[Permission], Rating | None]
"""A permission's rating, if anybody knows it."""

TIERS = {"tier 0": "bold red", "high": "red", "medium": "yellow"}
"""The tiers that are shown, the most dangerous first, and their colours; `low` is quiet."""

STYLES = {"+": "green", "~": "yellow", "-": "red"}
_NOUN_WIDTH = len("service principal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a step's words need to know beyond the step."""

    explain: Explain
    risk: Risk = lambda _: None
    applications: Mapping[str, DesiredApplication] = field(default_factory=dict)
    granted: frozenset[tuple[str, Permission]] = frozenset()


def names_of(
    plan: Plan, desired: Desired | None, explain: Explain, risk: Risk = lambda _: None
) -> Names:
    """Look up once what all lines need."""
    return Names(
        explain=explain,
        risk=risk,
        applications={each.key: each for each in desired.applications} if desired else {},
        granted=frozenset(
            (step.app, granted)
            for step in plan.steps
            if isinstance(step, GrantAppRole | GrantScopes)
            for granted in ((step.role,) if isinstance(step, GrantAppRole) else step.scopes)
        ),
    )


def summary(plan: Plan) -> str:
    """How much the plan is, in one sentence."""
    made, changed, gone = plan.count()
    if not plan.steps:
        return "No changes. The tenant matches the manifest."
    return f"Plan: {made} to create, {changed} to change, {gone} to destroy."


def plan_lines(plan: Plan, names: Names) -> Iterator[Line]:
    """Each application with its steps and notes, in the plan's order."""
    steps: dict[str, list[Step]] = {}
    notes: dict[str, list[str]] = {}
    for step in plan.steps:
        steps.setdefault(step.app, []).append(step)
    for note in plan.notes:
        notes.setdefault(note.app, []).append(note.says)
    for app in dict.fromkeys([*steps, *notes]):
        yield line(say(app or "tenant", "bold"))
        for step in steps.get(app, ()):
            yield from step_lines(step, names)
        yield from note_lines(notes.get(app, ()))
        yield BLANK


def note_lines(notes: Iterable[str]) -> Iterator[Line]:
    """What is worth saying and no step."""
    for says in notes:
        yield line(say(says, "dim"), lead=[say("    note".ljust(6 + _NOUN_WIDTH), "dim")])


def step_lines(step: Step, names: Names) -> Iterator[Line]:
    """One signed line, and what belongs to it indented below."""
    mark = sign(step)
    lead = [say(f"  {mark} ", STYLES[mark]), say(noun(step).ljust(_NOUN_WIDTH + 2))]
    gone = STYLES[mark] if mark == "-" else ""
    yield line(say(_body(step, names), gone), *_risk(step, names), lead=lead)
    for detail, *risk in _below(step, names):
        margin = " " * (6 + 2 * detail.depth)
        style = STYLES.get(detail.sign, "")
        signed = [say(margin), *([say(f"{detail.sign} ", style)] if detail.sign else [])]
        yield line(say(detail.text, style if detail.sign == "-" else ""), *risk, lead=signed)


def risk_words(asked: Permission, names: Names) -> list[Words]:
    """How dangerous a permission is, behind its name."""
    found = names.risk(asked)
    if found is None or found.tier not in TIERS:
        return []
    return [say(" "), say(f"[{found.tier}: {found.reason}]", TIERS[found.tier])]


def _risk(step: Step, names: Names) -> list[Words]:
    return risk_words(step.role, names) if isinstance(step, GrantAppRole) else []


def _body(step: Step, names: Names) -> str:
    match step:
        case CreateApplication():
            return f"{step.properties.get('displayName') or step.app} ({step.unique_name})"
        case RestoreApplication():
            name = _display_name(step, names)
            return f"{name}: restored from the deleted items ({step.application_id})"
        case UpdateApplication():
            return _display_name(step, names)
        case RequestPermissions():
            return f"asks for {permissions(step.permissions)}"
        case WithdrawPermissions():
            return f"no longer asks for {permissions(step.permissions)}"
        case CreateServicePrincipal():
            return _display_name(step, names)
        case RestoreServicePrincipal():
            return f"{_display_name(step, names)}: restored ({step.service_principal_id})"
        case UpdateServicePrincipal():
            return _display_name(step, names)
        case CreateResourcePrincipal():
            return f"{step.name} ({step.resource}): its service principal"
        case DisableEntitlements():
            return f"{', '.join(step.values)}: disabled first, to be changed or removed"
        case AuthorizeClients():
            return f"{_display_name(step, names)}: which clients are authorized"
        case AddOwner():
            of = "" if step.of == "application" else " (of the service principal)"
            return f"{step.owner.name}{of}"
        case GrantAppRole():
            return _explained(step.role, names)
        case RevokeAppRole():
            return f"revoke {_explained(step.role, names)}"
        case GrantScopes():
            return f"{permissions(step.scopes)}, delegated, for every user"
        case RevokeScopes():
            return f"revoke {permissions(step.scopes)}, delegated, for every user"
        case AddFederated():
            return f"{step.credential}: trusts {step.subject} of {step.issuer}"
        case UpdateFederated():
            return step.credential
        case RemoveFederated():
            return f"{step.credential}: no longer trusts {step.subject}"
        case AddSecret() | AddCertificate():
            return _stored(step, names)
        case RecordStored():
            return f"{step.credential} {short(step.key_id)}: the store holds it"
        case RemoveSecret() | RemoveCertificate():
            return f"{step.credential} {short(step.key_id)}: {step.reason}"
        case DeleteApplication():
            after = "gone for good" if step.purge else "can be restored for 30 days"
            return f"{step.display_name} ({step.application_id}): {after}"
        case _:
            assert_never(step)


def _below(step: Step, names: Names) -> Iterator[tuple[Detail, *tuple[Words, ...]]]:
    match step:
        case CreateApplication():
            rest = {name: v for name, v in step.properties.items() if name != "displayName"}
            yield from ((each,) for each in set_details(rest))
            if step.tags:
                yield (Detail(text=f"tags: {', '.join(step.tags)}"),)
            for asked in _only_requested(step.app, step.requested, names):
                yield (
                    Detail(text=f"requests {_explained(asked, names)}"),
                    *risk_words(asked, names),
                )
        case UpdateApplication() | UpdateServicePrincipal() | UpdateFederated():
            yield from ((each,) for change in step.changes for each in change_details(change))
        case AuthorizeClients():
            yield from ((each,) for each in _clients(step))
        case AddFederated():
            yield (Detail(text=f"audience: {shown(step.audience)}"),)
        case GrantScopes():
            yield from _effects(step.scopes, names)
        case RequestPermissions():
            yield from _effects(_only_requested(step.app, step.permissions, names), names)
        case _:
            pass


def _effects(
    asked: Iterable[Permission], names: Names
) -> Iterator[tuple[Detail, *tuple[Words, ...]]]:
    """What several permissions mean, each on a line, as far as anybody knows."""
    for each in asked:
        effect, risk = names.explain(each), risk_words(each, names)
        if effect or risk:
            said = f'{each.value}: "{effect}"' if effect else each.value
            yield Detail(text=said), *risk


def _clients(step: AuthorizeClients) -> Iterator[Detail]:
    """Both lists are exact: an empty one takes everybody's place away."""
    for client in step.pre_authorized or ():
        values = ", ".join(scope.value for scope in client.scopes)
        yield Detail(text=f"{client.client} needs no consent for {values}")
    if step.pre_authorized == ():
        yield Detail(text="no client is authorized in advance")
    if step.known is not None:
        yield Detail(text=f"known clients: {', '.join(step.known) or 'none'}")


def _only_requested(app: str, roles: tuple[Permission, ...], names: Names) -> list[Permission]:
    """A permission that is granted too has its own line; the others would be overlooked."""
    return [role for role in roles if (app, role) not in names.granted]


def _explained(role: Permission, names: Names) -> str:
    effect = names.explain(role)
    return f'{permission(role)}: "{effect}"' if effect else permission(role)


def _stored(step: AddSecret | AddCertificate, names: Names) -> str:
    application = names.applications.get(step.app)
    wanted = application.stored if application else ()
    found = next((each for each in wanted if each.name == step.credential), None)
    what = step.credential
    if found and is_kept_up(found):
        thumbprint = step.thumbprint if isinstance(step, AddCertificate) else ""
        what += f" from {found.store.address}" + (f", {thumbprint}" if thumbprint else "")
    elif found:
        what += f" → {found.store.address}, {exactly(found.lifetime)}"
    why = f": {step.reason}" if step.reason else ""
    return f"{what}{why}" + (" (the present one keeps working)" if step.rotation else "")


def _display_name(step: Step, names: Names) -> str:
    application = names.applications.get(step.app)
    said = application.properties.get("displayName") if application else None
    return str(said or step.app)
