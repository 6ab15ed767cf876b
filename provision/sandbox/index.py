"""By which properties objects are found quickly, and which objects hang on others."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

INDEXED = MappingProxyType(
    {
        "applications": (
            "appId",
            "uniqueName",
            "displayName",
            "tags",
            "identifierUris",
            "_owners",
            "_createdBy",
        ),
        "servicePrincipals": (
            "appId",
            "displayName",
            "tags",
            "servicePrincipalNames",
            "_owners",
            "_createdBy",
            "_identity",
        ),
        "appRoleAssignments": ("principalId", "resourceId"),
        "oauth2PermissionGrants": ("clientId", "resourceId", "principalId"),
        "federatedIdentityCredentials": ("_application",),
        "delegatedPermissionClassifications": ("_servicePrincipal",),
        "users": ("userPrincipalName", "displayName", "mail", "_createdBy"),
        "groups": ("displayName", "mailNickname", "_members", "_owners", "_createdBy"),
    }
)
# Queries compare these without regard to case, and so do the names that must be unique.
FOLDED = frozenset(
    {
        "displayName",
        "tags",
        "identifierUris",
        "servicePrincipalNames",
        "userPrincipalName",
        "mail",
        "mailNickname",
    }
)
# What loses its meaning when an object is forgotten, and the property that names the object.
HANGS_ON = MappingProxyType(
    {
        "applications": (("federatedIdentityCredentials", "_application"),),
        "servicePrincipals": (
            ("appRoleAssignments", "principalId"),
            ("appRoleAssignments", "resourceId"),
            ("oauth2PermissionGrants", "clientId"),
            ("oauth2PermissionGrants", "resourceId"),
            ("delegatedPermissionClassifications", "_servicePrincipal"),
        ),
        "users": (
            ("appRoleAssignments", "principalId"),
            ("oauth2PermissionGrants", "principalId"),
        ),
        "groups": (("appRoleAssignments", "principalId"),),
    }
)


def values_of(obj: dict[str, Any], property: str) -> tuple[str, ...]:
    """What the index holds of an object's property."""
    value = obj.get(property)
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(indexed(entry, property) for entry in value if isinstance(entry, str))
    return (indexed(str(value), property),)


def indexed(value: str, property: str) -> str:
    """The form of a value under which it is found."""
    return value.casefold() if property in FOLDED else value
