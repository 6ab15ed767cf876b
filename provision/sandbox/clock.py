"""The tenant's time: real time plus an offset that is kept with the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, moved by whatever offset the database holds at this moment."""

    def __init__(self, read: Callable[[], float], add: Callable[[float], None]) -> None:
        self._read = read
        self._add = add
        self._held: timedelta | None = None

    def now(self) -> datetime:
        """The tenant's present, in UTC."""
        held = self._held
        return datetime.now(UTC) + (self._offset() if held is None else held)

    def advance(self, by: timedelta) -> None:
        """Move the tenant's time; it stays moved when the server starts again."""
        self._add(by.total_seconds())
        if self._held is not None:
            self._held = self._offset()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While inside, other programs cannot move the time: the database is asked only once."""
        self._held = self._offset()
        try:
            yield
        finally:
            self._held = None

    def _offset(self) -> timedelta:
        return timedelta(seconds=self._read())
