"""Progress: lines that move on a terminal, lines that stay everywhere else."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from provision.progress import Silent
from provision.render.look import Look
from provision.render.progress import Moving, Plain, progress_on


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Hand:
    """A clock's hand that the test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_terminal_gets_moving_lines_and_a_pipe_plain_ones() -> None:
    kinds = [type(progress_on(stream, Look())) for stream in (Screen(), io.StringIO())]

    assert kinds == [Moving, Plain]


def test_a_terminal_may_be_asked_for_plain_lines() -> None:
    assert isinstance(progress_on(Screen(), Look(), live=False), Plain)


def test_a_plain_line_tells_a_long_step_and_leaves_quick_ones_to_the_receipt() -> None:
    stream, hand = io.StringIO(), Hand()
    progress = Plain(stream, Look(width=20), now=hand)

    progress.start("app", "create the application")
    hand.at = 5.0
    progress.done("app", "create the application", "appId 1")
    progress.start("app", "create the service principal")
    hand.at = 9.9
    progress.done("app", "create the service principal", "")
    progress.failed("app", "no\x1b")
    progress.close()

    assert stream.getvalue() == ("app: create the application: appId 1\napp: failed: no\\x1b\n")


def test_a_wait_is_told_every_five_seconds_for_each_application() -> None:
    stream, hand = io.StringIO(), Hand()
    progress = Plain(stream, Look(), now=hand)
    progress.start("app", "x")

    for hand.at in (0.0, 1.0, 4.9, 5.0, 6.0, 10.0):
        progress.waiting("app", "the directory", hand.at, 300)

    assert stream.getvalue() == (
        "app: waiting for the directory, 5 s of 300 s\n"
        "app: waiting for the directory, 10 s of 300 s\n"
    )


def test_a_wait_without_a_start_is_no_error() -> None:
    stream, hand = io.StringIO(), Hand()
    progress = Plain(stream, Look(), now=hand)

    progress.waiting("app", "x", 0, 0)
    hand.at = 5.0
    progress.waiting("app", "x", 5, 0)

    assert stream.getvalue() == "app: waiting for x, 5 s\n"


def shown(progress: Moving) -> list[str]:
    """One frame as the screen would get it, without waiting for the screen's own rhythm."""
    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=progress._console.width, color_system=None)
    console.print(progress._render())
    return [line[1:].rstrip() for line in file.getvalue().splitlines()]


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moving]:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "10")
    progress = Moving(Screen(), Look(encoding="ascii"))
    yield progress
    progress.close()


def test_a_moving_line_says_the_step_and_then_the_wait(moving: Moving) -> None:
    moving.start("app", "create the application")
    first = shown(moving)
    moving.waiting("app", "the directory", 12.4, 300)
    second = shown(moving)

    assert first == [" app  create the application"]
    assert second == [" app  waiting for the directory, 12 s of 300 s"]


def test_a_narrow_screen_breaks_a_line_and_shows_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "10")
    progress = Moving(Screen(), Look(encoding="ascii"))

    for number in range(5):
        progress.waiting(f"app{number}", "the directory", 12, 300)
    frame = shown(progress)
    progress.close()

    assert frame[0] == " app0  waiting for the directory, 12 s"
    assert len(frame) == 7
    assert "and 2 more" in frame[-1]


def test_a_long_line_is_cut_on_a_wide_screen(moving: Moving) -> None:
    moving.start("app", "x" * 100)

    assert shown(moving) == [" app  " + "x" * 53]


def test_a_finished_step_is_shown_below_the_ones_at_work(moving: Moving) -> None:
    moving.start("a", "one")
    moving.start("b", "two")
    moving.done("a", "one", "")

    assert shown(moving) == [" b  two", " a  done: one"]


def test_more_applications_than_lines_are_counted(moving: Moving) -> None:
    for number in range(30):
        moving.start(f"app{number}", "x")
    frame = shown(moving)

    assert len(frame) == 8
    assert frame[-1] == " and 23 more"


def test_a_failure_stays_on_the_screen_and_the_moving_lines_go() -> None:
    stream = Screen()
    progress = Moving(stream, Look(width=40))

    progress.start("app", "x")
    progress.failed("app", "[b]no\u202e")
    progress.close()
    progress.close()

    assert "app: failed: [b]no\\u202e\n" in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25h") == 1


def test_a_console_of_few_characters_gets_only_those() -> None:
    stream = Screen()
    progress = Moving(stream, Look(width=40, encoding="cp1252"))

    progress.start("東京", "x")
    progress.close()

    stream.getvalue().encode("cp1252")


def test_silence_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Silent()

    progress.start("a", "b")
    progress.waiting("a", "b", 1, 2)
    progress.done("a", "b", "c")
    progress.failed("a", "b")
    progress.close()

    assert capsys.readouterr() == ("", "")
