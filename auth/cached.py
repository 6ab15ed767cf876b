"""One token for all who ask at once: a blocking credential behind a cache that asks it once.

The same for those who cannot await it: work in threads, such as the stores do.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from auth.errors import AuthError, CredentialUnavailable, refused

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

T = TypeVar("T")

REFRESH = 300.0


class CachedCredential:
    """An azure-identity credential that kiota can await, however many requests wait for it.

    The Azure CLI caches nothing: without this, every request to Graph would start a process.
    """

    def __init__(
        self,
        inner: TokenCredential,
        *,
        name: str = "the token service",
        answers_challenges: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._inner = inner
        self._name = name
        self._answers_challenges = answers_challenges
        self._now = now
        self._tokens: dict[tuple[str, ...], AccessToken] = {}
        self._flights: dict[tuple[tuple[str, ...], str | None], asyncio.Task[AccessToken]] = {}

    async def get_token(
        self, *scopes: str, claims: str | None = None, **kwargs: Any
    ) -> AccessToken:
        """A token with at least five minutes to live; `claims` is what a resource challenged for."""
        held = self._tokens.get(scopes)
        if held and not claims and held.expires_on - self._now() > REFRESH:
            return held
        key = (scopes, claims)
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._ask(scopes, claims, kwargs))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        # One waiter's cancellation must not take the token from the others.
        return await asyncio.shield(flight)

    def blocking(
        self, scope: str, *, otherwise: Callable[[AuthError], Exception] | None = None
    ) -> BlockingCredential:
        """The same credential for work in threads, and for this scope alone.

        `otherwise` makes what is raised instead of a sign-in's failure.
        """
        return BlockingCredential(self._answer, scope, otherwise=otherwise, now=self._now)

    async def close(self) -> None:
        """Give back the connections; the credential cannot be used afterwards."""
        self._tokens.clear()
        close = getattr(self._inner, "close", None)
        if close is not None:
            await asyncio.to_thread(close)

    async def __aenter__(self) -> CachedCredential:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(
        self, scopes: tuple[str, ...], claims: str | None, kwargs: dict[str, Any]
    ) -> AccessToken:
        token = await _in_thread(lambda: self._answer(scopes, claims, kwargs))
        self._tokens[scopes] = token
        return token

    def _answer(
        self, scopes: tuple[str, ...], claims: str | None, kwargs: dict[str, Any]
    ) -> AccessToken:
        from azure.core.exceptions import AzureError

        if claims and not self._answers_challenges:
            raise CredentialUnavailable(
                f"The service wants a newer sign-in than {self._name} has",
                hint="Sign out and in again there, then repeat the command.",
            )
        # One kind of token per scope, whoever asks first: kiota can answer a challenge.
        options = {"enable_cae": True} | kwargs | ({"claims": claims} if claims else {})
        try:
            return self._inner.get_token(*scopes, **options)
        except AuthError:
            raise
        except (AzureError, ValueError, OSError) as error:
            raise refused(error, by=self._name) from error

    def _landed(
        self, key: tuple[tuple[str, ...], str | None], flight: asyncio.Task[AccessToken]
    ) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # seen, even when every waiter has gone


Answer = Callable[[tuple[str, ...], "str | None", dict[str, Any]], "AccessToken"]
"""Asks for a token: scopes, what a resource challenged for, further options."""


class BlockingCredential:
    """A credential for clients that block, in whatever thread: one token at a time, for one scope.

    What a service says about itself decides neither what the token is for nor whose tenant it is of: a vault's address
    comes from a manifest, and the token must be good for vaults of this cloud and for nothing else.
    """

    def __init__(
        self,
        answer: Answer,
        scope: str,
        *,
        otherwise: Callable[[AuthError], Exception] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._answer, self._scope, self._now = answer, scope, now
        self._otherwise = otherwise
        self._lock = Lock()
        self._held: AccessToken | None = None

    def get_token(self, *scopes: str, claims: str | None = None, **kwargs: Any) -> AccessToken:
        """A token with at least five minutes to live, whatever scope and tenant the service named."""
        with self._lock:
            held = self._held
            if held and not claims and held.expires_on - self._now() > REFRESH:
                return held
            try:
                self._held = self._answer((self._scope,), claims, {})
            except AuthError as refusal:
                if self._otherwise is None:
                    raise
                raise self._otherwise(refusal) from refusal
            return self._held


async def _in_thread(work: Callable[[], T]) -> T:
    """Like asyncio.to_thread, but nothing waits for it at exit: a browser may never answer."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(settler: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            settler(outcome)

    def run() -> None:
        settler: Callable[[Any], None] = future.set_result
        outcome: object
        try:
            outcome = work()
        except BaseException as error:
            settler, outcome = future.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(settle, settler, outcome)

    Thread(target=run, name="sign-in", daemon=True).start()
    return await future
