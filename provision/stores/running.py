"""Runs a program without a shell: a value on its standard input only, a time limit, bounded output."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

MOST_OUTPUT = 1024 * 1024
MOST_COMPLAINTS = 64 * 1024
GRACE = 1.0
"""Seconds for a program that is told to end, and for what a program that has ended may still have said."""

_POSIX = os.name == "posix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended: `code` is None when its time was over, and negative for a signal.

    `overflow` says that it printed more than anybody should, of which the rest was dropped.
    """

    code: int | None
    output: bytes
    complaints: bytes
    overflow: bool = False


def program(name: str, folder: Path) -> str | None:
    """The file to run: one with a slash lies below the manifest's folder, any other on PATH."""
    if "/" in name or os.sep in name:
        found = shutil.which(os.path.normpath(folder / name))
    else:
        found = shutil.which(name)
    # It runs in another folder than ours, where a relative path would mean something else.
    return os.path.abspath(found) if found else None


def run(argv: Sequence[str], *, folder: Path, given: bytes, seconds: float) -> Ended:
    """Run it to its end, or end it with all that it started when its time is over.

    It has the user's own environment, with the operator's secrets: programs such as az, op or vault sign in with them,
    and whoever can name a program here could read that environment anyway. The value is in none of it.
    """
    process = subprocess.Popen(  # noqa: S603 - a list, no shell
        list(argv),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=_POSIX,
    )
    output, complaints = _Heard(most=MOST_OUTPUT), _Heard(most=MOST_COMPLAINTS, last=True)
    mouth, *ears = (
        cast("IO[bytes]", each) for each in (process.stdin, process.stdout, process.stderr)
    )
    threads = [
        _start(lambda: _tell(mouth, given)),
        _start(lambda: output.listen(ears[0])),
        _start(lambda: complaints.listen(ears[1])),
    ]
    try:
        code: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        if process.poll() is None:
            _end(process)
    # Something that it started may live on and keep the pipes: an agent does, and nobody waits for it.
    deadline = time.monotonic() + GRACE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return Ended(
        code=code,
        output=output.content(),
        complaints=complaints.content(),
        overflow=output.overflow,
    )


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What a pipe said: its beginning, or with `last` its end; the rest is read and dropped."""

    most: int
    last: bool = False
    overflow: bool = False
    _content: bytearray = field(default_factory=bytearray)

    def listen(self, pipe: IO[bytes]) -> None:
        with pipe, suppress(OSError):
            while chunk := os.read(pipe.fileno(), 65536):
                self._take(chunk)

    def content(self) -> bytes:
        return bytes(self._content)

    def _take(self, chunk: bytes) -> None:
        self._content += chunk
        self.overflow = self.overflow or len(self._content) > self.most
        if self.last:
            del self._content[: -self.most]
        else:
            del self._content[self.most :]


def _tell(pipe: IO[bytes], given: bytes) -> None:
    """A program that does not want to hear it, or all of it, may close its ears."""
    with suppress(OSError), pipe:
        pipe.write(given)


def _start(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started: with a warning first, so that it may clean up."""
    if not _POSIX:
        process.kill()
        process.wait()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
