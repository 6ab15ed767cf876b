"""Lines with a hanging indent and tables, wrapped to the screen: from strings to one text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.render.look import Look, clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LEAST_BODY = 24
_NARROW_INDENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Some words in one style; rich's names of styles, never its markup."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: what stands at its left edge, and the body that wraps beside it.

    An unwrapped line is left to the terminal: file names with a line number stay clickable.
    """

    lead: tuple[Words, ...] = ()
    body: tuple[Words, ...] = ()
    wrap: bool = True


def say(text: str, style: str = "") -> Words:
    """The short way to write Words."""
    return Words(text=text, style=style)


def line(*body: Words, lead: Sequence[Words] = (), wrap: bool = True) -> Line:
    """The short way to write a Line."""
    return Line(lead=tuple(lead), body=body, wrap=wrap)


BLANK = Line()


def compose(lines: Iterable[Line], look: Look) -> str:
    """The lines as one text that ends with a line feed; empty when there are none."""
    console = _console(look)
    for each in lines:
        for row in _rows(each, look, console):
            row.rstrip()
            console.print(row, soft_wrap=True)
    return _written(console)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[Line]:
    """A table as lines, for a screen that it fits."""
    from rich.cells import cell_len

    widths = [max(cell_len(row[at]) for row in (headers, *rows)) for at in range(len(headers))]
    for number, row in enumerate((headers, *rows)):
        style = "bold" if number == 0 else ""
        padded = [
            cell + " " * (width - cell_len(cell) + 2)
            for cell, width in zip(row, widths, strict=True)
        ]
        yield line(say("".join(padded), style), wrap=False)


def stacked(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[Line]:
    """The same for a screen too narrow for a table: each row becomes a block of lines."""
    for number, row in enumerate(rows):
        if number:
            yield BLANK
        for header, cell in zip(headers, row, strict=True):
            yield line(say(cell), lead=[say(f"{header}: ", "bold")])


def fits(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the table can stand on the screen without wrapping a cell."""
    from rich.cells import cell_len

    columns = [max(cell_len(row[at]) for row in (headers, *rows)) for at in range(len(headers))]
    return sum(columns) + 2 * (len(columns) - 1) <= width


def _rows(each: Line, look: Look, console: Console) -> list[Text]:
    from rich.text import Text

    lead, body = _text(each.lead, look), _text(each.body, look)
    if not each.wrap:
        return [lead + body]
    indent = lead.cell_len
    if look.width - indent < _LEAST_BODY:
        lead.rstrip()
        lead, body, indent = Text(), Text(" ").join([lead, body]), _NARROW_INDENT
    wrapped = body.wrap(console, max(1, look.width - indent), overflow="fold")
    margin = Text(" " * indent)
    return [(lead if number == 0 else margin) + row for number, row in enumerate(wrapped)] or [lead]


def _text(words: Iterable[Words], look: Look) -> Text:
    from rich.text import Text

    return Text.assemble(*((clean(each.text, look), each.style) for each in words))


def _console(look: Look) -> Console:
    from rich.console import Console

    return Console(
        file=io.StringIO(),
        width=look.width,
        height=25,
        force_terminal=look.color,
        color_system="standard" if look.color else None,
        no_color=not look.color,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )


def _written(console: Console) -> str:
    written = console.file
    return written.getvalue() if isinstance(written, io.StringIO) else ""
