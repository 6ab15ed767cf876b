"""The recycle bin: thirty days in which a deleted object can come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory import cascade
from provision.sandbox.directory.authorisation import authorise, may
from provision.sandbox.directory.collection import Rows, counted, listed
from provision.sandbox.directory.find import object_id
from provision.sandbox.directory.objects import (
    DIRECTORY_OBJECTS,
    KINDS,
    Found,
    found_anywhere,
    shown_with_type,
)
from provision.sandbox.directory.refusals import denied, name_in_use
from provision.sandbox.directory.shape import APPLICATIONS, SERVICE_PRINCIPALS
from provision.sandbox.refusal import Refusal, resource_not_found
from provision.sandbox.tenant import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rights:
    """The operations that one kind of deleted object asks for."""

    read: str
    write: str
    purge: str


_RIGHTS = {
    "applications": _Rights(
        read="applications.read", write="applications.write", purge="applications.purge"
    ),
    "servicePrincipals": _Rights(
        read="applications.read", write="applications.write", purge="applications.purge"
    ),
    "users": _Rights(read="users.read", write="users.write", purge="users.write"),
    "groups": _Rights(read="groups.read", write="groups.write", purge="groups.write"),
}


async def list_deleted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-list"""
    raise Refusal(
        400,
        "Request_BadRequest",
        "The request must name the type of the deleted items, such as microsoft.graph.application.",
    )


async def list_deleted_of_type(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-list"""
    kind = _kind_named(call)
    authorise(call, _RIGHTS[kind.collection].read)
    return _listed(call, kind)


async def count_deleted_of_type(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    kind = _kind_named(call)
    authorise(call, _RIGHTS[kind.collection].read)
    return counted(call, kind, rows=_deleted(call, kind))


async def get_deleted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-get"""
    options = odata.one_object_options(call.query, DIRECTORY_OBJECTS, version=call.version)
    kind, row = _found(call, "read")
    return Answer(body=_entity(call, row, kind, options))


async def restore_deleted(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directory-deleteditems-restore

    An application comes back alone; its service principal needs a call of its own.
    """
    kind, row = _found(call, "write")
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
    kind, row = _found(call, "purge")
    with call.tenant.writing():
        call.tenant.purge(kind.collection, row["id"])
        if kind is APPLICATIONS:
            principals = call.tenant.find_all(
                "servicePrincipals", "appId", row["appId"], Seen.truth(), deleted=True
            )
            for principal in list(principals):
                call.tenant.purge("servicePrincipals", principal["id"])
    return Answer(status=204)


def _kind_named(call: Call) -> edm.Kind:
    path = unquote(call.path).lower()
    return next(kind for kind in KINDS if f"/microsoft.graph.{kind.name.lower()}" in path)


def _listed(call: Call, kind: edm.Kind) -> Answer:
    def show(row: Mapping[str, Any], options: odata.Options) -> dict[str, Any]:
        return shown_with_type(call, row, kind, options)

    return listed(call, kind, rows=_deleted(call, kind), show=show)


def _deleted(call: Call, kind: edm.Kind) -> Rows:
    seen = call.tenant.seen("list")
    return lambda after: call.tenant.scan(kind.collection, seen, deleted=True, after=after)


def _found(call: Call, deed: str) -> Found:
    """The deleted object: known as deleted to this replica, deleted indeed, and the caller's."""
    if not any(may(call, getattr(right, deed)) for right in _RIGHTS.values()):
        raise denied()
    id = object_id(call.params["item"].value)
    visible = found_anywhere(call, id, call.tenant.seen("directory"), KINDS, deleted=True)
    found = found_anywhere(call, id, Seen.truth(), KINDS, deleted=True)
    if visible is None or found is None:
        raise resource_not_found(id)
    right = getattr(_RIGHTS[found[0].collection], deed)
    authorise(call, right, None if deed == "read" else found[1])
    return found


def _entity(
    call: Call, row: Mapping[str, Any], kind: edm.Kind, options: odata.Options | None = None
) -> dict[str, Any]:
    context = f"{call.graph}/$metadata#directoryObjects/$entity"
    return {"@odata.context": context, **shown_with_type(call, row, kind, options)}
