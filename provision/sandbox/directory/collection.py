"""Answers a list: what this replica has, filtered, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.body import GUID
from provision.sandbox.directory.refusals import bad_request
from provision.sandbox.directory.shape import shown
from provision.sandbox.tenant import Seen

Rows = Callable[[str], Iterable[Mapping[str, Any]]]
"""The candidates behind an id, ordered by id."""
Show = Callable[[Mapping[str, Any], odata.Options], dict[str, Any]]
Relations = Mapping[str, Callable[[Call, Mapping[str, Any], odata.Expand], list[dict[str, Any]]]]

_KEYED = {
    "applications": frozenset({"appId"}),
    "servicePrincipals": frozenset({"appId"}),
    "appRoleAssignments": frozenset({"principalId", "resourceId"}),
    "oauth2PermissionGrants": frozenset({"clientId", "principalId", "resourceId"}),
}


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


def counted(call: Call, kind: edm.Kind) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    if not is_eventual(call):
        raise bad_request("$count is not currently supported.")
    options = odata.options_of(call.query, kind, version=call.version, eventual=True, counting=True)
    rows = _collection(call, kind, options)("")
    total = sum(1 for row in rows if options.keeps(row))
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
    seen = call.tenant.seen("list")
    equals = options.predicate.equals if options.predicate is not None else None
    if equals is not None and GUID.fullmatch(equals[1]):
        name, value = equals[0], equals[1].lower()
        if name == "id":
            return lambda after: _one(call, kind, value, seen)
        if name in _KEYED.get(kind.collection, frozenset()):
            return lambda after: call.tenant.find_all(
                kind.collection, name, value, seen, after=after
            )
    return lambda after: call.tenant.scan(kind.collection, seen, after=after)


def _one(call: Call, kind: edm.Kind, id: str, seen: Seen) -> list[dict[str, Any]]:
    row = call.tenant.get(kind.collection, id, seen)
    return [] if row is None else [row]
