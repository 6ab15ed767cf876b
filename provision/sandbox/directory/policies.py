"""App management policies: the tenant's default one, and those that are assigned to single objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import properties_of
from provision.sandbox.directory.collection import listed
from provision.sandbox.directory.find import addressed, object_id, read, to_change
from provision.sandbox.directory.objects import Found, listed_objects
from provision.sandbox.directory.references import REFERENCE
from provision.sandbox.directory.refusals import (
    bad_request,
    duplicate_values,
    invalid_value,
    read_only,
    required,
)
from provision.sandbox.directory.restrictions import ASSIGNED, LISTS, default_policy, duration
from provision.sandbox.directory.shape import (
    APPLICATIONS,
    DEFAULT_POLICY,
    POLICIES,
    SERVICE_PRINCIPALS,
    entity,
    merged,
)
from provision.sandbox.refusal import Refusal, resource_not_found
from provision.sandbox.tenant import Seen

_DEFAULT_CONTEXT = "policies/defaultAppManagementPolicy"
_CONTEXT = "policies/appManagementPolicies"
_ADDRESS = re.compile(
    r"(?:https?://[^/]+)?/*(?:(?:v1\.0|beta)/+)?policies/appManagementPolicies/"
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.IGNORECASE,
)


async def get_default_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-get"""
    authorise(call, "policies.read")
    options = odata.one_object_options(call.query, DEFAULT_POLICY, version=call.version)
    row = default_policy(call.tenant)
    return Answer(body=entity(call, row, DEFAULT_POLICY, options, _DEFAULT_CONTEXT))


async def update_default_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-update"""
    authorise(call, "policies.write")
    given = properties_of(json_body(call), DEFAULT_POLICY, version=call.version)
    present = default_policy(call.tenant)
    if given.get("id", present["id"]) != present["id"]:
        raise read_only("id")
    row = merged(present, given, DEFAULT_POLICY)
    for name in ("applicationRestrictions", "servicePrincipalRestrictions"):
        row[name] = _settled(row[name], DEFAULT_POLICY.resource)
    call.tenant.put(DEFAULT_POLICY.collection, row, lag="none")
    return Answer(status=204)


async def list_policies(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-list"""
    authorise(call, "policies.read")
    return listed(call, POLICIES, context=_CONTEXT)


async def create_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-post"""
    authorise(call, "policies.write")
    given = properties_of(json_body(call), POLICIES, version=call.version)
    if given.pop("id", None) is not None:
        raise read_only("id")
    for name in ("displayName", "description"):
        if not given.get(name):
            raise required(name, POLICIES.resource)
    row = {"id": call.tenant.new_guid(), "isEnabled": False, "restrictions": None, **given}
    row["restrictions"] = _settled(row["restrictions"], POLICIES.resource)
    call.tenant.put(POLICIES.collection, row, lag="none")
    return Answer(status=201, body=entity(call, row, POLICIES, context=_CONTEXT))


async def get_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-get"""
    authorise(call, "policies.read")
    options = odata.one_object_options(call.query, POLICIES, version=call.version)
    row = read(call, POLICIES, call.params["policy"])
    return Answer(body=entity(call, row, POLICIES, options, _CONTEXT))


async def update_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-update"""
    authorise(call, "policies.write")
    row = read(call, POLICIES, call.params["policy"], Seen.truth())
    given = properties_of(json_body(call), POLICIES, version=call.version)
    if given.get("id", row["id"]) != row["id"]:
        raise read_only("id")
    changed = merged(row, given, POLICIES)
    changed["restrictions"] = _settled(changed["restrictions"], POLICIES.resource)
    call.tenant.put(POLICIES.collection, changed, lag="none")
    return Answer(status=204)


async def delete_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-delete"""
    authorise(call, "policies.write")
    row = read(call, POLICIES, call.params["policy"], Seen.truth())
    if _restricted(call, row["id"]):
        raise bad_request("The policy is assigned to applications or service principals.")
    call.tenant.remove(POLICIES.collection, row["id"])
    return Answer(status=204)


async def list_restricted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-list-appliesto"""
    authorise(call, "policies.read")
    row = read(call, POLICIES, call.params["policy"])
    return listed_objects(call, _restricted(call, row["id"]))


async def list_assigned(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-list-appliesto"""
    authorise(call, "policies.read")
    kind, key = addressed(call)
    id = read(call, kind, key).get(ASSIGNED)
    found = call.tenant.get(POLICIES.collection, id or "", Seen.truth())
    rows = [] if found is None else [found]
    return listed(call, POLICIES, rows=lambda after: rows, context=_CONTEXT)


async def assign_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-post-appliesto"""
    authorise(call, "policies.assign")
    kind, key = addressed(call)
    row = to_change(call, kind, key)
    reference = json_body(call).get(REFERENCE)
    named = _ADDRESS.fullmatch(reference) if isinstance(reference, str) else None
    if named is None:
        raise bad_request("Invalid reference link in the request body.")
    id = named[1].lower()
    if call.tenant.get(POLICIES.collection, id, Seen.truth()) is None:
        raise resource_not_found(id)
    if row.get(ASSIGNED) is not None:
        raise bad_request(
            "One or more added object references already exist for the following modified "
            "properties: 'appManagementPolicies'."
        )
    call.tenant.put(kind.collection, {**row, ASSIGNED: id})
    return Answer(status=204)


async def unassign_policy(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/appmanagementpolicy-delete-appliesto"""
    authorise(call, "policies.assign")
    kind, key = addressed(call)
    row = to_change(call, kind, key)
    if row.get(ASSIGNED) != object_id(call.params["policy"].value):
        raise Refusal(
            404,
            "Request_ResourceNotFound",
            "One or more removed object references do not exist for the following modified "
            "properties: 'appManagementPolicies'.",
        )
    call.tenant.put(kind.collection, {**row, ASSIGNED: None})
    return Answer(status=204)


def _restricted(call: Call, policy: str) -> list[Found]:
    return [
        (kind, row)
        for kind in (APPLICATIONS, SERVICE_PRINCIPALS)
        for row in call.tenant.scan(kind.collection, Seen.truth())
        if row.get(ASSIGNED) == policy
    ]


def _settled(given: Mapping[str, Any] | None, resource: str) -> dict[str, Any]:
    """Restrictions as they are kept: each type once, with a state, and a lifetime where it needs one."""
    return {name: _entries((given or {}).get(name) or [], resource) for name in LISTS}


def _entries(given: list[dict[str, Any]], resource: str) -> list[dict[str, Any]]:
    types = [entry["restrictionType"] for entry in given]
    if None in types:
        raise invalid_value("restrictionType", resource)
    if len(set(types)) < len(types):
        raise duplicate_values("restrictionType")
    for entry in given:
        longest = entry["maxLifetime"]
        if longest is not None and duration(longest) is None:
            raise invalid_value("maxLifetime", resource)
        if longest is None and entry["restrictionType"].endswith("Lifetime"):
            raise required("maxLifetime", resource)
    return [{**entry, "state": entry["state"] or "enabled"} for entry in given]
