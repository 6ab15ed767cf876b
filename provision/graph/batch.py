"""Many reads in few requests: $batch, with the parts that were held back asked again.

https://learn.microsoft.com/graph/json-batching: twenty parts a request, answers in any order, and
each part throttled by itself inside an answer that is 200.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provision.errors import GraphError
from provision.graph import retry
from provision.graph.reply import Reply

if TYPE_CHECKING:
    from provision.graph.client import Graph

SIZE = 20
"""The most parts that the service takes in one request."""


async def read_all(graph: Graph, gets: Sequence[str], *, action: str) -> list[Reply]:
    """The answers to all GETs, in their order; several requests run side by side."""
    chunks = [gets[start : start + SIZE] for start in range(0, len(gets), SIZE)]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_read(graph, chunk, action)) for chunk in chunks]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [reply for task in tasks for reply in task.result()]


async def _read(graph: Graph, gets: Sequence[str], action: str) -> list[Reply]:
    """One chunk: parts that did not get through are asked again until patience ends."""
    replies: dict[int, Reply] = {}
    tries = retry.Tries(graph.clock, graph.gate)
    missing = list(range(len(gets)))
    while missing:
        asked = {str(index): gets[index] for index in missing}
        replies |= await _ask(graph, asked, action)
        again = {index: _again(replies.get(index), graph) for index in missing}
        waits = [wait for wait in again.values() if wait is not None]
        if not waits or not await tries.wait(_longest(waits)):
            break
        missing = [index for index, wait in again.items() if wait is not None]
    if len(replies) < len(gets):
        raise GraphError(f"Microsoft Graph answered only parts of the request to {action}")
    return [replies[index] for index in range(len(gets))]


async def _ask(graph: Graph, gets: Mapping[str, str], action: str) -> dict[int, Reply]:
    parts = [{"id": id_, "method": "GET", "url": url} for id_, url in gets.items()]
    body = {"requests": parts}
    reply = await graph.send("POST", "/$batch", body, action=action, idempotent=True)
    answers = (reply.body or {}).get("responses") or ()
    known = (part for part in answers if isinstance(part, dict) and str(part.get("id")) in gets)
    return {int(part["id"]): _part(part) for part in known}


def _part(part: Mapping[str, Any]) -> Reply:
    headers = {str(name).lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    body = part.get("body")
    return Reply(
        status=int(part.get("status") or 0),
        headers=headers,
        body=body if isinstance(body, dict) else None,
        readable=body is None or isinstance(body, dict),
    )


def _again(reply: Reply | None, graph: Graph) -> retry.Again | None:
    if reply is None:
        return retry.Again(within=retry.DISTURBED_FOR)
    return retry.again(reply, idempotent=True, now=graph.clock.now())


def _longest(waits: Sequence[retry.Again]) -> retry.Again:
    """One pause for all parts: asking before the time is over would prolong it."""
    return retry.Again(
        within=max(wait.within for wait in waits),
        after=max((wait.after or 0.0 for wait in waits), default=None),
        everybody=any(wait.everybody for wait in waits),
    )
