"""YAML text → a tree whose values know their line and column, without YAML 1.1's surprises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import yaml

from provision.errors import Problem
from provision.manifest.spec import Mark

MAX_DEPTH = 40
MAX_NODES = 200_000
"""With every alias written out, so that a small file cannot unfold into a large one."""

Value: TypeAlias = "str | int | float | bool | tuple[Node, ...] | dict[str, Node] | None"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_CORE = "tag:yaml.org,2002:"
_TAG_TYPES: dict[str, tuple[type, ...]] = {
    f"{_CORE}int": (int,),
    f"{_CORE}float": (float, int),
    f"{_CORE}bool": (bool,),
    f"{_CORE}null": (type(None),),
}
# YAML 1.2, rule c-printable
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value and its place; `text` is a scalar's source, `keys` says where each key stands."""

    mark: Mark
    value: Value
    text: str = ""
    plain: bool = False
    keys: dict[str, Mark] = field(default_factory=dict)
    size: int = 1
    height: int = 0


@dataclass(slots=True, kw_only=True)
class _Open:
    """A collection whose end has not been read yet."""

    mark: Mark
    anchor: str | None
    mapping: bool
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Tree:
    """What has been read so far of one document."""

    problems: list[Problem]
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    nodes: int = 0


class _Fatal(Exception):
    """Nothing after this point can be read."""

    def __init__(self, mark: Mark, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(line=mark.line, column=mark.column, message=message, hint=hint)


def compose(text: str, problems: list[Problem]) -> Node | None:
    """The document's tree; mistakes join `problems`, and None says that there is no tree."""
    text = text.removeprefix("\ufeff")
    if found := _UNREADABLE.search(text):
        problems.append(_unreadable(text, found))
        return None
    tree = _Tree(problems=problems)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            _take(tree, event)
    except _Fatal as fatal:
        problems.append(fatal.problem)
        return None
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax(error, text))
        return None
    if tree.root is None:
        problems.append(Problem(line=1, column=1, message="the file is empty", hint=_EMPTY_HINT))
    return tree.root


_EMPTY_HINT = "`provision init` writes a manifest to start from"


def _take(tree: _Tree, event: yaml.Event) -> None:
    """One event of the parser; the tree grows by at most one node."""
    match event:
        case yaml.DocumentStartEvent() if tree.root is not None:
            raise _Fatal(
                _mark(event),
                "a second document starts here, and a manifest is one document",
                "keep each manifest in a file of its own",
            )
        case yaml.CollectionStartEvent():
            _open(tree, event)
        case yaml.CollectionEndEvent():
            done = tree.stack.pop()
            node = _mapping(tree, done) if done.mapping else _sequence(done)
            _add(tree, node, anchor=done.anchor)
        case yaml.ScalarEvent():
            _count(tree, _mark(event), 1)
            _add(tree, _scalar(tree, event), anchor=event.anchor)
        case yaml.AliasEvent():
            _add(tree, _alias(tree, event), anchor=None)


def _open(tree: _Tree, event: yaml.CollectionStartEvent) -> None:
    mark, mapping = _mark(event), isinstance(event, yaml.MappingStartEvent)
    if len(tree.stack) >= MAX_DEPTH:
        raise _Fatal(mark, f"nested deeper than {MAX_DEPTH} levels")
    _count(tree, mark, 1)
    if event.tag not in (None, f"{_CORE}map" if mapping else f"{_CORE}seq"):
        tree.problems.append(_unknown_tag(mark, event.tag))
    if event.anchor:
        tree.anchors[event.anchor] = None
    tree.stack.append(_Open(mark=mark, anchor=event.anchor, mapping=mapping))


def _count(tree: _Tree, mark: Mark, size: int) -> None:
    tree.nodes += size
    if tree.nodes > MAX_NODES:
        raise _Fatal(
            mark,
            f"more than {MAX_NODES} values, counted with every alias written out",
            "split the manifest",
        )


def _add(tree: _Tree, node: Node, *, anchor: str | None) -> None:
    if anchor:
        tree.anchors[anchor] = node
    if tree.stack:
        tree.stack[-1].items.append(node)
    else:
        tree.root = node


def _alias(tree: _Tree, event: yaml.AliasEvent) -> Node:
    mark, name = _mark(event), event.anchor
    if name not in tree.anchors:
        raise _Fatal(mark, f"*{name} refers to &{name}, which is not defined above it")
    node = tree.anchors[name]
    if node is None:
        raise _Fatal(mark, f"*{name} stands inside &{name}: a value cannot contain itself")
    if len(tree.stack) + node.height > MAX_DEPTH:
        raise _Fatal(mark, f"*{name} unfolds to more than {MAX_DEPTH} levels")
    _count(tree, mark, node.size)
    return node


def _sequence(done: _Open) -> Node:
    return Node(
        mark=done.mark,
        value=tuple(done.items),
        size=1 + sum(item.size for item in done.items),
        height=1 + max((item.height for item in done.items), default=0),
    )


def _mapping(tree: _Tree, done: _Open) -> Node:
    entries: dict[str, Node] = {}
    keys: dict[str, Mark] = {}
    merged: list[tuple[str, Node, Mark]] = []
    for key, value in zip(done.items[::2], done.items[1::2], strict=True):
        if isinstance(key.value, tuple | dict):
            tree.problems.append(
                _problem(key.mark, "a key must be a word, not a list or a mapping")
            )
        elif key.plain and key.text == "<<":
            merged.extend(_merged(tree, value))
        elif key.text in entries:
            first = keys[key.text]
            tree.problems.append(
                _problem(
                    key.mark,
                    f'the key "{shown(key.text)}" stands here for the second time',
                    f"the first is at {first.line}:{first.column}",
                )
            )
        else:
            entries[key.text], keys[key.text] = value, key.mark
    for name, value, mark in merged:
        if name not in entries:
            entries[name], keys[name] = value, mark
    return Node(
        mark=done.mark,
        value=entries,
        keys=keys,
        size=1 + sum(item.size for item in done.items),
        height=1 + max((item.height for item in done.items), default=0),
    )


def _merged(tree: _Tree, value: Node) -> Iterator[tuple[str, Node, Mark]]:
    for source in value.value if isinstance(value.value, tuple) else (value,):
        if isinstance(source.value, dict):
            yield from ((key, each, source.keys[key]) for key, each in source.value.items())
        else:
            tree.problems.append(
                _problem(source.mark, "<< merges mappings, and this is something else")
            )


def _scalar(tree: _Tree, event: yaml.ScalarEvent) -> Node:
    mark, text, tag = _mark(event), str(event.value), event.tag
    plain = tag is None and event.implicit[0]
    value: str | int | float | bool | None = text
    if plain or tag in _TAG_TYPES:
        value = _resolved(text)
    if tag in _TAG_TYPES and not isinstance(value, _TAG_TYPES[tag]):
        tree.problems.append(_problem(mark, f'"{shown(text)}" is no !!{tag.removeprefix(_CORE)}'))
    elif tag not in _TAG_TYPES and tag not in (None, f"{_CORE}str"):
        tree.problems.append(_unknown_tag(mark, tag))
    return Node(mark=mark, value=value, text=text, plain=plain)


def _resolved(text: str) -> str | int | float | bool | None:
    """YAML 1.2's plain scalars, and of numbers only those that cannot be meant as text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not text.lstrip("+-").isdigit():
        return float(text)
    return text


def _mark(event: yaml.Event) -> Mark:
    start = cast("yaml.Mark", event.start_mark)
    return Mark(line=start.line + 1, column=start.column + 1)


def _problem(mark: Mark, message: str, hint: str = "") -> Problem:
    return Problem(line=mark.line, column=mark.column, message=message, hint=hint)


def _unknown_tag(mark: Mark, tag: str) -> Problem:
    short = tag.replace(_CORE, "!!")
    return _problem(mark, f'a manifest has no type "{shown(short)}"', "leave the tag away")


def _unreadable(text: str, found: re.Match[str]) -> Problem:
    before = text[: found.start()]
    mark = Mark(line=before.count("\n") + 1, column=found.start() - before.rfind("\n"))
    if found.group() == "\0":
        return _problem(mark, "this is a binary file, not YAML text")
    return _problem(mark, f"the character U+{ord(found.group()):04X} may not stand in YAML text")


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """The parser's complaint as a sentence; tabs, the most frequent one, in words of our own."""
    place = error.problem_mark or error.context_mark
    mark = Mark(line=place.line + 1, column=place.column + 1) if place else Mark(line=1, column=1)
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation or line[mark.column - 1 : mark.column] == "\t":
        tab = Mark(line=mark.line, column=line.index("\t") + 1)
        return _problem(tab, "a tab stands where YAML wants spaces", "indent with spaces")
    if error.problem and "mapping values are not allowed" in error.problem:
        return _problem(
            mark,
            "a second `key: value` on one line, or an indentation that does not fit",
            "quote a text that contains a colon and a space",
        )
    context = f" ({error.context})" if error.context else ""
    inside = re.search(r"\{[A-Za-z_]", line) and "flow" in context
    hint = "between [ ] or { }, put a text that contains { or } in quotes" if inside else ""
    return _problem(mark, f"this is not YAML: {error.problem}{context}", hint)


def shown(text: str, limit: int = 60) -> str:
    """Text from a manifest, made safe for one line of a terminal."""
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in cut
    )
