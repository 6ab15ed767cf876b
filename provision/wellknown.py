"""Microsoft's own resources as shipped: which exist, and what they offer, before a tenant has met them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from provision import permissions
from provision.model import AppRole, PermissionScope, Resource


def named(name: str) -> tuple[str, ...]:
    """The appIds of those that bear a display name; several may."""
    return tuple(each["appId"] for each in _all().values() if each["displayName"] == name)


def resource(app_id: str) -> Resource | None:
    """One of them as a resource that the tenant has no service principal for yet."""
    found = _all().get(app_id)
    if found is None:
        return None
    return Resource(
        id=None,
        app_id=app_id,
        display_name=found["displayName"],
        app_roles=frozenset(
            AppRole(resource=app_id, id=id, value=value)
            for id, value in _offered(found, "appRoles")
        ),
        scopes=frozenset(
            PermissionScope(resource=app_id, id=id, value=value)
            for id, value in _offered(found, "oauth2PermissionScopes")
        ),
    )


def _offered(found: Mapping[str, Any], what: str) -> list[tuple[str, str]]:
    """Ids and values; those of Microsoft Graph stand in a catalogue of their own."""
    listed = found.get(what) or ()
    if isinstance(listed, str):
        known = permissions.catalogue()
        offered = known.application if what == "appRoles" else known.delegated
        return [(each.id, each.value) for each in offered.values()]
    return [(each["id"], each["value"]) for each in listed if each.get("value")]


def names() -> tuple[str, ...]:
    """Their display names, for suggestions."""
    return tuple(sorted({each["displayName"] for each in _all().values()}))


@lru_cache(maxsize=1)
def _all() -> Mapping[str, Any]:
    source = resources.files("provision") / "data" / "well-known-service-principals.json"
    listed = json.loads(source.read_text(encoding="utf-8"))["servicePrincipals"]
    return MappingProxyType({each["appId"]: each for each in listed})
