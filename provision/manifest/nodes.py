"""Walking in a tree that may be of any shape: what is not there, or is something else, is nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.errors import Problem
from provision.manifest.marks import Node, shown
from provision.manifest.spec import Mark


def child(node: Node | None, *keys: str) -> Node | None:
    """The value that a path of keys leads to."""
    for key in keys:
        node = entries(node).get(key)
    return node


def entries(node: Node | None) -> Mapping[str, Node]:
    """What a mapping holds."""
    return node.value if node is not None and isinstance(node.value, dict) else {}


def items(node: Node | None) -> tuple[Node, ...]:
    """What a list holds."""
    return node.value if node is not None and isinstance(node.value, tuple) else ()


def texts(node: Node | None) -> list[Node]:
    """The texts that a list holds."""
    return [each for each in items(node) if isinstance(each.value, str)]


def text(node: Node | None) -> str | None:
    """A text."""
    return node.value if node is not None and isinstance(node.value, str) else None


def applications(root: Node) -> Mapping[str, Node]:
    """The applications by key."""
    return entries(child(root, "applications"))


def credentials(application: Node | None) -> Iterator[tuple[str, Node, Mark]]:
    """Name, value and place of each credential."""
    holder = child(application, "credentials")
    for name, node in entries(holder).items():
        yield name, node, mark_of(holder, name)


def mark_of(node: Node | None, key: str) -> Mark:
    """Where a key of a mapping stands."""
    return Mark(line=1, column=1) if node is None else node.keys.get(key, node.mark)


def place(mark: Mark) -> str:
    """A place in words."""
    return f"{mark.line}:{mark.column}"


def problem(mark: Mark, message: str, hint: str = "") -> Problem:
    """A mistake at a place."""
    return Problem(line=mark.line, column=mark.column, message=message, hint=hint)


def repeated(found: list[Node], what: str, *, folded: bool = False) -> Iterator[Problem]:
    """Texts that stand there twice; `folded` when case does not tell them apart."""
    first: dict[str, Mark] = {}
    for node in found:
        value = str(node.value).lower() if folded else str(node.value)
        if value in first:
            yield problem(
                node.mark,
                f'the {what} "{shown(node.text)}" stands here for the second time',
                f"the first is at {place(first[value])}",
            )
        first.setdefault(value, node.mark)
