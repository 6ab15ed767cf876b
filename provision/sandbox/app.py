"""The sandbox as one web application: the table of its addresses, and the way of a request in."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from provision.sandbox import batch, cloud, directory, entra, revocation
from provision.sandbox.affinity import Affinity
from provision.sandbox.arrival import (
    LARGEST_BODY,
    Arrival,
    Gone,
    Reply,
    arrival_of,
    headers_of,
    send_reply,
    shown_path,
)
from provision.sandbox.call import Answer, Call
from provision.sandbox.catalog import GRAPH_APP_ID
from provision.sandbox.connection import Connection, drop
from provision.sandbox.control import Control
from provision.sandbox.dispatch import Dispatcher
from provision.sandbox.faults import Fault, Faults
from provision.sandbox.journal import Journal, session_of
from provision.sandbox.refusal import Refusal, TokenRefusal, graph_body, token_body
from provision.sandbox.router import Router
from provision.sandbox.store import Store
from provision.sandbox.throttle import Throttle
from provision.sandbox.tokens import GRAPH_AUDIENCES, Verifier, signing_key
from provision.sandbox.vault import Vaults

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# What is not the token service; its table is in `directory`.
_GRAPH = re.compile(r"/+(v1\.0|beta)(/.*)?", re.IGNORECASE | re.DOTALL)
_ROUTES = (*directory.ROUTES, *batch.ROUTES)

_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
_DIAGNOSTIC = json.dumps(
    {
        "ServerInfo": {
            "DataCenter": "Sandbox",
            "Slice": "E",
            "Ring": "1",
            "ScaleUnit": "000",
            "RoleInstance": "PROVISION",
        }
    },
    separators=(",", ":"),
)


class Front:
    """The web application: faults first, then the token service, a vault or Graph, the journal last.

    It speaks ASGI itself: a web framework's routing cannot tell Graph's keys apart.
    """

    def __init__(
        self,
        store: Store,
        faults: Faults,
        journal: Journal,
        url: str,
        *,
        throttle: Throttle,
        vaults: Vaults,
        control: Control | None = None,
    ) -> None:
        self._store, self._faults, self._journal, self._url = store, faults, journal, url
        self._key = signing_key(store)
        self._verifier = Verifier(store, self._key)
        self._dispatcher = Dispatcher(Router(_ROUTES), faults, throttle)
        self._affinity = Affinity(store)
        self._control, self._vaults = control, vaults
        self._one_at_a_time = asyncio.Lock()
        port = url.rpartition(":")[2]
        names = (f"https://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))
        self.connections: Collection[Connection] = ()
        self._own_names = frozenset(form for name in names for form in (name, f"{name}/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or break its connection when a fault says so."""
        began = time.perf_counter()
        if self._control is not None and self._control.is_meant(scope):
            await send_reply(send, await self._control.answer(scope, receive))
            return
        method, shown, headers = scope["method"], shown_path(scope), headers_of(scope)
        acting = self._faults.acting(method, shown, run=headers.get("x-run", ""))
        for fault in acting:
            await asyncio.sleep(fault.seconds)
        if any(fault.do in ("refuse_all", "drop_before") for fault in acting):
            await self._lose(scope, receive, began, applied=False)
            return
        try:
            arrival = await arrival_of(scope, receive, headers, self._url)
        except Gone:
            return
        reply = await self._reply(arrival, acting)
        applied = reply.status < 400 or any(fault.do == "status_after" for fault in acting)
        if any(fault.do == "drop_after" for fault in acting):
            await self._lose(scope, receive, began, applied=applied)
            return
        self._note(scope, headers, reply.status, began, applied=applied)
        await send_reply(send, reply)

    async def _lose(self, scope: Scope, receive: Receive, began: float, *, applied: bool) -> None:
        self._note(scope, headers_of(scope), 0, began, applied=applied)
        await drop(self.connections, scope, receive)

    def _note(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        status: int,
        began: float,
        *,
        applied: bool,
    ) -> None:
        self._journal.add(
            scope["method"],
            shown_path(scope),
            status,
            applied=applied,
            seconds=time.perf_counter() - began,
            began=began,
            session=session_of(headers.get("authorization")),
        )

    async def _reply(self, arrival: Arrival, acting: Sequence[Fault]) -> Reply:
        if len(arrival.body) > LARGEST_BODY:
            too_large = Refusal(413, "RequestEntityTooLarge", "The request body is too large.")
            return self._graph_reply(arrival, self._refused(arrival, too_large))
        async with self._one_at_a_time:
            with self._store.clock.held():
                return await self._served(arrival, acting)

    async def _served(self, arrival: Arrival, acting: Sequence[Fault]) -> Reply:
        if handler := entra.handler_of(arrival.path):
            return self._entra(arrival, handler, acting)
        if self._vaults.is_meant(arrival.path):
            return self._vaults.answer(arrival, acting, self._verifier)
        if stub := cloud.handler_of(arrival.path):
            return self._cloud(arrival, stub)
        return await self._graph(arrival, acting)

    def _cloud(self, arrival: Arrival, stub: cloud.Handler) -> Reply:
        query = {name.lower(): value for name, value in parse_qsl(arrival.query)}
        asked = cloud.Asked(
            base=arrival.base,
            version=query.get("api-version", ""),
            authorization=arrival.headers.get("authorization"),
            names=self._names(arrival),
        )
        told = stub(self._verifier, asked)
        headers = {
            "Cache-Control": "no-cache",
            "x-ms-request-id": arrival.request_id,
            "Date": format_datetime(self._store.clock.now(), usegmt=True),
        }
        return Reply(told.status, told.body, headers)

    async def _graph(self, arrival: Arrival, acting: Sequence[Fault]) -> Reply:
        try:
            version, path = _versioned(arrival.path)
            method = "GET" if arrival.method == "HEAD" else arrival.method
            handler, params = self._dispatcher.router.find(method, path)
            if handler in directory.OPEN:
                return self._graph_reply(arrival, directory.OPEN[handler]())
            caller, tenant = self._verifier.caller_of(
                arrival.headers.get("authorization"), GRAPH_AUDIENCES | self._names(arrival)
            )
            revocation.check_alive(caller, tenant)
        except Refusal as refusal:
            return self._graph_reply(arrival, self._refused(arrival, refusal))
        tenant.purge_expired()
        call = Call(
            method=method,
            version=version,
            path=path,
            base=arrival.base,
            tenant=tenant,
            caller=caller,
            query=tuple(parse_qsl(arrival.query, keep_blank_values=True)),
            headers={**arrival.headers, "client-request-id": arrival.client_request_id},
            body=arrival.body,
            params=params,
            request_id=arrival.request_id,
            dispatch=self._dispatcher.dispatch,
        )
        answer = await self._affinity.around(call, self._dispatcher.run(handler, call, acting))
        return self._graph_reply(arrival, answer)

    def _refused(self, arrival: Arrival, refusal: Refusal) -> Answer:
        """A refusal before it is known whose tenant was meant."""
        body = graph_body(
            refusal,
            now=self._store.clock.now(),
            request_id=arrival.request_id,
            client_request_id=arrival.client_request_id,
        )
        headers = {"Cache-Control": "no-cache", "Content-Type": "application/json"}
        if refusal.status == 401:
            headers["WWW-Authenticate"] = (
                f'Bearer realm="", authorization_uri="{arrival.base}/common/oauth2/authorize",'
                f' client_id="{GRAPH_APP_ID}"{revocation.challenge(refusal, self._store.clock.now())}'
            )
        return Answer(status=refusal.status, body=body, headers=headers | refusal.headers)

    def _graph_reply(self, arrival: Arrival, answer: Answer) -> Reply:
        headers = {
            **answer.headers,
            "request-id": arrival.request_id,
            "client-request-id": arrival.client_request_id,
            "x-ms-ags-diagnostic": _DIAGNOSTIC,
            "Strict-Transport-Security": "max-age=31536000",
            "Date": format_datetime(self._store.clock.now(), usegmt=True),
        }
        return Reply(answer.status, answer.body, headers)

    def _entra(self, arrival: Arrival, handler: entra.Handler, acting: Sequence[Fault]) -> Reply:
        for fault in acting:
            if fault.do in ("status", "status_after"):
                return self._disturbed(arrival, fault)
        asked = entra.Asked(
            method=arrival.method,
            base=arrival.base,
            names=self._names(arrival),
            query=dict(parse_qsl(arrival.query, keep_blank_values=True)),
            headers=arrival.headers,
            body=arrival.body,
        )
        try:
            told = handler(self._store, self._key, asked)
        except TokenRefusal as refusal:
            return self._token_refused(arrival, refusal)
        headers = self._token_headers(arrival) if told.headers is None else told.headers
        return Reply(told.status, told.body, headers)

    def _disturbed(self, arrival: Arrival, fault: Fault) -> Reply:
        error, text = fault.code or "temporarily_unavailable", fault.message or "Try again later."
        reply = self._token_refused(arrival, TokenRefusal(fault.status, error, 90055, text))
        if fault.retry_after is None:
            return reply
        return replace(reply, headers={**reply.headers, "Retry-After": str(fault.retry_after)})

    def _token_refused(self, arrival: Arrival, refusal: TokenRefusal) -> Reply:
        body = token_body(
            refusal,
            now=self._store.clock.now(),
            trace_id=arrival.request_id,
            correlation_id=arrival.client_request_id,
            login=arrival.base,
        )
        return Reply(refusal.status, body, self._token_headers(arrival))

    def _token_headers(self, arrival: Arrival) -> dict[str, str]:
        return {
            **_NO_STORE,
            "x-ms-request-id": arrival.request_id,
            "client-request-id": arrival.client_request_id,
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "Date": format_datetime(self._store.clock.now(), usegmt=True),
        }

    def _names(self, arrival: Arrival) -> frozenset[str]:
        """What clients may call this server's Graph, the name they reached it by included."""
        return self._own_names | {arrival.base, f"{arrival.base}/"}


def _versioned(path: str) -> tuple[str, str]:
    found = _GRAPH.fullmatch(path)
    if found is None:
        version = unquote(path.strip("/").partition("/")[0])
        raise Refusal(400, "BadRequest", f"Invalid version: {version}.")
    return found[1].lower(), found[2] or ""
