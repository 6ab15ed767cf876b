"""What pydantic refuses, told in the manifest's words: where it stands and what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from provision.errors import Problem
from provision.manifest import values
from provision.manifest.manifest_shape import json_schema
from provision.manifest.marks import Node, shown
from provision.manifest.spec import Mark

ENDPOINT_KEYS = frozenset(
    ("login", "graph", "authority", "endpoint", "endpoints", "url", "authorityhost", "baseurl")
)
_SUGGESTIONS = 100
"""Looking for the word that was meant costs time, and a hostile file has many words."""

MOST_OPTIONS = 1000
"""Among more words than these none is looked for."""

_WANTED = {
    "string_type": "text",
    "int_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "union_tag_not_found": "a list of permission names",
}
_DURATIONS = ("lifetime", "renewBefore", "overlap", "timeout")


Detail: TypeAlias = Mapping[str, Any]
Shaped = TypeVar("Shaped", bound=BaseModel)


def validated(
    shape: type[Shaped], value: object, *below: str
) -> tuple[Shaped | None, list[Detail]]:
    """A value in its shape, or what keeps it from having that; `below` leads to the value's place."""
    try:
        return shape.model_validate(value), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return None, [{**each, "loc": (*below, *each["loc"])} for each in found]


def found_in(details: Iterable[Detail], root: Node) -> Iterator[Problem]:
    """Every mistake of a validation, as a sentence with its place; what stands in the defaults is told
    once, and not for every application again."""
    in_defaults: set[tuple[int, int]] = set()
    ordered = sorted(details, key=lambda each: each["loc"][:1] != ("defaults",))
    for index, detail in enumerate(ordered):
        problem = _problem(detail, root, suggesting=index < _SUGGESTIONS)
        place = (problem.line, problem.column)
        if detail["loc"][:1] == ("defaults",):
            in_defaults.add(place)
        elif place in in_defaults:
            continue
        yield problem


@dataclass(slots=True)
class Guesses:
    """Hints about what was meant, as long as there are not too many."""

    left: int = _SUGGESTIONS

    def meant(self, text: str, options: Iterable[str]) -> str:
        """A hint that names the closest of the options, or nothing."""
        self.left -= 1
        return meant(text, options) if self.left >= 0 else ""


def meant(text: str, options: Iterable[str]) -> str:
    """A hint that names the closest of the options, or nothing."""
    folded = {option.lower(): option for option in islice(options, MOST_OPTIONS)}
    close = difflib.get_close_matches(text[:60].lower(), folded, n=1, cutoff=0.6)
    return f'did you mean "{folded[close[0]]}"?' if close else ""


def _problem(detail: Mapping[str, Any], root: Node, *, suggesting: bool) -> Problem:
    location: tuple[str | int, ...] = detail["loc"]
    kind, context = detail["type"], detail.get("ctx", {})
    node, key_mark = _at(root, location)
    mark = key_mark
    if kind == "missing":
        message, hint = f'the key "{location[-1]}" is missing', _missing_hint(location)
    elif kind == "extra_forbidden":
        message, hint = _unknown_key(location, suggesting=suggesting)
    elif kind == "mistake":
        is_key = location[-1] == "[key]"
        text = str(location[-2]) if is_key else node.text
        mark = key_mark if is_key else node.mark
        hint = context["hint"] or (meant(text, context.get("options", ())) if suggesting else "")
        message = f'"{shown(text)}" {context["says"]}'
    else:
        mark = key_mark if node.value is None else node.mark
        message, hint = _wrong_type(kind, node, location)
    return Problem(line=mark.line, column=mark.column, message=message, hint=hint)


def _at(root: Node, location: tuple[str | int, ...]) -> tuple[Node, Mark]:
    """The deepest value on the way to a location, and the place of the key that leads to it."""
    node, mark = root, root.mark
    for step in location:
        if isinstance(node.value, dict) and step in node.value:
            node, mark = node.value[str(step)], node.keys[str(step)]
        elif isinstance(node.value, tuple) and isinstance(step, int):
            node = node.value[step]
            mark = node.mark
    return node, mark


def _missing_hint(location: tuple[str | int, ...]) -> str:
    match location[-1]:
        case "version":
            return "write version: 1"
        case "store":
            return "say where the value goes, such as store: {dotenv: .env}"
        case _:
            return ""


def _unknown_key(location: tuple[str | int, ...], *, suggesting: bool) -> tuple[str, str]:
    key = str(location[-1])
    title, known = _keys_at(location[:-1])
    at_the_top = title in ("manifest", "environment")
    if at_the_top and key.lower().replace("_", "") in ENDPOINT_KEYS:
        return f'"{shown(key)}" is no key: {values.NO_ENDPOINT[0]}', values.NO_ENDPOINT[1]
    hint = (meant(key, known) if suggesting else "") or f"known here: {', '.join(known)}"
    return f'"{shown(key)}" is not a key of the {title}', hint


def _keys_at(location: tuple[str | int, ...]) -> tuple[str, list[str]]:
    """What the mapping at a location is called, and the keys it may have."""
    whole = json_schema()
    schema: Mapping[str, Any] = whole
    for step in location:
        schema = _referred(_below(schema, step), whole)
    return schema["title"], list(schema["properties"])


def _below(schema: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    if step == "[kinds]":
        return next(each for each in schema["oneOf"] if "$ref" in each)
    if isinstance(step, int):
        return dict(schema["items"])
    if step in schema.get("properties", {}):
        return dict(schema["properties"][step])
    return next(iter(schema["patternProperties"].values()))


def _referred(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return whole["$defs"][name] if name else schema


def _wrong_type(kind: str, node: Node, location: tuple[str | int, ...]) -> tuple[str, str]:
    wanted = _WANTED.get(kind, "something else")
    message = f"{wanted} is wanted here, {_described(node)}"
    scalar = isinstance(node.value, str | int | float | bool)
    if wanted == "text" and location[-1] in _DURATIONS and scalar:
        return message, "a unit is missing: write 90d, 24h, 30m, 45s or 2w"
    if wanted == "text" and scalar:
        return message, f'put it in quotes: "{shown(node.text)}"'
    if wanted.startswith("a list") and scalar:
        return message, f"write [{shown(node.text)}]"
    if wanted == "a number" and isinstance(node.value, str) and node.text.isdigit():
        return message, f"write {shown(node.text)} without quotes"
    return message, ""


def _described(node: Node) -> str:
    match node.value:
        case None:
            return "and nothing is written"
        case bool():
            return f"not {node.text} (true or false)"
        case int() | float():
            return f"not the number {shown(node.text)}"
        case str():
            return f'not the text "{shown(node.text)}"'
        case tuple():
            return "not a list"
        case _:
            return "not a mapping"
