"""A token service on loopback whose answers a test dictates."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

CLAIMS = {
    "aud": "https://graph.microsoft.com",
    "tid": "11111111-1111-1111-1111-111111111111",
    "appid": "22222222-2222-2222-2222-222222222222",
    "oid": "33333333-3333-3333-3333-333333333333",
    "app_displayname": "Operator",
    "idtyp": "app",
    "roles": ["User.Read.All"],
    "ver": "1.0",
}


def a_token(**claims: Any) -> str:
    """A token with these claims and no signature worth the name."""
    payload = CLAIMS | {"exp": int(time.time()) + 3600} | claims
    parts = ({"alg": "RS256", "typ": "JWT"}, payload)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join([*(text.rstrip("=") for text in encoded), "c2lnbmF0dXJl"])


def a_refusal(aadsts: int, text: str = "No.", error: str = "invalid_client") -> bytes:
    """The body with which the token service says no."""
    ids = {
        "trace_id": "aaaaaaaa-0000-0000-0000-000000000001",
        "correlation_id": "bbbbbbbb-0000-0000-0000-000000000002",
    }
    said = (
        f"AADSTS{aadsts}: {text} Trace ID: {ids['trace_id']} "
        f"Correlation ID: {ids['correlation_id']} Timestamp: 2026-11-23 06:00:00Z"
    )
    body = {"error": error, "error_description": said, "error_codes": [aadsts], **ids}
    return json.dumps(body).encode()


class Authority:
    """A token service on loopback: it answers as told, and remembers what it was asked."""

    def __init__(self, url: str, ca_bundle: Path) -> None:
        self.url = url
        self.ca_bundle = ca_bundle
        self.token = a_token()
        self.expires_in = 3599
        self.answers: deque[tuple[int, bytes]] = deque()
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.connections: list[int] = []

    def answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        """The next dictated answer, else the one of a service in good health."""
        self.asked.append(f"{method} {path.partition('?')[0]}")
        self.queries.append(path.partition("?")[2])
        self.forms.append(form)
        if self.answers:
            return self.answers.popleft()
        if path.partition("?")[0].endswith("openid-configuration"):
            return 200, self.discovery(path.split("/")[1])
        token = {"token_type": "Bearer", "expires_in": self.expires_in, "access_token": self.token}
        return 200, json.dumps(token).encode()

    def discovery(self, tenant: str) -> bytes:
        """The document that says where this service's endpoints are."""
        base = f"{self.url}/{tenant}"
        endpoints = {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }
        return json.dumps(endpoints).encode()


@contextmanager
def answering(context: ssl.SSLContext | None, ca_bundle: Path) -> Iterator[Authority]:
    """Serve until the test is over; without a context in the clear, as runners on loopback do."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two of them wait for each other's receipt

        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._reply({name: values[0] for name, values in parse_qs(body).items()})

        def _reply(self, form: dict[str, str]) -> None:
            service.headers.append(dict(self.headers))
            service.connections.append(self.client_address[1])
            status, body = service.answer(self.command, self.path, form)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "https" if context else "http"
    service = Authority(f"{scheme}://127.0.0.1:{server.server_port}", ca_bundle)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
