"""What a change to one object does to those that hang on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provision.sandbox.directory.shape import copied
from provision.sandbox.tenant import Seen, Tenant

# Where a principal is named: kind and property.
_NAMED_IN = (
    ("appRoleAssignments", "principalId"),
    ("appRoleAssignments", "resourceId"),
    ("oauth2PermissionGrants", "clientId"),
    ("oauth2PermissionGrants", "resourceId"),
)
_DELETED_WITH = "_deletedWith"


def delete_principal(tenant: Tenant, principal: Mapping[str, Any], now: str) -> None:
    """Soft: what was granted to it and on it goes along, to come back with it."""
    with tenant.writing():
        deleted = {**principal, "deletedDateTime": now}
        tenant.put("servicePrincipals", deleted, lag="delete")
        for kind, grant in _granted(tenant, principal["id"], deleted=False):
            gone = {**grant, "deletedDateTime": now, _DELETED_WITH: principal["id"]}
            tenant.put(kind, gone, lag="delete")


def restore_principal(tenant: Tenant, principal: Mapping[str, Any]) -> None:
    """The principal, and those grants that went away with it."""
    with tenant.writing():
        tenant.put("servicePrincipals", {**principal, "deletedDateTime": None})
        for kind, grant in _granted(tenant, principal["id"], deleted=True):
            if grant.get(_DELETED_WITH) == principal["id"]:
                back = {name: value for name, value in grant.items() if name != _DELETED_WITH}
                tenant.put(kind, {**back, "deletedDateTime": None})


def followed(
    principal: dict[str, Any], *, old: Mapping[str, Any], new: Mapping[str, Any]
) -> dict[str, Any]:
    """The service principal after a change of its application; its own settings stay."""
    own_tags = [tag for tag in principal["tags"] if tag not in old["tags"]]
    renamed = principal["displayName"] == old["displayName"]
    return {
        **principal,
        **copied(new),
        "displayName": new["displayName"] if renamed else principal["displayName"],
        "tags": [*new["tags"], *(tag for tag in own_tags if tag not in new["tags"])],
    }


def _granted(
    tenant: Tenant, principal: str, *, deleted: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, name in _NAMED_IN:
        rows = tenant.find_all(kind, name, principal, Seen.truth(), deleted=deleted)
        for row in list(rows):
            yield kind, row
