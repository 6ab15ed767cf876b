"""Time as the service counts it: its own date, and waits that a faster service shortens."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

TOLERANCE = timedelta(seconds=2)
"""A Date header counts whole seconds and an answer travels: less than this is no difference."""

_chance = secrets.SystemRandom()


class Clock(Protocol):
    """What waits and deadlines are counted with, in the service's seconds."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        ...

    def now(self) -> datetime:
        """The service's date and time, in UTC."""
        ...

    def heard(self, date: str) -> None:
        """Learn from the Date header of an answer."""
        ...


class SystemClock:
    """This machine's clock, corrected by the service's and run at its speed."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._skew = timedelta()

    def monotonic(self) -> float:
        """Seconds of the service: where it runs faster, deadlines come sooner."""
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of the service."""
        await asyncio.sleep(max(seconds, 0.0) / self._speed)

    def now(self) -> datetime:
        """The service's date and time, as far as its answers told."""
        return datetime.now(UTC) + self._skew

    def heard(self, date: str) -> None:
        """Correct ourselves when the service's Date differs; what is no date changes nothing."""
        try:
            told = parsedate_to_datetime(date)
        except ValueError:
            return
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
        if abs(told - self.now()) > TOLERANCE:
            self._skew = told - datetime.now(UTC)


def backoff(first: float = 0.5, longest: float = 15.0) -> Iterator[float]:
    """Pauses between attempts: each twice the last up to `longest`, all a little off the beat.

    The jitter keeps workers that failed together from asking together again.
    """
    for doublings in itertools.count():
        yield min(first * 2.0 ** min(doublings, 16), longest) * _chance.uniform(0.75, 1.0)
