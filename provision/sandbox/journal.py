"""The list of requests that a sandbox was sent: no bodies, no headers, so no secrets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request; status 0 means that its connection was dropped without an answer."""

    sequence: int
    method: str
    path: str
    status: int
    applied: bool


class Journal:
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._count = 0

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, method: str, path: str, status: int, *, applied: bool) -> None:
        """Note one finished request; `applied` says that its effect is in the tenant."""
        with self._lock:
            self._count += 1
            self._entries.append(
                Entry(
                    sequence=self._count, method=method, path=path, status=status, applied=applied
                )
            )

    def clear(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._entries.clear()
