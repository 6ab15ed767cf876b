"""Fills `${NAME}` into strings after YAML was read, so that a value stays a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from provision.errors import Problem
from provision.manifest.marks import Node, shown
from provision.manifest.spec import Mark

ENVIRONMENT_PREFIX = "PROVISION_VAR_"
FROM_ENVIRONMENT = ("AZURE_TENANT_ID", "ARM_TENANT_ID")
"""The only names that a manifest, which may be a stranger's, reads from the process as they are."""

_PLACE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{[^}]{0,40}\}?")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

Lookup = Callable[[str], str | None]


def lookup(
    environ: Mapping[str, str],
    variables: Mapping[str, str],
    own: Mapping[str, str] = MappingProxyType({}),
) -> Lookup:
    """Where a variable's value comes from: the command line, what the process has for manifests, then
    the manifest's own environment."""

    def find(name: str) -> str | None:
        if name in variables:
            return variables[name]
        value = environ.get(ENVIRONMENT_PREFIX + name, own.get(name))
        if value is None and name in FROM_ENVIRONMENT:
            return environ.get(name)
        return value

    return find


@dataclass(slots=True, kw_only=True)
class _Filling:
    """One walk through a tree; nodes that aliases share are visited once."""

    find: Lookup | None
    problems: list[Problem]
    done: dict[int, Node] = field(default_factory=dict)


def fill(root: Node, find: Lookup | None, problems: list[Problem]) -> Node:
    """The tree with every variable replaced; an unset one joins `problems`.

    Without `find` the texts are what they are, and only checked.
    """
    return _filled(root, _Filling(find=find, problems=problems))


def _filled(node: Node, filling: _Filling) -> Node:
    if id(node) not in filling.done:
        filling.done[id(node)] = _filled_anew(node, filling)
    return filling.done[id(node)]


def _filled_anew(node: Node, filling: _Filling) -> Node:
    match node.value:
        case dict():
            return replace(
                node, value={key: _filled(child, filling) for key, child in node.value.items()}
            )
        case tuple():
            return replace(node, value=tuple(_filled(child, filling) for child in node.value))
        case str():
            return replace(node, value=_text(node.value, node.mark, filling))
        case _:
            return node


def _text(text: str, mark: Mark, filling: _Filling) -> str:
    def value_of(place: re.Match[str], find: Lookup) -> str:
        if place.group() == "$${":
            return "${"
        name, default = place.group(1), place.group(2)
        if name is None:
            filling.problems.append(_malformed(place.group(), mark))
            return ""
        value = find(name)
        if default is not None and not value:
            return default
        if value is None:
            filling.problems.append(_unset(name, mark))
            return ""
        return value

    filled, find = text, filling.find
    if find is not None and "${" in text:
        filled = _PLACE.sub(lambda place: value_of(place, find), text)
    if found := _CONTROL.search(filled):
        filling.problems.append(_control(found.group(), mark))
    return filled


def _malformed(source: str, mark: Mark) -> Problem:
    return Problem(
        line=mark.line,
        column=mark.column,
        message=f'"{shown(source)}" is not a variable',
        hint="write ${NAME}, ${NAME:-default}, or $${ for a literal ${",
    )


def _unset(name: str, mark: Mark) -> Problem:
    known = f" or {name}" if name in FROM_ENVIRONMENT else ""
    return Problem(
        line=mark.line,
        column=mark.column,
        message=f"the variable {name} is not set",
        hint=f"give it with --var {name}=VALUE, set {ENVIRONMENT_PREFIX}{name}{known}, "
        f"or write ${{{name}:-default}}",
    )


def _control(character: str, mark: Mark) -> Problem:
    return Problem(
        line=mark.line,
        column=mark.column,
        message=f"a text contains the control character U+{ord(character):04X}",
    )
