"""Delegated permission grants: which client may act for people at which resource."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import GUID, properties_of
from provision.sandbox.directory.collection import Relations, listed
from provision.sandbox.directory.find import addressed, read
from provision.sandbox.directory.objects import referred_to
from provision.sandbox.directory.refusals import bad_request, invalid_value, read_only, required
from provision.sandbox.directory.shape import (
    GRANTS,
    SERVICE_PRINCIPALS,
    USERS,
    created,
    entity,
    shown,
)
from provision.sandbox.refusal import resource_not_found
from provision.sandbox.tenant import Seen

_LONGEST_SCOPE = 3850
_FORGOTTEN = frozenset({"startTime", "expiryTime"})
"""Old callers still send these; v1.0 has forgotten them."""


async def list_grants(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/oauth2permissiongrant-list"""
    authorise(call, "oauth2PermissionGrants.read")
    return listed(call, GRANTS)


async def list_grants_of(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list-oauth2permissiongrants

    Of one person: https://learn.microsoft.com/graph/api/user-list-oauth2permissiongrants
    """
    kind, key = addressed(call)
    authorise(call, "oauth2PermissionGrants.read")
    row = read(call, kind, key)
    end = "clientId" if kind is SERVICE_PRINCIPALS else "principalId"
    seen = call.tenant.seen("list")
    return listed(
        call,
        GRANTS,
        rows=lambda after: call.tenant.find_all(
            GRANTS.collection, end, row["id"], seen, after=after
        ),
    )


async def get_grant(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/oauth2permissiongrant-get"""
    authorise(call, "oauth2PermissionGrants.read")
    options = odata.one_object_options(call.query, GRANTS, version=call.version)
    return Answer(body=entity(call, _one(call), GRANTS, options))


async def create_grant(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/oauth2permissiongrant-post"""
    authorise(call, "oauth2PermissionGrants.write")
    body = {name: value for name, value in json_body(call).items() if name not in _FORGOTTEN}
    grant = _checked(properties_of(body, GRANTS, version=call.version))
    seen = call.tenant.seen("reference")
    for name in ("clientId", "resourceId"):
        if referred_to(call, grant[name], seen, (SERVICE_PRINCIPALS,)) is None:
            raise resource_not_found(grant[name])
    person = grant["principalId"]
    if person is not None and referred_to(call, person, seen, (USERS,)) is None:
        raise resource_not_found(person)
    if call.tenant.get(GRANTS.collection, grant["id"], Seen.truth()) is not None:
        raise bad_request("Permission entry already exists.")
    call.tenant.put(GRANTS.collection, grant)
    return created(call, grant, GRANTS)


async def update_grant(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/oauth2permissiongrant-update"""
    authorise(call, "oauth2PermissionGrants.write")
    grant = _to_change(call)
    given = properties_of(json_body(call), GRANTS, version=call.version)
    for name, value in given.items():
        if name != "scope" and value != grant[name]:
            raise read_only(name)
    _check_scope(given.get("scope"))
    call.tenant.put(GRANTS.collection, {**grant, **given})
    return Answer(status=204)


async def delete_grant(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete"""
    authorise(call, "oauth2PermissionGrants.write")
    call.tenant.remove(GRANTS.collection, _to_change(call)["id"])
    return Answer(status=204)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    resource = GRANTS.resource
    for name in ("clientId", "consentType", "resourceId"):
        if not given.get(name):
            raise required(name, resource)
    if given["consentType"] not in {"AllPrincipals", "Principal"}:
        raise invalid_value("consentType", resource)
    person = given.get("principalId")
    if (person is None) == (given["consentType"] == "Principal"):
        raise (
            required("principalId", resource)
            if person is None
            else invalid_value("principalId", resource)
        )
    ends = [each for each in (given["clientId"], given["resourceId"], person) if each is not None]
    if not all(GUID.fullmatch(end) for end in ends):
        raise invalid_value("clientId", resource)
    _check_scope(given.get("scope"))
    opaque = b"".join(UUID(end).bytes_le for end in ends)
    return {
        "clientId": given["clientId"].lower(),
        "consentType": given["consentType"],
        "id": base64.urlsafe_b64encode(opaque).decode("ascii").rstrip("="),
        "principalId": None if person is None else person.lower(),
        "resourceId": given["resourceId"].lower(),
        "scope": given.get("scope"),
    }


def _check_scope(scope: str | None) -> None:
    if len(scope or "") > _LONGEST_SCOPE:
        raise invalid_value("scope", GRANTS.resource)


def _one(call: Call) -> dict[str, Any]:
    key = call.params["grant"]
    grant = call.tenant.get(GRANTS.collection, key.value, call.tenant.seen("directory"))
    if grant is None:
        raise resource_not_found(key.value)
    return grant


def _to_change(call: Call) -> dict[str, Any]:
    grant = call.tenant.get(GRANTS.collection, _one(call)["id"], Seen.truth())
    if grant is None:
        raise resource_not_found(call.params["grant"].value)
    return grant


def _expanded(call: Call, row: Mapping[str, Any], expand: odata.Expand) -> list[dict[str, Any]]:
    options = odata.Options(select=expand.select)
    found = call.tenant.find_all(GRANTS.collection, "clientId", row["id"], call.tenant.seen("list"))
    return [shown(call, grant, GRANTS, options) for grant in found]


GRANTED: Relations = {"oauth2PermissionGrants": _expanded}
