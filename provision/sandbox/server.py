"""Starts the sandbox: a free port on loopback, in a thread of this process or in its foreground."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

import uvicorn
from filelock import FileLock

from provision.sandbox import folder as folders
from provision.sandbox import issuers
from provision.sandbox.app import Front
from provision.sandbox.authority import Certificates, certificates
from provision.sandbox.control import Control
from provision.sandbox.faults import Faults, adverse
from provision.sandbox.journal import Journal
from provision.sandbox.lag import Lag
from provision.sandbox.resources import EXCHANGE
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant
from provision.sandbox.throttle import Throttle
from provision.sandbox.vault import Vaults

_LOOPBACK = "127.0.0.1"
_KEEP_ALIVE = 120
_LAST_WORDS = 3


class Occupied(Exception):
    """The folder already has a server; `running` says where it answers."""

    def __init__(self, running: folders.Running) -> None:
        super().__init__(f"a server at {running.url} serves this sandbox already")
        self.running = running


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A sandbox that answers; what tests may do to it from inside the same process."""

    url: str
    ca_bundle: Path
    folder: Path
    scale: float
    store: Store
    faults: Faults
    requests: Journal
    throttle: Throttle
    vaults: Vaults
    runner: _Runner

    def tenant(self, name: str = "default") -> Tenant:
        """A tenant of this name, made if need be."""
        folders.operator_in(self.store, self.folder, name)
        found = self.store.tenant(name)
        if found is None:
            raise LookupError(name)
        return found

    def operator(self, name: str = "default") -> dict[str, str]:
        """The tenant's operator as clients are configured: tenantId, clientId, clientSecret."""
        made = folders.operator_in(self.store, self.folder, name)
        return {
            "tenantId": made.tenant_id,
            "clientId": made.client_id,
            "clientSecret": made.client_secret,
        }

    def issue_token(
        self,
        subject: str,
        audience: str = EXCHANGE,
        *,
        issuer: str | None = None,
        name: str = "default",
    ) -> str:
        """A token of an outside issuer for a subject; without a name, of the sandbox's own issuer."""
        tenant = self.tenant(name)
        issuer = issuer or issuers.local(self.url, tenant)
        return issuers.subject_token(self.store, tenant, subject, issuer=issuer, audience=audience)

    def advance(self, by: timedelta) -> None:
        """Move the tenants' time."""
        self.store.clock.advance(by)

    def run(self) -> int:
        """Serve in the foreground until told to end; the answer is the signal that did, or 0."""
        return self.runner.run_here()


class _Runner(uvicorn.Server):
    """uvicorn that says when it is ready, and whose end is ours to decide."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config)
        self._sockets = sockets
        self._ready = threading.Event()
        self._signal = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell whoever waits for it."""
        await super().startup(sockets)
        self._ready.set()

    async def main_loop(self) -> None:
        """Sleep until the end instead of looking for it ten times a second."""
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        if not self.should_exit:
            await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the answers in hand; idle clients are not asked to agree to the end."""
        for listening in self.servers:
            listening.close()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_WORDS)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def end(self) -> None:
        """Finish what is being answered and stop; from any thread, also from a signal."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would end the process before the cleanup."""
        yield

    @contextmanager
    def in_thread(self) -> Iterator[None]:
        """Serve beside the caller, and end with the caller."""
        thread = threading.Thread(target=self._run_in_thread, name="sandbox", daemon=True)
        thread.start()
        self._ready.wait()
        if not self.started:
            thread.join()
            raise RuntimeError("the sandbox could not start")
        try:
            yield
        finally:
            self.end()
            thread.join()

    @contextmanager
    def until_signal(self) -> Iterator[None]:
        """From now on SIGINT and SIGTERM ask for a clean end, also before serving has begun."""
        names = ("SIGINT", "SIGTERM", "SIGBREAK")
        caught = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, self._end) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run_here(self) -> int:
        """Serve in this thread until a signal asks for the end."""
        self.run(sockets=self._sockets)
        return self._signal

    def _run_in_thread(self) -> None:
        try:
            self.run(sockets=self._sockets)
        finally:
            self._ready.set()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self.end()


@contextmanager
def serve(
    folder: Path,
    *,
    port: int = 0,
    profile: str = "typical",
    scale: float = 20.0,
    seed: int | None = None,
    name: str = "default",
    in_thread: bool = True,
    lock: FileLock | None = None,
    wait: Callable[[str], None] | None = None,
    predictable: bool = False,
    canary: str = "",
    throttle: float = 1.0,
    names: Sequence[str] = (),
    control: str = "",
) -> Iterator[Server]:
    """Serve the tenants of a folder; outside a thread the caller publishes by running `run`.

    A folder that is served already raises `Occupied`; one that a short run uses is waited for.
    `throttle` shrinks the real limits (0 lifts them), `names` are further names in the certificate,
    `control` is the token that opens the control route, which does not exist without one.
    `predictable` makes identifiers and secrets repeatable: for tests only.
    """
    with ExitStack() as stack:
        stack.enter_context(lock or _owned(folder, wait or _silently))
        lag = Lag(profile=profile, scale=scale, seed=_some_seed() if seed is None else seed)
        store = Store(folder / folders.DATABASE, lag=lag, predictable=predictable, canary=canary)
        stack.callback(store.close)
        folders.operator_in(store, folder, name)
        sockets = _listening(port)
        for listening in sockets:
            stack.callback(listening.close)
        limits = Throttle(store.clock, factor=throttle, scale=scale)
        vaults = Vaults(store, folder, name=name)
        tls = certificates(folder, names=names)
        server = _assemble(
            folder, store, sockets, tls=tls, throttle=limits, vaults=vaults, control=control
        )
        if in_thread:
            stack.enter_context(server.runner.in_thread())
        else:
            stack.enter_context(server.runner.until_signal())
            folders.publish(folder, server.url, scale=scale)
            stack.callback(folders.withdraw, folder)
        yield server


def _assemble(
    folder: Path,
    store: Store,
    sockets: list[socket.socket],
    *,
    tls: Certificates,
    throttle: Throttle,
    vaults: Vaults,
    control: str,
) -> Server:
    url = f"https://{_LOOPBACK}:{sockets[0].getsockname()[1]}"
    faults, journal = Faults(), Journal()
    if store.lag.profile == "adverse":
        faults.add(*adverse(store.lag.seed))
    remote = Control(control, store, faults, journal, vaults) if control else None
    front = Front(store, faults, journal, url, throttle=throttle, vaults=vaults, control=remote)
    runner = _Runner(_config(front, tls), sockets)
    front.connections = runner.server_state.connections  # type: ignore[assignment]
    return Server(
        url=url,
        ca_bundle=tls.ca_bundle,
        folder=folder,
        scale=store.lag.scale,
        store=store,
        faults=faults,
        requests=journal,
        throttle=throttle,
        vaults=vaults,
        runner=runner,
    )


def _config(front: Front, tls: Certificates) -> uvicorn.Config:
    return uvicorn.Config(
        front,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        ssl_certfile=str(tls.chain_and_key),
        ssl_keyfile=str(tls.chain_and_key),
    )


def _listening(port: int) -> list[socket.socket]:
    """The loopback addresses with one port; a machine without IPv6 has one address."""
    sockets = [_listen(socket.AF_INET, _LOOPBACK, port)]
    chosen = sockets[0].getsockname()[1]
    try:
        sockets.append(_listen(socket.AF_INET6, "::1", chosen))
    except OSError:
        return sockets
    return sockets


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # Named as TCP, so that asyncio sends small answers at once (TCP_NODELAY).
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # On Windows this option would let a second program take the same port.
        if not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def _owned(folder: Path, wait: Callable[[str], None]) -> Iterator[None]:
    found = folders.acquire(folder, wait)
    if isinstance(found, folders.Running):
        raise Occupied(found)
    try:
        yield
    finally:
        found.release()


def _silently(message: str) -> None:
    del message


def _some_seed() -> int:
    return int.from_bytes(os.urandom(4), "big")
