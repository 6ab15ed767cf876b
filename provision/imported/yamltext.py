"""Plain data as YAML that people read: block style, comments in one column, texts quoted where it matters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z]([A-Za-z0-9 ._-]*[A-Za-z0-9])?")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile("[a-z][a-z0-9-]*")
_WORDS = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_WIDEST = 60
"""Comments further to the right than this are not worth a common column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the text, and the path of what it says; a comment goes behind it."""

    text: str
    path: Path
    comment: str = ""


def scalar(text: str) -> str:
    """A text that every YAML reader takes for this text, and our own for no variable."""
    if _GUID.fullmatch(text):
        return text
    return text if _is_bare(text) else _quoted(text.replace("${", "$${"))


def key(text: str) -> str:
    """The same for a key, which is never filled with variables."""
    known = _KEY.fullmatch(text) and text not in _WORDS
    return text if known or _is_bare(text) or _GUID.fullmatch(text) else _quoted(text)


def printable(text: str, limit: int = 120) -> str:
    """Somebody else's text, safe in a comment: one line, nothing invisible in it."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(each if each.isprintable() else _escaped(each) for each in cut)


def written(data: Mapping[str, Any], comments: Mapping[Path, str], *, depth: int) -> list[Line]:
    """A mapping as lines, `depth` levels deep; comments are by path."""
    return list(_mapping(data, comments, (), depth))


def rendered(lines: list[Line]) -> list[str]:
    """The lines with their comments, which stand in one column where they follow each other."""
    texts: list[str] = []
    block: list[Line] = []
    for line in lines:
        if not line.comment:
            texts += _aligned(block)
            texts.append(line.text)
            block = []
        else:
            block.append(line)
    return texts + _aligned(block)


def _aligned(block: list[Line]) -> list[str]:
    widths = [len(line.text) for line in block if len(line.text) <= _WIDEST]
    column = max(widths, default=0)
    return [f"{line.text:<{column}}  # {line.comment}" for line in block]


def _mapping(
    data: Mapping[str, Any], comments: Mapping[Path, str], above: Path, depth: int
) -> Iterator[Line]:
    pad = "  " * depth
    for name, value in data.items():
        path = (*above, name)
        start, comment = f"{pad}{key(name)}:", comments.get(path, "")
        flow = _flow(value, path)
        if flow is not None:
            yield Line(text=f"{start} {flow}", path=path, comment=comment)
            continue
        yield Line(text=start, path=path, comment=comment)
        if isinstance(value, Mapping):
            yield from _mapping(value, comments, path, depth + 1)
        else:
            yield from _sequence(value, comments, path, depth + 1)


def _sequence(
    values: list[Any], comments: Mapping[Path, str], above: Path, depth: int
) -> Iterator[Line]:
    pad = "  " * depth
    for value in values:
        if not isinstance(value, Mapping):
            path = (*above, str(value))
            yield Line(text=f"{pad}- {scalar(value)}", path=path, comment=comments.get(path, ""))
            continue
        first = True
        for line in _mapping(value, {}, above, depth + 1):
            dashed = f"{pad}- {line.text.lstrip()}" if first else line.text
            yield Line(text=dashed, path=above)
            first = False


def _flow(value: Any, path: Path) -> str | None:
    """What fits behind its key; None for what needs lines of its own."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return scalar(value)
    if not value:
        return "[]" if isinstance(value, list) else "{}"
    if path[-1] == "adopt":
        return "{" + ", ".join(f"{key(name)}: {scalar(each)}" for name, each in value.items()) + "}"
    if path[-1] in ("allowedMemberTypes", "additionalProperties", "scopes", "allowTier0"):
        return f"[{', '.join(map(scalar, value))}]" if isinstance(value, list) else None
    return None


def _is_bare(text: str) -> bool:
    """Whether YAML 1.1 and 1.2 alike read it as this text without quotes."""
    return bool(_BARE.fullmatch(text)) and text.lower() not in _WORDS and "  " not in text


def _quoted(text: str) -> str:
    return '"' + "".join(_in_quotes(each) for each in text) + '"'


def _in_quotes(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else _escaped(character)


def _escaped(character: str) -> str:
    """JSON would write two halves above U+FFFF, which YAML does not put together again."""
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
