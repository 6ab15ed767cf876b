"""The folder of a sandbox: who owns it, where its server answers, and work on it from outside."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from provision.sandbox import issuers
from provision.sandbox.authority import write_private
from provision.sandbox.contents import contents
from provision.sandbox.furnish import Operator, furnish, new_operator_secret
from provision.sandbox.lag import Lag
from provision.sandbox.store import Store, usable_name
from provision.sandbox.tenant import Seen, Tenant, format_time
from provision.sandbox.vault.cabinet import Cabinet

DATABASE = "sandbox.sqlite"
_PAUSE = 0.1
_PROBE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that owns the folder and has published where it answers."""

    url: str
    ca_bundle: Path
    scale: float
    pid: int


def nearest(start: Path) -> Path:
    """Where the sandbox lives: the nearest folder above that has one, else here."""
    for folder in (start, *start.parents):
        if (folder / ".provision" / "sandbox").is_dir():
            return folder / ".provision" / "sandbox"
    return start / ".provision" / "sandbox"


def acquire(folder: Path, wait: Callable[[str], None]) -> FileLock | Running:
    """Own the folder; wait, and say so, while another run has it; or learn of its server."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", thread_local=False)
    told = False
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            running = published(folder)
            if running is not None:
                return running
            if not told:
                wait("another run is using this sandbox; waiting for it to finish")
                told = True
            time.sleep(_PAUSE)
        else:
            withdraw(folder)
            return lock


def published(folder: Path) -> Running | None:
    """The server that says it serves this folder, if it really answers."""
    try:
        told = json.loads((folder / "server.json").read_text(encoding="utf-8"))
        running = Running(
            url=told["url"],
            ca_bundle=Path(told["caBundle"]),
            scale=float(told["scale"]),
            pid=int(told["pid"]),
        )
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname, address.port), timeout=_PROBE):
            return running
    except (OSError, ValueError, KeyError, TypeError):
        return None


def publish(folder: Path, url: str, *, scale: float) -> None:
    """Tell other runs where this folder's server answers."""
    told = {
        "url": url,
        "caBundle": str((folder / "ca.pem").absolute()),
        "scale": scale,
        "pid": os.getpid(),
    }
    write_private(folder / "server.json", _json(told))


def withdraw(folder: Path) -> None:
    """Take back what was published."""
    (folder / "server.json").unlink(missing_ok=True)


def operator(folder: Path, name: str = "default") -> Operator:
    """The operator of a tenant, which is made when there is none of that name yet."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder / DATABASE)
    try:
        return operator_in(store, folder, name)
    finally:
        store.close()


def operator_in(store: Store, folder: Path, name: str) -> Operator:
    """The same, in a store that is open already."""
    if not usable_name(name):
        raise ValueError(f"a sandbox tenant cannot be called {name!r}")
    with store.writing():
        tenant = store.tenant(name) or furnish(store, name)
        kept = _operators(folder)
        found = _kept_operator(tenant, kept.get(name))
        if found is None:
            found = new_operator_secret(tenant)
            kept[name] = {
                "tenantId": found.tenant_id,
                "clientId": found.client_id,
                "clientSecret": found.client_secret,
            }
            # Before the commit: a secret that only the tenant knows would be lost for ever.
            write_private(folder / "operator.json", _json(kept))
        return found


@contextmanager
def opened(folder: Path, name: str = "default") -> Iterator[tuple[Store, Tenant]]:
    """A tenant to work on from outside, whether a server runs or not; made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder / DATABASE, lag=Lag())
    try:
        operator_in(store, folder, name)
        tenant = store.tenant(name)
        if tenant is None:
            raise LookupError(name)
        yield store, tenant
    finally:
        store.close()


def subject_token(
    folder: Path, name: str, *, issuer: str, subject: str, audience: str
) -> str | None:
    """A token of an outside issuer, whether a server runs or not; None where only the issuer itself can sign."""
    with opened(folder, name) as (store, tenant):
        if issuers.is_own(tenant, issuer, frozenset()):
            return None
        try:
            return issuers.subject_token(store, tenant, subject, issuer=issuer, audience=audience)
        except ValueError:
            return None


def status(folder: Path) -> dict[str, Any]:
    """What the folder holds, as plain data."""
    running = published(folder)
    about: dict[str, Any] = {
        "folder": str(folder),
        "exists": (folder / DATABASE).exists(),
        "server": None if running is None else _shown(running),
        "tenants": [],
    }
    if not about["exists"]:
        return about
    store = Store(folder / DATABASE)
    try:
        about["now"] = format_time(store.clock.now(), fraction=False)
        about["tenants"] = [
            {
                "name": t.name,
                "tenantId": t.id,
                "domain": t.domain,
                "objects": t.counts(),
                **contents(t),
            }
            for t in store.tenants()
        ]
    finally:
        store.close()
    return about


def reset(folder: Path, name: str | None = None) -> dict[str, Any]:
    """Forget one tenant, or every one, and begin again; a running server goes on with it."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder / DATABASE)
    try:
        with store.writing():
            store.clear(name)
            operator_in(store, folder, name or "default")
        Cabinet(folder).forget_all_but({tenant.id for tenant in store.tenants()})
    finally:
        store.close()
    return status(folder)


def advance(folder: Path, by: timedelta) -> datetime:
    """Move the tenants' time, whether a server runs or not; the answer is the new present."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder / DATABASE, lag=Lag())
    try:
        store.clock.advance(by)
        return store.clock.now()
    finally:
        store.close()


def _shown(running: Running) -> dict[str, Any]:
    return {**asdict(running), "ca_bundle": str(running.ca_bundle)}


def _operators(folder: Path) -> dict[str, dict[str, str]]:
    try:
        content = json.loads((folder / "operator.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _kept_operator(tenant: Tenant, kept: dict[str, str] | None) -> Operator | None:
    """What the file says, if the tenant would still accept it."""
    if not isinstance(kept, dict) or kept.get("tenantId") != tenant.id:
        return None
    client, secret = kept.get("clientId", ""), kept.get("clientSecret", "")
    application = tenant.find("applications", "appId", client, Seen.truth())
    hashes = (application or {}).get("_secrets", {})
    if not any(tenant.check_secret(secret, digest) for digest in hashes.values()):
        return None
    return Operator(tenant_id=tenant.id, client_id=client, client_secret=secret)


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
