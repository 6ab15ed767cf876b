"""How things stand as a table: a line for each credential, what it is about below it, blocks on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from provision.render import layout
from provision.render.layout import BLANK, Line, Words, compose, line, say
from provision.render.look import Look, clean
from provision.roster import Kept, Row, State
from provision.status import Consent, Granted, Standing, Whole
from provision.wording import permission, roughly

_HEAD = ("credential", "kind", "state", "expires", "last proof")
_REST = ("created", "stored", "key id")
_NONE = "-"
_MARGIN = 4
_STATE = _HEAD.index("state")

_BAD, _SOON = "bold red", "yellow"
_STYLES = {
    State.ACTIVE: "green",
    State.EXPIRED: _BAD,
    State.MISSING: _BAD,
    State.NOT_OURS: "dim",
}
_KEPT = {
    Kept.HERE: "held here",
    Kept.ELSEWHERE: "not held here",
    Kept.UNREADABLE: "not readable here",
}


def standing_text(standing: Standing, look: Look) -> str:
    """Each application with its credentials, in the widest form that fits, and how much is due."""
    told = {
        app: [(row, [clean(cell, look) for cell in _cells(row, standing.at)]) for row in rows]
        for app, rows in standing.by_app().items()
    }
    every = [cells for some in told.values() for _, cells in some]
    headers: tuple[str, ...] = (*_HEAD, *_REST)
    shown = every
    room = look.width - _MARGIN
    if not layout.fits(headers, shown, room):
        headers, shown = _HEAD, [cells[: len(_HEAD)] for cells in every]
    table = layout.fits(headers, shown, room)
    lines: list[Line] = []
    if table and shown:
        widths = _widths(headers, shown)
        lines += [_row_line(headers, widths, lead=" " * _MARGIN, style="bold"), BLANK]
    for whole in standing.applications:
        lines += _whole_lines(whole)
        for row, cells in told.get(whole.app, ()):
            lines += _table(row, cells, headers, widths) if table else _stacked(row, cells)
        lines.append(BLANK)
    return compose([*lines, line(say(_total(standing), "bold"))], look)


def _widths(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(cell_len(row[at]) for row in (headers, *rows)) for at in range(len(headers))]


def _row_line(
    cells: Sequence[str], widths: Sequence[int], *, lead: str, style: str, state: str = ""
) -> Line:
    from rich.cells import cell_len

    words = [
        say(cell + " " * (width - cell_len(cell) + 2), state if at == _STATE and state else style)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return line(*words, lead=[say(lead)], wrap=False)


def _table(
    row: Row, cells: Sequence[str], headers: Sequence[str], widths: Sequence[int]
) -> Iterator[Line]:
    shown = cells[: len(headers)]
    yield _row_line(shown, widths, lead=_mark(row), style="", state=_style(row))
    below = list(_about(row))
    if len(headers) == len(_HEAD):
        below = [*_key_and_store(row), *below]
    for words in below:
        yield line(words, lead=[say(" " * (_MARGIN + widths[0] + 2))])


def _stacked(row: Row, cells: Sequence[str]) -> Iterator[Line]:
    margin = say(" " * _MARGIN)
    lead = say("! " if row.due else "  ")
    yield line(say(f"{cells[0]} ({cells[1]}): "), say(cells[2], _style(row)), lead=[lead])
    for name, cell in zip((*_HEAD, *_REST)[3:], cells[3:], strict=True):
        if cell != _NONE:
            yield line(say(f"{name}: "), say(cell), lead=[margin])
    for words in _about(row):
        yield line(words, lead=[margin])


def _mark(row: Row) -> str:
    """What is due is marked by a sign too: not every screen has colours."""
    return "  ! " if row.due else " " * _MARGIN


def _style(row: Row) -> str:
    return _STYLES.get(row.state, _SOON)


def _cells(row: Row, now: datetime) -> list[str]:
    return [
        row.credential or _NONE,
        row.kind,
        row.state.value,
        _ends(row.expires, now) if row.expires else _NONE,
        _day(row.proven),
        _day(row.created),
        _stored(row) or _NONE,
        row.key_id or _NONE,
    ]


def _stored(row: Row) -> str:
    return ", ".join(filter(None, (row.store, _KEPT[row.kept] if row.kept else "")))


def _key_and_store(row: Row) -> Iterator[Words]:
    """What has no room in the line: a key id is never cut."""
    if row.key_id:
        yield say(f"key {row.key_id}", "dim")
    made = f"created {_day(row.created)}" if row.created else ""
    where = "stored in" if row.key_id else "to be stored in"
    told = "; ".join(filter(None, (made, f"{where} {_stored(row)}" if row.store else "")))
    if told:
        yield say(told, "dim")


def _about(row: Row) -> Iterator[Words]:
    if row.name:
        yield say(f'"{row.name}"', "dim")
    if row.subject:
        yield say(f"trusts {row.subject} of {row.issuer}", "dim")
    if row.says:
        at = row.until if row.until and not row.due else None
        when = f": {at.strftime('%Y-%m-%d %H:%M UTC')}" if at else ""
        yield say(f"{row.says}{when}", _style(row) if row.due else "")


def _day(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d") if at else _NONE


def _ends(at: datetime, now: datetime) -> str:
    left = at - now
    relative = f"in {roughly(left)}" if at > now else f"{roughly(-left)} ago"
    return f"{_day(at)}, {relative}"


def _whole_lines(whole: Whole) -> Iterator[Line]:
    told = [whole.says] if whole.says else []
    if whole.exists and whole.consent:
        told += [_consented(whole.consent), _drift(whole.changes)]
    kind = " (managed identity)" if whole.kind == "managedIdentity" else ""
    yield line(say("; ".join(told)), lead=[say(f"{whole.app}{kind}: ", "bold")])
    for each in whole.consent.missing if whole.consent and whole.exists else ():
        yield line(say(f"not granted: {permission(each)}"), lead=[say(" " * _MARGIN)])


def _consented(consent: Consent) -> str:
    counted = f"{consent.granted} of {consent.asked} granted"
    match consent.state:
        case Granted.NOTHING_ASKED:
            return "no consent needed"
        case Granted.UNREADABLE:
            return "its consents cannot be read by this operator"
        case Granted.PENDING:
            return f"consent pending, {counted}: waits for an administrator"
        case Granted.MISSING:
            return f"consent missing, {counted}"
        case _:
            return f"consent granted ({consent.granted} of {consent.asked})"


def _drift(changes: int) -> str:
    if not changes:
        return "matches the manifest"
    return f"{changes} change{'s' if changes != 1 else ''}: run provision plan"


def _total(standing: Standing) -> str:
    """How much is due, else when the next credential ends."""
    due = len(standing.due)
    if due:
        return f"{due} credential{'s are' if due != 1 else ' is'} due (marked !)."
    ends = [
        (row.expires, row)
        for row in standing.rows
        if row.expires and row.state in (State.ACTIVE, State.ELSEWHERE)
    ]
    if not ends:
        return "Nothing is due."
    at, first = min(ends, key=lambda each: each[0])
    return f"Nothing is due. The next to expire is {first.app}/{first.credential}, {_ends(at, standing.at)}."
