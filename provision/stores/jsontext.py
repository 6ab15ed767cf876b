"""The text of a JSON file: read strictly, and written again in its own manner with every number as it stood."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MARK = "\ufeff"
"""Windows editors put it at the beginning of a file."""

_INDENTED = re.compile(r"[{\[][ \t]*(\r\n|\n|\r)(?P<indent>[ \t]+)\S")


class Unusable(ValueError):
    """The text is no JSON object; says where, and quotes no value."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number exactly as it is written: others read it too, and perhaps to more places than we do."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A JSON object and the manner of its text."""

    value: dict[str, Any]
    indent: str | None = "  "
    ending: str = "\n"
    last: str = "\n"
    mark: str = ""

    def changed(self, value: dict[str, Any]) -> bytes:
        """Another object in the same manner."""
        try:
            written = "".join(_written(value, self, ""))
        except RecursionError:
            raise Unusable("it is nested too deeply") from None
        return f"{self.mark}{written}{self.last}".encode()


def whole(content: bytes) -> Whole:
    """The object that a file holds; an empty file holds an empty one."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise Unusable(f"byte {error.start + 1} is no UTF-8") from None
    mark = _MARK if text.startswith(_MARK) else ""
    body = text.removeprefix(_MARK)
    if not body.strip(" \t\r\n"):
        return Whole(value={}, mark=mark)
    value = parsed(body)
    if not isinstance(value, dict):
        raise Unusable("it holds no object, but something else")
    indented, ending = _INDENTED.search(body), re.search(r"\r\n|\n|\r", body)
    return Whole(
        value=value,
        indent=indented["indent"] if indented else None if value else "  ",
        ending=ending[0] if ending else "\n",
        last=body[len(body.rstrip(" \t\r\n")) :],
        mark=mark,
    )


def parsed(text: str) -> Any:
    """What a JSON text means, numbers left as they are; the same key twice means nothing certain."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_once,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_number,
        )
    except json.JSONDecodeError as error:
        says = f"line {error.lineno}, column {error.colno}: this is no JSON ({error.msg})"
        raise Unusable(says) from None
    except RecursionError:
        raise Unusable("it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Unusable(f"the key {json.dumps(name[:60])} stands twice in one object")
        found[name] = value
    return found


def _no_number(text: str) -> Any:
    raise Unusable(f"{text} is no JSON")


def _written(value: Any, manner: Whole, margin: str) -> Iterator[str]:
    match value:
        case dict() if value:
            inner = [(f"{_text(name)}: ", each) for name, each in value.items()]
            yield from _several("{}", inner, manner, margin)
        case list() if value:
            yield from _several("[]", [("", each) for each in value], manner, margin)
        case Number():
            yield value.text
        case str():
            yield _text(value)
        case _:
            yield json.dumps(value)


def _several(
    brackets: str, inner: list[tuple[str, Any]], manner: Whole, margin: str
) -> Iterator[str]:
    deeper = margin + (manner.indent or "")
    start, between, end = ("", ", ", "")
    if manner.indent is not None:
        start = f"{manner.ending}{deeper}"
        between, end = f",{start}", f"{manner.ending}{margin}"
    yield brackets[0]
    for number, (head, value) in enumerate(inner):
        yield between if number else start
        yield head
        yield from _written(value, manner, deeper)
    yield f"{end}{brackets[1]}"


def _text(text: str) -> str:
    """As people write it; what UTF-8 cannot say is escaped."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)
