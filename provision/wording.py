"""The words for steps and permissions, said alike in plan, progress and receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from provision.model import GRAPH_APP_ID, Permission, PermissionScope
from provision.plan import (
    CREATES,
    DESTROYS,
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
    Keeping,
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

_UNITS = (("day", "d", 86_400), ("hour", "h", 3_600), ("minute", "min", 60), ("second", "s", 1))


def sign(step: Step) -> str:
    """`+`, `~` or `-`, as the plan counts the step."""
    if isinstance(step, CREATES):
        return "+"
    return "-" if isinstance(step, DESTROYS) else "~"


def words(step: Step) -> str:
    """What the step does, as an order: the application is said elsewhere."""
    match step:
        case AddSecret() | AddCertificate() | RecordStored() | RemoveSecret() | RemoveCertificate():
            return _stored(step)
        case AddFederated() | UpdateFederated() | RemoveFederated():
            return _federated(step)
        case (
            CreateServicePrincipal()
            | RestoreServicePrincipal()
            | UpdateServicePrincipal()
            | CreateResourcePrincipal()
        ):
            return _principal(step)
        case RequestPermissions():
            return f"request {permissions(step.permissions)}"
        case WithdrawPermissions():
            return f"withdraw the request for {permissions(step.permissions)}"
        case GrantAppRole():
            return f"grant {permission(step.role)}"
        case RevokeAppRole():
            return f"revoke {permission(step.role)}"
        case GrantScopes():
            return f"grant {permissions(step.scopes)}, delegated"
        case RevokeScopes():
            return f"revoke {permissions(step.scopes)}, delegated"
        case AddOwner():
            of = "the application" if step.of == "application" else "the service principal"
            return f"make {step.owner.name} an owner of {of}"
        case CreateApplication():
            return "create the application"
        case RestoreApplication():
            return "restore the deleted application"
        case UpdateApplication():
            return f"change {', '.join(change.property for change in step.changes)}"
        case DisableEntitlements():
            return f"disable {', '.join(step.values)}, to be changed or removed"
        case AuthorizeClients():
            return "say which clients are authorized"
        case DeleteApplication():
            return f"delete the application {step.display_name}"
        case _:
            assert_never(step)


def _stored(step: Keeping) -> str:
    match step:
        case AddSecret():
            return f"issue secret {step.credential}"
        case AddCertificate():
            which = f" {step.thumbprint}" if step.thumbprint else ""
            return f"add certificate {step.credential}{which}"
        case RecordStored():
            return f"record that {step.credential} is stored"
        case RemoveCertificate():
            return f"remove certificate {step.credential} {short(step.key_id)}"
        case RemoveSecret():
            return f"remove secret {step.credential} {short(step.key_id)}"


def _federated(step: AddFederated | UpdateFederated | RemoveFederated) -> str:
    match step:
        case AddFederated():
            return f"add federated credential {step.credential}"
        case UpdateFederated():
            changed = ", ".join(change.property for change in step.changes)
            return f"change {changed} of federated credential {step.credential}"
        case RemoveFederated():
            return f"remove federated credential {step.credential}"


def _principal(
    step: CreateServicePrincipal
    | RestoreServicePrincipal
    | UpdateServicePrincipal
    | CreateResourcePrincipal,
) -> str:
    match step:
        case CreateServicePrincipal():
            return "create the service principal"
        case RestoreServicePrincipal():
            return "restore the service principal"
        case UpdateServicePrincipal():
            changed = ", ".join(change.property for change in step.changes)
            return f"change {changed} of the service principal"
        case CreateResourcePrincipal():
            return f"create the service principal of {step.name}"


def noun(step: Step) -> str:
    """What kind of thing the step is about."""
    match step:
        case (
            CreateApplication()
            | RestoreApplication()
            | UpdateApplication()
            | DisableEntitlements()
            | DeleteApplication()
        ):
            return "application"
        case CreateServicePrincipal() | RestoreServicePrincipal() | UpdateServicePrincipal():
            return "service principal"
        case CreateResourcePrincipal():
            return "resource"
        case AuthorizeClients():
            return "clients"
        case AddOwner():
            return "owner"
        case GrantAppRole() | RevokeAppRole() | GrantScopes() | RevokeScopes():
            return "permission"
        case RequestPermissions() | WithdrawPermissions():
            return "request"
        case AddFederated() | UpdateFederated() | RemoveFederated():
            return "federated"
        case AddSecret() | RemoveSecret():
            return "secret"
        case AddCertificate() | RemoveCertificate():
            return "certificate"
        case RecordStored():
            return "stored"
        case _:
            assert_never(step)


def resource(name: str) -> str:
    """A resource's name where it is the same everywhere, else its appId or its key in the manifest."""
    return "Microsoft Graph" if name == GRAPH_APP_ID else name


def permission(asked: Permission) -> str:
    """One permission and whose it is."""
    kind = " (delegated)" if isinstance(asked, PermissionScope) else ""
    return f"{asked.value} of {resource(asked.resource)}{kind}"


def permissions(asked: Sequence[Permission]) -> str:
    """Several permissions, by resource, in the order given."""
    by_resource: dict[str, list[str]] = {}
    for each in asked:
        by_resource.setdefault(resource(each.resource), []).append(each.value)
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
