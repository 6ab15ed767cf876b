"""A plan and a receipt as lines: grouped by application, one signed line per step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from provision.model import Desired, DesiredApplication, Permission
from provision.plan import (
    AddFederated,
    AddOwner,
    AddSecret,
    AuthorizeClients,
    Change,
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    Plan,
    RecordStored,
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
from provision.render.layout import BLANK, Line, line, say
from provision.wording import exactly, noun, permission, permissions, short, sign

Explain = Callable[[Permission], str | None]
"""A permission's effect in plain words, if anybody knows it."""

STYLES = {"+": "green", "~": "yellow", "-": "red"}
_NOUN_WIDTH = len("service principal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a step's words need to know beyond the step."""

    explain: Explain
    applications: Mapping[str, DesiredApplication] = field(default_factory=dict)
    granted: frozenset[tuple[str, Permission]] = frozenset()


def names_of(plan: Plan, desired: Desired | None, explain: Explain) -> Names:
    """Look up once what all lines need."""
    return Names(
        explain=explain,
        applications={each.key: each for each in desired.applications} if desired else {},
        granted=frozenset(
            (step.app, granted)
            for step in plan.steps
            if isinstance(step, GrantAppRole | GrantScopes)
            for granted in ((step.role,) if isinstance(step, GrantAppRole) else step.scopes)
        ),
    )


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
        for says in notes.get(app, ()):
            yield line(say(says, "dim"), lead=[say("    note".ljust(6 + _NOUN_WIDTH), "dim")])
        yield BLANK


def step_lines(step: Step, names: Names) -> Iterator[Line]:
    """One signed line, and what belongs to it indented below."""
    mark = sign(step)
    lead = [say(f"  {mark} ", STYLES[mark]), say(noun(step).ljust(_NOUN_WIDTH + 2))]
    yield line(say(_body(step, names)), lead=lead)
    for each in _below(step, names):
        yield line(say(each), lead=[say("      ")])


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
            return permissions(step.permissions)
        case WithdrawPermissions():
            return f"no longer {permissions(step.permissions)}"
        case CreateServicePrincipal():
            return _display_name(step, names)
        case RestoreServicePrincipal():
            return f"{_display_name(step, names)}: restored ({step.service_principal_id})"
        case UpdateServicePrincipal():
            return _display_name(step, names)
        case CreateResourcePrincipal():
            return f"{step.name} ({step.resource}): its service principal"
        case DisableEntitlements():
            return f"{', '.join(step.values)}: disabled, to be changed or removed"
        case AuthorizeClients():
            return _display_name(step, names)
        case AddOwner():
            of = "" if step.of == "application" else " (of the service principal)"
            return f"{step.owner.name}{of}"
        case GrantAppRole() | RevokeAppRole():
            return _explained(step.role, names)
        case GrantScopes() | RevokeScopes():
            return f"{permissions(step.scopes)}, delegated, for every user"
        case AddFederated():
            return f"{step.credential}: trusts {step.subject} of {step.issuer}"
        case UpdateFederated():
            return step.credential
        case RemoveFederated():
            return f"{step.credential}: no longer trusts {step.subject}"
        case AddSecret():
            return _secret(step, names)
        case RecordStored():
            return f"{step.credential} {short(step.key_id)}: record that the store holds it"
        case RemoveSecret():
            return f"{step.credential} {short(step.key_id)}: {step.reason}"
        case DeleteApplication():
            after = "gone for good" if step.purge else "can be restored for 30 days"
            return f"{step.display_name} ({step.application_id}): {after}"
        case _:
            assert_never(step)


def _below(step: Step, names: Names) -> Iterator[str]:
    match step:
        case CreateApplication():
            for name, value in sorted(step.properties.items()):
                if name != "displayName":
                    yield f"{name}: {_value(value)}"
            if step.tags:
                yield f"tags: {', '.join(step.tags)}"
            for role in _only_requested(step.app, step.requested, names):
                yield f"requests {_explained(role, names)}"
        case UpdateApplication() | UpdateServicePrincipal() | UpdateFederated():
            for change in step.changes:
                yield _change(change)
        case AuthorizeClients():
            for client in step.pre_authorized or ():
                values = ", ".join(scope.value for scope in client.scopes)
                yield f"{client.client} needs no consent for {values}"
            if step.known:
                yield f"known clients: {', '.join(step.known)}"
        case GrantScopes():
            for scope in step.scopes:
                if effect := names.explain(scope):
                    yield f'{scope.value}: "{effect}"'
        case RequestPermissions():
            for role in _only_requested(step.app, step.permissions, names):
                if effect := names.explain(role):
                    yield f'{role.value}: "{effect}"'
        case _:
            pass


def _only_requested(app: str, roles: tuple[Permission, ...], names: Names) -> list[Permission]:
    """A permission that is granted too has its own line; the others would be overlooked."""
    return [role for role in roles if (app, role) not in names.granted]


def _explained(role: Permission, names: Names) -> str:
    effect = names.explain(role)
    return f'{permission(role)}: "{effect}"' if effect else permission(role)


def _secret(step: AddSecret, names: Names) -> str:
    application = names.applications.get(step.app)
    wanted = application.secrets if application else ()
    found = next((secret for secret in wanted if secret.name == step.credential), None)
    what = step.credential
    if found:
        what += f" → {found.store.address}, {exactly(found.lifetime)}"
    why = f": {step.reason}" if step.reason else ""
    return f"{what}{why}" + (" (the present one keeps working)" if step.rotation else "")


def _display_name(step: Step, names: Names) -> str:
    application = names.applications.get(step.app)
    said = application.properties.get("displayName") if application else None
    return str(said or step.app)


def _change(change: Change) -> str:
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        parts = [f"adds {_value(each)}" for each in after if each not in before]
        parts += [f"removes {_value(each)}" for each in before if each not in after]
        return f"{change.property}: {', '.join(parts) or 'another order'}"
    return f"{change.property}: {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:
    if value is None:
        return "(none)"
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
