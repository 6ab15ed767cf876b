"""App roles and scopes: their format, and that an enabled one is neither changed nor removed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from provision.sandbox.directory.body import GUID
from provision.sandbox.directory.refusals import (
    duplicate_values,
    invalid_value,
    not_convertible,
    required,
)
from provision.sandbox.refusal import Refusal

MOST = 700
_VALUE = re.compile(r"(?!\.)[0-9A-Za-z:!#$%&'()*+,\-./;=?@\[\]^_{}~]{1,120}", re.ASCII)
_LONGEST_PERSONAL = 40
_MEMBERS = frozenset({"User", "Application"})

Entry = dict[str, Any]


def complete(new: dict[str, Any]) -> None:
    """Fill in what an entry may leave out."""
    for role in new["appRoles"]:
        role["isEnabled"] = True if role["isEnabled"] is None else role["isEnabled"]
        role["origin"] = "Application"
    for scope in new["api"]["oauth2PermissionScopes"]:
        scope["isEnabled"] = True if scope["isEnabled"] is None else scope["isEnabled"]
        scope["type"] = scope["type"] or "User"
        scope["origin"] = None


def check(
    new: Mapping[str, Any],
    old: Mapping[str, Any] | None,
    known: Mapping[str, Any] | None = None,
) -> None:
    """https://learn.microsoft.com/graph/api/resources/approle

    `known` is the old one as a replica has it: it does not forget at once what was enabled,
    nor learn at once of a new scope.
    """
    roles, scopes = new["appRoles"], new["api"]["oauth2PermissionScopes"]
    if old is not None and (old["appRoles"], old["api"]) == (new["appRoles"], new["api"]):
        known = None  # what stays as it is needs nobody's consent
    for before in (old, known):
        if before is not None:
            _check_enabled(before["appRoles"], roles)
            _check_enabled(before["api"]["oauth2PermissionScopes"], scopes)
    for role in roles:
        _check_role(role)
    for scope in scopes:
        _check_scope(scope, personal="Personal" in new["signInAudience"])
    _check_distinct([*roles, *scopes])
    if len(roles) + len(scopes) > MOST:
        raise invalid_value("appRoles", "Application")
    unheard = _scope_ids(old) - _scope_ids(known) if known is not None else set()
    _check_pre_authorised(new["api"], _scope_ids(new) - unheard)


def _scope_ids(application: Mapping[str, Any] | None) -> set[str]:
    scopes = application["api"]["oauth2PermissionScopes"] if application is not None else ()
    return {scope["id"] for scope in scopes}


def _check_enabled(old: Iterable[Entry], new: Iterable[Entry]) -> None:
    left = {entry["id"]: entry for entry in new}
    for entry in old:
        now = left.get(entry["id"])
        same = now is not None and {**now, "isEnabled": True} == entry
        if entry["isEnabled"] and not same:
            raise Refusal(
                400,
                "CannotDeleteOrUpdateEnabledEntitlement",
                "Permission (scope or role) cannot be deleted or updated unless disabled first.",
            )


def _check_role(role: Entry) -> None:
    if role["id"] is None:
        raise required("id", "AppRole")
    for name in ("displayName", "description"):
        if not role[name]:
            raise required(name, "AppRole")
    if not role["allowedMemberTypes"]:
        raise Refusal(
            400,
            "InvalidValue",
            f"App role with identifier '{role['id']}' must have at least one value specified for "
            "'allowedMemberTypes'.",
        )
    if not set(role["allowedMemberTypes"]) <= _MEMBERS:
        raise invalid_value("allowedMemberTypes", "AppRole")
    _check_value(role, "AppRole")


def _check_scope(scope: Entry, *, personal: bool) -> None:
    if scope["id"] is None:
        raise required("id", "PermissionScope")
    if scope["type"] not in {"User", "Admin"}:
        raise invalid_value("type", "PermissionScope")
    _check_value(scope, "PermissionScope")
    if personal and len(scope["value"] or "") > _LONGEST_PERSONAL:
        raise invalid_value("value", "PermissionScope")


def _check_value(entry: Entry, resource: str) -> None:
    if entry["value"] and _VALUE.fullmatch(entry["value"]) is None:
        raise invalid_value("value", resource)


def _check_distinct(entries: list[Entry]) -> None:
    ids = [entry["id"] for entry in entries]
    values = [entry["value"].lower() for entry in entries if entry["isEnabled"] and entry["value"]]
    if len(set(ids)) != len(ids) or len(set(values)) != len(values):
        raise duplicate_values("appRoles")


def _check_pre_authorised(api: Mapping[str, Any], scopes: set[str]) -> None:
    for entry in api["preAuthorizedApplications"] or ():
        if entry["appId"] is None or GUID.fullmatch(entry["appId"]) is None:
            raise not_convertible("Edm.Guid")
        if not {permission.lower() for permission in entry["delegatedPermissionIds"]} <= scopes:
            raise Refusal(
                400,
                "InvalidValue",
                "Property api.preAuthorizedApplications.delegatedPermissionIds has an identifier "
                "that is not one of the application's permission scopes.",
            )
