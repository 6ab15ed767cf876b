"""What a person at a terminal is asked, answered at a pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paper
import pytest
import truth

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

SHOW_CURSOR = "\x1b[?25h"
"""What a terminal is sent once the lines that move in place have been taken off."""


class Terminal:
    """A program at a pseudo-terminal: what it wrote so far, and a keyboard."""

    def __init__(self, folder: Path, *words: str) -> None:
        import pty  # not on Windows

        self._keyboard, screen = pty.openpty()
        self._program = subprocess.Popen(
            [sys.executable, "-m", "provision", *words],
            cwd=folder,
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
        )
        os.close(screen)
        self.said = ""

    def wait_for(self, words: str) -> None:
        """Read until the program says this; a program that ends first fails the test."""
        while words not in self.said:
            self.said += self._read()

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._keyboard, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        time.sleep(0.3)  # the question is open a moment after it is written
        self._program.send_signal(2)

    def end(self) -> int:
        """Read to the end; the exit code."""
        try:
            while True:
                self.said += self._read()
        except AssertionError:
            return self._program.wait(timeout=60)

    def close(self) -> None:
        """Leave nothing behind."""
        self._program.kill()
        self._program.wait()
        os.close(self._keyboard)

    def _read(self) -> str:
        try:
            read = os.read(self._keyboard, 4096)
        except OSError:  # Linux's word for a terminal that nobody writes to any more
            read = b""
        assert read, f"the program ended after: {self.said}"
        return read.decode()


Start = Callable[..., Terminal]


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    started: list[Terminal] = []
    yield started
    for terminal in started:
        terminal.close()


@pytest.fixture
def at_terminal(workplace: Path, terminals: list[Terminal]) -> Start:
    def start(*words: str) -> Terminal:
        terminals.append(Terminal(workplace, *words))
        return terminals[-1]

    return start


def test_init_asks_for_what_no_option_says(at_terminal: Start, workplace: Path) -> None:
    terminal = at_terminal("init", "asked.yaml")

    for question, answer in (
        ("Name of the owner", "team-asked\n"),
        ("First application", "reader\n"),
        ("Permissions", "Group.Read.All\n"),
        ("dotenv file", "\n"),
    ):
        terminal.wait_for(question)
        terminal.type(answer)
    code = terminal.end()

    text = (workplace / "asked.yaml").read_text(encoding="utf-8")
    assert code == 0
    assert "name: team-asked" in text
    assert "  reader:" in text
    assert "Group.Read.All" in text
    assert "dotenv: .env" in text


def test_init_doubts_a_permission_that_nobody_knows(at_terminal: Start) -> None:
    terminal = at_terminal(
        "init", "--name", "doubts", "--permission", "User.Raed.All", "--app", "a", "--store", ".env"
    )

    code = terminal.end()

    assert code == 0
    assert 'did you mean "User.Read.All"?' in " ".join(terminal.said.split())


def test_a_plan_that_is_not_agreed_to_changes_nothing(
    at_terminal: Start, sandbox: Server, workplace: Path
) -> None:
    paper.write(workplace)
    before = len(truth.applications(sandbox))

    terminal = at_terminal("apply", "hello.yaml")
    terminal.wait_for("Apply this plan?")
    terminal.type("n\n")
    code = terminal.end()

    assert code == 1
    assert "nothing was changed" in terminal.said
    assert len(truth.applications(sandbox)) == before


def test_one_ctrl_c_at_the_question_ends_the_command(
    at_terminal: Start, sandbox: Server, workplace: Path
) -> None:
    """asyncio alone would only note the first one, and leave the question open."""
    paper.write(workplace)

    terminal = at_terminal("apply", "hello.yaml")
    terminal.wait_for("Apply this plan?")
    terminal.interrupt()
    code = terminal.end()

    assert code == 130


def test_destroy_wants_the_manifests_name(
    at_terminal: Start, sandbox: Server, workplace: Path, provision
) -> None:
    manifest = paper.write(workplace)
    assert provision("apply", manifest, "--yes", "--skip-verify").exit_code == 0
    before = len(truth.applications(sandbox))

    terminal = at_terminal("destroy", str(manifest))
    terminal.wait_for("Type the manifest's name")
    terminal.type("no\n")
    refused = terminal.end()

    assert refused == 64
    assert len(truth.applications(sandbox)) == before


def test_what_a_stop_means_is_said_where_no_moving_line_wipes_it_out(
    sandbox: Server, workplace: Path, at_terminal: Start
) -> None:
    sandbox.faults.add(Fault(do="delay", seconds=1.0, path="servicePrincipals$"))
    paper.write(workplace)
    screen = at_terminal("apply", "hello.yaml", "--yes")
    screen.wait_for("create the service principal")

    screen.interrupt()

    assert screen.end() == 130
    moving, _ = screen.said.split("Stopping: the request in flight")
    assert moving.rindex(SHOW_CURSOR) > moving.rindex("create the service principal")
