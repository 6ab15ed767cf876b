"""Finds the handler of a Graph address: segments without regard to case, keys in both forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from provision.sandbox.call import Handler, Key, Route
from provision.sandbox.refusal import Refusal, segment_not_found

_PARENTHESISED = re.compile(r"^([^()]+)\((.*)\)$", re.DOTALL)
_NAMED_KEY = re.compile(r"^([A-Za-z]\w*)=(.*)$", re.DOTALL)
_QUOTED = re.compile(r"^'((?:[^']|'')*)'$", re.DOTALL)
_NAMESPACE = "microsoft.graph."


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    name: str = ""
    handlers: dict[str, Handler] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Segment:
    text: str
    key: Key | None


class Router:
    """The routes as a tree of segments."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, path: str) -> tuple[Handler, Mapping[str, Key]]:
        """The handler and the keys that the address names, or the service's own refusal."""
        node, params = self._root, {}
        for segment in _segments(path):
            node, key = _step(node, segment)
            if key is not None:
                params[node.name] = key
        if not node.handlers:
            raise segment_not_found(_last_segment(path))
        handler = node.handlers.get(method)
        if handler is None:
            raise Refusal(
                405,
                "Request_BadRequest",
                "Specified HTTP method is not allowed for the request target.",
                headers={"Allow": ", ".join(sorted(node.handlers))},
            )
        return handler, params

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node(name=segment.strip("{}"))
                node = node.parameter
                if node.name != segment.strip("{}"):
                    raise ValueError(f"{route.path}: the key is called {node.name} elsewhere")
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        if route.method in node.handlers:
            raise ValueError(f"{route.method} {route.path} is routed twice")
        node.handlers[route.method] = route.handler


def _step(node: _Node, segment: _Segment) -> tuple[_Node, Key | None]:
    if segment.key is not None:
        if node.parameter is None:
            raise segment_not_found(segment.text)
        return node.parameter, segment.key
    name = segment.text.lower()
    literal = node.literals.get(name) or node.literals.get(name.removeprefix(_NAMESPACE))
    if literal is not None:
        return literal, None
    if node.parameter is not None:
        return node.parameter, Key(property="id", value=segment.text)
    raise segment_not_found(segment.text)


def _segments(path: str) -> Iterable[_Segment]:
    """`applications(appId='x')` is the segment `applications` and the key behind it."""
    for raw in path.split("/"):
        text = unquote(raw)
        if not text:
            continue
        parenthesised = _PARENTHESISED.match(text)
        if parenthesised is None:
            yield _Segment(text, None)
            continue
        name, inside = parenthesised.groups()
        yield _Segment(name, None)
        if inside:
            yield _Segment(name, _key(inside, segment=text))


def _key(inside: str, *, segment: str) -> Key:
    named = _NAMED_KEY.match(inside)
    property, literal = named.groups() if named else ("id", inside)
    quoted = _QUOTED.match(literal)
    if quoted is None and not re.fullmatch(r"[\w.-]+", literal):
        raise Refusal(400, "BadRequest", f"Bad Request - Error in query syntax: '{segment}'.")
    return Key(property=property, value=quoted[1].replace("''", "'") if quoted else literal)


def _last_segment(path: str) -> str:
    return next((unquote(part) for part in reversed(path.split("/")) if part), "")
