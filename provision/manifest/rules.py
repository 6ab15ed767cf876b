"""What a manifest must fulfil beyond its shape; a rule skips what another mistake covers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from provision import permissions
from provision.errors import Problem
from provision.manifest import values
from provision.manifest.marks import Node, shown
from provision.manifest.spec import Mark

_MOST_PERMISSIONS = 400
_SUGGESTIONS = 100


def broken(root: Node, folder: Path) -> Iterator[Problem]:
    """Every broken rule of the whole manifest."""
    for application in _entries(_child(root, "applications")).values():
        yield from _repeated(_child(application, "tags"), "tag")
        names = permission_nodes(application)
        yield from _repeated_nodes(names, "permission")
        if len(names) > _MOST_PERMISSIONS:
            yield _problem(
                names[_MOST_PERMISSIONS].mark,
                f"an application may ask for {_MOST_PERMISSIONS} permissions, and here are more",
            )
        yield from _delegated_only(names)
        for credential in _entries(_child(application, "credentials")).values():
            yield from _out_of_order(_child(credential, "secret"))
    yield from _shared_stores(root, folder)


def unknown_permissions(root: Node) -> Iterator[Problem]:
    """Permissions that the shipped catalogue does not know; the tenant may know them."""
    hints: dict[str, str] = {}
    for application in _entries(_child(root, "applications")).values():
        for node in permission_nodes(application):
            value = str(node.value)
            if permissions.find(value) or permissions.find(value, kind="delegated"):
                continue
            if value not in hints and len(hints) < _SUGGESTIONS:
                hints[value] = _suggestion(node)
            yield _problem(
                node.mark,
                f'"{shown(node.text)}" is no known application permission of {values.GRAPH}',
                hints.get(value, ""),
            )


def permission_nodes(application: Node | None) -> list[Node]:
    """The names of Microsoft Graph's application permissions, in either way of writing them."""
    resource = _child(_child(application, "permissions"), values.GRAPH)
    if resource is not None and isinstance(resource.value, dict):
        resource = _child(resource, "application")
    if resource is None or not isinstance(resource.value, tuple):
        return []
    return [node for node in resource.value if isinstance(node.value, str)]


def dotenv_path(folder: Path, written: str) -> Path:
    """A store's file; its spelling alone decides, since a stranger's path must not be followed."""
    return Path(os.path.normpath(folder / written))


def _delegated_only(names: list[Node]) -> Iterator[Problem]:
    for node in names:
        value = str(node.value)
        if not permissions.find(value) and permissions.find(value, kind="delegated"):
            yield _problem(
                node.mark,
                f'"{shown(node.text)}" exists only as a delegated permission, and a workload '
                "signs in without a user",
                _suggestion(node),
            )


def _suggestion(node: Node) -> str:
    """Found by the source text: a value that came from a variable is not to be told."""
    close = permissions.suggest(node.text)
    return f'did you mean "{close}"?' if close else ""


def _repeated(node: Node | None, what: str) -> Iterator[Problem]:
    if node is not None and isinstance(node.value, tuple):
        texts = [each for each in node.value if isinstance(each.value, str)]
        yield from _repeated_nodes(texts, what)


def _repeated_nodes(nodes: list[Node], what: str) -> Iterator[Problem]:
    first: dict[str, Mark] = {}
    for node in nodes:
        value = str(node.value)
        if value in first:
            yield _problem(
                node.mark,
                f'the {what} "{shown(node.text)}" stands here for the second time',
                f"the first is at {_place(first[value])}",
            )
        first.setdefault(value, node.mark)


def _out_of_order(secret: Node | None) -> Iterator[Problem]:
    """A secret must be renewed while it works, and overlap must be over before the next renewal."""
    if secret is None or not isinstance(secret.value, dict):
        return
    for shorter, longer in (("overlap", "renewBefore"), ("renewBefore", "lifetime")):
        low, high = _duration(secret, shorter), _duration(secret, longer)
        if low is None or high is None or low < high:
            continue
        written = shorter if shorter in secret.keys else longer
        yield _problem(
            secret.keys.get(written, secret.mark),
            f"{_said(secret, shorter)} must be shorter than {_said(secret, longer)}",
            "the order is overlap < renewBefore < lifetime",
        )


def _duration(secret: Node, key: str) -> timedelta | None:
    node = _child(secret, key)
    text = values.DEFAULTS[key] if node is None else str(node.value)
    try:
        return values.duration(values.lifetime(text) if key == "lifetime" else text)
    except ValueError:
        return None


def _said(secret: Node, key: str) -> str:
    node = _child(secret, key)
    if node is None:
        return f"{key} ({values.DEFAULTS[key]} if not said)"
    return f"{key} ({shown(node.text)})"


def _shared_stores(root: Node, folder: Path) -> Iterator[Problem]:
    """Two credentials in one place would overwrite each other."""
    first: dict[tuple[str, str], tuple[str, Mark]] = {}
    for key, application in _entries(_child(root, "applications")).items():
        for name, credential in _entries(_child(application, "credentials")).items():
            store = _child(_child(credential, "secret"), "store")
            address = _address(store, folder)
            if store is None or address is None:
                continue
            if address in first:
                other, mark = first[address]
                yield _problem(
                    store.mark,
                    f'the store of "{shown(name)}" of "{shown(key)}" is the store of {other} too',
                    f"the first is at {_place(mark)}; choose another file or another prefix",
                )
            first.setdefault(address, (f'"{shown(name)}" of "{shown(key)}"', store.mark))


def _address(store: Node | None, folder: Path) -> tuple[str, str] | None:
    dotenv, prefix = _child(store, "dotenv"), _child(store, "prefix")
    if dotenv is None or not isinstance(dotenv.value, str) or "\0" in dotenv.value:
        return None
    path = os.path.normcase(dotenv_path(folder, dotenv.value))
    return path, values.DEFAULTS["prefix"] if prefix is None else str(prefix.value)


def _child(node: Node | None, key: str) -> Node | None:
    return _entries(node).get(key)


def _entries(node: Node | None) -> dict[str, Node]:
    return node.value if node is not None and isinstance(node.value, dict) else {}


def _place(mark: Mark) -> str:
    return f"{mark.line}:{mark.column}"


def _problem(mark: Mark, message: str, hint: str = "") -> Problem:
    return Problem(line=mark.line, column=mark.column, message=message, hint=hint)
