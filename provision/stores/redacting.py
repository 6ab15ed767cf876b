"""What a program said, without the value that it was given: in none of the forms that programs print."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REDACTED = "(redacted)"
SHORTEST = 12
"""Characters of a value in a row that may be a part of it; fewer happen by chance."""
FEWEST = 4
"""Of a form that is shorter than that, as the last line of a PEM is, all of it goes from this length on."""
MOST_LINES, MOST_CHARACTERS = 10, 2000

_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?")


def censored(said: bytes, values: Iterable[str]) -> str:
    """The last lines of it, safe for a terminal, every part of the values replaced."""
    text = _visible(said.decode("utf-8", "replace"))
    forms = {"".join(form.split()) for value in values for form in _forms(value)}
    text = _replaced(text, {form for form in forms if len(form) >= FEWEST})
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    return "\n".join(lines[-MOST_LINES:])[-MOST_CHARACTERS:]


def _visible(text: str) -> str:
    plain = _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(each for each in plain if each == "\n" or each.isprintable())


def _forms(value: str) -> Iterator[str]:
    """The value as programs write it: escaped or encoded, alone or as a part of what they encode."""
    raw = value.encode("utf-8", "surrogateescape")
    yield value
    yield from value.splitlines()
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield html.escape(value)
    for each in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield each
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), each)
    yield raw.hex()
    yield raw.hex().upper()
    for before in range(3):
        # Three bytes are four characters: what stands before the value shifts it, and its edges mix with others'.
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        inner = encoded[-(-before * 8 // 6) : len(encoded) - (1 if (before + len(raw)) % 3 else 0)]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def _replaced(text: str, forms: set[str]) -> str:
    """Whatever shares enough in a row with a form goes; white space does not count, as lines wrap."""
    at = [index for index, each in enumerate(text) if not each.isspace()]
    tight = "".join(text[index] for index in at)
    hidden = bytearray(len(text))
    for start, end in _found(tight, forms):
        for index in range(at[start], at[end - 1] + 1):
            hidden[index] = 1
    shown: list[str] = []
    for index, each in enumerate(text):
        if not hidden[index]:
            shown.append(each)
        elif index == 0 or not hidden[index - 1]:
            shown.append(REDACTED)
    return "".join(shown)


def _found(text: str, forms: set[str]) -> Iterator[tuple[int, int]]:
    parts = {
        form[start : start + SHORTEST]
        for form in forms
        for start in range(max(1, len(form) - SHORTEST + 1))
    }
    lengths = {len(part) for part in parts}
    for length in lengths:
        for start in range(len(text) - length + 1):
            if text[start : start + length] in parts:
                yield start, start + length
