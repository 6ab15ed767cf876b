"""A Graph that is signed in to the sandbox: as its operator, or as somebody with other rights."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from azure.identity import ClientSecretCredential

from provision.clock import SystemClock
from provision.graph.client import Graph
from provision.sandbox import operators
from provision.sandbox.server import Server

Work = Callable[[Graph], Awaitable[Any]]


def signed_in(server: Server, work: Work) -> Any:
    """Do some work as the tenant's operator."""
    operator = server.operator("default")
    return _do(server, work, operator["clientId"], operator["clientSecret"])


def with_rights(
    server: Server, work: Work, roles: Iterable[str] = (), directory_roles: Iterable[str] = ()
) -> Any:
    """Do some work as an application that has these rights only."""
    made = operators.add_application(
        server.tenant(), name="limited", roles=roles, directory_roles=directory_roles
    )
    return _do(server, work, made.client_id, made.client_secret)


def _do(server: Server, work: Work, client_id: str, client_secret: str) -> Any:
    credential = ClientSecretCredential(
        server.tenant().id,
        client_id,
        client_secret,
        authority=server.url,
        disable_instance_discovery=True,
        connection_verify=str(server.ca_bundle),
    )

    class Operator:
        async def get_token(self, *scopes: str, **options: Any) -> Any:
            return await asyncio.to_thread(credential.get_token, *scopes, **options)

    async def connected() -> Any:
        async with Graph.open(
            Operator(),
            server.url,
            ["127.0.0.1", "localhost"],
            clock=SystemClock(server.scale),
            ca_bundle=server.ca_bundle,
        ) as graph:
            return await work(graph)

    try:
        return asyncio.run(connected())
    finally:
        credential.close()
