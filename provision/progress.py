"""What a run tells while it works, for whoever listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A listener: `app` is a manifest key, everything else is ready to be read by people.

    All methods return at once, never fail, and are called from one thread. `seconds` and `of` count
    the clock that the run waits by; `close` may be called more than once.
    """

    def start(self, app: str, step_words: str) -> None:
        """A step begins."""

    def waiting(self, app: str, what: str, seconds: float, of: float) -> None:
        """The step cannot go on yet: what it waits for, for how long, and when it gives up."""

    def done(self, app: str, step_words: str, detail: str) -> None:
        """The step succeeded."""

    def failed(self, app: str, words: str) -> None:
        """The step failed; nothing more will be said of this application's step."""

    def close(self) -> None:
        """The run is over."""


class Silent:
    """Listens and says nothing."""

    def start(self, app: str, step_words: str) -> None:
        """Say nothing."""

    def waiting(self, app: str, what: str, seconds: float, of: float) -> None:
        """Say nothing."""

    def done(self, app: str, step_words: str, detail: str) -> None:
        """Say nothing."""

    def failed(self, app: str, words: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""
