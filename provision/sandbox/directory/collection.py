"""Answers a list: what this replica has, filtered, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.body import GUID
from provision.sandbox.directory.refusals import bad_request
from provision.sandbox.directory.shape import shown
from provision.sandbox.index import FOLDED, INDEXED
from provision.sandbox.tenant import Seen

Rows = Callable[[str], Iterable[Mapping[str, Any]]]
"""The candidates behind an id, ordered by id."""
Show = Callable[[Mapping[str, Any], odata.Options], dict[str, Any]]
Relations = Mapping[str, Callable[[Call, Mapping[str, Any], odata.Expand], list[dict[str, Any]]]]


def is_eventual(call: Call) -> bool:
    """Whether the caller asks for the index that knows advanced queries."""
    return call.headers.get("consistencylevel", "").strip().lower() == "eventual"


def listed(
    call: Call,
    kind: edm.Kind,
    *,
    rows: Rows | None = None,
    relations: Relations | None = None,
    context: str | None = None,
    show: Show | None = None,
) -> Answer:
    """One page of a collection: https://learn.microsoft.com/graph/paging"""
    known = relations or {}
    options = odata.options_of(
        call.query, kind, version=call.version, eventual=is_eventual(call), relations=known
    )
    candidates = rows or _collection(call, kind, options)
    position = "" if options.after is None or options.order is not None else options.after[0]
    found = odata.page(candidates(position), options)
    chosen = f"({','.join(options.select)})" if options.select else ""
    body: dict[str, Any] = {
        "@odata.context": f"{call.graph}/$metadata#{context or kind.collection}{chosen}"
    }
    if found.count is not None:
        body["@odata.count"] = found.count
    if found.token is not None:
        address = f"{call.graph}/{call.path.lstrip('/')}"
        body["@odata.nextLink"] = odata.next_link(address, call.query, found.token)
    body["value"] = [
        {
            **(show(row, options) if show else shown(call, row, kind, options)),
            **expanded(call, row, options, known),
        }
        for row in found.rows
    ]
    return Answer(body=body)


def counted(call: Call, kind: edm.Kind, *, rows: Rows | None = None) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    if not is_eventual(call):
        raise bad_request("$count is not currently supported.")
    options = odata.options_of(call.query, kind, version=call.version, eventual=True, counting=True)
    candidates = rows or _collection(call, kind, options)
    total = sum(1 for row in candidates("") if options.keeps(row))
    return Answer(body=total, headers={"Content-Type": "text/plain"})


def expanded(
    call: Call, row: Mapping[str, Any], options: odata.Options, relations: Relations
) -> dict[str, Any]:
    """The related objects that $expand asks for, at most twenty of them."""
    expand = options.expand
    if expand is None:
        return {}
    related = relations[expand.relation](call, row, expand)
    return {expand.relation: related[: odata.EXPANDED]}


def _collection(call: Call, kind: edm.Kind, options: odata.Options) -> Rows:
    """What an index finds for the filter where it can, else all there is."""
    seen = call.tenant.seen("list")
    for name, text in options.predicate.anchors if options.predicate is not None else ():
        value = text.lower() if GUID.fullmatch(text) else text
        if name == "id":
            return partial(_one, call, kind, value, seen)
        exact = name in FOLDED or (name.endswith("Id") and GUID.fullmatch(text) is not None)
        if exact and name in INDEXED.get(kind.collection, ()):
            return partial(_found, call, kind, (name, value), seen)
    return lambda after: call.tenant.scan(kind.collection, seen, after=after)


def _found(
    call: Call, kind: edm.Kind, anchor: tuple[str, str], seen: Seen, after: str
) -> Iterable[dict[str, Any]]:
    return call.tenant.find_all(kind.collection, *anchor, seen, after=after)


def _one(call: Call, kind: edm.Kind, id: str, seen: Seen, after: str) -> list[dict[str, Any]]:
    row = call.tenant.get(kind.collection, id, seen)
    return [] if row is None or id <= after else [row]
