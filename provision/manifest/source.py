"""A manifest as plain JSON, in which nothing is left to fill in; and back to a tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.errors import Problem
from provision.manifest.marks import MAX_DEPTH, MAX_NODES, Node
from provision.manifest.nodes import problem
from provision.manifest.spec import Mark

_START = Mark(line=1, column=1)


def plain(node: Node) -> Any:
    """What JSON would say."""
    match node.value:
        case dict():
            return {key: plain(child) for key, child in node.value.items()}
        case tuple():
            return [plain(child) for child in node.value]
        case _:
            return node.value


def resolved(root: Node, *, tenant: str | None, cloud: str | None) -> Mapping[str, Any]:
    """The tree without environments and defaults, which have done their work."""
    whole = plain(root)
    head = {"tenant": tenant, "cloud": cloud}
    gone = {"environments", "defaults", *head}
    said = {name: each for name, each in head.items() if each is not None}
    return {**{name: each for name, each in whole.items() if name not in gone}, **said}


def tree(value: object, problems: list[Problem]) -> Node | None:
    """JSON as a tree; all of it stands at the beginning of the file."""
    count = 0

    def node(value: object, depth: int) -> Node:
        nonlocal count
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise OverflowError
        if isinstance(value, Mapping):
            below = {str(key): node(each, depth + 1) for key, each in value.items()}
            return Node(mark=_START, value=below, keys=dict.fromkeys(below, _START))
        if isinstance(value, list | tuple):
            return Node(mark=_START, value=tuple(node(each, depth + 1) for each in value))
        if isinstance(value, str | bool | int | float):
            said = str(value).lower() if isinstance(value, bool) else str(value)
            return Node(mark=_START, value=value, text=said)
        return Node(mark=_START, value=None)

    try:
        return node(value, 0)
    except OverflowError:
        problems.append(
            problem(_START, f"more than {MAX_NODES} values, or more than {MAX_DEPTH} levels")
        )
        return None
