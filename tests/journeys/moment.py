"""The moment at which a request reaches the sandbox, or has taken effect there and is not answered yet."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from provision.sandbox.server import Server

WRITES = {
    "the application": ("PATCH", r"/applications\(uniqueName="),
    "the service principal": ("POST", r"/servicePrincipals$"),
    "the grant": ("POST", r"/appRoleAssignments$"),
    "the secret": ("POST", r"/addPassword$"),
    "the record": ("PATCH", r"/applications/[0-9a-f-]+$"),
}
"""The writes of an apply of `hello.yaml`, in their order."""

When = Callable[[Server, str, Callable[[], Any]], threading.Event]


def on_arrival(server: Server, write: str, then: Callable[[], Any]) -> threading.Event:
    """Call `then` once, when that write arrives; the event says that this has happened."""
    judge, happened = server.faults.acting, threading.Event()

    def noticing(method: str, path: str, **about: Any) -> Any:
        if _is(write, method, path) and not happened.is_set():
            happened.set()
            then()
        return judge(method, path, **about)

    server.faults.acting = noticing  # type: ignore[method-assign]
    return happened


def on_effect(server: Server, write: str, then: Callable[[], Any]) -> threading.Event:
    """Call `then` once, when that write has taken effect and before its answer leaves."""
    note, happened = server.requests.add, threading.Event()

    def noticing(method: str, path: str, status: int, *, applied: bool, **about: Any) -> None:
        note(method, path, status, applied=applied, **about)
        if applied and _is(write, method, path) and not happened.is_set():
            happened.set()
            then()

    server.requests.add = noticing  # type: ignore[method-assign]
    return happened


def _is(write: str, method: str, path: str) -> bool:
    wanted, pattern = WRITES[write]
    return method == wanted and re.search(pattern, path) is not None
