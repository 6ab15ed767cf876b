"""Requests to one tenant's Microsoft Graph: signed, repeated where that is safe, read as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from provision.clock import Clock
from provision.errors import AnswerLost, GraphError
from provision.graph import batch, refusals, retry, transport
from provision.graph.operations import READ
from provision.graph.refusals import Operation
from provision.graph.reply import Reply, read
from provision.graph.transport import Credential, Stack

log = logging.getLogger(__name__)


_recorded: ContextVar[list[str] | None] = ContextVar("recorded", default=None)


@contextmanager
def recording() -> Iterator[list[str]]:
    """Collects the request ids of the writes that are sent meanwhile by this task: support asks for them."""
    ids: list[str] = []
    token = _recorded.set(ids)
    try:
        yield ids
    finally:
        _recorded.reset(token)


def _record(request_id: str) -> None:
    ids = _recorded.get()
    if ids is not None and request_id:
        ids.append(request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it is asked, perhaps several times."""

    method: str
    url: str
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    action: str
    idempotent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No answer came: whether the request may have arrived, and whether asking again is in vain."""

    arrived: bool
    final: bool
    reason: str
    request_id: str
    cause: Exception


class Graph:
    """One tenant's directory, open from sign-in until the command ends."""

    def __init__(self, stack: Stack, base: str, clock: Clock, *, parallel: int) -> None:
        self._stack = stack
        self._root = f"{base}/v1.0"
        self._clock = clock
        self._gate = retry.Gate(clock)
        self._slots = asyncio.Semaphore(parallel)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        credential: Credential,
        base: str,
        hosts: list[str],
        *,
        clock: Clock,
        ca_bundle: Path | None = None,
        parallel: int = 16,
    ) -> AsyncIterator[Graph]:
        """Connect to the Graph at `base`; the operator's token goes to `hosts` and nobody else."""
        if not hosts:
            raise ValueError("without allowed hosts the token would go to any host")
        base = base.rstrip("/")
        stack = transport.assemble(credential, base, hosts, ca_bundle=ca_bundle, parallel=parallel)
        try:
            yield cls(stack, base, clock, parallel=parallel)
        finally:
            await transport.close(stack)

    @property
    def adapter(self) -> Any:
        """The SDK's request adapter, which its request builders want to be made with."""
        return self._stack.adapter

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        action: str,
        operation: Operation = READ,
        idempotent: bool | None = None,
    ) -> Reply:
        """Ask for one thing; refusals are raised unless `operation` counts them as done.

        `path` starts behind the version; `action` finishes "Microsoft Graph refused to …".
        A request that is not idempotent (POST, unless said otherwise) is never repeated when it may
        have taken effect.
        """
        request = Request(
            method=method,
            url=self._root + path,
            content=None if body is None else json.dumps(body).encode(),
            headers=headers or {},
            action=action,
            idempotent=method != "POST" if idempotent is None else idempotent,
        )
        return await self._settled(request, operation)

    async def pages(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        action: str,
        operation: Operation = READ,
    ) -> list[dict[str, Any]]:
        """All items of a list, to its last page; `path` may also be a link that Graph gave."""
        url = path if path.startswith("https:") else self._root + path
        items: list[dict[str, Any]] = []
        seen: set[str] = set()
        while url:
            self._refuse_strange(url, seen, action)
            seen.add(url)
            request = Request(
                method="GET", url=url, headers=headers or {}, action=action, idempotent=True
            )
            reply = await self._settled(request, operation)
            page = reply.body or {}
            items.extend(item for item in page.get("value") or () if isinstance(item, dict))
            # An empty page with a link is not the end: the next one may be full.
            url = str(page.get("@odata.nextLink") or "")
        return items

    async def batch(
        self, gets: Sequence[str], *, action: str = "read the directory"
    ) -> list[Reply]:
        """The answers to many GETs in their order, twenty a request; refusals are not raised."""
        return await batch.read_all(self, gets, action=action)

    async def call(self, method: str, path: str, token: str) -> int:
        """The status that a workload's own token gets for one request; nothing else is kept."""
        import httpx

        url = f"{self._root}/{path.lstrip('/')}"
        headers = {"Authorization": f"Bearer {token}", "client-request-id": str(uuid4())}
        for last in (False, True):
            try:
                async with self._slots:
                    response = await self._stack.http.request(method, url, headers=headers)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                silence = _silence(error, headers["client-request-id"])
                if last or silence.arrived or silence.final:
                    raise _unanswered(silence, f"call {method} {path} as the workload") from error
                pause = 1.0
            else:
                self._clock.heard(response.headers.get("date", ""))
                if last or response.status_code != 429:
                    break
                after = response.headers.get("retry-after", "")
                pause = retry.retry_after(after, self._clock.now()) or 1.0
            await self._clock.sleep(pause)
        return int(response.status_code)

    @property
    def clock(self) -> Clock:
        """The clock that waits are counted with."""
        return self._clock

    @property
    def gate(self) -> retry.Gate:
        """What holds all workers back while the service asks for a pause."""
        return self._gate

    def _refuse_strange(self, url: str, seen: set[str], action: str) -> None:
        if url in seen:
            raise GraphError(f"Microsoft Graph's pages go round in a circle: cannot {action}")
        if _origin(url) != _origin(self._root):
            raise GraphError(
                f"Microsoft Graph's next page is on another host: cannot {action}",
                hint="Something between this machine and Microsoft Graph changes its answers.",
            )

    async def _settled(self, request: Request, operation: Operation) -> Reply:
        reply = await self._answered(request)
        if request.method != "GET" and not request.url.endswith("/$batch"):
            _record(reply.request_id)
        if not request.idempotent and (retry.leaves_open(reply) or not _understood(reply)):
            raise _lost(request.action, reply.request_id)
        if not _understood(reply):
            raise refusals.unreadable(reply, request.action)
        if reply.ok or refusals.is_done(reply, operation):
            return reply
        raise refusals.failure(reply, action=request.action, operation=operation)

    async def _answered(self, request: Request) -> Reply:
        tries = retry.Tries(self._clock, self._gate)
        while True:
            outcome = await self._attempt(request, tries.count)
            again = self._again(outcome, request)
            if again is not None and await tries.wait(again):
                continue
            if isinstance(outcome, Reply):
                return outcome
            if outcome.arrived and not request.idempotent:
                raise _lost(request.action, outcome.request_id) from outcome.cause
            raise _unanswered(outcome, request.action) from outcome.cause

    def _again(self, outcome: Reply | Silence, request: Request) -> retry.Again | None:
        if isinstance(outcome, Reply):
            return retry.again(outcome, idempotent=request.idempotent, now=self._clock.now())
        if outcome.final or (outcome.arrived and not request.idempotent):
            return None
        within = retry.DISTURBED_FOR if outcome.arrived else retry.UNREACHABLE_FOR
        return retry.Again(within=within)

    async def _attempt(self, request: Request, attempts: int) -> Reply | Silence:
        import httpx

        request_id = str(uuid4())
        headers = {"Accept": "application/json", "client-request-id": request_id, **request.headers}
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        async with self._slots:
            await self._gate.passed()
            started = self._clock.monotonic()
            try:
                response = await transport.send_once(
                    self._stack,
                    request.method,
                    request.url,
                    content=request.content,
                    headers=headers,
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                log.debug("%s %s: %s", request.method, _path(request.url), type(error).__name__)
                return _silence(error, request_id)
        reply = read(response.status_code, response.headers, response.content, attempts=attempts)
        self._clock.heard(reply.headers.get("date", ""))
        log.debug(
            "%s %s: %d, request-id %s, %.3f s",
            request.method,
            _path(request.url),
            reply.status,
            reply.request_id,
            self._clock.monotonic() - started,
        )
        return reply


def _understood(reply: Reply) -> bool:
    return reply.readable or not reply.ok


def _silence(error: Exception, request_id: str) -> Silence:
    import httpx

    unsent = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
        httpx.InvalidURL,
    )
    arrived = not isinstance(error, unsent)
    final, reason = False, "the connection broke" if arrived else "nobody answers"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        final, reason = True, "its TLS certificate is not trusted"
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        final, reason = True, "that is no valid address"
    return Silence(arrived=arrived, final=final, reason=reason, request_id=request_id, cause=error)


def _unanswered(silence: Silence, action: str) -> GraphError:
    return refusals.unreachable(action, reason=silence.reason, request_id=silence.request_id)


def _lost(action: str, request_id: str) -> AnswerLost:
    return AnswerLost(
        f"The answer to the request to {action} was lost: it may have taken effect",
        hint="Run the same command again: it looks first.",
        request_id=request_id,
    )


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme.lower(), parts.netloc.lower()


def _path(url: str) -> str:
    """A query may hold a skip token or a name: the log shows the path only."""
    return urlsplit(url).path
