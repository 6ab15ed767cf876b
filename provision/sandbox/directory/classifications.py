"""How risky the tenant holds each delegated permission of a resource."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import guid_of, properties_of
from provision.sandbox.directory.collection import listed
from provision.sandbox.directory.find import read
from provision.sandbox.directory.refusals import bad_request, invalid_value, read_only, required
from provision.sandbox.directory.shape import CLASSIFICATIONS, SERVICE_PRINCIPALS, created
from provision.sandbox.refusal import resource_not_found
from provision.sandbox.tenant import Seen

_KIND = CLASSIFICATIONS.collection
_OWNER = "_servicePrincipal"


async def list_classifications(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list-delegatedpermissionclassifications"""
    authorise(call, "classifications.read")
    principal = read(call, SERVICE_PRINCIPALS, call.params["servicePrincipal"])
    seen = call.tenant.seen("list")
    return listed(
        call,
        CLASSIFICATIONS,
        rows=lambda after: call.tenant.find_all(_KIND, _OWNER, principal["id"], seen, after=after),
        context=_context(principal),
    )


async def create_classification(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-post-delegatedpermissionclassifications"""
    authorise(call, "classifications.write")
    principal = read(call, SERVICE_PRINCIPALS, call.params["servicePrincipal"])
    given = properties_of(json_body(call), CLASSIFICATIONS, version=call.version)
    if given.get("id") is not None:
        raise read_only("id")
    scope = _scope(principal, given)
    opaque = UUID(scope["id"]).bytes_le + b"\x01"
    id = base64.urlsafe_b64encode(opaque).decode("ascii").rstrip("=")
    row = {
        "id": id,
        "permissionId": scope["id"],
        "permissionName": scope["value"],
        "classification": given.get("classification") or "low",
        _OWNER: principal["id"],
    }
    if call.tenant.get(_KIND, id, Seen.truth()) is not None:
        raise bad_request("The permission is classified already.")
    call.tenant.put(_KIND, row)
    return created(call, row, CLASSIFICATIONS, _context(principal))


async def delete_classification(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-delete-delegatedpermissionclassifications"""
    authorise(call, "classifications.write")
    principal = read(call, SERVICE_PRINCIPALS, call.params["servicePrincipal"])
    id = call.params["classification"].value
    row = call.tenant.get(_KIND, id, Seen.truth())
    if row is None or row[_OWNER] != principal["id"]:
        raise resource_not_found(id)
    call.tenant.remove(_KIND, id)
    return Answer(status=204)


def _scope(principal: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The delegated permission that is meant, by identifier, by name or by both."""
    id, name = given.get("permissionId"), given.get("permissionName")
    if id is None and name is None:
        raise required("permissionId", CLASSIFICATIONS.resource)
    wanted = None if id is None else guid_of(id)
    for scope in principal["oauth2PermissionScopes"]:
        if wanted in {None, scope["id"]} and name in {None, scope["value"]}:
            found: dict[str, Any] = scope
            return found
    raise invalid_value("permissionId", CLASSIFICATIONS.resource)


def _context(principal: Mapping[str, Any]) -> str:
    return f"servicePrincipals('{principal['id']}')/delegatedPermissionClassifications"
