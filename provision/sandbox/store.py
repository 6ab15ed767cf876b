"""The one SQLite file that holds every tenant of a sandbox, safe against kill -9."""

from __future__ import annotations

import itertools
import json
import random
import secrets
import sqlite3
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from provision.sandbox.clock import Clock
from provision.sandbox.lag import Lag
from provision.sandbox.tenant import Tenant, initial_domain

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tenants (
  number INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, id TEXT UNIQUE NOT NULL, salt BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS objects (
  tenant INTEGER, kind TEXT, id TEXT, write INTEGER NOT NULL, body TEXT NOT NULL,
  written_at REAL NOT NULL, settles_at REAL NOT NULL, lag TEXT NOT NULL,
  deleted INTEGER NOT NULL, expires_at REAL, PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expiring ON objects (tenant, expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS history (
  tenant INTEGER, kind TEXT, id TEXT, write INTEGER NOT NULL, body TEXT NOT NULL,
  written_at REAL NOT NULL, settles_at REAL NOT NULL, lag TEXT NOT NULL,
  deleted INTEGER NOT NULL, PRIMARY KEY (tenant, kind, id, write)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lookup (
  tenant INTEGER, kind TEXT, property TEXT, value TEXT, id TEXT,
  PRIMARY KEY (tenant, kind, property, value, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lookup_of ON lookup (tenant, kind, id);
INSERT OR IGNORE INTO settings VALUES ('offset', 0.0), ('write', 0);
"""
_SECRET_CHARACTERS = string.ascii_letters + string.digits + "_~."
_SECRET_TAIL = 34
_LONGEST_CANARY = 20
_LARGE, _LARGE_KEPT = 100_000, 4


class Chance(Protocol):
    """Where identifiers and secrets come from."""

    def choice(self, seq: str, /) -> str: ...
    def getrandbits(self, k: int, /) -> int: ...


class Store:
    """An open database with its clock and its lag; one process owns it at a time."""

    def __init__(
        self, path: Path, *, lag: Lag | None = None, predictable: bool = False, canary: str = ""
    ) -> None:
        if len(canary) > _LONGEST_CANARY or not set(canary) <= set(_SECRET_CHARACTERS):
            raise ValueError("a canary is made of a few characters that secrets may contain")
        self.lag = lag or Lag()
        self.canary = canary
        self._lock = threading.RLock()
        self._reads = itertools.count()
        self.at_source = ""
        """The kind of reads that meet the replica which took the caller's last write, if any."""
        self._large: dict[tuple[int, str, str, int], dict[str, Any]] = {}
        self.room: dict[int, int] = {}
        """By tenant, how many more objects fit for sure."""
        self._db = open_database(path)
        self.clock = Clock(self._offset, self._add_offset)
        self._chance: Chance = secrets.SystemRandom()
        if predictable:
            # Where the last run ended is part of the seed, so that a restart repeats no identifier.
            self._chance = random.Random(f"{self.lag.seed}/{self.setting('write')}")  # noqa: S311

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with self._lock:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; inside another one it is part of that."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def setting(self, name: str) -> str | float | None:
        """A value that belongs to the whole database."""
        with self._lock:
            row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def keep_setting(self, name: str, value: str) -> None:
        """Keep a value that belongs to the whole database."""
        with self.writing():
            self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def parsed(self, body: str, version: tuple[int, str, str, int]) -> dict[str, Any]:
        """The object in a stored body; the very large ones are read once, as they rarely change."""
        if len(body) < _LARGE:
            small: dict[str, Any] = json.loads(body)
            return small
        with self._lock:
            if version not in self._large:
                while len(self._large) >= _LARGE_KEPT:
                    self._large.pop(next(iter(self._large)))
                self._large[version] = json.loads(body)
            return dict(self._large[version])

    def next_read(self) -> int:
        """The number of this read since the start."""
        return next(self._reads)

    def next_write(self) -> int:
        """The number of this write since the database was made."""
        sql = "UPDATE settings SET value = value + 1 WHERE name = 'write' RETURNING value"
        with self._lock:
            return int(self._db.execute(sql).fetchall()[0][0])

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of this name, if there is one."""
        return next((tenant for tenant in self.tenants() if tenant.name == name), None)

    def tenant_known_as(self, identifier: str) -> Tenant | None:
        """The tenant that a login path names: by its GUID or its initial domain."""
        wanted = identifier.lower()
        return next((t for t in self.tenants() if wanted in (t.id, t.domain)), None)

    def tenants(self) -> list[Tenant]:
        """Every tenant, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, name, id, salt FROM tenants ORDER BY number"
            ).fetchall()
        return [Tenant(self, number, name, (id, salt)) for number, name, id, salt in rows]

    def clear(self, name: str | None = None) -> None:
        """Forget one tenant, or all of them and moved time.

        The signing key stays, and no write gets the number of an earlier one.
        """
        with self.writing():
            if name is not None:
                self._forget(name)
                return
            for table in ("tenants", "objects", "history", "lookup"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608
            self._db.execute("UPDATE settings SET value = 0.0 WHERE name = 'offset'")

    def add_tenant(self, name: str) -> Tenant:
        """Make an empty tenant with an identity of its own."""
        salt = secrets.token_bytes(32)
        with self.writing():
            number = self._db.execute(
                "INSERT INTO tenants (name, id, salt) VALUES (?, ?, ?)",
                (name, identity := self.new_guid(), salt),
            ).lastrowid
        return Tenant(self, int(number or 0), name, (identity, salt))

    def new_guid(self) -> str:
        """A random identifier, version 4."""
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def new_secret_text(self) -> str:
        """Forty characters in the shape of the service's secrets; the canary is among them."""
        head = "".join(self._chance.choice(_SECRET_CHARACTERS) for _ in range(3))
        digit = self._chance.choice(string.digits)
        left = _SECRET_TAIL - len(self.canary)
        tail = "".join(self._chance.choice(_SECRET_CHARACTERS + "-") for _ in range(left))
        return f"{head}{digit}Q~{self.canary}{tail}"

    def _forget(self, name: str) -> None:
        row = self._db.execute("SELECT number FROM tenants WHERE name = ?", (name,)).fetchone()
        if row is None:
            return
        for table in ("objects", "history", "lookup"):
            self._db.execute(f"DELETE FROM {table} WHERE tenant = ?", row)  # noqa: S608
        self._db.execute("DELETE FROM tenants WHERE number = ?", row)

    def _offset(self) -> float:
        return float(self.setting("offset") or 0.0)

    def _add_offset(self, seconds: float) -> None:
        sql = "UPDATE settings SET value = value + ? WHERE name = 'offset'"
        with self.writing():
            self._db.execute(sql, (seconds,))


def open_database(path: Path) -> sqlite3.Connection:
    """Open or make the file; a committed write outlives the process, however it ends."""
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(_SCHEMA)
    return db


def usable_name(name: str) -> bool:
    """Whether a tenant may bear this name: it becomes a label of its initial domain."""
    label = initial_domain(name).removesuffix(".onmicrosoft.com")
    allowed = set(string.ascii_lowercase + string.digits + "-")
    return (
        0 < len(label) <= 27
        and set(label) <= allowed
        and label.strip("-") == label
        and name != "sandbox"
    )
