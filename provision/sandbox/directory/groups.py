"""Groups: enough of them for roles to be given to and people to belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory import quota
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import properties_of
from provision.sandbox.directory.collection import counted, expanded, listed
from provision.sandbox.directory.find import read, to_change
from provision.sandbox.directory.owners import MEMBERS_AND_OWNERS, bound_members, bound_owners
from provision.sandbox.directory.refusals import bad_request, invalid_value, required
from provision.sandbox.directory.rules import check_lengths, check_read_only
from provision.sandbox.directory.shape import (
    GROUPS,
    blank,
    created,
    entity,
    merged,
    moment_now,
    place_of,
)
from provision.sandbox.tenant import format_time

_TYPES = frozenset({"Unified", "DynamicMembership"})
_VISIBILITIES = frozenset({"Public", "Private", "HiddenMembership"})


async def list_groups(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-list"""
    authorise(call, "groups.read")
    return listed(call, GROUPS, relations=MEMBERS_AND_OWNERS)


async def count_groups(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    authorise(call, "groups.read")
    return counted(call, GROUPS)


async def create_group(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-post-groups"""
    authorise(call, "groups.create")
    body = json_body(call)
    given = properties_of(body, GROUPS, version=call.version)
    for name in ("displayName", "mailEnabled", "mailNickname", "securityEnabled"):
        if given.get(name) is None:
            raise required(name, GROUPS.resource)
    owners = bound_owners(call, body)
    row = _changed(_fresh(call), given)
    # An application that makes a group does not own it, unless it says so.
    row["_owners"] = owners if call.caller.is_user else owners[1:]
    row["_members"] = bound_members(call, body)
    if "Unified" in row["groupTypes"]:
        row["visibility"] = row["visibility"] or "Public"
        row["mail"] = f"{row['mailNickname']}@{call.tenant.domain}"
        row["proxyAddresses"] = [f"SMTP:{row['mail']}"]
    quota.check(call)
    call.tenant.put(GROUPS.collection, row)
    answer = created(call, row, GROUPS)
    body = {**answer.body, "@odata.id": place_of(call, row, GROUPS)}
    return Answer(status=201, body=body, headers=answer.headers)


async def get_group(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-get"""
    authorise(call, "groups.read")
    options = odata.one_object_options(
        call.query, GROUPS, version=call.version, relations=MEMBERS_AND_OWNERS
    )
    row = read(call, GROUPS, call.params["group"])
    body = entity(call, row, GROUPS, options)
    return Answer(body={**body, **expanded(call, row, options, MEMBERS_AND_OWNERS)})


async def update_group(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-update"""
    authorise(call, "groups.write")
    row = to_change(call, GROUPS, call.params["group"])
    authorise(call, "groups.write", row)
    body = json_body(call)
    given = properties_of(body, GROUPS, version=call.version)
    changed = _changed(row, given)
    added = [id for id in bound_members(call, body) if id not in row["_members"]]
    call.tenant.put(GROUPS.collection, {**changed, "_members": [*row["_members"], *added]})
    return Answer(status=204)


async def delete_group(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/group-delete

    Only groups of people can be restored; a security group is gone for good.
    """
    authorise(call, "groups.write")
    row = to_change(call, GROUPS, call.params["group"])
    authorise(call, "groups.write", row)
    if "Unified" in row["groupTypes"]:
        deleted = {**row, "deletedDateTime": moment_now(call)}
        call.tenant.put(GROUPS.collection, deleted, lag="delete")
    else:
        call.tenant.remove(GROUPS.collection, row["id"])
    return Answer(status=204)


def _fresh(call: Call) -> dict[str, Any]:
    now = format_time(call.tenant.clock.now(), fraction=False)
    id = call.tenant.new_guid()
    numbers = memoryview(UUID(id).bytes_le).cast("I")
    return {
        **blank(GROUPS),
        "id": id,
        "createdDateTime": now,
        "renewedDateTime": now,
        "securityIdentifier": "-".join(["S-1-12-1", *map(str, numbers)]),
        "_createdBy": call.caller.object_id,
    }


def _changed(present: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    check_read_only(given, present, GROUPS)
    check_lengths(given, GROUPS)
    row = merged(present, given, GROUPS)
    for name in ("displayName", "mailNickname"):
        if not row[name]:
            raise invalid_value(name, GROUPS.resource)
    if not _TYPES.issuperset(row["groupTypes"]):
        raise invalid_value("groupTypes", GROUPS.resource)
    if row["visibility"] is not None and row["visibility"] not in _VISIBILITIES:
        raise invalid_value("visibility", GROUPS.resource)
    unified = "Unified" in row["groupTypes"]
    if row["mailEnabled"] is not unified or not (unified or row["securityEnabled"]):
        raise bad_request(
            "The service does not currently support writes of mail-enabled groups. Please ensure "
            "that the mail-enablement property is unset and the security-enablement property is "
            "set."
        )
    return row
