"""The sandbox as one web application: the table of its addresses, and the way of a request in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from provision.sandbox import batch, directory, discovery, login
from provision.sandbox.call import Answer, Call
from provision.sandbox.catalog import GRAPH_APP_ID
from provision.sandbox.connection import Connection, drop
from provision.sandbox.dispatch import Dispatcher
from provision.sandbox.faults import Fault, Faults
from provision.sandbox.journal import Journal
from provision.sandbox.refusal import Refusal, TokenRefusal, graph_body, token_body
from provision.sandbox.router import Router
from provision.sandbox.store import Store
from provision.sandbox.tokens import GRAPH_AUDIENCES, Verifier, public_keys, signing_key

# The token service; everything else is /v1.0 and /beta, whose table is in `directory`.
_TOKEN = re.compile(r"/+([^/]+)/oauth2/v2\.0/token/?", re.IGNORECASE)
_OPENID = re.compile(r"/+([^/]+)/v2\.0/\.well-known/openid-configuration/?", re.IGNORECASE)
_KEYS = re.compile(r"/+([^/]+)/discovery/v2\.0/keys/?", re.IGNORECASE)
_GRAPH = re.compile(r"/+(v1\.0|beta)(/.*)?", re.IGNORECASE | re.DOTALL)
_ROUTES = (*directory.ROUTES, *batch.ROUTES)

_LARGEST_BODY = 4 * 1024 * 1024
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_ECHOED = re.compile(r"[\x21-\x7e]{1,128}")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A request as it arrived: `path` raw, `shown` as faults and the journal name it."""

    method: str
    path: str
    query: str
    shown: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    request_id: str

    @property
    def client_request_id(self) -> str:
        given = self.headers.get("client-request-id", "")
        return given if _ECHOED.fullmatch(given) else self.request_id


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: Any
    headers: Mapping[str, str]


class Front:
    """The web application: faults first, then the token service or Graph, the journal last.

    Starlette reads and writes the messages; its own routing cannot tell Graph's keys apart.
    """

    def __init__(self, store: Store, faults: Faults, journal: Journal, url: str) -> None:
        self._store, self._faults, self._journal, self._url = store, faults, journal, url
        self._key = signing_key(store)
        self._verifier = Verifier(store, self._key)
        self._dispatcher = Dispatcher(Router(_ROUTES), faults)
        self._one_at_a_time = asyncio.Lock()
        port = url.rpartition(":")[2]
        names = (f"https://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))
        self.connections: Collection[Connection] = ()
        self._own_names = frozenset(form for name in names for form in (name, f"{name}/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or break its connection when a fault says so."""
        request = Request(scope, receive)
        method, shown = request.method, _shown(scope)
        acting = self._faults.acting(method, shown, run=request.headers.get("x-run", ""))
        for fault in acting:
            await asyncio.sleep(fault.seconds)
        if any(fault.do in ("refuse_all", "drop_before") for fault in acting):
            await self._lose(request, shown, applied=False)
            return
        try:
            arrival = await _arrival(request, shown, self._url)
        except ClientDisconnect:
            return
        reply = await self._reply(arrival, acting)
        applied = reply.status < 400 or any(fault.do == "status_after" for fault in acting)
        if any(fault.do == "drop_after" for fault in acting):
            await self._lose(request, shown, applied=applied)
            return
        self._journal.add(method, shown, reply.status, applied=applied)
        await _response(reply)(scope, receive, send)

    async def _lose(self, request: Request, shown: str, *, applied: bool) -> None:
        self._journal.add(request.method, shown, 0, applied=applied)
        await drop(self.connections, request.scope, request.receive)

    async def _reply(self, arrival: _Arrival, acting: Sequence[Fault]) -> _Reply:
        if len(arrival.body) > _LARGEST_BODY:
            too_large = Refusal(413, "RequestEntityTooLarge", "The request body is too large.")
            return self._graph_reply(arrival, self._refused(arrival, too_large))
        async with self._one_at_a_time:
            if found := _TOKEN.fullmatch(arrival.path):
                return self._token(arrival, unquote(found[1]), acting)
            if found := _OPENID.fullmatch(arrival.path):
                return self._openid(arrival, unquote(found[1]))
            if _KEYS.fullmatch(arrival.path):
                return _Reply(200, public_keys(self._key), {"Cache-Control": "max-age=86400"})
            return await self._graph(arrival, acting)

    async def _graph(self, arrival: _Arrival, acting: Sequence[Fault]) -> _Reply:
        try:
            version, path = _versioned(arrival.path)
            method = "GET" if arrival.method == "HEAD" else arrival.method
            handler, params = self._dispatcher.router.find(method, path)
            caller, tenant = self._verifier.caller_of(
                arrival.headers.get("authorization"), GRAPH_AUDIENCES | self._names(arrival)
            )
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
        return self._graph_reply(arrival, await self._dispatcher.run(handler, call, acting))

    def _refused(self, arrival: _Arrival, refusal: Refusal) -> Answer:
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
                f' client_id="{GRAPH_APP_ID}"'
            )
        return Answer(status=refusal.status, body=body, headers=headers | refusal.headers)

    def _graph_reply(self, arrival: _Arrival, answer: Answer) -> _Reply:
        headers = {
            **answer.headers,
            "request-id": arrival.request_id,
            "client-request-id": arrival.client_request_id,
            "x-ms-ags-diagnostic": _DIAGNOSTIC,
            "Strict-Transport-Security": "max-age=31536000",
            "Date": format_datetime(self._store.clock.now(), usegmt=True),
        }
        return _Reply(answer.status, answer.body, headers)

    def _token(self, arrival: _Arrival, tenant: str, acting: Sequence[Fault]) -> _Reply:
        for fault in acting:
            if fault.do in ("status", "status_after"):
                return self._disturbed(arrival, fault)
        try:
            _check_method(arrival.method)
            form = login.form_of(arrival.body, arrival.headers.get("authorization"))
            request = login.TokenRequest(tenant=tenant, form=form, graph=self._names(arrival))
            body = login.token(self._store, self._key, request)
        except TokenRefusal as refusal:
            return self._token_refused(arrival, refusal)
        return _Reply(200, body, self._token_headers(arrival))

    def _openid(self, arrival: _Arrival, tenant: str) -> _Reply:
        known = tenant.lower()
        try:
            if known in login.SHARED:
                identifier = "{tenantid}"
            else:
                identifier = login.tenant_named(self._store, tenant).id
        except TokenRefusal as refusal:
            return self._token_refused(arrival, refusal)
        document = discovery.openid_configuration(arrival.base, identifier)
        return _Reply(200, document, {"Cache-Control": "max-age=86400, private"})

    def _disturbed(self, arrival: _Arrival, fault: Fault) -> _Reply:
        error, text = fault.code or "temporarily_unavailable", fault.message or "Try again later."
        reply = self._token_refused(arrival, TokenRefusal(fault.status, error, 90055, text))
        if fault.retry_after is None:
            return reply
        return replace(reply, headers={**reply.headers, "Retry-After": str(fault.retry_after)})

    def _token_refused(self, arrival: _Arrival, refusal: TokenRefusal) -> _Reply:
        body = token_body(
            refusal,
            now=self._store.clock.now(),
            trace_id=arrival.request_id,
            correlation_id=arrival.client_request_id,
            login=arrival.base,
        )
        return _Reply(refusal.status, body, self._token_headers(arrival))

    def _token_headers(self, arrival: _Arrival) -> dict[str, str]:
        return {
            **_NO_STORE,
            "x-ms-request-id": arrival.request_id,
            "client-request-id": arrival.client_request_id,
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "Date": format_datetime(self._store.clock.now(), usegmt=True),
        }

    def _names(self, arrival: _Arrival) -> frozenset[str]:
        """What clients may call this server's Graph, the name they reached it by included."""
        return self._own_names | {arrival.base, f"{arrival.base}/"}


async def _arrival(request: Request, shown: str, url: str) -> _Arrival:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        chunks.append(chunk if size <= _LARGEST_BODY + len(chunk) else b"")
    host = request.headers.get("host", "")
    return _Arrival(
        method=request.method,
        path=_raw_path(request.scope),
        query=request.scope["query_string"].decode("ascii", "replace"),
        shown=shown,
        headers=dict(request.headers),
        body=b"".join(chunks),
        base=f"https://{host}" if _HOST.fullmatch(host) else url,
        request_id=str(uuid4()),
    )


def _versioned(path: str) -> tuple[str, str]:
    found = _GRAPH.fullmatch(path)
    if found is None:
        version = unquote(path.strip("/").partition("/")[0])
        raise Refusal(400, "BadRequest", f"Invalid version: {version}.")
    return found[1].lower(), found[2] or ""


def _raw_path(scope: Scope) -> str:
    return bytes(scope.get("raw_path") or b"/").decode("utf-8", "replace")


def _shown(scope: Scope) -> str:
    query = scope["query_string"].decode("ascii", "replace")
    path = unquote(_raw_path(scope))
    shown = f"{path}?{unquote(query)}" if query else path
    return "".join(character if character.isprintable() else "?" for character in shown)


def _check_method(method: str) -> None:
    if method != "POST":
        raise TokenRefusal(
            400,
            "invalid_request",
            900561,
            f"The endpoint only accepts POST requests. Received a {method} request.",
        )


def _response(reply: _Reply) -> Response:
    content = b""
    headers = dict(reply.headers)
    if reply.body is not None:
        headers.setdefault("Content-Type", "application/json; charset=utf-8")
        text = json.dumps(reply.body, ensure_ascii=False, separators=(",", ":"))
        content = text.encode("utf-8", "replace")
    return Response(content, status_code=reply.status, headers=headers)
