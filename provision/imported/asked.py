"""Permissions of an application that exists: what it asks for, what it was granted, and where both differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provision import permissions, risk, wellknown
from provision.entitlements import ROLES, SCOPES, entries
from provision.imported.source import Existing, Source
from provision.imported.yamltext import Path
from provision.manifest.spec import Kind
from provision.model import GRAPH_APP_ID

UNNAMED = "00000000-0000-0000-0000-000000000000"
"""The id that an assignment without a role has: default access."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What one resource offers, by id."""

    app_id: str
    roles: Mapping[str, str]
    scopes: Mapping[str, str]

    def of(self, kind: str, id: str) -> str | None:
        """The name of a permission; None when the resource does not offer it (any more)."""
        return (self.roles if kind == "Role" else self.scopes).get(id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What resources offer, by appId; and the appId that a service principal's id belongs to."""

    names: Mapping[str, Names]
    principals: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Asked:
    """The manifest's keys for permissions, with comments beside and below them."""

    said: dict[str, Any] = field(default_factory=dict)
    beside: dict[Path, str] = field(default_factory=dict)
    below: list[str] = field(default_factory=list)


def asked_of(existing: Existing, source: Source, offered: Offered) -> Asked:
    """What an application asks for, by name, and whether all of it was granted."""
    found = Asked()
    wanted: dict[str, dict[Kind, list[str]]] = {}
    missing: list[str] = []
    granted = _granted(existing, offered)
    for access in sorted(existing.application.required_resource_access):
        names = offered.names.get(access.resource_app_id)
        value = names.of(access.type, access.id) if names else None
        if value is None:
            found.below.append(_unknown(access.resource_app_id, access.type, access.id, source))
            continue
        kind: Kind = "application" if access.type == "Role" else "delegated"
        wanted.setdefault(access.resource_app_id, {}).setdefault(kind, []).append(value)
        unread = kind == "delegated" and _unread(existing)
        if not unread and (access.resource_app_id, access.type, value) not in granted:
            missing.append(f"{value} of {_called(access.resource_app_id, source)}")
    for app_id, kinds in wanted.items():
        _write(found, source, app_id, kinds)
    if wanted:
        found.said["consent"] = "request" if missing else "grant"
        _allow(found, wanted.get(GRAPH_APP_ID, {}))
    found.below += [f"requested, but not granted: {each}" for each in missing]
    found.below += _unrequested(existing, source, offered, granted)
    return found


def _write(found: Asked, source: Source, app_id: str, kinds: Mapping[Kind, list[str]]) -> None:
    name = source.calls(app_id)
    holder = found.said.setdefault("permissions", {})
    plain = list(kinds) == ["application"]
    holder[name] = sorted(kinds["application"]) if plain else {k: sorted(kinds[k]) for k in kinds}
    if name == app_id and app_id in source.resources:
        found.beside["permissions", name] = source.resources[app_id].display_name
    for kind, values in kinds.items():
        for value in values if app_id == GRAPH_APP_ID else ():
            known = permissions.find(value, kind=kind)
            path = ("permissions", name, *(() if plain else (kind,)), value)
            found.beside[path] = known.display_name if known else ""


def _allow(found: Asked, of_graph: Mapping[Kind, list[str]]) -> None:
    mighty = sorted(
        value
        for kind, values in of_graph.items()
        for value in values
        if risk.tier(value, kind).tier == 0
    )
    if mighty:
        found.said["allowTier0"] = mighty
        found.beside["allowTier0",] = "each can lead to control of the whole tenant"


def offered_in(source: Source) -> Offered:
    """What the imported applications and the other APIs offer."""
    names = {
        app_id: Names(
            app_id=app_id,
            roles={each.id: each.value for each in resource.app_roles},
            scopes={each.id: each.value for each in resource.scopes},
        )
        for app_id, resource in source.resources.items()
    }
    principals = {each.id: each.app_id for each in source.resources.values() if each.id}
    for existing in source.applications:
        found = existing.application
        names[found.app_id] = Names(
            app_id=found.app_id,
            roles=_values(entries(found, ROLES)),
            scopes=_values(entries(found, SCOPES)),
        )
        if existing.service_principal:
            principals[existing.service_principal.id] = found.app_id
    return Offered(names=names, principals=principals)


def _values(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(each["id"]): str(each["value"]) for each in found if each.get("value")}


def _granted(existing: Existing, offered: Offered) -> set[tuple[str, str, str]]:
    """AppId of the resource, `Role` or `Scope`, and the name: consents for the whole tenant."""
    principal = existing.service_principal
    if principal is None:
        return set()
    granted = set()
    for assignment in principal.app_role_assignments:
        app_id = offered.principals.get(assignment.resource_id)
        names = offered.names.get(app_id or "")
        value = names.of("Role", assignment.app_role_id) if names else None
        if app_id and assignment.app_role_id != UNNAMED:
            granted.add((app_id, "Role", value or assignment.app_role_id))
    for grant in principal.grants or ():
        app_id = offered.principals.get(grant.resource_id)
        if app_id and grant.principal_id is None:
            granted |= {(app_id, "Scope", value) for value in grant.scopes}
    return granted


def _unrequested(
    existing: Existing, source: Source, offered: Offered, granted: set[tuple[str, str, str]]
) -> Iterator[str]:
    requested = {
        (access.resource_app_id, access.type, names.of(access.type, access.id))
        for access in existing.application.required_resource_access
        for names in [offered.names.get(access.resource_app_id)]
        if names
    }
    for app_id, kind, value in sorted(granted - requested):
        delegated = " (delegated, for every user)" if kind == "Scope" else ""
        yield f"granted, but not requested: {value} of {_called(app_id, source)}{delegated}"
    principal = existing.service_principal
    single: dict[tuple[str, str], int] = {}
    for grant in (principal.grants or ()) if principal else ():
        if grant.principal_id is not None:
            app_id = offered.principals.get(grant.resource_id, grant.resource_id)
            about = (" ".join(sorted(grant.scopes)), _called(app_id, source))
            single[about] = single.get(about, 0) + 1
    for (scopes, resource), count in sorted(single.items()):
        users = "1 user" if count == 1 else f"{count} users"
        yield f"granted by {users} for themselves: {scopes} of {resource}"
    if _unread(existing):
        yield "its delegated consents could not be read by this operator"


def _unread(existing: Existing) -> bool:
    return existing.service_principal is not None and existing.service_principal.grants is None


def _unknown(app_id: str, kind: str, id: str, source: Source) -> str:
    known = app_id in source.resources or app_id in source.keys
    why = "no longer offers it" if known else "has no service principal in this tenant"
    what = "application" if kind == "Role" else "delegated"
    return (
        f"left as it is: requests the {what} permission {id}, and {_called(app_id, source)} {why}"
    )


def _called(app_id: str, source: Source) -> str:
    resource = source.resources.get(app_id)
    known = resource or (None if app_id in source.keys else wellknown.resource(app_id))
    return known.display_name if known else source.calls(app_id)
