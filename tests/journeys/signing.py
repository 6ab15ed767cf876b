"""Consumers of a store as a test runs them: each is a process that signs in all the time, and logs what it meets."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import consumer
from journey import Processes

from provision.sandbox.journal import Entry
from provision.sandbox.server import Server

COMMAND = (sys.executable, consumer.__file__)
LONGEST = 120.0
"""Seconds after which a consumer counts as stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a consumer met from some sign-in on: the id that was accepted, or a refusal."""

    after: int
    what: str


class Consumer:
    """One of them, from its first sign-in to `end`; one that `keeps` what it has read reads again when told to."""

    def __init__(
        self,
        processes: Processes,
        server: Server,
        store: Path,
        *,
        name: str = "consumer",
        prefix: str = "AZURE_",
        keeps: bool = False,
    ) -> None:
        self.sign_ins = 0
        """How often the server has answered it so far."""
        self._name, self._processes = name, processes
        self._log, self._until, self._told = (
            Path(f"{name}.{what}").absolute() for what in ("log", "until", "told")
        )
        self._log.touch()
        words = [server.url, server.ca_bundle, store.absolute(), self._log, self._until]
        options = ["--prefix", prefix, "--name", name]
        if keeps:
            self._told.write_text("at first", "ascii")
            options += ["--told", str(self._told)]
        server.requests.listen(self._count)
        self._process = processes.start(*words, *options, command=COMMAND)
        self.sign_in_again(1)

    @property
    def met(self) -> list[Met]:
        """What it has met so far, in order."""
        *lines, _ = self._log.read_text("utf-8").split("\n")
        said = (line.split(" ", 1) for line in lines)
        return [Met(after=int(after), what=what) for after, what in said]

    @property
    def accepted(self) -> list[str]:
        """The ids that it was accepted with; one that is there twice was in use again after another."""
        return [each.what for each in self.met if not each.what.startswith(("refused", "in all"))]

    @property
    def refusals(self) -> list[str]:
        """What it was told instead of a token."""
        return [each.what for each in self.met if each.what.startswith("refused")]

    @property
    def attempts(self) -> list[int]:
        """How many sign-ins there were with each that was accepted, once it has ended."""
        began = [each.after for each in self.met]
        return [later - earlier for earlier, later in pairwise(began)]

    def sign_in_again(self, times: int = 5) -> None:
        """Let it go on until it was answered so many times more."""
        enough = self.sign_ins + times
        self._until_true(lambda: self.sign_ins >= enough)

    def comes_to(self, key_id: str) -> None:
        """Wait until it has signed in with this secret or certificate, and nothing else since."""
        self._until_true(lambda: [each.what for each in self.met[-1:]] == [key_id])

    def read_again(self) -> None:
        """Tell it to read the store anew."""
        self._told.write_text(f"after {self.sign_ins}", "ascii")

    def end(self) -> None:
        """Let it finish its last sign-in."""
        self._until.touch()
        ended = self._processes.finish(self._process)
        assert ended.exit_code == 0, ended.said

    def _until_true(self, so: Callable[[], bool]) -> None:
        given_up = time.monotonic() + LONGEST
        while not so():
            assert time.monotonic() < given_up, self.met
            assert self._process.poll() is None, self._processes.finish(self._process).said
            time.sleep(0.01)

    def _count(self, entry: Entry) -> None:
        self.sign_ins += entry.path.endswith(f"client-request-id={self._name}")
