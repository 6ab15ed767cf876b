"""One served sandbox whose state is kept and put back between cases, and looked at in the middle of a command."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from provision.sandbox.journal import Entry
from provision.sandbox.server import Server
from tests.journeys.journey import Outcome, run_here
from tests.sweep.rows import Phase, Row, Trouble

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FLEETING = re.compile(
    r"(?P<moment>\d{4}-\d\d-\d\d)T[\d:.]+Z"
    r"|(?P<epoch>:1[789]\d{8}\b)"
    r"|(?P<nonce>(?<=:)[0-9a-f]{9}\b)"
    r"|(?P<secret>\w{3}\dQ~[\w.~-]{34})"
)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that outlives a command: the tenant and the stores."""

    tenant: sqlite3.Connection
    stores: dict[Path, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """From where one phase of one manifest begins, and which requests its command sends undisturbed.

    `strangers` are the objects that were there before anything of ours, `foreign` is what others put on
    applications of ours; `requests` are the numbered requests,
    `answers` the same with the parts of batches counted too.
    """

    row: Row
    phase: Phase
    moment: Moment
    strangers: dict[Key, str]
    foreign: dict[str, Any]
    requests: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(slots=True)
class Bench:
    """A sandbox, the folder that commands run in, and what was established already."""

    server: Server
    workplace: Path
    thorough: bool
    seed: int
    settled: set[tuple[str, ...]] = field(default_factory=set)
    starts: dict[tuple[str, str], Start] = field(default_factory=dict)
    ground: Moment | None = None
    _death: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.server.requests.listen(self._dropped)

    @property
    def stores(self) -> Path:
        """Where the sandbox rehearses the stores."""
        return self.server.folder / "default" / "stores"

    def write(self, row: Row, *, edited: bool) -> dict[str, Any]:
        """Put the manifest into the workplace; answers with its content."""
        content: dict[str, Any] = yaml.safe_load((MANIFESTS / row.file).read_text(encoding="utf-8"))
        row.extend(content)
        if edited:
            row.edit(content)
        (self.workplace / row.file).write_text(json.dumps(content, indent=2), encoding="utf-8")
        return content

    def run(self, row: Row, command: tuple[str, ...]) -> Outcome:
        """One command about the manifest in the workplace."""
        verb, *options = command
        return run_here(verb, row.file, *options)

    def keep(self) -> Moment:
        """Everything as it is now."""
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        with self.server.store.reading() as db:
            db.backup(kept)
        return Moment(kept, self._stored())

    def restore(self, moment: Moment) -> None:
        """Put the tenant, its time and the stores back."""
        self.server.faults.clear()
        self.server.requests.clear()
        with self.server.store.reading() as db:
            moment.tenant.backup(db)
        self.server.store._large.clear()
        self.server.store.room.clear()
        shutil.rmtree(self.stores, ignore_errors=True)
        for path, content in moment.stores.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def objects(self) -> dict[Key, str]:
        """Every object of the tenant as it is kept, deleted ones included, in the order of writing."""
        sql = "SELECT kind, id, deleted, body FROM objects ORDER BY write"
        with self.server.store.reading() as db:
            return {(kind, id): f"{deleted} {body}" for kind, id, deleted, body in db.execute(sql)}

    def likeness(self, strangers: dict[Key, str]) -> str:
        """The state without what differs from run to run: two states that look alike recover alike.

        Secrets and nonces are left out, moments replaced by their day, identifiers by the order in which they
        appear; objects and lines of stores are sorted, since applications are worked on side by side.
        """
        ours = [body for key, body in self.objects().items() if strangers.get(key) != body]
        files = (path for path in self.stores.rglob("*") if path.is_file())
        lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
        texts = (_without_chance(text) for text in (*ours, *lines))
        numbers: dict[str, str] = {}
        return _GUID.sub(
            lambda found: numbers.setdefault(found[0], f"#{len(numbers)}"),
            "\n".join(sorted(texts, key=lambda text: _GUID.sub("#", text))),
        )

    def left_behind(self, start: Start, *, after: bool) -> list[Moment]:
        """What a command leaves that dies at its first request, its second, and so on, from one undisturbed run.

        The moment is that at which the request arrives, or `after` it took effect and before its answer leaves.
        """
        self.restore(start.moment)
        moments: list[Moment] = []
        known: dict[str, Any] = {}

        def look() -> None:
            now = (self.server.store.setting("write"), self._stored())
            if known.get("now") != now:
                known.update(now=now, moment=self.keep())
            moments.append(known["moment"])

        judge, note = self.server.faults.acting, self.server.requests.add

        def arriving(method: str, path: str, *, part: bool = False, **about: Any) -> Any:
            if not part:
                look()
            return judge(method, path, part=part, **about)

        def answered(*words: Any, **about: Any) -> None:
            note(*words, **about)
            look()

        if after:
            self.server.requests.add = answered  # type: ignore[method-assign]
        else:
            self.server.faults.acting = arriving  # type: ignore[method-assign]
        try:
            done = self.run(start.row, start.phase.command)
        finally:
            vars(self.server.requests).pop("add", None)
            vars(self.server.faults).pop("acting", None)
        assert done.exit_code == 0, done.said
        return moments

    @contextmanager
    def killing(self, death: Callable[[], None]) -> Iterator[None]:
        """While inside, the first connection that the sandbox breaks brings this death."""
        self._death = death
        try:
            yield
        finally:
            self._death = None

    def disturbed(self, start: Start, trouble: Trouble, k: int) -> Outcome:
        """The phase's command from its start, with this trouble at its k-th request."""
        self.restore(start.moment)
        self.server.faults.add(*trouble.do(k))
        return self.run(start.row, start.phase.command)

    def _stored(self) -> dict[Path, bytes]:
        files = [path for path in self.stores.rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in files}

    def _dropped(self, entry: Entry) -> None:
        if self._death is not None and entry.status == 0:
            death, self._death = self._death, None
            death()


def _without_chance(text: str) -> str:
    text = re.sub(r'"_secrets":\{[^}]*\}|"hint":"[^"]*"|"id":"[\w-]{43}"', "", text)
    return _FLEETING.sub(lambda found: found["moment"] or f"<{found.lastgroup}>", text)
