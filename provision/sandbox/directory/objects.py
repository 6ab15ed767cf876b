"""Directory objects of any kind: how they are found, shown and listed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.collection import counted, listed
from provision.sandbox.directory.shape import (
    APPLICATIONS,
    GROUPS,
    SERVICE_PRINCIPALS,
    USERS,
    shown,
)
from provision.sandbox.tenant import Seen

KINDS = (APPLICATIONS, SERVICE_PRINCIPALS, USERS, GROUPS)
DIRECTORY_OBJECTS = edm.Kind(
    collection="directoryObjects",
    name="directoryObject",
    properties={
        **USERS.properties,
        **GROUPS.properties,
        **APPLICATIONS.properties,
        **SERVICE_PRINCIPALS.properties,
    },
    filterable=frozenset({"id", "displayName"}),
    sortable=frozenset({"displayName"}),
    searchable=frozenset({"displayName"}),
)

Found = tuple[edm.Kind, dict[str, Any]]


def shown_with_type(
    call: Call, row: Mapping[str, Any], kind: edm.Kind, options: odata.Options | None = None
) -> dict[str, Any]:
    """The object under its own type's name, as lists of mixed types show it."""
    return {"@odata.type": f"#microsoft.graph.{kind.name}", **shown(call, row, kind, options)}


def found_anywhere(
    call: Call, id: str, seen: Seen, kinds: Iterable[edm.Kind], *, deleted: bool | None = False
) -> Found | None:
    """The object with this identifier, whichever of these kinds it is."""
    for kind in kinds:
        row = call.tenant.get(kind.collection, id, seen, deleted=deleted)
        if row is not None:
            return kind, row
    return None


def referred_to(call: Call, id: str, seen: Seen, kinds: Iterable[edm.Kind]) -> Found | None:
    """What a new link may point at: known to the replica that checks references, and not deleted meanwhile."""
    found = found_anywhere(call, id, seen, kinds)
    if found is None or call.tenant.get(found[0].collection, id, Seen.truth()) is None:
        return None
    return found


def found_all(call: Call, ids: Iterable[str], seen: Seen, kinds: Iterable[edm.Kind]) -> list[Found]:
    """Those objects among the identifiers that this replica has."""
    among = tuple(kinds)
    candidates = (found_anywhere(call, id, seen, among) for id in ids)
    return [found for found in candidates if found is not None]


def listed_objects(call: Call, objects: Iterable[Found]) -> Answer:
    """A list of mixed types; a type's name at the end of the path chooses one of them."""
    cast, counting = _ending(call)
    found = sorted((row["id"], kind, row) for kind, row in objects if cast in {None, kind.name})
    kinds = {id: kind for id, kind, _ in found}
    rows = [row for _, _, row in found]
    kind = next((kind for kind in KINDS if kind.name == cast), DIRECTORY_OBJECTS)
    if counting:
        return counted(call, kind, rows=lambda after: rows)

    def show(row: Mapping[str, Any], options: odata.Options) -> dict[str, Any]:
        if cast is not None:
            return shown(call, row, kind, options)
        return shown_with_type(call, row, kinds[row["id"]], options)

    return listed(call, kind, rows=lambda after: rows, show=show)


def casts(path: str) -> Iterable[str]:
    """The addresses of one relation: all of it, one type of it, and how many there are."""
    for cast in ("", *(f"/microsoft.graph.{kind.name}" for kind in KINDS)):
        yield f"{path}{cast}"
        yield f"{path}{cast}/$count"


def _ending(call: Call) -> tuple[str | None, bool]:
    segments = [segment for segment in unquote(call.path).lower().split("/") if segment]
    counting = segments[-1] == "$count"
    last = segments[-2] if counting else segments[-1]
    names = {f"microsoft.graph.{kind.name}".lower(): kind.name for kind in KINDS}
    return names.get(last), counting
