"""When a request may be asked again, after which pause, and how all workers hold back together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from provision.clock import Clock, backoff
from provision.graph.reply import Reply

THROTTLED_FOR = 300.0
"""Seconds for which we do as the service asks, and wait."""

DISTURBED_FOR = 60.0
"""Seconds for which failures of the service and lost connections are overlooked."""

UNREACHABLE_FOR = 20.0
"""Seconds for which we look for somebody to talk to."""

DISTURBED = frozenset({408, 500, 502, 503, 504})
"""Statuses that leave open whether the request took effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A failed attempt that may be repeated: how long in all, how soon, and who has to wait."""

    within: float
    after: float | None = None
    everybody: bool = False


class Gate:
    """Keeps every worker back while the service asks for a pause."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opens = clock.monotonic()

    def close(self, seconds: float) -> None:
        """Nobody passes for that long; a longer pause that was asked before stays."""
        self._opens = max(self._opens, self._clock.monotonic() + seconds)

    async def passed(self) -> None:
        """Wait until the pause is over, however often it is prolonged."""
        while (left := self._opens - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)


class Tries:
    """The attempts of one request; patience counts from the first failure, not from the queue."""

    def __init__(self, clock: Clock, gate: Gate) -> None:
        self._clock = clock
        self._gate = gate
        self._pauses: Iterator[float] = backoff()
        self._failing_since: float | None = None
        self.count = 1

    async def wait(self, again: Again) -> bool:
        """Let the pause pass, or say that patience has ended."""
        now = self._clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        pause = again.after or next(self._pauses)
        if now + pause > self._failing_since + again.within:
            return False
        if again.everybody:
            self._gate.close(pause)
        await self._clock.sleep(pause)
        self.count += 1
        return True


def again(reply: Reply, *, idempotent: bool, now: datetime) -> Again | None:
    """Whether an answer invites another attempt.

    https://learn.microsoft.com/graph/throttling and https://learn.microsoft.com/graph/errors:
    a 429, and a 503 that names a pause, say that nothing was done; other failures do not.
    """
    after = retry_after(reply.headers.get("retry-after", ""), now)
    if reply.status == 429 or (reply.status == 503 and after is not None):
        return Again(within=THROTTLED_FOR, after=after, everybody=True)
    if idempotent and reply.status in DISTURBED:
        return Again(within=DISTURBED_FOR)
    return None


def leaves_open(reply: Reply) -> bool:
    """Whether an answer does not tell if the request took effect."""
    return reply.status in DISTURBED and "retry-after" not in reply.headers


def retry_after(header: str, now: datetime) -> float | None:
    """Seconds until another attempt is welcome, from either form of the header."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    date = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    return max((date - now).total_seconds(), 0.0)
