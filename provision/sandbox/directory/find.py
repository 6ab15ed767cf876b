"""Finds the object that an address names, as the replica that happens to answer shows it."""

from __future__ import annotations

from typing import Any

from provision.sandbox import edm
from provision.sandbox.call import Call, Key
from provision.sandbox.directory import haste
from provision.sandbox.directory.body import GUID
from provision.sandbox.directory.refusals import bad_request
from provision.sandbox.directory.shape import (
    APPLICATIONS,
    GROUPS,
    SERVICE_PRINCIPALS,
    USERS,
)
from provision.sandbox.refusal import Refusal, resource_not_found, segment_not_found
from provision.sandbox.tenant import Seen

_KEYS = {
    "applications": ("appId", "uniqueName"),
    "servicePrincipals": ("appId",),
    "users": ("userPrincipalName",),
}
_STARTS = {
    "application": APPLICATIONS,
    "servicePrincipal": SERVICE_PRINCIPALS,
    "group": GROUPS,
    "user": USERS,
}


def addressed(call: Call) -> tuple[edm.Kind, Key]:
    """What the path starts at: an object of a known kind, or the person who calls."""
    for name, kind in _STARTS.items():
        if name in call.params:
            return kind, call.params[name]
    if not call.caller.is_user:
        raise Refusal(
            400, "BadRequest", "/me request is only valid with delegated authentication flow."
        )
    return USERS, Key(property="id", value=call.caller.object_id)


def is_caller(call: Call, key: Key) -> bool:
    """Whether the path names the very person who calls."""
    return call.caller.is_user and key.value.lower() == call.caller.object_id


def read(call: Call, kind: edm.Kind, key: Key, seen: Seen | None = None) -> dict[str, Any]:
    """The object under this key, or the refusal that it is not there."""
    row = look_up(call, kind, key, seen or call.tenant.seen("directory"))
    if row is None:
        raise resource_not_found(key.value)
    return row


def to_change(call: Call, kind: edm.Kind, key: Key) -> dict[str, Any]:
    """The object as it really is, once this replica knows it: a change must lose nothing."""
    visible = read(call, kind, key)
    row = call.tenant.get(kind.collection, visible["id"], Seen.truth())
    if row is None:
        raise resource_not_found(key.value)
    haste.check_settled(call, kind, row)
    return row


def look_up(call: Call, kind: edm.Kind, key: Key, seen: Seen) -> dict[str, Any] | None:
    """The object under this key, None where this replica does not have it."""
    name = key_name(kind, key)
    if name == "id" and kind is USERS and GUID.fullmatch(key.value) is None:
        name = "userPrincipalName"
    if name == "id":
        return call.tenant.get(kind.collection, object_id(key.value), seen)
    value = key.value.lower() if name == "appId" else key.value
    return call.tenant.find(kind.collection, name, value, seen)


def key_name(kind: edm.Kind, key: Key) -> str:
    """The key's property as the model spells it; addresses may write it in any case."""
    known = {name.lower(): name for name in ("id", *_KEYS.get(kind.collection, ()))}
    name = known.get(key.property.lower())
    if name is None:
        raise segment_not_found(kind.collection)
    return name


def creates_if_missing(call: Call) -> bool:
    """https://learn.microsoft.com/graph/api/application-upsert"""
    preferences = call.headers.get("prefer", "").lower().split(",")
    return "create-if-missing" in [preference.strip() for preference in preferences]


def object_id(text: str) -> str:
    """An object's identifier out of a path."""
    if GUID.fullmatch(text) is None:
        raise bad_request(f"Invalid object identifier '{text}'.")
    return text.lower()
