"""Who owns an application, a service principal or a group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call, Key
from provision.sandbox.directory import references
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.collection import Relations
from provision.sandbox.directory.find import addressed, object_id, read, to_change
from provision.sandbox.directory.objects import (
    Found,
    found_all,
    listed_objects,
    shown_with_type,
)
from provision.sandbox.directory.refusals import bad_request, over_quota
from provision.sandbox.directory.shape import GROUPS, SERVICE_PRINCIPALS, USERS, place_of
from provision.sandbox.refusal import Refusal

MOST = 100
OWNING = (SERVICE_PRINCIPALS, USERS)
MEMBERS = (USERS, GROUPS, SERVICE_PRINCIPALS)


async def list_owners(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-list-owners"""
    return _listed(call, "owners")


async def list_members(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-list-members"""
    return _listed(call, "members")


async def list_owner_references(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-list-owners"""
    return _listed_references(call, "owners")


async def list_member_references(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-list-members"""
    return _listed_references(call, "members")


async def add_owner(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-post-owners"""
    return _added(call, "owners", OWNING)


async def add_member(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-post-members"""
    return _added(call, "members", MEMBERS)


async def remove_owner(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-delete-owners"""
    return _removed(call, "owners")


async def remove_member(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-delete-members"""
    return _removed(call, "members")


def bound_owners(call: Call, body: Mapping[str, Any]) -> list[str]:
    """The owners that a new object names; the one who makes it is an owner in any case."""
    owners = dict.fromkeys([call.caller.object_id])
    for id in references.bound(dict(body), "owners"):
        references.checked(call, id, OWNING)
        owners[id] = None
    _check_quota(len(owners), "owners")
    return list(owners)


def bound_members(call: Call, body: Mapping[str, Any]) -> list[str]:
    """The members that a new group names."""
    members = list(dict.fromkeys(references.bound(dict(body), "members")))
    for id in members:
        references.checked(call, id, MEMBERS)
    return members


def related(call: Call, row: Mapping[str, Any], relation: str) -> list[Found]:
    """The objects at the other end, as far as this replica knows them."""
    seen = call.tenant.seen("list")
    return found_all(call, row.get(f"_{relation}", ()), seen, MEMBERS)


def _listed(call: Call, relation: str) -> Answer:
    return listed_objects(call, related(call, _start(call, relation), relation))


def _listed_references(call: Call, relation: str) -> Answer:
    row = _start(call, relation)
    value = [
        {references.REFERENCE: place_of(call, found, kind)}
        for kind, found in related(call, row, relation)
    ]
    context = f"{call.graph}/$metadata#Collection($ref)"
    return Answer(body={"@odata.context": context, "value": value})


def _start(call: Call, relation: str) -> dict[str, Any]:
    kind, key = addressed(call)
    authorise(call, _reading(kind, relation))
    return read(call, kind, key)


def _reading(kind: edm.Kind, relation: str) -> str:
    if kind is GROUPS:
        return "members.read"
    return "applications.read"


def _added(call: Call, relation: str, kinds: tuple[edm.Kind, ...]) -> Answer:
    kind, key = addressed(call)
    operation = _writing(kind, relation, "add")
    authorise(call, operation)
    row = to_change(call, kind, key)
    authorise(call, operation, row)
    id = references.referenced(call)
    references.checked(call, id, kinds)
    present = row.get(f"_{relation}", [])
    if id in present:
        raise bad_request(
            "One or more added object references already exist for the following modified "
            f"properties: '{relation}'."
        )
    _check_quota(len(present) + 1, relation)
    call.tenant.put(kind.collection, {**row, f"_{relation}": [*present, id]})
    return Answer(status=204)


def _removed(call: Call, relation: str) -> Answer:
    kind, key = addressed(call)
    operation = _writing(kind, relation, "remove")
    authorise(call, operation)
    other: Key = call.params["other"]
    id = object_id(other.value)
    row = to_change(call, kind, key)
    authorise(call, operation, row)
    present = row.get(f"_{relation}", [])
    if id not in present:
        raise Refusal(
            404,
            "Request_ResourceNotFound",
            "One or more removed object references do not exist for the following modified "
            f"properties: '{relation}'.",
        )
    if kind is GROUPS and relation == "owners" and present == [id]:
        raise bad_request(
            "The group must have at least one owner, hence this owner cannot be removed."
        )
    left = [each for each in present if each != id]
    call.tenant.put(kind.collection, {**row, f"_{relation}": left})
    return Answer(status=204)


def _writing(kind: edm.Kind, relation: str, deed: str) -> str:
    if kind is not GROUPS:
        return f"owners.{deed}"
    return "groups.write" if relation == "owners" else "members.write"


def _check_quota(count: int, relation: str) -> None:
    if relation == "owners" and count > MOST:
        raise over_quota(
            f"Unable to perform operation as '{count}' would exceed the maximum quota count "
            f"'{MOST}' for forward-link 'owners'."
        )


def _expanded(
    relation: str,
) -> Callable[[Call, Mapping[str, Any], odata.Expand], list[dict[str, Any]]]:
    def shown_inside(
        call: Call, row: Mapping[str, Any], expand: odata.Expand
    ) -> list[dict[str, Any]]:
        options = odata.Options(select=expand.select)
        found: Iterable[Found] = related(call, row, relation)
        return [shown_with_type(call, other, kind, options) for kind, other in found]

    return shown_inside


OWNERS: Relations = {"owners": _expanded("owners")}
MEMBERS_AND_OWNERS: Relations = {**OWNERS, "members": _expanded("members")}
