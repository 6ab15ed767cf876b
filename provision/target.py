"""What a command works on: one tenant, reached and signed in to, with its stores and its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from provision.places import StorePlace
from provision.progress import Progress
from provision.secret import Secret

if TYPE_CHECKING:
    from auth.clouds import Cloud
    from auth.operator import Identity
    from provision.clock import Clock
    from provision.graph.client import Graph
    from provision.model import DesiredFederated
    from provision.stores import Store


class TokenOf(Protocol):
    """Asks for a fresh token as a workload, for Microsoft Graph or for the resource of that appId."""

    async def __call__(self, app_id: str, secret: Secret, resource: str | None = None) -> str: ...


class Exchange(Protocol):
    """Asks an outside issuer for a token, and for a fresh token as the workload that trusts it."""

    async def __call__(self, app_id: str, resource: str | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class NotHere:
    """Why no token of an outside issuer can be had here."""

    says: str = "its issuer's token is not here"


class ExchangeFor(Protocol):
    """Looks for a token that bears what a federated credential trusts: how to exchange it, or why there is none."""

    async def __call__(self, trust: DesiredFederated) -> Exchange | NotHere: ...


async def nowhere(trust: DesiredFederated) -> Exchange | NotHere:
    """Where no issuer can be asked."""
    del trust
    return NotHere()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A tenant as `connect` yields it; the sandbox is one like any other.

    `token_of` asks for a fresh token as a workload, with its appId and secret; `exchange_for` says how to get one
    without a secret, where an outside issuer's token is at hand. `place_of` says where a store
    really is (a sandbox rehearses it elsewhere), `may_read` whether a command that only looks may open it.
    `tell` says something to the user that is no result, `stopping` is set when the operator wants the run to end.
    """

    tenant_id: str
    tenant_name: str
    cloud: Cloud
    operator: Identity
    graph: Graph
    clock: Clock
    token_of: TokenOf
    place_of: Callable[[StorePlace], StorePlace]
    open_store: Callable[[StorePlace], Store]
    may_read: Callable[[StorePlace], bool]
    exchange_for: ExchangeFor = nowhere
    progress: Progress
    tell: Callable[[str], None]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
