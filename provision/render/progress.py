"""Progress on stderr: a live line per application on a terminal, plain lines everywhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from provision.progress import Progress
from provision.render.layout import compose, line, say
from provision.render.look import Look, clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_PAUSE = 5.0
_REFRESHES = 8
_ROWS_KEPT_FREE = 3
_NARROW = 60
_FRAMES = "⠋⠙⠹⠸⠴⠦⠧⠏"
_ASCII_FRAMES = "|/-\\"


def progress_on(
    stream: TextIO,
    look: Look,
    *,
    live: bool | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Progress:
    """Progress for that stream: live on a terminal, else in plain lines; `live` overrules."""
    moving = stream.isatty() if live is None else live
    return Moving(stream, look) if moving else Plain(stream, look, now=now)


class Plain:
    """A line every few seconds while a step waits, and one when such a long step is done.

    Quick steps are told by the receipt alone: a log should not say everything twice.
    """

    def __init__(self, stream: TextIO, look: Look, *, now: Callable[[], float]) -> None:
        self._stream = stream
        self._look = look
        self._now = now
        self._told: dict[str, float] = {}
        self._began: dict[str, float] = {}

    def start(self, app: str, step_words: str) -> None:
        """Say nothing yet: most steps are done in a moment."""
        self._told[app] = self._began[app] = self._now()

    def waiting(self, app: str, what: str, seconds: float, of: float) -> None:
        """Say so, unless that was said a moment ago."""
        now = self._now()
        if now - self._told.setdefault(app, now) >= _PAUSE:
            self._told[app] = now
            self._say(f"{app}: {waiting_words(what, seconds, of)}")

    def done(self, app: str, step_words: str, detail: str) -> None:
        """Say what was done, if it took so long that somebody wonders."""
        now = self._now()
        if now - self._began.get(app, now) >= _PAUSE:
            self._say(f"{app}: {step_words}" + (f": {detail}" if detail else ""))

    def failed(self, app: str, words: str) -> None:
        """Say what failed."""
        self._say(f"{app}: failed: {words}")

    def close(self) -> None:
        """Nothing is left on the screen that had to go."""

    def _say(self, text: str) -> None:
        self._stream.write(compose([line(say(text), wrap=False)], self._look))
        self._stream.flush()


@dataclass(slots=True)
class _Row:
    """What an application's line says; `active` while a step runs."""

    says: str
    active: bool


class Moving:
    """A line per application that changes in place; when the run ends, only the receipt stays."""

    def __init__(self, stream: TextIO, look: Look) -> None:
        self._look = look
        self._rows: dict[str, _Row] = {}
        self._guard = threading.Lock()
        self._console = _console(stream, look)
        self._frames = _FRAMES if clean(_FRAMES, look) == _FRAMES else _ASCII_FRAMES
        self._live: Live | None = None

    def start(self, app: str, step_words: str) -> None:
        """Show the step."""
        self._show(app, step_words, active=True)

    def waiting(self, app: str, what: str, seconds: float, of: float) -> None:
        """Show what is waited for."""
        self._show(app, waiting_words(what, seconds, of), active=True)

    def done(self, app: str, step_words: str, detail: str) -> None:
        """Show the step as done until the next one begins."""
        self._show(app, f"done: {step_words}", active=False)

    def failed(self, app: str, words: str) -> None:
        """Print the failure above the moving lines, where it stays."""
        from rich.text import Text

        self._show(app, f"failed: {words}", active=False)
        text = Text(clean(f"{app}: failed: {words}", self._look), "red")
        self._console.print(text, soft_wrap=True)

    def close(self) -> None:
        """Take the moving lines off the screen and give the cursor back."""
        live, self._live = self._live, None
        if live:
            live.stop()

    def _show(self, app: str, says: str, *, active: bool) -> None:
        with self._guard:
            self._rows.pop(app, None)
            self._rows[app] = _Row(says=says, active=active)
        if self._live is None:
            self._live = _live(self._console, self._render)
            self._live.start()

    def _render(self) -> RenderableType:
        """As many lines as the screen holds: those at work first, then the latest."""
        from rich.console import Group
        from rich.text import Text

        with self._guard:
            rows = sorted(self._rows.items(), key=lambda row: not row[1].active)
        # How long a wait lasts stands last: a narrow screen breaks the line rather than lose it.
        narrow = self._console.width < _NARROW
        room = max(1, (self._console.height - _ROWS_KEPT_FREE) // (2 if narrow else 1))
        frame = self._frames[int(self._console.get_time() * _REFRESHES) % len(self._frames)]
        shown = []
        for app, row in rows[:room]:
            says = clean(f"{frame if row.active else ' '} {app}  {row.says}", self._look)
            shown.append(Text(says, no_wrap=not narrow, overflow="crop"))
        if len(rows) > room:
            shown.append(Text(f"  and {len(rows) - room} more"))
        return Group(*shown)


def waiting_words(what: str, seconds: float, of: float) -> str:
    """What is waited for, how long already, and for how long at most where there is a limit."""
    limit = f" of {of:.0f} s" if of > 0 else ""
    return f"waiting for {what}, {seconds:.0f} s{limit}"


def _console(stream: TextIO, look: Look) -> Console:
    from rich.console import Console

    # No width: rich asks the terminal each time, which its user may resize meanwhile.
    return Console(
        file=stream,
        color_system="standard" if look.color else None,
        no_color=not look.color,
        force_terminal=True,
        markup=False,
        emoji=False,
        highlight=False,
    )


def _live(console: Console, render: Callable[[], RenderableType]) -> Live:
    from rich.live import Live

    # Nothing is redirected: stdout carries results, and a redirected one would send them here.
    return Live(
        console=console,
        get_renderable=render,
        refresh_per_second=_REFRESHES,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
