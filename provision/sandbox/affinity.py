"""The request right after a write meets the replica that took the write; those after it may not."""

from __future__ import annotations

from collections.abc import Awaitable

from provision.sandbox.call import Answer, Call
from provision.sandbox.store import Store
from provision.sandbox.throttle import is_write


class Affinity:
    """Who has just written: a program that adds a secret to what it has just made gets along.

    It holds for one request only, and that one does not earn it again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._just_wrote: set[tuple[str, str]] = set()

    async def around(self, call: Call, running: Awaitable[Answer]) -> Answer:
        """The answer of this call, whose reads by key see what its caller wrote a request ago."""
        caller = (call.tenant.id, call.caller.object_id)
        favoured = caller in self._just_wrote
        self._just_wrote.discard(caller)
        self._store.at_source = "directory" if favoured else ""
        try:
            answer = await running
        finally:
            self._store.at_source = ""
        if is_write(call) and answer.status < 300 and not favoured:
            self._just_wrote.add(caller)
        return answer
