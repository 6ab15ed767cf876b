"""A Graph on loopback that answers as told: it throttles, fails, drops, points elsewhere."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import unquote

from azure.core.credentials import AccessToken

from provision.graph.client import Graph

REQUEST_ID = "0f0f0f0f-1111-2222-3333-444444444444"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One dictated answer; `drop` takes the request and closes the connection."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False

    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def refusal(status: int, code: str, message: str = "No.", **headers: str) -> Answer:
    """An error body as Graph writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body={"error": {"code": code, "message": message}}, headers=named)


def throttled(seconds: str) -> Answer:
    """A 429 that asks for a pause."""
    return refusal(429, "TooManyRequests", Retry_After=seconds)


DROPPED = Answer(drop=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived, with the clock's time."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes
    at: float

    @property
    def body(self) -> Any:
        return json.loads(self.content)


def parts_of(answers: Mapping[str, dict[str, Any] | Answer]) -> Callable[[Asked], Answer]:
    """A batch whose parts answer by the beginning of their path, else 404."""

    def answer(asked: Asked) -> Answer:
        parts = []
        for part in asked.body["requests"]:
            said = answers.get(
                part["url"].partition("?")[0], Answer(status=404, body={"error": {}})
            )
            said = said if isinstance(said, Answer) else Answer(body=said)
            parts.append({"id": part["id"], "status": said.status, "body": said.body})
        return Answer(body={"responses": parts})

    return answer


class VirtualClock:
    """Time that passes only by waiting for it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.dates: list[str] = []
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        wakes = self.seconds + seconds
        await asyncio.sleep(0)
        self.seconds = max(self.seconds, wakes)

    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def heard(self, date: str) -> None:
        self.dates.append(date)


class Scripted:
    """A server, what it was asked, and what it answers next."""

    def __init__(self, url: str, ca_bundle: Path) -> None:
        self.url = url
        self.ca_bundle = ca_bundle
        self.clock = VirtualClock()
        self.asked: list[Asked] = []
        self.tokens = 0
        self._answers: deque[Answer] = deque()
        self.otherwise: Callable[[Asked], Answer] = lambda _: Answer(body={"value": []})

    def will(self, *answers: Answer) -> None:
        """Dictate the next answers; then `otherwise` speaks."""
        self._answers.extend(answers)

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self._answers.popleft() if self._answers else self.otherwise(asked)

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        """A new token each time, so that a test can tell an old one."""
        self.tokens += 1
        return AccessToken(f"token-{self.tokens}", 2**40)

    @asynccontextmanager
    async def open(self, parallel: int = 16) -> Any:
        """Our Graph, connected to this server."""
        async with Graph.open(
            self,
            self.url,
            ["127.0.0.1"],
            ca_bundle=self.ca_bundle,
            clock=self.clock,
            parallel=parallel,
        ) as graph:
            yield graph

    def run(self, work: Callable[[Graph], Any], parallel: int = 16) -> Any:
        """Do some work with a connected Graph, in an event loop of its own."""

        async def connected() -> Any:
            async with self.open(parallel) as graph:
                return await work(graph)

        return asyncio.run(connected())


@contextmanager
def serving(context: SSLContext | None, ca_bundle: Path) -> Iterator[Scripted]:
    """A scripted server on a free port, gone at the end; plain HTTP without a context."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                method=self.command,
                path=unquote(self.path),
                headers={name.lower(): value for name, value in self.headers.items()},
                content=content,
                at=scripted.clock.seconds,
            )
            self._say(scripted.answer(asked))

        def _say(self, answer: Answer) -> None:
            if answer.drop:
                self.close_connection = True
                return
            content = answer.content()
            headers = {
                "Content-Type": "application/json",
                "request-id": REQUEST_ID,
                "Content-Length": str(len(content)),
                **answer.headers,
            }
            self.send_response(answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _handle

        def log_message(self, *_: Any) -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if context is None else "https"
    scripted = Scripted(f"{scheme}://127.0.0.1:{server.server_port}", ca_bundle)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
