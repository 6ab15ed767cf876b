"""A request as it reaches the server, and how its answer leaves: plain ASGI messages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

LARGEST_BODY = 4 * 1024 * 1024
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_ECHOED = re.compile(r"[\x21-\x7e]{1,128}")


class Gone(Exception):
    """The client went away in the middle of its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as it arrived, its path still encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    request_id: str

    @property
    def client_request_id(self) -> str:
        """What the client calls this request; the server's name when it has none."""
        given = self.headers.get("client-request-id", "")
        return given if _ECHOED.fullmatch(given) else self.request_id


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a body that is JSON (bytes: as they are, None: no body) and headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


async def arrival_of(
    scope: Scope, receive: Receive, headers: Mapping[str, str], url: str
) -> Arrival:
    """Read the whole request; what is beyond the largest body is counted and thrown away."""
    host = headers.get("host", "")
    return Arrival(
        method=scope["method"],
        path=raw_path(scope),
        query=scope["query_string"].decode("ascii", "replace"),
        headers=headers,
        body=await _body(receive),
        base=f"https://{host}" if _HOST.fullmatch(host) else url,
        request_id=str(uuid4()),
    )


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by their lower-case names; one that comes twice is a list with commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def raw_path(scope: Scope) -> str:
    """The path as it came, still encoded: a slash inside of a key is not a separator."""
    return bytes(scope.get("raw_path") or b"/").decode("utf-8", "replace")


def shown_path(scope: Scope) -> str:
    """The address in words, without characters that could move a terminal's cursor."""
    query = scope["query_string"].decode("ascii", "replace")
    path = unquote(raw_path(scope))
    shown = f"{path}?{unquote(query)}" if query else path
    if shown.isprintable():
        return shown
    return "".join(character if character.isprintable() else "?" for character in shown)


async def send_reply(send: Send, reply: Reply) -> None:
    """Answer."""
    content = b""
    headers = dict(reply.headers)
    if isinstance(reply.body, bytes):
        content = reply.body
    elif reply.body is not None:
        headers.setdefault("Content-Type", "application/json; charset=utf-8")
        text = json.dumps(reply.body, ensure_ascii=False, separators=(",", ":"))
        content = text.encode("utf-8", "replace")
    if reply.status != 204:
        headers["Content-Length"] = str(len(content))
    raw = [(name.lower().encode("latin-1"), _plain(value)) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes:
    chunks, size = [], 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        chunks.append(chunk if size <= LARGEST_BODY + len(chunk) else b"")
        more = message.get("more_body", False)
    return b"".join(chunks)


def _plain(value: str) -> bytes:
    """A header is a line of Latin characters, whatever a client made us repeat."""
    return value.encode("latin-1", "replace").replace(b"\r", b" ").replace(b"\n", b" ")
