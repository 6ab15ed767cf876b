"""Where an outside issuer's token can be had: from this job, from a file, or from a sandbox that signs for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from provision.model import DesiredFederated
from provision.target import Exchange, ExchangeFor, NotHere

if TYPE_CHECKING:
    from auth.clouds import Cloud


class Mint(Protocol):
    """Signs a token in any issuer's name; None where it cannot."""

    def __call__(self, *, issuer: str, subject: str, audience: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """A fresh token of the issuer each time, since they live for minutes only."""

    tenant_id: str
    cloud: Cloud
    obtain: Callable[[], Awaitable[str]]

    async def __call__(self, app_id: str, resource: str | None = None) -> str:
        from auth import federation

        scope = f"{resource}/.default" if resource else None
        assertion = await self.obtain()
        return await federation.federated_token(
            self.tenant_id, app_id, assertion, self.cloud, scope=scope
        )


def exchanges(
    tenant_id: str, cloud: Cloud, environ: Mapping[str, str], *, mint: Mint | None = None
) -> ExchangeFor:
    """How federated credentials are proven in this tenant from here."""

    def exchange(obtain: Callable[[], Awaitable[str]]) -> Exchange:
        return _Exchange(tenant_id=tenant_id, cloud=cloud, obtain=obtain)

    async def minted(trust: DesiredFederated) -> Exchange | NotHere:
        async def obtain() -> str | None:
            return await asyncio.to_thread(
                minting, issuer=trust.issuer, subject=trust.subject, audience=trust.audience
            )

        async def again() -> str:
            return await obtain() or ""

        return NotHere() if await obtain() is None else exchange(again)

    async def at_hand(trust: DesiredFederated) -> Exchange | NotHere:
        from auth import federation
        from auth.errors import AuthError

        async def obtain() -> str:
            return await federation.assertion(
                environ, issuer=trust.issuer, subject=trust.subject, audience=trust.audience
            )

        try:
            await obtain()
        except federation.NoAssertion:
            return NotHere()
        except AuthError as error:
            return NotHere(str(error))
        return exchange(obtain)

    if mint is None:
        return at_hand
    minting = mint
    return minted
