"""Commands that fail, hang, talk too much or close their ears: nothing is lost, and nothing leaks."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from dotenv_build import CLIENT, VALUE, an_entry
from pem_build import a_certificate, a_pem

from provision.errors import StoreError, Unconfirmed, Unreadable
from provision.places import CommandStore
from provision.stores import Entry, open_store, running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    return project


Write = Callable[..., None]


@pytest.fixture
def write(folder: Path) -> Write:
    """Runs a program of a few lines as the one that keeps the value."""

    def run(
        *lines: str, entry: Entry | None = None, form: str = "value", within: float = 20
    ) -> None:
        file = folder / "put"
        body = "\n".join(["import base64, json, os, signal, subprocess, sys, time", *lines])
        file.write_text(f"#!{sys.executable} -IS\n{body}\n", encoding="utf-8")
        file.chmod(0o755)
        place = CommandStore(
            write=("./put",), input=form, timeout=timedelta(seconds=within), folder=folder
        )
        open_store(place).write(entry or an_entry())

    return run


def failure(act: Callable[[], None]) -> str:
    with pytest.raises(StoreError) as refused:
        act()
    assert refused.value.hint
    told = "".join(traceback.format_exception(refused.value))
    for value in (VALUE, *a_pem().splitlines()):
        assert value not in told
    return str(refused.value)


def test_a_command_that_fails_is_told_with_its_code_and_its_last_words(write: Write) -> None:
    told = failure(lambda: write("for n in range(20): print(n, file=sys.stderr)", "sys.exit(3)"))

    assert told.splitlines() == [
        "command ./put ended with exit code 3",
        *(f"  {number}" for number in range(10, 20)),
    ]


def test_a_command_that_is_killed_is_told_with_its_signal(write: Write) -> None:
    told = failure(lambda: write("os.kill(os.getpid(), signal.SIGKILL)"))

    assert told == "command ./put was ended by signal 9"


ECHOES = [
    "sys.stderr.write('bad: ' + given)",
    "sys.stderr.write(json.dumps({'v': given}))",
    "sys.stderr.write(base64.b64encode(given.encode()).decode())",
    "sys.stderr.write(base64.b64encode(b'user:' + given.encode()).decode())",
    "sys.stderr.write(given.encode().hex())",
    "sys.stderr.write('\\x1b[31m' + '\\x1b[0m'.join(given))",
    "sys.stderr.buffer.write(given.encode('utf-16'))",
    "sys.stderr.write(given[:-5]); sys.stderr.write('\\n' + given[3:])",
    "import urllib.parse; sys.stderr.write(urllib.parse.quote(given, safe=''))",
    "sys.stderr.write('\\n'.join(given[n:n + 20] for n in range(0, len(given), 20)))",
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("kind", ["secret", "certificate"])
@pytest.mark.parametrize("form", ["value", "json"])
def test_a_command_that_echoes_what_it_got_is_told_without_the_value(
    write: Write, echo: str, kind: str, form: str
) -> None:
    entry = an_entry() if kind == "secret" else a_certificate()

    told = failure(
        lambda: write("given = sys.stdin.read()", echo, "sys.exit(1)", entry=entry, form=form)
    )

    assert_no_part(told, entry.secret.reveal())


def assert_no_part(told: str, value: str) -> None:
    tight = "".join(told.split())
    for form in (value, base64.b64encode(value.encode()).decode(), value.encode().hex()):
        form = "".join(form.split())
        parts = {form[start : start + 12] for start in range(len(form) - 11)}
        found = [tight[at : at + 12] for at in range(len(tight)) if tight[at : at + 12] in parts]
        assert found == []


@pytest.mark.parametrize(
    "lines",
    [
        ("sys.exit(1)",),
        ("os.kill(os.getpid(), signal.SIGTERM)",),
        ("os.close(0)", "sys.exit(4)"),
        ("time.sleep(600)",),
    ],
    ids=["exit code", "signal", "deaf", "time limit"],
)
def test_a_command_that_was_begun_may_have_kept_the_value(
    write: Write, lines: tuple[str, ...]
) -> None:
    """It may have failed at what it did afterwards."""
    with pytest.raises(Unconfirmed) as unclear:
        write(*lines, within=1)

    assert unclear.value.hint


@pytest.mark.parametrize("content", [None, b"\x7fELF no program"], ids=["none", "no program"])
def test_a_command_that_never_ran_has_kept_nothing(folder: Path, content: bytes | None) -> None:
    if content is not None:
        (folder / "put").write_bytes(content)
        (folder / "put").chmod(0o755)
    place = CommandStore(write=("./put",), folder=folder)

    with pytest.raises(StoreError) as refused:
        open_store(place).write(an_entry())

    assert not isinstance(refused.value, Unconfirmed)


@pytest.mark.parametrize("given", ["read", "remove"])
def test_what_does_not_write_leaves_no_value_in_doubt(folder: Path, given: str) -> None:
    place = CommandStore(
        write=("true",),
        read=("false",) if given == "read" else (),
        remove=("false",),
        input="json",
        folder=folder,
    )

    with pytest.raises(StoreError) as refused:
        open_store(place).remove(CLIENT)

    assert not isinstance(refused.value, Unconfirmed)


def test_what_a_command_prints_is_shown_nowhere(
    write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    write("print(sys.stdin.read())")
    told = failure(lambda: write("print('out', sys.stdin.read())", "sys.exit(1)"))

    shown = capfd.readouterr()
    assert "out" not in told
    assert (shown.out, shown.err) == ("", "")


def test_a_command_that_hangs_is_ended_with_all_that_it_started(write: Write, folder: Path) -> None:
    told = failure(
        lambda: write(
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])",
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            "open('pids', 'w').write(f'{os.getpid()} {child.pid}')",
            "sys.stderr.write('waiting for ' + sys.stdin.read())",
            "sys.stderr.flush()",
            "time.sleep(600)",
            within=5,
        )
    )

    assert told.splitlines() == [
        "command ./put did not end within 5 s, and was ended",
        "  waiting for (redacted)",
    ]
    pids = (folder / "pids").read_text(encoding="utf-8").split()
    assert [alive(int(pid)) for pid in pids] == [False, False]


def alive(pid: int) -> bool:
    """Whether it still runs: one that has ended may wait for somebody to notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] not in "ZX"


def test_a_command_that_leaves_an_agent_behind_holds_nobody_up(write: Write, folder: Path) -> None:
    """The agent has the pipes, and goes on living."""
    write(
        "agent = subprocess.Popen(['sleep', '600'], start_new_session=True)",
        "open('pid', 'w').write(str(agent.pid))",
        "open('kept', 'w').write(sys.stdin.read())",
        within=600,
    )

    pid = int((folder / "pid").read_text(encoding="utf-8"))
    lives = alive(pid)
    os.kill(pid, signal.SIGKILL)
    assert lives
    assert (folder / "kept").read_text(encoding="utf-8") == VALUE


@pytest.mark.parametrize("lines", [("pass",), ("os.close(0)", "time.sleep(0.2)")])
def test_a_command_that_does_not_listen_is_no_failure_if_it_says_so(
    write: Write, lines: tuple[str, ...]
) -> None:
    write(*lines, entry=a_certificate())


def test_a_command_that_does_not_listen_and_fails_is_told(write: Write) -> None:
    assert "exit code 4" in failure(lambda: write("os.close(0)", "sys.exit(4)"))


def test_huge_and_binary_output_is_read_to_the_end_and_told_in_part(write: Write) -> None:
    told = failure(
        lambda: write(
            "for n in range(60): os.write(1, bytes(range(256)) * 400)",
            "for n in range(60): os.write(2, bytes(range(256)) * 400)",
            "os.write(2, b'\\n' + b'x' * 5000 + b'the end\\x00\\x1b[2J\\n')",
            "sys.exit(1)",
        )
    )

    assert told.endswith("xxxthe end")
    assert len(told) < 2200
    assert all(each.isprintable() or each == "\n" for each in told)


def test_a_program_that_cannot_be_run_is_told(folder: Path) -> None:
    (folder / "put").write_bytes(b"\x7fELF no program")
    (folder / "put").chmod(0o755)
    place = CommandStore(write=("./put",), read=("./put",), input="json", folder=folder)

    assert "cannot run ./put" in failure(lambda: open_store(place).write(an_entry()))
    with pytest.raises(Unreadable, match="cannot run"):
        open_store(place).read()


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    place = CommandStore(write=("true",), folder=tmp_path / "gone")

    assert "cannot run true" in failure(lambda: open_store(place).write(an_entry()))


def test_a_stop_while_a_command_runs_ends_it(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is interrupted leaves no program behind that holds the value."""
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            started.append(self)
            if len(started) == 1:
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)

    with pytest.raises(KeyboardInterrupt):
        write("time.sleep(600)", within=600)

    assert started[0].returncode is not None


def test_a_platform_without_sessions_ends_the_program_itself(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_POSIX", False)

    told = failure(lambda: write("time.sleep(600)", within=1))

    assert "did not end within 1 s" in told
