"""A tenant with one thing in it altered, and how a simulated one finds things."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from provision.model import (
    Application,
    AppRole,
    Observed,
    ObservedApplication,
    Permission,
    ResourceAccess,
    ServicePrincipal,
)


def app_id_of(name: str, seen: Observed) -> str:
    return seen.applications[name].application.app_id if name in seen.applications else name


def resource_id_of(name: str, seen: Observed) -> str:
    if name in seen.applications:
        return principal_of(seen, name).id
    id = seen.resources[name].id
    assert id is not None
    return id


def id_of(asked: Permission, seen: Observed) -> str:
    """A permission's id, which only its resource's service principal may tell."""
    if asked.id:
        return asked.id
    resource = seen.resources[asked.resource]
    is_role = isinstance(asked, AppRole)
    found = resource.role(asked.value) if is_role else resource.scope(asked.value)
    assert found is not None
    return found.id


def accesses(permissions: tuple[Permission, ...], seen: Observed) -> frozenset[ResourceAccess]:
    return frozenset(
        ResourceAccess(
            resource_app_id=app_id_of(each.resource, seen),
            id=id_of(each, seen),
            type="Role" if isinstance(each, AppRole) else "Scope",
        )
        for each in permissions
    )


def app_of(seen: Observed, key: str) -> Application:
    return seen.applications[key].application


def principal_of(seen: Observed, key: str) -> ServicePrincipal:
    principal = seen.applications[key].service_principal
    assert principal is not None
    return principal


def put(seen: Observed, key: str, found: ObservedApplication) -> Observed:
    return replace(seen, applications={**seen.applications, key: found})


def patched(seen: Observed, key: str, **changes: Any) -> Observed:
    found = seen.applications[key]
    return put(seen, key, replace(found, application=replace(found.application, **changes)))


def with_principal(seen: Observed, key: str, **changes: Any) -> Observed:
    found = seen.applications[key]
    return put(
        seen, key, replace(found, service_principal=replace(principal_of(seen, key), **changes))
    )
