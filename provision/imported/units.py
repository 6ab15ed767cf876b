"""What can be left out of an application in a manifest: a list that is exact as a whole, of others one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from provision.imported.yamltext import Path
from provision.model import AppRole, Permission
from provision.plan import (
    AddOwner,
    AuthorizeClients,
    CreateResourcePrincipal,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    RequestPermissions,
    Step,
    UpdateApplication,
    UpdateServicePrincipal,
)

Unit: TypeAlias = Path
"""A path of the manifest's keys; permissions always with their kind, and () for the whole application."""

_SECTIONS = ("web", "spa", "publicClient", "api", "tags", "owners")
_KINDS = ("application", "delegated")
_OF_GRAPH = {
    "api.oauth2PermissionScopes": ("api", "scopes"),
    "accountEnabled": ("servicePrincipal", "enabled"),
    "appRoleAssignmentRequired": ("servicePrincipal", "assignmentRequired"),
}


def unit_of(path: Path) -> Unit:
    """The least that can be left out so that nothing stands at a path."""
    if not path or path[0] == "adopt":
        return ()
    if path[0] == "permissions":
        if len(path) == 3 and path[2] not in _KINDS:
            return (*path[:2], "application", path[2])
        return path
    if path[0] == "servicePrincipal":
        return path[:3] if path[1:2] == ("tags",) else path[:2]
    return path[:2] if path[0] in _SECTIONS else path[:1]


def units_of(step: Step, called: Callable[[str], str]) -> Iterator[Unit]:
    """What asks for a step; `called` tells the manifest's name of a resource."""
    match step:
        case UpdateApplication() | UpdateServicePrincipal():
            for change in step.changes:
                yield _OF_GRAPH.get(change.property) or unit_of(tuple(change.property.split(".")))
        case DisableEntitlements():
            return
        case AuthorizeClients():
            if step.pre_authorized is not None:
                yield "api", "preAuthorizedApplications"
            if step.known is not None:
                yield "api", "knownClientApplications"
        case RequestPermissions():
            yield from (_asking(each, called) for each in step.permissions)
        case GrantAppRole():
            yield _asking(step.role, called)
        case GrantScopes():
            yield from (_asking(each, called) for each in step.scopes)
        case CreateResourcePrincipal():
            yield "permissions", called(step.resource)
        case AddOwner():
            yield "owners", step.owner.id
        case _:
            yield ()


def pruned(said: Mapping[str, Any], without: Mapping[Unit, str]) -> dict[str, Any]:
    """An application's keys without some units; what is empty then goes too."""
    doomed = set(without)
    return {
        name: left
        for name, value in said.items()
        if (left := _pruned(value, (name,), doomed)) is not None
    }


def _pruned(value: Any, path: Path, doomed: set[Unit]) -> Any:
    if path in doomed or unit_of(path) in doomed:
        return None
    if isinstance(value, dict):
        kept = {
            name: left
            for name, inner in value.items()
            if (left := _pruned(inner, (*path, name), doomed)) is not None
        }
        return kept if kept or not value else None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        left = [each for each in value if unit_of((*path, each)) not in doomed]
        return left if left or not value else None
    return value


def _asking(permission: Permission, called: Callable[[str], str]) -> Unit:
    kind = "application" if isinstance(permission, AppRole) else "delegated"
    return "permissions", called(permission.resource), kind, permission.value
