"""What the reader's screen can show, and text made safe for it."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

_NARROWEST = 20
_USUAL = 80
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_FALLBACK = {
    "→": "->",
    "…": "...",
    "\u2013": "-",
    "\u2014": "-",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A screen: how wide, whether coloured, and which characters it knows."""

    width: int = _USUAL
    color: bool = False
    encoding: str = "utf-8"


def look_at(stream: TextIO, environ: Mapping[str, str], *, color: bool = True) -> Look:
    """The screen behind a stream; no colour where it is no terminal, or where nobody wants any."""
    terminal = stream.isatty()
    plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return Look(
        width=max(_NARROWEST, _width(stream, environ)),
        color=color and terminal and not plain,
        encoding=stream.encoding or "ascii",
    )


def clean(text: str, look: Look) -> str:
    """The text with nothing hidden: controls and direction marks are spelled out.

    Names come from manifests and tenants, and whoever chose them may want a plan to read
    differently from what it does.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character, look.encoding) for character in text)


def _shown(character: str, encoding: str) -> str:
    if unicodedata.category(character) in _INVISIBLE:
        return _spelled(character)
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return _FALLBACK.get(character) or _spelled(character)
    return character


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _width(stream: TextIO, environ: Mapping[str, str]) -> int:
    """COLUMNS first, as everywhere; then the terminal; a pipe gets the usual width."""
    said = environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    if not stream.isatty():
        return _USUAL
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except (OSError, ValueError):
        return shutil.get_terminal_size().columns
