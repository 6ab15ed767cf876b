"""The recycle bin: thirty days in which a deleted object can come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory import cascade
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.collection import listed
from provision.sandbox.directory.find import object_id
from provision.sandbox.directory.objects import (
    DIRECTORY_OBJECTS,
    found_anywhere,
    shown_with_type,
)
from provision.sandbox.directory.refusals import name_in_use
from provision.sandbox.directory.shape import APPLICATIONS, SERVICE_PRINCIPALS, USERS
from provision.sandbox.refusal import Refusal, resource_not_found
from provision.sandbox.tenant import Seen

_KINDS = (APPLICATIONS, SERVICE_PRINCIPALS, USERS)


async def list_deleted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-list"""
    raise Refusal(
        400,
        "Request_BadRequest",
        "The request must name the type of the deleted items, such as microsoft.graph.application.",
    )


async def list_deleted_applications(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-list"""
    authorise(call, "applications.read")
    return _listed(call, APPLICATIONS)


async def list_deleted_service_principals(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-list"""
    authorise(call, "applications.read")
    return _listed(call, SERVICE_PRINCIPALS)


async def list_deleted_users(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-list"""
    authorise(call, "users.read")
    return _listed(call, USERS)


async def get_deleted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-get"""
    authorise(call, "applications.read")
    options = odata.one_object_options(call.query, DIRECTORY_OBJECTS, version=call.version)
    kind, row = _found(call)
    return Answer(body=_entity(call, row, kind, options))


async def restore_deleted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-restore

    An application comes back alone; its service principal needs a call of its own.
    """
    authorise(call, "applications.write")
    kind, row = _found(call)
    authorise(call, "applications.write", row)
    restored = {**row, "deletedDateTime": None}
    if kind is SERVICE_PRINCIPALS:
        holder = call.tenant.find("servicePrincipals", "appId", row["appId"], Seen.truth())
        if holder is not None:
            raise name_in_use(row["appId"])
        cascade.restore_principal(call.tenant, row)
    else:
        call.tenant.put(kind.collection, restored)
    return Answer(body=_entity(call, restored, kind))


async def purge_deleted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-delete"""
    authorise(call, "applications.purge")
    kind, row = _found(call)
    authorise(call, "applications.purge", row)
    with call.tenant.writing():
        call.tenant.purge(kind.collection, row["id"])
        if kind is APPLICATIONS:
            principals = call.tenant.find_all(
                "servicePrincipals", "appId", row["appId"], Seen.truth(), deleted=True
            )
            for principal in list(principals):
                call.tenant.purge("servicePrincipals", principal["id"])
    return Answer(status=204)


def _listed(call: Call, kind: edm.Kind) -> Answer:
    def show(row: Mapping[str, Any], options: odata.Options) -> dict[str, Any]:
        return shown_with_type(call, row, kind, options)

    seen = call.tenant.seen("list")
    return listed(
        call,
        kind,
        rows=lambda after: call.tenant.scan(kind.collection, seen, deleted=True, after=after),
        show=show,
    )


def _found(call: Call) -> tuple[edm.Kind, dict[str, Any]]:
    """The deleted object: known as deleted to this replica, and deleted indeed."""
    id = object_id(call.params["item"].value)
    visible = found_anywhere(call, id, call.tenant.seen("directory"), _KINDS, deleted=True)
    found = found_anywhere(call, id, Seen.truth(), _KINDS, deleted=True)
    if visible is None or found is None:
        raise resource_not_found(id)
    return found


def _entity(
    call: Call, row: Mapping[str, Any], kind: edm.Kind, options: odata.Options | None = None
) -> dict[str, Any]:
    context = f"{call.graph}/$metadata#directoryObjects/$entity"
    return {"@odata.context": context, **shown_with_type(call, row, kind, options)}
