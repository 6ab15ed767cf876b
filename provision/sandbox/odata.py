"""Query options: what a read asks for, and the page that answers it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from provision.sandbox import edm
from provision.sandbox.predicate import Predicate, compiled
from provision.sandbox.refusal import Refusal
from provision.sandbox.search import searched

PAGE = 100
LARGEST_PAGE = 999
EXPANDED = 20
"""How many related objects $expand shows at most."""

Row = Mapping[str, Any]
_OPTIONS = frozenset(
    {
        "filter",
        "select",
        "expand",
        "orderby",
        "top",
        "skip",
        "count",
        "search",
        "skiptoken",
        "format",
    }
)
_ONE_OBJECT = frozenset({"select", "expand", "format"})
_EXPAND = re.compile(r"\s*(\w+)\s*(?:\(\s*\$select\s*=\s*([^()]*)\))?\s*", re.IGNORECASE)
_ADVANCED = (
    "Operator '{}' is not supported because the required parameters might be missing. Try adding "
    "$count=true query parameter and ConsistencyLevel:eventual header. Refer to "
    "https://aka.ms/graph-docs/advanced-queries for more information"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand:
    """A relation to show inside the object, and which of its properties."""

    relation: str
    select: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The query options of one read, checked against the kind of object it reads."""

    select: tuple[str, ...] | None = None
    predicate: Predicate | None = None
    search: Callable[[Row], bool] | None = None
    order: tuple[str, bool] | None = None
    """Property, and whether descending."""
    expand: Expand | None = None
    top: int = PAGE
    counted: bool = False
    after: tuple[Any, ...] | None = None
    """The position behind the last object of the page before."""

    def keeps(self, row: Row) -> bool:
        """Whether $filter and $search both want this object."""
        kept = self.predicate is None or self.predicate.keeps(row)
        return kept and (self.search is None or self.search(row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of objects, the token that leads to the next, and the number of all on page one."""

    rows: tuple[Row, ...]
    token: str | None
    count: int | None


def options_of(
    query: Iterable[tuple[str, str]],
    kind: edm.Kind,
    *,
    version: str,
    eventual: bool,
    relations: Iterable[str] = (),
    counting: bool = False,
) -> Options:
    """https://learn.microsoft.com/graph/query-parameters"""
    given = _named(query)
    if "skip" in given:
        raise Refusal(400, "Request_BadRequest", "'$skip' is not supported by the service.")
    counted = _boolean(given.get("count", "false"))
    predicate = _predicate(given.get("filter"), kind, version)
    order = _order(given.get("orderby"), kind)
    if not eventual and "search" in given:
        raise _unsupported(
            "Request with $search query parameter only works through MSGraph with a special "
            "request header: 'ConsistencyLevel: eventual'"
        )
    if not (eventual and (counted or counting)):
        _refuse_advanced(predicate, order)
    elif given.get("expand"):
        raise _unsupported("Expand is not supported together with advanced query capabilities.")
    return Options(
        select=_select(given.get("select"), kind.properties_of(version)),
        predicate=predicate,
        search=searched(given["search"], kind) if "search" in given else None,
        order=order,
        expand=_expand(given.get("expand"), kind, frozenset(relations)),
        top=_top(given.get("top")),
        counted=counted and eventual,
        after=_position(given.get("skiptoken"), sorted_by=order is not None),
    )


def one_object_options(
    query: Iterable[tuple[str, str]],
    kind: edm.Kind,
    *,
    version: str,
    relations: Iterable[str] = (),
) -> Options:
    """https://learn.microsoft.com/graph/query-parameters"""
    given = _named(query)
    for name in given:
        if name not in _ONE_OBJECT:
            raise Refusal(
                400,
                "Request_BadRequest",
                f"The query option '${name}' can be applied only to a collection.",
            )
    return Options(
        select=_select(given.get("select"), kind.properties_of(version)),
        expand=_expand(given.get("expand"), kind, frozenset(relations)),
    )


def page(rows: Iterable[Row], options: Options) -> Page:
    """The objects behind the last position, as many as fit."""
    first = options.after is None
    if options.order is None:
        return _unsorted(iter(rows), options, counting=options.counted and first)
    name, descending = options.order
    kept = sorted(
        ((_key(row, name), row) for row in rows if options.keeps(row)),
        key=lambda pair: pair[0],
        reverse=descending,
    )
    count = len(kept) if options.counted and first else None
    if options.after is not None:
        after = options.after
        kept = [pair for pair in kept if (pair[0] < after if descending else pair[0] > after)]
    shown = kept[: options.top]
    more = len(kept) > len(shown)
    return Page(
        rows=tuple(row for _, row in shown),
        token=_token(shown[-1][0]) if more else None,
        count=count,
    )


def _unsorted(rows: Iterator[Row], options: Options, *, counting: bool) -> Page:
    """Rows come in the order of their ids, so the id of the last one is the position."""
    after = options.after[0] if options.after is not None else ""
    shown: list[Row] = []
    total = 0
    for row in rows:
        if row["id"] <= after or not options.keeps(row):
            continue
        total += 1
        if total <= options.top:
            shown.append(row)
        elif not counting:
            break
    more = total > options.top
    return Page(
        rows=tuple(shown),
        token=_token((shown[-1]["id"],)) if more else None,
        count=total if counting else None,
    )


def next_link(address: str, query: Iterable[tuple[str, str]], token: str) -> str:
    """The same request, continued behind the last object shown."""
    kept = [(name, value) for name, value in query if _bare(name) != "skiptoken"]
    return link(address, [*kept, ("$skiptoken", token)])


def link(address: str, query: Iterable[tuple[str, str]]) -> str:
    """An address with these options, encoded."""
    parts = (f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in query)
    return f"{address}?{'&'.join(parts)}"


def projected(
    row: Row, kind: edm.Kind, *, version: str, select: Iterable[str] | None
) -> dict[str, Any]:
    """What an answer shows of an object, in the order in which Graph shows it."""
    wanted = None if select is None else frozenset(select)
    shown: dict[str, Any] = {}
    for name, declared in kind.properties_of(version).items():
        if wanted is None:
            hidden = name in kind.selected_only or (
                kind.default is not None and name not in kind.default
            )
        else:
            hidden = name not in wanted
        if not hidden:
            shown[name] = row.get(name, [] if declared.collection else None)
    return shown


def _named(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for raw, value in query:
        name = _bare(raw)
        if name not in _OPTIONS:
            if raw.startswith("$"):
                raise Refusal(400, "BadRequest", f"The query parameter '{raw}' is not supported.")
            continue
        if name in given:
            raise Refusal(
                400,
                "BadRequest",
                f"Query option '${name}' was specified more than once, but it must be specified "
                "at most once.",
            )
        given[name] = value
    return given


def _bare(name: str) -> str:
    return name.removeprefix("$").lower()


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise Refusal(
            400,
            "BadRequest",
            f"Invalid value '{text}' for $count query option found. Valid values are 'true' and "
            "'false'.",
        )
    return text.lower() == "true"


def _predicate(text: str | None, kind: edm.Kind, version: str) -> Predicate | None:
    return None if text is None else compiled(text, kind, version=version)


def _refuse_advanced(predicate: Predicate | None, order: tuple[str, bool] | None) -> None:
    if predicate is not None and predicate.advanced is not None:
        raise _unsupported(_ADVANCED.format(predicate.advanced))
    if predicate is not None and order is not None:
        raise _unsupported("Sorting not supported for current query.")


def _select(text: str | None, properties: edm.Properties) -> tuple[str, ...] | None:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if not names or "*" in names:
        return None
    known: dict[str, None] = {}
    for name in names:
        declared = edm.property_named(properties, name)
        if declared is None:
            raise Refusal(
                400,
                "BadRequest",
                f"Property '{name}' does not exist as a declared property or extension property.",
            )
        known[declared] = None
    return tuple(known)


def _expand(text: str | None, kind: edm.Kind, relations: frozenset[str]) -> Expand | None:
    if not text or not text.strip():
        return None
    found = _EXPAND.fullmatch(text)
    if found is None:
        raise _unsupported("Only one relation can be expanded.")
    relation = next((known for known in relations if known.lower() == found[1].lower()), None)
    if relation is None:
        raise Refusal(
            400,
            "BadRequest",
            "Parsing OData Select and Expand failed: Could not find a property named "
            f"'{found[1]}' on type 'microsoft.graph.{kind.name}'.",
        )
    names = tuple(name.strip() for name in (found[2] or "").split(",") if name.strip())
    return Expand(relation=relation, select=names or None)


def _order(text: str | None, kind: edm.Kind) -> tuple[str, bool] | None:
    if not text or not text.strip():
        return None
    name, *rest = text.split()
    declared = edm.property_named(kind.properties, name)
    direction = rest[0].lower() if rest else "asc"
    if declared not in kind.sortable or len(rest) > 1 or direction not in {"asc", "desc"}:
        raise _unsupported("Sorting not supported for current query.")
    return declared, direction == "desc"


def _top(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(
            400,
            "BadRequest",
            f"Invalid value '{text}' for $top query option found. The $top query option requires "
            "a non-negative integer value.",
        )
    if not 1 <= int(text) <= LARGEST_PAGE:
        raise _unsupported(
            f"Invalid page size specified: '{text}'. Must be between 1 and {LARGEST_PAGE} "
            "inclusive."
        )
    return int(text)


def _key(row: Row, name: str) -> tuple[int, str, str]:
    value = row.get(name)
    return (0 if value is None else 1, str(value or "").casefold(), row["id"])


def _token(position: tuple[Any, ...]) -> str:
    text = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode("ascii").rstrip("=")


def _position(token: str | None, *, sorted_by: bool) -> tuple[Any, ...] | None:
    if token is None:
        return None
    shape = (int, str, str) if sorted_by else (str,)
    try:
        text = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        position = json.loads(text)
    except (ValueError, binascii.Error, RecursionError):
        position = None
    if not isinstance(position, list) or tuple(map(type, position)) != shape:
        raise Refusal(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your "
            "request.",
        )
    return tuple(position)


def _unsupported(message: str) -> Refusal:
    return Refusal(400, "Request_UnsupportedQuery", message)
