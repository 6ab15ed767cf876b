"""Microsoft's own resources as shipped: which exist, and what they offer, before a tenant has met them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from provision.model import GRAPH_APP_ID, AppRole, PermissionScope, Resource
from provision.permissions import Permission, catalogue


def named(name: str) -> tuple[str, ...]:
    """The appIds of those that bear a display name; several may."""
    return tuple(each["appId"] for each in _all().values() if each["displayName"] == name)


def resource(app_id: str) -> Resource | None:
    """One of them as a resource that the tenant has no service principal for yet; Graph has a catalogue of its own."""
    found = _all().get(app_id)
    if found is None:
        return None
    graph = app_id == GRAPH_APP_ID
    known = catalogue()
    roles = _catalogued(known.application) if graph else _listed(found["appRoles"])
    scopes = _catalogued(known.delegated) if graph else _listed(found["oauth2PermissionScopes"])
    return Resource(
        id=None,
        app_id=app_id,
        display_name=found["displayName"],
        app_roles=frozenset(AppRole(resource=app_id, id=id, value=value) for id, value in roles),
        scopes=frozenset(
            PermissionScope(resource=app_id, id=id, value=value) for id, value in scopes
        ),
    )


def _catalogued(known: Mapping[str, Permission]) -> list[tuple[str, str]]:
    return [(each.id, each.value) for each in known.values()]


def _listed(entries: list[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(each["id"], each["value"]) for each in entries]


@lru_cache(maxsize=1)
def _all() -> Mapping[str, Any]:
    source = resources.files("provision") / "data" / "well-known-service-principals.json"
    listed = json.loads(source.read_text(encoding="utf-8"))["servicePrincipals"]
    return MappingProxyType({each["appId"]: each for each in listed})
