"""The sandbox of the sweep, one for each worker, and the table of what was swept."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.pipeline.transport import (
    AsyncHttpTransport,
    AsyncioRequestsTransport,
    HttpTransport,
)

from provision.sandbox import folder as folders
from provision.sandbox.server import Server, serve
from tests import quick
from tests.sweep import rows, tables
from tests.sweep.bench import MANIFESTS, Bench
from tests.sweep.wanted import FOREIGN_ROLE, OTHER_ROLE

SPEED = 250.0
LONG = 100_000
"""Characters of an object of the tenant that is worth shortening."""


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Bench]:
    """A sandbox without lag or limits, 250 times faster than the service."""
    workplace = tmp_path_factory.mktemp("sweep")
    folder = workplace / ".provision" / "sandbox"
    with serve(folder, profile="strong", scale=SPEED, seed=1, throttle=0) as server:
        _shorten(server)
        folders.publish(folder, server.url, scale=server.scale)
        thorough = bool(request.config.getoption("--sweep"))
        seed = int(request.config.getoption("--sweep-seed"))
        yield Bench(server=server, workplace=workplace, thorough=thorough, seed=seed)
        folders.withdraw(folder)


def _shorten(server: Server) -> None:
    """Leave out the permissions of Microsoft Graph that nobody here names or holds: every command reads the list."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in (*MANIFESTS.glob("*.yaml"), Path(rows.__file__))
    ]
    named = "".join((*texts, FOREIGN_ROLE, OTHER_ROLE))
    with server.store.writing():
        db = server.store._db
        found = db.execute("SELECT kind, id, body FROM objects").fetchall()
        held = {json.loads(body).get("appRoleId") for _, _, body in found}
        for kind, id, body in found:
            content = json.loads(body)
            for offers in ("appRoles", "oauth2PermissionScopes"):
                content[offers] = [
                    each
                    for each in content.get(offers) or ()
                    if each["value"] in named or each["id"] in held
                ]
            if len(body) > LONG:
                sql = "UPDATE objects SET body = ? WHERE kind = ? AND id = ?"
                db.execute(sql, (json.dumps(content), kind, id))
    server.store._large.clear()


@pytest.fixture
def bench(served: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The sandbox of this worker; commands run in its workplace."""
    monkeypatch.chdir(served.workplace)
    monkeypatch.setattr(HttpTransport, "sleep", _sleep)
    monkeypatch.setattr(AsyncHttpTransport, "sleep", _sleep_async)
    monkeypatch.setattr(AsyncioRequestsTransport, "sleep", _sleep_async)
    quick.once(monkeypatch)
    yield served
    gc.collect()  # what killed runs left open is complained about here, and not in the next test


def _sleep(_: HttpTransport[Any, Any], duration: float) -> None:
    """The pauses of azure-core, which knows nothing of our clock, at the pace of the sandbox."""
    time.sleep(duration / SPEED)


async def _sleep_async(_: AsyncHttpTransport[Any, Any], duration: float) -> None:
    await asyncio.sleep(duration / SPEED)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The tables of what was swept."""
    tables.tell(terminalreporter)
