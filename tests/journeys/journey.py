"""The command line as a test runs it: in this process or in one of its own, and what became of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from provision.cli.program import program
from provision.sandbox.server import Server

COMMAND = (sys.executable, "-c", "from provision.cli import main; main()")
PACE = 50.0
"""How many times faster than the real service a sandbox is here, unless a test says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one command."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Both streams with their line breaks and indents taken out: for sentences that may be wrapped."""
        return " ".join(f"{self.stdout}\n{self.stderr}".split())


Provision = Callable[..., Outcome]
StartSandbox = Callable[..., Server]


def run_here(*words: object, stdin: str = "", env: dict[str, str] | None = None) -> Outcome:
    """Run a command in this process; a failure that it does not expect is raised."""
    done = CliRunner().invoke(
        program, [str(word) for word in words], input=stdin, env=env, catch_exceptions=False
    )
    return Outcome(exit_code=done.exit_code, stdout=done.stdout, stderr=done.stderr)


class Processes:
    """Commands in processes of their own; those that still run when the test ends are ended."""

    def __init__(self, workplace: Path) -> None:
        self._workplace = workplace
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self,
        *words: object,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        command: tuple[str, ...] = COMMAND,
    ) -> subprocess.Popen[str]:
        """Begin a command, or any other program that `command` names."""
        process = subprocess.Popen(
            [*command, *(str(word) for word in words)],
            cwd=cwd or self._workplace,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        self._started.append(process)
        return process

    def finish(self, process: subprocess.Popen[str], *, within: float = 60) -> Outcome:
        """Wait for its end."""
        stdout, stderr = process.communicate(timeout=within)
        return Outcome(exit_code=process.returncode, stdout=stdout, stderr=stderr)

    def __call__(self, *words: object, within: float = 60, **options: Any) -> Outcome:
        """Begin a command and wait for its end."""
        return self.finish(self.start(*words, **options), within=within)

    def end(self) -> None:
        """End what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()
