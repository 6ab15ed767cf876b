"""The words for steps and permissions, said alike in plan, progress and receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from provision.model import GRAPH_APP_ID, AppRole
from provision.plan import (
    CREATES,
    DESTROYS,
    AddSecret,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    GrantAppRole,
    RecordStored,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    Step,
    UpdateApplication,
    WithdrawPermissions,
)

_UNITS = (("day", "d", 86_400), ("hour", "h", 3_600), ("minute", "min", 60), ("second", "s", 1))


def sign(step: Step) -> str:
    """`+`, `~` or `-`, as the plan counts the step."""
    if isinstance(step, CREATES):
        return "+"
    return "-" if isinstance(step, DESTROYS) else "~"


def words(step: Step) -> str:
    """What the step does, as an order: the application is said elsewhere."""
    match step:
        case CreateApplication():
            return "create the application"
        case RestoreApplication():
            return "restore the deleted application"
        case UpdateApplication():
            return f"change {', '.join(change.property for change in step.changes)}"
        case RequestPermissions():
            return f"request {permissions(step.roles)}"
        case WithdrawPermissions():
            return f"withdraw the request for {permissions(step.roles)}"
        case CreateServicePrincipal():
            return "create the service principal"
        case RestoreServicePrincipal():
            return "restore the service principal"
        case GrantAppRole():
            return f"grant {permission(step.role)}"
        case RevokeAppRole():
            return f"revoke {permission(step.role)}"
        case AddSecret():
            return f"issue secret {step.credential}"
        case RecordStored():
            return f"record that secret {step.credential} is stored"
        case RemoveSecret():
            return f"remove secret {step.credential} {short(step.key_id)}"
        case DeleteApplication():
            return f"delete the application {step.display_name}"
        case _:
            assert_never(step)


def noun(step: Step) -> str:
    """What kind of thing the step is about."""
    match step:
        case CreateApplication() | RestoreApplication() | UpdateApplication() | DeleteApplication():
            return "application"
        case CreateServicePrincipal() | RestoreServicePrincipal():
            return "service principal"
        case GrantAppRole() | RevokeAppRole():
            return "permission"
        case RequestPermissions() | WithdrawPermissions():
            return "request"
        case AddSecret() | RemoveSecret() | RecordStored():
            return "secret"
        case _:
            assert_never(step)


def resource(app_id: str) -> str:
    """A resource's name where it is the same everywhere, else its appId."""
    return "Microsoft Graph" if app_id == GRAPH_APP_ID else app_id


def permission(role: AppRole) -> str:
    """One permission and whose it is."""
    return f"{role.value} of {resource(role.resource_app_id)}"


def permissions(roles: Sequence[AppRole]) -> str:
    """Several permissions, by resource, in the order given."""
    by_resource: dict[str, list[str]] = {}
    for role in roles:
        by_resource.setdefault(resource(role.resource_app_id), []).append(role.value)
    return "; ".join(f"{', '.join(values)} of {name}" for name, values in by_resource.items())


def short(key_id: str) -> str:
    """A key id's beginning: enough to find it, and it fits a line."""
    return f"{key_id[:8]}…" if len(key_id) > 9 else key_id


def exactly(time: timedelta) -> str:
    """A span of time in its largest exact unit, so that 90 days stay "90 days"."""
    seconds = int(time.total_seconds())
    exact = ((name, size) for name, _, size in _UNITS if seconds and seconds % size == 0)
    name, size = next(exact, ("second", 1))
    count = seconds // size
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def roughly(time: timedelta) -> str:
    """`12 d`, `3 h`, `5 min` or `40 s`: the largest unit that fits, rounded down; never negative."""
    seconds = max(0, int(time.total_seconds()))
    unit, size = next(((unit, size) for _, unit, size in _UNITS if seconds >= size), ("s", 1))
    return f"{seconds // size} {unit}"
