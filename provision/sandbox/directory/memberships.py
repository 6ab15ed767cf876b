"""Which groups somebody belongs to, and what somebody owns or has made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provision.sandbox import edm
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory import roles
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.find import addressed, is_caller, object_id, read
from provision.sandbox.directory.objects import (
    KINDS,
    Found,
    found_anywhere,
    listed_objects,
)
from provision.sandbox.directory.owners import related
from provision.sandbox.directory.refusals import bad_request, required
from provision.sandbox.directory.shape import (
    APPLICATIONS,
    GROUPS,
    SERVICE_PRINCIPALS,
)
from provision.sandbox.refusal import resource_not_found

MOST_ASKED = 20
_OWNED = (APPLICATIONS, SERVICE_PRINCIPALS, GROUPS)


async def list_member_of(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof"""
    row = _start(call, "memberOf.read")
    return listed_objects(call, [*_groups_of(call, row["id"]), *roles.held(call, row)])


async def list_transitive_member_of(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list-transitivememberof"""
    row = _start(call, "memberOf.read")
    return listed_objects(call, [*_all_groups_of(call, row["id"]), *roles.held(call, row)])


async def list_transitive_members(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-list-transitivemembers"""
    authorise(call, "members.read")
    group = read(call, GROUPS, call.params["group"])
    found: dict[str, Found] = {}
    waiting = [group]
    while waiting:
        for kind, row in related(call, waiting.pop(), "members"):
            if row["id"] not in found:
                found[row["id"]] = kind, row
                waiting += [row] if kind is GROUPS else []
    return listed_objects(call, found.values())


async def list_owned_objects(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list-ownedobjects"""
    row = _start(call, "owned.read")
    return listed_objects(call, _naming(call, row["id"], "_owners", _OWNED))


async def list_created_objects(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list-createdobjects"""
    row = _start(call, "owned.read")
    return listed_objects(call, _naming(call, row["id"], "_createdBy", KINDS))


async def check_member_groups(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-checkmembergroups"""
    return _checked(call, "groupIds")


async def check_member_objects(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-checkmemberobjects"""
    return _checked(call, "ids")


async def get_member_groups(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-getmembergroups"""
    return _identifiers(call, _held(call, _anything(call), _only_security(call)))


async def get_member_objects(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-getmemberobjects"""
    row = _anything(call)
    held = [role["id"] for _, role in roles.held(call, row)]
    return _identifiers(call, [*_held(call, row, _only_security(call)), *held])


def _checked(call: Call, name: str) -> Answer:
    row = _anything(call)
    asked = json_body(call).get(name)
    if asked is None:
        raise required(name, "DirectoryObject")
    if not isinstance(asked, list) or not all(isinstance(id, str) for id in asked):
        raise bad_request("One or more property values specified are invalid.")
    if len(asked) > MOST_ASKED:
        raise bad_request(f"The maximum number of values in '{name}' is {MOST_ASKED}.")
    held = {*_held(call, row, False), *(role["id"] for _, role in roles.held(call, row))}
    return _identifiers(call, [id for id in dict.fromkeys(map(str.lower, asked)) if id in held])


def _only_security(call: Call) -> bool:
    only = json_body(call).get("securityEnabledOnly")
    if not isinstance(only, bool | None):
        raise bad_request("One or more property values specified are invalid.")
    return bool(only)


def _held(call: Call, row: dict[str, Any], only_security: bool) -> list[str]:
    groups = (group for _, group in _all_groups_of(call, row["id"]))
    return [group["id"] for group in groups if group["securityEnabled"] or not only_security]


def _identifiers(call: Call, ids: list[str]) -> Answer:
    context = f"{call.graph}/$metadata#Collection(Edm.String)"
    return Answer(body={"@odata.context": context, "value": ids})


def _start(call: Call, operation: str) -> dict[str, Any]:
    kind, key = addressed(call)
    authorise(call, "me.read" if is_caller(call, key) else f"{kind.collection}.{operation}")
    return read(call, kind, key)


def _anything(call: Call) -> dict[str, Any]:
    if "object" not in call.params:
        kind, key = addressed(call)
        authorise(call, "me.read" if is_caller(call, key) else "memberGroups.check")
        return read(call, kind, key)
    authorise(call, "memberGroups.check")
    id = object_id(call.params["object"].value)
    found = found_anywhere(call, id, call.tenant.seen("directory"), KINDS)
    if found is None:
        raise resource_not_found(id)
    return found[1]


def _groups_of(call: Call, id: str) -> Iterator[Found]:
    for group in call.tenant.find_all("groups", "_members", id, call.tenant.seen("list")):
        yield GROUPS, group


def _all_groups_of(call: Call, id: str) -> Iterable[Found]:
    found: dict[str, Found] = {}
    waiting = [id]
    while waiting:
        for kind, group in _groups_of(call, waiting.pop()):
            if group["id"] not in found:
                found[group["id"]] = kind, group
                waiting.append(group["id"])
    return found.values()


def _naming(call: Call, id: str, property: str, kinds: tuple[edm.Kind, ...]) -> Iterator[Found]:
    seen = call.tenant.seen("list")
    for kind in kinds:
        for row in call.tenant.find_all(kind.collection, property, id, seen):
            yield kind, row
