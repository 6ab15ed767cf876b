"""The text of a dotenv file: assignments change, all else stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

_MARK = "\ufeff"
"""Windows editors put it at the beginning of a file."""

_START = re.compile(
    r"(?P<head>[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)"
    r"[ \t]*=(?:[ \t]+(?![ \t#]))?)"
)
_QUOTED = {
    "'": re.compile(r"'(?P<inner>[^']*)'"),
    '"': re.compile(r'"(?P<inner>(?:[^"\\]|\\.)*)"', re.DOTALL),
    "`": re.compile(r"`(?P<inner>[^`]*)`"),
}
_AFTER_QUOTE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r|\n|\Z)")
_COMMENT = re.compile(r"[ \t]#")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}

# A shell expands a tilde at the start of a value and after a colon, and nothing else of these.
_PLAIN = re.compile(r"(?!~)(?:[A-Za-z0-9_.~/@%+,=-]|:(?!~))*")
_DOUBLE = re.compile(r"[^\"\\$`\x00-\x1f\x7f\ud800-\udfff]*")
_SINGLE = re.compile(r"(?:[^'\\\x00-\x1f\x7f\ud800-\udfff]|\\(?![\\']|\Z))*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A line, or one assignment with all its lines; `tail` is what follows the value."""

    text: str
    key: str | None = None
    value: str = ""
    head: str = ""
    quote: str = ""
    tail: str = ""


class Unwritable(ValueError):
    """No way of writing the value would be read alike by shells and dotenv readers."""


def pieces(text: str) -> list[Piece]:
    """The text cut into lines and assignments; joined again they are the text."""
    found: list[Piece] = []
    at = len(_MARK) if text.startswith(_MARK) else 0
    if at:
        found.append(Piece(text=_MARK))
    while at < len(text):
        piece = _assignment(text, at) or Piece(text=_match(_LINE, text, at))
        found.append(piece)
        at += len(piece.text)
    return found


def values(text: str) -> dict[str, str]:
    """Every key with the value that counts: the last one."""
    return {piece.key: piece.value for piece in pieces(text) if piece.key is not None}


def assign(text: str, wanted: Mapping[str, str]) -> str:
    """The text with these values: in place where a key stands, else after its siblings."""
    parts = pieces(text)
    last = {key: at for at, piece in enumerate(parts) if (key := piece.key) and key in wanted}
    for key, at in last.items():
        parts[at] = _with_value(parts[at], wanted[key])
    new = [key for key in wanted if key not in last]
    if new:
        parts = _with_new(parts, {key: wanted[key] for key in new}, last, _ending(text))
    result = _joined(parts)
    if values(result) != {**values(text), **wanted}:
        raise Unwritable  # a quote that was never closed would swallow ours, or end in it
    return result


def without(text: str, keys: Iterable[str]) -> str:
    """The text without any assignment of these keys: an earlier one must not come alive again."""
    gone = frozenset(keys)
    return _joined(piece for piece in pieces(text) if piece.key not in gone)


def _with_new(
    parts: list[Piece], wanted: Mapping[str, str], last: Mapping[str, int], ending: str
) -> list[Piece]:
    """The new keys after the last of their kind, in its way, or at the end."""
    at = max(last.values()) if last else len(parts) - 1
    export = "export " if last and "export" in parts[at].head else ""
    made = [_new(f"{export}{key}=", value, ending) for key, value in wanted.items()]
    if parts and (at, parts[at].text) != (0, _MARK):
        parts[at] = _ended(parts[at], ending)
    return [*parts[: at + 1], *made, *parts[at + 1 :]]


def _ended(piece: Piece, ending: str) -> Piece:
    if piece.text.endswith(("\n", "\r")):
        return piece
    return replace(piece, text=piece.text + ending)


def _assignment(text: str, at: int) -> Piece | None:
    start = _START.match(text, at)
    if start is None:
        return None
    quote, value, end = _value(text, start.end())
    tail = _match(_LINE, text, end)
    return Piece(
        text=text[at:end] + tail,
        key=start["key"],
        value=value,
        head=start["head"],
        quote=quote,
        tail=tail,
    )


def _value(text: str, at: int) -> tuple[str, str, int]:
    """The quote, the value and its end; a quote that does not enclose it all is part of it."""
    quote = text[at : at + 1]
    quoted = _QUOTED[quote].match(text, at) if quote in _QUOTED else None
    if quoted is None or not _AFTER_QUOTE.match(text, quoted.end()):
        line = _match(_LINE, text, at).rstrip("\r\n")
        comment = _COMMENT.search(line)
        bare = (line[: comment.start()] if comment else line).rstrip(" \t")
        return "", bare, at + len(bare)
    inner = quoted["inner"]
    if quote == '"':
        inner = _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), inner)
    return quote, inner, quoted.end()


def _match(pattern: re.Pattern[str], text: str, at: int) -> str:
    found = pattern.match(text, at)
    return found[0] if found else ""


def _with_value(piece: Piece, value: str) -> Piece:
    written = _written(value, piece.quote)
    return replace(piece, text=f"{piece.head}{written}{piece.tail}", value=value)


def _new(head: str, value: str, ending: str) -> Piece:
    return Piece(text=f"{head}{_written(value, '')}{ending}")


def _written(value: str, quote: str) -> str:
    """The value in the quotes it had, in none where that is safe, else in single ones."""
    if quote == '"' and _DOUBLE.fullmatch(value):
        return f'"{value}"'
    if quote != "'" and _PLAIN.fullmatch(value):
        return value
    if _SINGLE.fullmatch(value):
        return f"'{value}'"
    raise Unwritable


def _ending(text: str) -> str:
    """The line ending that the text uses first; a new file gets the one that shells read."""
    first = re.search(r"\r\n|\r|\n", text)
    return first[0] if first else "\n"


def _joined(parts: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in parts)
