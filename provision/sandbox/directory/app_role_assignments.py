"""App role assignments: which principal holds which role of which resource."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call, Key, json_body
from provision.sandbox.catalog import GRAPH_APP_ID
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import properties_of
from provision.sandbox.directory.collection import listed
from provision.sandbox.directory.find import addressed, read
from provision.sandbox.directory.objects import referred_to
from provision.sandbox.directory.refusals import (
    bad_request,
    not_a_reference,
    over_quota,
    required,
)
from provision.sandbox.directory.shape import (
    APP_ROLE_ASSIGNMENTS,
    GROUPS,
    SERVICE_PRINCIPALS,
    USERS,
    created,
    entity,
    moment_now,
    shown,
)
from provision.sandbox.refusal import resource_not_found
from provision.sandbox.tenant import Seen

MOST = 1500
NO_ROLE = "00000000-0000-0000-0000-000000000000"
_POWERFUL = frozenset({GRAPH_APP_ID, "00000002-0000-0000-c000-000000000000"})
# The relation in the path says which end of the assignment the path names.
_ENDS = {"appRoleAssignments": "principalId", "appRoleAssignedTo": "resourceId"}


async def list_assignments(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto

    Of people and groups: https://learn.microsoft.com/graph/api/user-list-approleassignments
    """
    kind, row, relation = _addressed(call, "read")
    return listed(
        call,
        APP_ROLE_ASSIGNMENTS,
        rows=lambda after: _assignments(call, relation, row["id"], after),
        context=_list_context(kind, row, relation),
    )


async def get_assignment(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/resources/approleassignment"""
    kind, row, relation = _addressed(call, "read")
    options = odata.one_object_options(call.query, APP_ROLE_ASSIGNMENTS, version=call.version)
    assignment = _one(call, row, relation)
    context = _context(kind, row, relation)
    return Answer(body=entity(call, assignment, APP_ROLE_ASSIGNMENTS, options, context))


async def create_assignment(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto"""
    authorise(call, "appRoleAssignments.write")
    given = properties_of(json_body(call), APP_ROLE_ASSIGNMENTS, version=call.version)
    for name in ("principalId", "resourceId", "appRoleId"):
        if given.get(name) is None:
            raise required(name, APP_ROLE_ASSIGNMENTS.resource)
    seen = call.tenant.seen("reference")
    kind, row, relation = _addressed(call, "write", seen)
    if call.tenant.get(kind.collection, row["id"], Seen.truth()) is None:
        raise resource_not_found(row["id"])  # this replica has not heard of the deletion
    if given[_ENDS[relation]] != row["id"]:
        raise bad_request("One or more property values specified are invalid.")
    assignment = _new(call, given, seen)
    held = _assignments(call, "appRoleAssignments", given["principalId"], "", Seen.truth())
    count = 0
    for other in held:
        count += 1
        if _same(assignment, other):
            raise bad_request("Permission being assigned already exists on the object")
    if count >= MOST:
        raise over_quota(
            f"Unable to perform operation as '{count + 1}' would exceed the maximum quota count "
            f"'{MOST}' for forward-link 'appRoleAssignments'."
        )
    call.tenant.put("appRoleAssignments", assignment)
    return created(call, assignment, APP_ROLE_ASSIGNMENTS, _context(kind, row, relation))


async def delete_assignment(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-delete-approleassignedto"""
    authorise(call, "appRoleAssignments.write")
    _, row, relation = _addressed(call, "write")
    assignment = _one(call, row, relation)
    if call.tenant.get("appRoleAssignments", assignment["id"], Seen.truth()) is None:
        raise resource_not_found(assignment["id"])
    resource = call.tenant.get("servicePrincipals", assignment["resourceId"], Seen.truth())
    _authorise_resource(call, resource or {})
    call.tenant.remove("appRoleAssignments", assignment["id"])
    return Answer(status=204)


def _new(call: Call, given: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    kinds = (SERVICE_PRINCIPALS, USERS, GROUPS)
    found = referred_to(call, given["principalId"], seen, kinds)
    offering = referred_to(call, given["resourceId"], seen, (SERVICE_PRINCIPALS,))
    if found is None or offering is None:
        raise not_a_reference()
    (kind, principal), (_, resource) = found, offering
    _authorise_resource(call, resource)
    member = "Application" if kind is SERVICE_PRINCIPALS else "User"
    if not _offers(resource, given["appRoleId"], member):
        raise not_a_reference()
    opaque = UUID(principal["id"]).bytes_le + UUID(call.tenant.new_guid()).bytes
    return {
        "id": base64.urlsafe_b64encode(opaque).decode("ascii").rstrip("="),
        "deletedDateTime": None,
        "appRoleId": given["appRoleId"],
        "createdDateTime": moment_now(call),
        "principalDisplayName": principal["displayName"],
        "principalId": principal["id"],
        "principalType": kind.resource,
        "resourceDisplayName": resource["displayName"],
        "resourceId": resource["id"],
    }


def _authorise_resource(call: Call, resource: Mapping[str, Any]) -> None:
    """Roles of Graph itself are for those who may consent to anything."""
    if resource.get("appId") in _POWERFUL:
        authorise(call, "appRoleAssignments.write.graph")


def _offers(resource: Mapping[str, Any], role_id: str, member: str) -> bool:
    roles = resource["appRoles"]
    if role_id == NO_ROLE:
        return not roles
    return any(role["id"] == role_id and member in role["allowedMemberTypes"] for role in roles)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[name] == other[name] for name in ("principalId", "resourceId", "appRoleId"))


def _addressed(
    call: Call, deed: str, seen: Seen | None = None
) -> tuple[edm.Kind, dict[str, Any], str]:
    """What the path starts at, and which end of the assignment that is."""
    kind, key = addressed(call)
    if deed == "read":
        own = kind is SERVICE_PRINCIPALS
        authorise(call, "appRoleAssignments.read" if own else "people.appRoleAssignments.read")
    row = read(call, kind, key, seen)
    relation = "appRoleAssignedTo" if _is_assigned_to(call) else "appRoleAssignments"
    return kind, row, relation


def _is_assigned_to(call: Call) -> bool:
    segments = [unquote(part).lower() for part in call.path.split("/")]
    return "approleassignedto" in segments


def _one(call: Call, row: Mapping[str, Any], relation: str) -> dict[str, Any]:
    key: Key = call.params["assignment"]
    seen = call.tenant.seen("directory")
    assignment = call.tenant.get("appRoleAssignments", key.value, seen)
    if assignment is None or assignment[_ENDS[relation]] != row["id"]:
        raise resource_not_found(key.value)
    return assignment


def _assignments(
    call: Call, relation: str, id: str, after: str, seen: Seen | None = None
) -> Iterable[dict[str, Any]]:
    return call.tenant.find_all(
        "appRoleAssignments", _ENDS[relation], id, seen or call.tenant.seen("list"), after=after
    )


def _list_context(kind: edm.Kind, row: Mapping[str, Any], relation: str) -> str:
    """The pages show the plain name for what people and service principals hold."""
    plain = relation == "appRoleAssignments" and kind is not GROUPS
    return relation if plain else _context(kind, row, relation)


def _context(kind: edm.Kind, row: Mapping[str, Any], relation: str) -> str:
    return f"{kind.collection}('{row['id']}')/{relation}"


def _expanded(
    relation: str,
) -> Callable[[Call, Mapping[str, Any], odata.Expand], list[dict[str, Any]]]:
    def related(call: Call, row: Mapping[str, Any], expand: odata.Expand) -> list[dict[str, Any]]:
        options = odata.Options(select=expand.select)
        found = _assignments(call, relation, row["id"], "")
        return [shown(call, each, APP_ROLE_ASSIGNMENTS, options) for each in found]

    return related


ASSIGNMENTS = {relation: _expanded(relation) for relation in _ENDS}
