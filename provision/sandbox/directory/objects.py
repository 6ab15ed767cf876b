"""Directory objects of any kind: owners, and how an object of unknown kind is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.collection import Relations, listed
from provision.sandbox.directory.find import addressed, read
from provision.sandbox.directory.refusals import bad_request
from provision.sandbox.directory.shape import (
    APPLICATIONS,
    SERVICE_PRINCIPALS,
    USERS,
    shown,
)
from provision.sandbox.refusal import resource_not_found
from provision.sandbox.tenant import Seen

MOST_OWNERS = 100
_OWNERS_BIND = "owners@odata.bind"
_REFERENCE = re.compile(
    r"https?://[^/]+/(?:v1\.0|beta|v2/[^/]+)/(?:directoryObjects|users|servicePrincipals)/"
    r"([0-9a-f-]{36})(?:/[\w.]+)?",
    re.IGNORECASE,
)
DIRECTORY_OBJECTS = edm.Kind(
    collection="directoryObjects",
    name="directoryObject",
    properties={
        **USERS.properties,
        **APPLICATIONS.properties,
        **SERVICE_PRINCIPALS.properties,
    },
    filterable=frozenset({"id", "displayName"}),
)


def shown_with_type(
    call: Call, row: Mapping[str, Any], kind: edm.Kind, options: odata.Options | None = None
) -> dict[str, Any]:
    """The object under its own type's name, as lists of mixed types show it."""
    return {"@odata.type": f"#microsoft.graph.{kind.name}", **shown(call, row, kind, options)}


def found_anywhere(
    call: Call, id: str, seen: Seen, kinds: Iterable[edm.Kind], *, deleted: bool | None = False
) -> tuple[edm.Kind, dict[str, Any]] | None:
    """The object with this identifier, whichever of these kinds it is."""
    for kind in kinds:
        row = call.tenant.get(kind.collection, id, seen, deleted=deleted)
        if row is not None:
            return kind, row
    return None


async def list_owners(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-list-owners"""
    kind, key = addressed(call)
    authorise(call, "applications.read")
    owners = dict(_owners(call, read(call, kind, key)))

    def show(row: Mapping[str, Any], options: odata.Options) -> dict[str, Any]:
        return shown_with_type(call, row, owners[row["id"]][0], options)

    rows = [row for _, (_, row) in sorted(owners.items())]
    return listed(call, DIRECTORY_OBJECTS, rows=lambda after: rows, show=show)


def bound_owners(call: Call, body: Mapping[str, Any]) -> list[str]:
    """The owners that a new object names; the one who makes it is an owner in any case."""
    references = body.get(_OWNERS_BIND, [])
    if not isinstance(references, list):
        raise bad_request("One or more property values specified are invalid.")
    owners = dict.fromkeys([call.caller.object_id])
    for reference in references:
        found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
        if found is None:
            raise bad_request("One or more property values specified are invalid.")
        id = found[1].lower()
        seen = call.tenant.seen("reference")
        if found_anywhere(call, id, seen, (SERVICE_PRINCIPALS, USERS)) is None:
            raise resource_not_found(id)
        owners[id] = None
    return list(owners)[:MOST_OWNERS]


def _owners(
    call: Call, row: Mapping[str, Any]
) -> Iterable[tuple[str, tuple[edm.Kind, dict[str, Any]]]]:
    seen = call.tenant.seen("list")
    for id in row.get("_owners", ()):
        found = found_anywhere(call, id, seen, (SERVICE_PRINCIPALS, USERS))
        if found is not None:
            yield id, found


def _expanded_owners(
    call: Call, row: Mapping[str, Any], expand: odata.Expand
) -> list[dict[str, Any]]:
    options = odata.Options(select=expand.select)
    return [shown_with_type(call, row, kind, options) for _, (kind, row) in _owners(call, row)]


OWNERS: Relations = {"owners": _expanded_owners}
