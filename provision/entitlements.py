"""What an application of the manifest offers to others: app roles and scopes, with ids that stay the same.

An entry that the tenant has keeps its id; a new one gets an id made of the application's name and its own value, so
that two runs, or a run that was killed, agree on it without having spoken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from provision.manifest.spec import ApplicationSpec
from provision.model import Application, AppRole, Observed, PermissionScope, Resource
from provision.ownership import unique_name

NAMESPACE = UUID("3e0b0f3c-6a3b-5d0e-9d55-7f2b3c9c1a44")
"""Of ids that are made of names (RFC 9562, version 5)."""

ROLES, SCOPES = "appRoles", "api.oauth2PermissionScopes"
"""Where Graph keeps them."""

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """The application as a resource, and Graph's JSON of what it offers."""

    resource: Resource
    roles: tuple[Entry, ...]
    scopes: tuple[Entry, ...]


def offered_by(owner: str, spec: ApplicationSpec, observed: Observed) -> Offers:
    """What an application will offer once applied; what the manifest does not mention stays as it is."""
    there = _there(spec.key, observed)
    name = unique_name(owner, spec.key)
    seen_roles, seen_scopes = entries(there, ROLES), entries(there, SCOPES)
    roles, scopes = seen_roles, seen_scopes
    if spec.app_roles is not None:
        ids = _ids(seen_roles)
        roles = tuple(
            {
                "id": ids.get(role.value) or _made(name, "role", role.value),
                "value": role.value,
                "displayName": role.display_name,
                "description": role.description,
                "allowedMemberTypes": sorted(role.allowed_member_types),
                "isEnabled": role.enabled,
            }
            for role in spec.app_roles
        )
    if spec.scopes is not None:
        ids = _ids(seen_scopes)
        scopes = tuple(
            {
                "id": ids.get(scope.value) or scope_id(owner, spec.key, scope.value),
                "value": scope.value,
                "type": scope.type,
                **scope.texts,
                "isEnabled": scope.enabled,
            }
            for scope in spec.scopes
        )
    display_name = str(spec.properties.get("displayName") or spec.key)
    return Offers(
        resource=Resource(
            id=None,
            app_id=spec.key,
            display_name=display_name,
            app_roles=frozenset(_roles(spec.key, roles)),
            scopes=frozenset(_scopes(spec.key, scopes)),
        ),
        roles=roles,
        scopes=scopes,
    )


def scope_id(owner: str, key: str, value: str) -> str:
    """The id that a scope of ours has for good: made of names, so that it is known when it is offered no longer."""
    return _made(unique_name(owner, key), "scope", value)


def entries(found: Application | None, where: str) -> tuple[Entry, ...]:
    """The app roles, or the scopes, that an application has."""
    if found is None:
        return ()
    if where == ROLES:
        return tuple(found.properties.get("appRoles") or ())
    return tuple((found.properties.get("api") or {}).get("oauth2PermissionScopes") or ())


def _there(key: str, observed: Observed) -> Application | None:
    found = observed.applications.get(key) or observed.deleted.get(key)
    return found.application if found else None


def _ids(seen: Iterable[Entry]) -> dict[str, str]:
    return {str(entry.get("value")): str(entry["id"]) for entry in seen if entry.get("value")}


def _made(name: str, kind: str, value: str) -> str:
    return str(uuid5(NAMESPACE, f"{name}/{kind}/{value}"))


def _roles(key: str, offered: Iterable[Entry]) -> Iterable[AppRole]:
    return (
        AppRole(resource=key, id=str(role["id"]), value=str(role["value"]))
        for role in offered
        if role.get("isEnabled")
        and role.get("value")
        and "Application" in (role.get("allowedMemberTypes") or ())
    )


def _scopes(key: str, offered: Iterable[Entry]) -> Iterable[PermissionScope]:
    return (
        PermissionScope(resource=key, id=str(scope["id"]), value=str(scope["value"]))
        for scope in offered
        if scope.get("isEnabled") and scope.get("value")
    )
