"""Permissions: that they exist where that can be known, that they fit, and that power is named twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from provision import permissions, risk
from provision.errors import Problem
from provision.manifest.marks import Node, shown
from provision.manifest.nodes import (
    applications,
    child,
    entries,
    mark_of,
    place,
    problem,
    repeated,
    text,
    texts,
)
from provision.manifest.resources import (
    has_powers_of_graph,
    identity,
    is_graph,
    suggest_permission,
    suggest_resource,
    well_known,
)
from provision.manifest.spec import Kind, Mark
from provision.manifest.values import GRAPH

MOST_PERMISSIONS = 400
MOST_PERSONAL = 200
MOST_RESOURCES = 50
_SUGGESTIONS = 100
_KINDS: tuple[Kind, ...] = ("application", "delegated")
_OTHER: dict[Kind, Kind] = {"application": "delegated", "delegated": "application"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A permission as it stands in the tree."""

    resource: str
    kind: Kind
    node: Node

    @property
    def value(self) -> str:
        return str(self.node.value)


@dataclass(slots=True, kw_only=True)
class Hints:
    """Looking for the word that was meant costs time, and a hostile file has many words."""

    known: dict[tuple[object, ...], str] = field(default_factory=dict)

    def of(self, asked: Asked, offered: Iterable[str] | None = None) -> str:
        """By the source text: a value that came from a variable is not to be told."""
        key = (asked.resource, asked.kind, asked.node.text)
        if key not in self.known and len(self.known) < _SUGGESTIONS:
            self.known[key] = suggest_permission(asked.node.text, asked.kind, offered)
        return _did_you_mean(self.known.get(key, ""))

    def of_resource(self, name: str, keys: Iterable[str]) -> str:
        """The resource that was meant."""
        key = (name,)
        if key not in self.known and len(self.known) < _SUGGESTIONS:
            self.known[key] = suggest_resource(name, keys)
        return _did_you_mean(self.known.get(key, ""))


def asked_of(holder: Node | None) -> list[Asked]:
    """All permissions that an application or a managed identity asks for."""
    return [
        Asked(resource=resource, kind=kind, node=node)
        for resource, of_it in entries(child(holder, "permissions")).items()
        for kind, names in _by_kind(of_it)
        for node in texts(names)
    ]


def _by_kind(of_resource: Node) -> Iterator[tuple[Kind, Node | None]]:
    if isinstance(of_resource.value, tuple):
        yield "application", of_resource
    for kind in _KINDS:
        yield kind, child(of_resource, kind)


def broken(root: Node) -> Iterator[Problem]:
    """Every mistake in what is asked for."""
    hints = Hints()
    for application in applications(root).values():
        personal = "Personal" in (text(child(application, "signInAudience")) or "")
        yield from _of_holder(
            root, application, hints, MOST_PERSONAL if personal else MOST_PERMISSIONS
        )
    for identity_node in entries(child(root, "identities")).values():
        yield from _of_holder(root, identity_node, hints, MOST_PERMISSIONS)
        for asked in asked_of(identity_node):
            if asked.kind == "delegated":
                yield problem(
                    asked.node.mark,
                    f'"{shown(asked.node.text)}" is delegated, and a managed identity signs in '
                    "without a user",
                    "only application permissions are of use here",
                )


def _of_holder(root: Node, holder: Node, hints: Hints, most: int) -> Iterator[Problem]:
    found = asked_of(holder)
    yield from _named_twice(child(holder, "permissions"))
    for of_it in entries(child(holder, "permissions")).values():
        for _, names in _by_kind(of_it):
            yield from repeated(texts(names), "permission")
    if len(found) > most:
        yield problem(
            found[most].node.mark,
            f"an application may ask for {most} permissions, and here are more",
        )
    allowed = frozenset(str(node.value) for node in texts(child(holder, "allowTier0")))
    for asked in found:
        if asked.resource in applications(root):
            yield from _not_offered(root, asked, hints)
            continue
        if is_graph(asked.resource):
            yield from _of_other_kind(asked, hints)
        if has_powers_of_graph(asked.resource):
            yield from _tier0(asked, allowed)


def _named_twice(holder: Node | None) -> Iterator[Problem]:
    """One resource under two names would be asked for twice."""
    first: dict[str, Mark] = {}
    resources = entries(holder)
    for number, name in enumerate(resources):
        mark = mark_of(holder, name)
        same = identity(name) if len(resources) > 1 else name
        if same in first:
            yield problem(
                mark,
                f'"{shown(name)}" is a resource that stands here under another name',
                f"the first is at {place(first[same])}",
            )
        first.setdefault(same, mark)
        if number == MOST_RESOURCES:
            yield problem(
                mark, f"an application may name {MOST_RESOURCES} resources, and here are more"
            )


def _not_offered(root: Node, asked: Asked, hints: Hints) -> Iterator[Problem]:
    """Of another application of the same manifest everything is known."""
    offering = applications(root)[asked.resource]
    holders = {
        "application": child(offering, "appRoles"),
        "delegated": child(offering, "api", "scopes"),
    }
    if child(offering, "adopt") is not None and holders[asked.kind] is None:
        return
    name, of_it = shown(asked.node.text), f'"{asked.resource}"'
    kind_name = "app role" if asked.kind == "application" else "scope"
    entry = child(holders[asked.kind], asked.value)
    if entry is None:
        if asked.value in entries(holders[_OTHER[asked.kind]]):
            hint = (
                f"it is {'a scope' if kind_name == 'app role' else 'an app role'}: write it under "
            )
            hint += f"{_OTHER[asked.kind]}:"
        else:
            hint = hints.of(asked, entries(holders[asked.kind]))
        yield problem(asked.node.mark, f'"{name}" is no {kind_name} of {of_it}', hint)
    elif (enabled := child(entry, "enabled")) is not None and enabled.value is False:
        yield problem(asked.node.mark, f'"{name}" of {of_it} is not enabled')
    elif asked.kind == "application" and "Application" not in _members(entry):
        yield problem(
            asked.node.mark,
            f'"{name}" of {of_it} is for users only',
            "add Application to its allowedMemberTypes",
        )


def _members(role: Node) -> list[str]:
    said = child(role, "allowedMemberTypes")
    return ["Application"] if said is None else [str(node.value) for node in texts(said)]


def _of_other_kind(asked: Asked, hints: Hints) -> Iterator[Problem]:
    other = _OTHER[asked.kind]
    if permissions.find(asked.value, kind=asked.kind) or not permissions.find(
        asked.value, kind=other
    ):
        return
    name = shown(asked.node.text)
    if asked.kind == "application":
        says = f'"{name}" exists only as a delegated permission, and a workload signs in without a user'
    else:
        says = f'"{name}" exists only as an application permission'
    yield problem(asked.node.mark, says, hints.of(asked))


def _tier0(asked: Asked, allowed: frozenset[str]) -> Iterator[Problem]:
    found = risk.tier(asked.value, asked.kind)
    if found.tier == 0 and asked.value not in allowed:
        yield problem(
            asked.node.mark,
            f'"{shown(asked.node.text)}" can lead to control of the whole tenant: {found.reason}',
            "ask for less, or name it in allowTier0 too if it is meant",
        )


def doubts(root: Node) -> Iterator[Problem]:
    """Names that the shipped catalogues do not have; they age, and the tenant has the last word."""
    hints = Hints()
    keys = applications(root)
    holders = [*applications(root).values(), *entries(child(root, "identities")).values()]
    for holder in holders:
        resources = child(holder, "permissions")
        for name in entries(resources):
            if name not in keys and not is_graph(name) and not well_known(name):
                hint = hints.of_resource(name, keys)
                if hint:
                    says = f'"{shown(name)}" is no known resource; the tenant may know it'
                    yield problem(mark_of(resources, name), says, hint)
        for asked in asked_of(holder):
            if asked.resource not in keys:
                yield from _unknown(asked, hints)


def _unknown(asked: Asked, hints: Hints) -> Iterator[Problem]:
    known = None if is_graph(asked.resource) else well_known(asked.resource)
    if is_graph(asked.resource):
        if any(permissions.find(asked.value, kind=kind) for kind in _KINDS):
            return
        name, hint = GRAPH, hints.of(asked)
    elif known and known.offered[asked.kind] and asked.value not in known.offered[asked.kind]:
        name, hint = known.name, hints.of(asked, known.offered[asked.kind])
    else:
        return
    kind = asked.kind
    says = f'"{shown(asked.node.text)}" is no known {kind} permission of {name}'
    yield problem(asked.node.mark, says, hint)


def _did_you_mean(text: str) -> str:
    return f'did you mean "{text}"?' if text else ""
