"""What the reads share: which fields, how many a page, and what a part of a batch says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provision.graph import operations, refusals
from provision.graph.client import Graph
from provision.graph.refusals import Operation
from provision.graph.reply import Reply

PAGE = "999"
"""The most objects that the directory gives in one page."""


def select(fields: Sequence[str]) -> str:
    """The value of `$select`."""
    return ",".join(fields)


def present(reply: Reply, action: str, operation: Operation = operations.READ) -> bool:
    """Whether a part of a batch found its object; any other refusal is raised."""
    if reply.status == 404:
        return False
    if not reply.ok:
        raise refusals.failure(reply, action=action, operation=operation)
    return True


async def listed(graph: Graph, reply: Reply, action: str) -> list[dict[str, Any]]:
    """All items of a list whose first page came as a part of a batch."""
    page = reply.body or {}
    items = [item for item in page.get("value") or () if isinstance(item, dict)]
    link = page.get("@odata.nextLink")
    return [*items, *await graph.pages(link, action=action)] if link else items
