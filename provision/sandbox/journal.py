"""The list of requests that a sandbox was sent: no bodies, no headers, so no secrets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

_KEPT = 100_000
# What a log may tell of a query: questions, but neither credentials nor places in a list.
_HARMLESS = frozenset(
    {"filter", "select", "expand", "orderby", "top", "count", "search", "skip", "api-version"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request; status 0 means that its connection was dropped without an answer.

    Requests with the same bearer token have the same `session`, so that clients can be told apart; `began` counts
    seconds on a clock that only ever grows.
    """

    sequence: int
    method: str
    path: str
    status: int
    applied: bool
    seconds: float = 0.0
    began: float = 0.0
    session: str = ""


class Journal:
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._count = 0
        self._listeners: list[Callable[[Entry], None]] = []

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Tell every further request to this listener, too."""
        self._listeners.append(listener)

    def add(
        self,
        method: str,
        path: str,
        status: int,
        *,
        applied: bool,
        seconds: float = 0.0,
        began: float = 0.0,
        session: str = "",
    ) -> None:
        """Note one finished request; `applied` says that its effect is in the tenant."""
        with self._lock:
            self._count += 1
            entry = Entry(
                sequence=self._count,
                method=method,
                path=path,
                status=status,
                applied=applied,
                seconds=seconds,
                began=began,
                session=session,
            )
            self._entries.append(entry)
        for listener in self._listeners:
            listener(entry)

    def clear(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._entries.clear()


def session_of(authorization: str | None) -> str:
    """A name for whoever bears this token, from which the token cannot be told; none for none."""
    if not authorization:
        return ""
    return blake2b(authorization.encode("utf-8", "replace"), digest_size=6).hexdigest()


def without_secrets(path: str) -> str:
    """The address with the values left out of every query option that may carry a secret."""
    address, question, query = path.partition("?")
    if not question:
        return address
    told = []
    for option in query.split("&"):
        name, equals, _ = option.partition("=")
        harmless = name.lower().removeprefix("$") in _HARMLESS
        told.append(option if harmless or not equals else f"{name}=...")
    return f"{address}?{'&'.join(told)}"
