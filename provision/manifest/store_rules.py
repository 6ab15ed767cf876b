"""Stores: each of one kind, no two in one place, and commands that can do what they are there for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from provision.errors import Problem
from provision.manifest import store_values, values
from provision.manifest.marks import Node, shown
from provision.manifest.nodes import (
    applications,
    child,
    credentials,
    entries,
    items,
    mark_of,
    place,
    problem,
    text,
    texts,
)
from provision.manifest.spec import Mark
from provision.manifest.store_shapes import BELONG, KINDS
from provision.places import places_in

STORED = {"secret": "clientSecret", "certificate": "clientCertificate"}
"""The kinds of credentials with a value, and the place that it is filled in at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store as it stands in the tree, and whose it is."""

    app: str
    credential: str
    kind: str
    node: Node
    mark: Mark

    @property
    def whose(self) -> str:
        return f'"{shown(self.credential)}" of "{shown(self.app)}"'


def broken(root: Node, folder: Path) -> Iterator[Problem]:
    """Every mistake in where values go."""
    found = list(_stores(root))
    for each in found:
        yield from _kinds(each.node)
        yield from _command(each, child(each.node, "command"))
    yield from _shared(found, folder)


def file_path(folder: Path, written: str) -> Path:
    """A store's file; its spelling alone decides, since a stranger's path must not be followed."""
    return Path(os.path.normpath(folder / written))


def _stores(root: Node) -> Iterator[Store]:
    for app, application in applications(root).items():
        for name, credential, mark in credentials(application):
            for kind in STORED:
                node = child(credential, kind, "store")
                if node is not None:
                    yield Store(app=app, credential=name, kind=kind, node=node, mark=mark)


def _kinds(store: Node) -> Iterator[Problem]:
    if not isinstance(store.value, dict):
        return
    said = [kind for kind in KINDS if kind in store.value]
    if not said:
        yield problem(
            store.mark, "it is not said where the value goes", f"write one of {', '.join(KINDS)}"
        )
        return
    if len(said) > 1:
        yield problem(
            mark_of(store, said[1]),
            f'a value has one store, and "{said[1]}" beside "{said[0]}" is one too many',
        )
        return
    for key, kind in BELONG.items():
        if key in store.value and kind != said[0]:
            yield problem(mark_of(store, key), f'"{key}" belongs to {kind}, not to {said[0]}')
    if said == ["keyVault"] and "name" not in store.value:
        yield problem(
            mark_of(store, "keyVault"), 'the key "name" is missing', "name the secret in the vault"
        )


def _command(store: Store, command: Node | None) -> Iterator[Problem]:
    """What each argument and text says is checked one by one elsewhere; here, how they fit together."""
    if command is None:
        return
    for key in ("write", "read", "remove"):
        argv = child(command, key)
        if argv is not None and argv.value == ():
            yield problem(
                argv.mark, "a command needs a program", "write it as a list: [program, argument]"
            )
        yield from _program(texts(argv)[:1])
    for node in texts(child(command, "read")):
        if places_in(str(node.value)):
            yield problem(
                node.mark,
                f'"{shown(node.text)}" has a place to fill in, and when it is read nothing is known yet',
                "let `read` print what is kept, whosever it is",
            )
    if child(command, "read") is None:
        yield from _removing(texts(child(command, "remove")))
    yield from _input(store, command)


def _program(first: list[Node]) -> Iterator[Problem]:
    for node in first:
        if not str(node.value).strip() or places_in(str(node.value)):
            yield problem(
                node.mark, f'"{shown(node.text)}" is no program: write its plain name or path'
            )


def _removing(argv: list[Node]) -> Iterator[Problem]:
    for node in argv:
        if set(places_in(str(node.value))) & {"tenantId", "keyId", "expires"}:
            yield problem(
                node.mark,
                f'"{shown(node.text)}" has more to fill in than {{clientId}}, and only `read` would tell it',
                "add `read`, or leave that away",
            )


def _input(store: Store, command: Node) -> Iterator[Problem]:
    form, value = child(command, "input"), STORED[store.kind]
    plain = "value" if form is None else text(form)
    reads = child(command, "read") is not None
    if plain == "value" and reads:
        yield problem(
            mark_of(command, "read"),
            "a bare value does not say whose it is, so reading it back tells nothing",
            "write input: json or env, or leave `read` away",
        )
    if form is not None and plain == "env" and store.kind == "certificate":
        yield problem(
            form.mark, "lines of a dotenv file cannot hold a certificate", "write input: json"
        )
    if form is None or not isinstance(form.value, dict):
        return
    used: set[str] = set()
    for leaf in _leaves(form):
        for name in places_in(str(leaf.value)):
            used.add(name)
            if name not in (value, *store_values.FACTS):
                yield _unknown(leaf, name, value)
    if value not in used:
        yield problem(
            form.mark, "the value is nowhere in this input", f'write "{{{value}}}" where it belongs'
        )
    elif reads and (missing := [name for name in store_values.FACTS[:3] if name not in used]):
        yield problem(
            form.mark,
            f"reading this back would not tell {', '.join(missing)}",
            f"add {', '.join(f'{{{name}}}' for name in missing)}, or leave `read` away",
        )


def _unknown(leaf: Node, name: str, value: str) -> Problem:
    known = ", ".join(f"{{{each}}}" for each in (value, *store_values.FACTS))
    return problem(
        leaf.mark,
        f'"{shown(leaf.text)}" has the unknown place {{{shown(name)}}} in it',
        f"known here: {known}; write {{{{{shown(name)}}}}} for a literal {{{shown(name)}}}",
    )


def _leaves(node: Node) -> Iterator[Node]:
    for below in (*entries(node).values(), *items(node)):
        yield from _leaves(below)
    if isinstance(node.value, str):
        yield node


_OTHER = {
    "dotenv": "another file or another prefix",
    "json": "another file or another key",
    "keyVault": "another vault or another name",
    "command": "another command, such as one with another argument",
}


def _shared(stores: Iterable[Store], folder: Path) -> Iterator[Problem]:
    """Two credentials in one place would overwrite each other."""
    first: dict[tuple[str, ...], Store] = {}
    for store in stores:
        found = _address(store.node, folder)
        if found is None:
            continue
        kind, *addresses = found
        other = next((first[each] for each in _clashing(kind, addresses) if each in first), None)
        if other:
            # A store out of the defaults stands in one place for all.
            yield problem(
                store.mark if other.node.mark == store.node.mark else store.node.mark,
                f"the store of {store.whose} is the store of {other.whose} too",
                f"the first is at {place(other.node.mark)}; choose {_OTHER[kind]}",
            )
        for each in _taken(kind, addresses):
            first.setdefault(each, store)


def _clashing(kind: str, address: list[str]) -> list[tuple[str, ...]]:
    """What must not be taken yet: of a JSON file the whole, or the same key; and no file is of two kinds."""
    if kind == "json" and not address[1]:
        return [("file", address[0])]
    if kind in ("dotenv", "json"):
        other = "json" if kind == "dotenv" else "dotenv"
        return [(kind, *address), ("any", other, address[0]), ("json", address[0], "")]
    return [(kind, *address)]


def _taken(kind: str, address: list[str]) -> list[tuple[str, ...]]:
    taken: list[tuple[str, ...]] = [(kind, *address)]
    if kind in ("dotenv", "json"):
        taken += [("file", address[0]), ("any", kind, address[0])]
    return taken


def _address(store: Node, folder: Path) -> tuple[str, ...] | None:
    """The kind of store and where it is; None where a mistake leaves it open."""
    for kind in ("dotenv", "json"):
        written, more = (
            text(child(store, kind)),
            child(store, "prefix" if kind == "dotenv" else "key"),
        )
        if written is not None and "\0" not in written:
            path = os.path.normcase(file_path(folder, written))
            default = values.DEFAULTS["prefix"] if kind == "dotenv" else ""
            return kind, path, default if more is None else str(more.value)
    vault, name = (text(child(store, key)) for key in ("keyVault", "name"))
    if vault is not None and name is not None:
        return "keyVault", vault.lower(), name.lower()
    argv = [str(each.value) for each in texts(child(store, "command", "write"))]
    return ("command", *argv) if argv else None
