"""The tenant's time: real time plus an offset that is kept with the data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, moved by whatever offset the database holds at this moment."""

    def __init__(self, read: Callable[[], float], add: Callable[[float], None]) -> None:
        self._read = read
        self._add = add

    def now(self) -> datetime:
        """The tenant's present, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._read())

    def advance(self, by: timedelta) -> None:
        """Move the tenant's time; it stays moved when the server starts again."""
        self._add(by.total_seconds())
