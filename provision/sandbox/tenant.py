"""One imitated tenant: its objects, and which version of each a replica shows at this moment."""

from __future__ import annotations

import hmac
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from provision.sandbox.index import HANGS_ON, INDEXED, indexed, values_of
from provision.sandbox.lag import KINDS, busy, delay, view_for

if TYPE_CHECKING:
    from provision.sandbox.store import Store

TRUTH = "truth"
KEPT_AFTER_DELETION = timedelta(days=30)
_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Seen:
    """Through whose eyes to read: a kind of reader and the replica that answers it."""

    kind: str
    view: int

    @staticmethod
    def truth() -> Seen:
        """The authoritative copy: every write at once."""
        return Seen(TRUTH, 0)


@dataclass(frozen=True, slots=True)
class _Version:
    id: str
    write: int
    body: str
    written_at: float
    settles_at: float
    lag: str
    deleted: int


_COLUMNS = "id, write, body, written_at, settles_at, lag, deleted"


class Tenant:
    """The objects of one tenant; kinds bear the names of Graph's collections.

    Objects are as Graph shows them, plus private keys: `_secrets` maps a keyId to the hash of its
    value, `_owners` lists object ids.
    """

    def __init__(self, store: Store, number: int, name: str, identity: tuple[str, bytes]) -> None:
        self._store = store
        self._number = number
        self.name = name
        self.id, self._salt = identity
        self.domain = initial_domain(name)
        self.clock = store.clock

    def seen(self, kind: str) -> Seen:
        """The replica that answers this read; the next read may well meet another."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of reader {kind!r}; known: {', '.join(KINDS)}")
        if kind == self._store.at_source:
            return Seen.truth()
        return Seen(kind, view_for(self._store.lag, self._store.next_read()))

    def get(
        self, kind: str, id: str, seen: Seen, *, deleted: bool | None = False
    ) -> dict[str, Any] | None:
        """One object as this replica shows it; `deleted=True`: among the deleted, None: in both.

        Change it by replacing values: those of a very large object are shared by its readers.
        """
        rows = self._rows("objects", "kind = ? AND id = ?", (kind, id))
        return self._shown(kind, rows[0], seen, deleted) if rows else None

    def find(
        self, kind: str, property: str, value: str, seen: Seen, *, deleted: bool | None = False
    ) -> dict[str, Any] | None:
        """The first object, by id, that holds this value in an indexed property."""
        return next(self.find_all(kind, property, value, seen, deleted=deleted), None)

    def find_all(
        self,
        kind: str,
        property: str,
        value: str,
        seen: Seen,
        *,
        deleted: bool | None = False,
        after: str = "",
    ) -> Iterator[dict[str, Any]]:
        """Every object that holds this value (in a collection: among others), ordered by id."""
        if property not in INDEXED[kind]:
            raise ValueError(f"{kind} are not indexed by {property}")
        where = "kind = ? AND property = ? AND value = ? AND id > ? ORDER BY id LIMIT ?"
        value = indexed(value, property)
        while True:
            with self._store.reading() as db:
                ids = db.execute(
                    f"SELECT id FROM lookup WHERE tenant = ? AND {where}",  # noqa: S608
                    (self._number, kind, property, value, after, _CHUNK),
                ).fetchall()
            for (after,) in ids:
                found = self.get(kind, after, seen, deleted=deleted)
                if found is not None and value in values_of(found, property):
                    yield found
            if len(ids) < _CHUNK:
                return

    def scan(
        self, kind: str, seen: Seen, *, deleted: bool | None = False, after: str = ""
    ) -> Iterator[dict[str, Any]]:
        """All objects of a kind, ordered by id, from behind `after` on; safe while others write."""
        while True:
            rows = self._rows(
                "objects", "kind = ? AND id > ? ORDER BY id LIMIT ?", (kind, after, _CHUNK)
            )
            for row in rows:
                shown = self._shown(kind, row, seen, deleted)
                if shown is not None:
                    yield shown
            if len(rows) < _CHUNK:
                return
            after = rows[-1].id

    def writing(self) -> AbstractContextManager[None]:
        """Several writes as one: all of them survive a crash, or none."""
        return self._store.writing()

    def put(self, kind: str, obj: dict[str, Any], lag: str = "directory") -> None:
        """Add a new version. `lag="delete"` delays as deletions do, "none" shows it at once."""
        deleted = int(obj.get("deletedDateTime") is not None)
        expires = None
        if deleted:
            expires = (parse_time(obj["deletedDateTime"]) + KEPT_AFTER_DELETION).timestamp()
        body = json.dumps(obj, ensure_ascii=False, separators=(",", ":"))
        self._write(kind, str(obj["id"]), (body, lag, deleted, expires))

    def remove(self, kind: str, id: str, lag: str = "delete") -> None:
        """Delete an object that has no recycle bin; replicas still show it for a while."""
        self._write(kind, id, ("null", lag, 2, None))

    def purge(self, kind: str, id: str) -> None:
        """Forget an object in every replica, together with what hangs on it."""
        with self.writing():
            self._purge_what_hangs_on(kind, id)
            with self._store.reading() as db:
                for table in ("objects", "history", "lookup"):
                    db.execute(
                        f"DELETE FROM {table} WHERE tenant = ? AND kind = ? AND id = ?",  # noqa: S608
                        (self._number, kind, id),
                    )

    def purge_expired(self) -> None:
        """Forget what was deleted more than 30 days ago; called before each request."""
        now = self.clock.now().timestamp()
        with self._store.reading() as db:
            expired = db.execute(
                "SELECT kind, id FROM objects WHERE tenant = ? AND expires_at <= ?",
                (self._number, now),
            ).fetchall()
        for kind, id in expired:
            self.purge(kind, id)

    def changes(self, kind: str, after: int) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """What was written behind the n-th write: identifiers, None for what is there no more."""
        for row in self._rows("objects", "kind = ? AND write > ? ORDER BY id", (kind, after)):
            yield row.id, json.loads(row.body)

    def last_write(self) -> int:
        """The number of the latest write."""
        return int(self._store.setting("write") or 0)

    def siblings(self) -> list[Tenant]:
        """The other tenants of the same sandbox."""
        return [tenant for tenant in self._store.tenants() if tenant.id != self.id]

    def has_room(self, kinds: Collection[str], most: int) -> bool:
        """Whether one more object fits; they are counted only when so many may have been made."""
        room = self._store.room.get(self._number, 0)
        if room <= 0:
            sql = "SELECT count(*) FROM objects WHERE tenant = ? AND kind = ? AND deleted < 2"
            with self._store.reading() as db:
                counts = [db.execute(sql, (self._number, kind)).fetchone()[0] for kind in kinds]
            room = most - sum(counts)
        self._store.room[self._number] = room - 1
        return room > 0

    def has(self, kind: str, id: str, *, without: str) -> bool:
        """Whether there is this object and its JSON has these words nowhere: quick, not lagging."""
        sql = "SELECT deleted = 0 AND instr(body, ?) = 0 FROM objects"
        with self._store.reading() as db:
            found = db.execute(
                f"{sql} WHERE tenant = ? AND kind = ? AND id = ?",
                (without, self._number, kind, id),
            ).fetchone()
        return bool(found and found[0])

    def is_busy(self, kind: str, id: str) -> bool:
        """Whether the last write of this object still makes others wait."""
        rows = self._rows("objects", "kind = ? AND id = ?", (kind, id))
        if not rows or rows[0].lag == "none":
            return False
        if not self._rows("history", "kind = ? AND id = ?", (kind, id)):
            return False  # it was made, not changed
        until = rows[0].written_at + busy(self._store.lag, rows[0].write)
        return self.clock.now().timestamp() < until

    def counts(self) -> dict[str, int]:
        """How many live objects of each kind there are."""
        with self._store.reading() as db:
            return dict(
                db.execute(
                    "SELECT kind, count(*) FROM objects WHERE tenant = ? AND deleted = 0"
                    " GROUP BY kind ORDER BY kind",
                    (self._number,),
                ).fetchall()
            )

    def new_guid(self) -> str:
        """An identifier that no object has yet."""
        return self._store.new_guid()

    def new_secret_text(self) -> str:
        """A secret value of the shape that the service gives out."""
        return self._store.new_secret_text()

    def hash_secret(self, text: str) -> str:
        """All that is kept of a secret: its values are random enough that a fast hash is safe."""
        return blake2b(text.encode("utf-8", "replace"), key=self._salt, digest_size=32).hexdigest()

    def check_secret(self, text: str, digest: str) -> bool:
        """Whether this is the secret that the hash was made of."""
        return hmac.compare_digest(self.hash_secret(text), digest)

    def _write(self, kind: str, id: str, content: tuple[str, str, int, float | None]) -> None:
        body, lag, deleted, expires = content
        with self.writing(), self._store.reading() as db:
            now = self.clock.now().timestamp()
            settles = now if lag == "none" else now + self._store.lag.longest
            if deleted == 2:
                expires = settles
            self._keep_history(kind, id, now, pending=settles > now)
            db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(self._number, kind, id, self._store.next_write()),
                    *(body, now, settles, lag, deleted, expires),
                ),
            )
            self._index(kind, id, body)

    def _keep_history(self, kind: str, id: str, now: float, *, pending: bool) -> None:
        where, key = "tenant = ? AND kind = ? AND id = ?", (self._number, kind, id)
        with self._store.reading() as db:
            if not pending:
                db.execute(f"DELETE FROM history WHERE {where}", key)  # noqa: S608
                return
            db.execute(
                f"INSERT INTO history SELECT tenant, kind, {_COLUMNS} FROM objects WHERE {where}",  # noqa: S608
                key,
            )
            db.execute(
                f"DELETE FROM history WHERE {where} AND write < (SELECT max(write) FROM history"  # noqa: S608
                f" WHERE {where} AND settles_at <= ?)",
                (*key, *key, now),
            )

    def _index(self, kind: str, id: str, body: str) -> None:
        older = (v.body for v in self._rows("history", "kind = ? AND id = ?", (kind, id)))
        versions = [json.loads(text) or {} for text in (body, *older)]
        entries = {
            (property, value)
            for property in INDEXED.get(kind, ())
            for version in versions
            for value in values_of(version, property)
        }
        with self._store.reading() as db:
            db.execute(
                "DELETE FROM lookup WHERE tenant = ? AND kind = ? AND id = ?",
                (self._number, kind, id),
            )
            db.executemany(
                "INSERT INTO lookup VALUES (?, ?, ?, ?, ?)",
                [(self._number, kind, *entry, id) for entry in sorted(entries)],
            )

    def _purge_what_hangs_on(self, kind: str, id: str) -> None:
        for other, property in HANGS_ON.get(kind, ()):
            for row in list(self.find_all(other, property, id, Seen.truth(), deleted=None)):
                self.purge(other, row["id"])

    def _rows(self, table: str, where: str, values: Iterable[object]) -> list[_Version]:
        with self._store.reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM {table} WHERE tenant = ? AND {where}",  # noqa: S608
                (self._number, *values),
            ).fetchall()
        return [_Version(*row) for row in rows]

    def _shown(
        self, kind: str, newest: _Version, seen: Seen, deleted: bool | None
    ) -> dict[str, Any] | None:
        now = self.clock.now().timestamp()
        shown: _Version | None = newest
        if seen.kind != TRUTH and newest.settles_at > now:
            shown = self._seen_version(kind, newest, seen, now)
        if shown is None or shown.deleted == 2:
            return None
        if deleted is not None and bool(shown.deleted) is not deleted:
            return None
        return self._store.parsed(shown.body, (self._number, kind, shown.id, shown.write))

    def _seen_version(self, kind: str, newest: _Version, seen: Seen, now: float) -> _Version | None:
        if self._has_reached(newest, seen, now):
            return newest
        older = self._rows("history", "kind = ? AND id = ? ORDER BY write DESC", (kind, newest.id))
        return next((version for version in older if self._has_reached(version, seen, now)), None)

    def _has_reached(self, version: _Version, seen: Seen, now: float) -> bool:
        if version.settles_at <= now:
            return True
        kind = seen.kind
        if version.lag == "delete" and kind in ("directory", "list", "reference"):
            kind = "delete"
        return version.written_at + delay(self._store.lag, version.write, kind, seen.view) <= now


def initial_domain(name: str) -> str:
    """The domain that a tenant is born with; the nameless one is called sandbox."""
    return f"{'sandbox' if name == 'default' else name}.onmicrosoft.com"


def format_time(at: datetime, *, fraction: bool = True) -> str:
    """A moment as Graph writes it: UTC, `Z`, seven digits or whole seconds."""
    utc = at.astimezone(UTC)
    if not fraction:
        return utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond * 10:07d}Z"


def parse_time(text: str) -> datetime:
    """The moment that a timestamp names; seven digits are cut to six."""
    at = datetime.fromisoformat(_cut_fraction(text))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def in_utc(text: str) -> str:
    """A timestamp as Graph repeats it: as it was sent, but in UTC and with `Z`."""
    return text if text.endswith("Z") else format_time(parse_time(text), fraction="." in text)


def _cut_fraction(text: str) -> str:
    head, point, tail = text.partition(".")
    if not point:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6]}{tail[digits:]}"
