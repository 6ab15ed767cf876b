"""Breaks the connection of a request in the middle, as networks do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from starlette.types import Receive, Scope


class Connection(Protocol):
    """What is needed of the web server's own connections."""

    @property
    def client(self) -> tuple[str, int] | None:
        """The address of the other end."""

    @property
    def transport(self) -> asyncio.Transport:
        """What bytes travel through."""


async def drop(connections: Iterable[Connection], scope: Scope, receive: Receive) -> None:
    """End the connection that this request came by, without an answer."""
    for connection in tuple(connections):
        if connection.client == scope.get("client"):
            connection.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        continue
