"""The sandbox of the sweep with real stores, looked at whenever a command could die."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.journeys.journey import Outcome, run_here
from tests.sweep import bench as benches
from tests.sweep.bench import Bench, Key, Moment
from tests.sweep.kinds import FOLDER, KEEPER, Kind

FILE = "life.json"
_CHANGES = {"os.rename", "os.remove", "os.chmod"}
_KEYS = re.compile(r'"(?:key|customKeyIdentifier)":"[^"]*"')
_NOT_TOLD = re.compile(r"-----BEGIN .*-----END [A-Z ]*-----|\b[0-9a-f]{32}\b", re.DOTALL)
_SHORT = re.compile(r"_([0-9a-f]{8})\.pem")

_listening: list[Callable[[str, tuple[Any, ...]], None]] = []


def _heard(event: str, about: tuple[Any, ...]) -> None:
    for listener in _listening:
        listener(event, about)


sys.addaudithook(_heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A moment at which a command can die: before a request, after it, or between two changes of a store."""

    when: str
    what: str
    moment: Moment


@dataclass(slots=True)
class Workshop(Bench):
    """Stores are where the manifest says, beside the programs that keep values."""

    _seen: list[Death] = field(default_factory=list)
    _looking: threading.RLock = field(default_factory=threading.RLock)

    @property
    def stores(self) -> Path:
        """The folder that all manifests of the workshop keep their values in."""
        return self.workplace / FOLDER

    @property
    def vaults(self) -> Path:
        """Where the sandbox keeps what is in its vaults."""
        return self.server.folder / "vault"

    def lay_out(self, kind: Kind) -> None:
        """Put the manifest and the program into the workplace."""
        (self.workplace / FILE).write_text(json.dumps(kind.manifest, indent=2), encoding="utf-8")
        keeper = self.workplace / "keeper"
        keeper.write_text(KEEPER, encoding="utf-8")
        keeper.chmod(0o700)
        self.stores.mkdir(exist_ok=True)

    def upset_keeper(self, how: str) -> None:
        """The next time that the program is to keep a value, it does this."""
        (self.workplace / "trouble").write_text(how, encoding="utf-8")

    def command(self, *words: str) -> Outcome:
        """One command about the manifest in the workplace, with its real stores."""
        verb, *options = words
        return run_here(verb, FILE, "--real-stores", *options)

    def restore(self, moment: Moment) -> None:
        """Put the tenant, its time and the stores back."""
        shutil.rmtree(self.vaults, ignore_errors=True)
        Bench.restore(self, moment)
        self.stores.mkdir(exist_ok=True)

    def likeness(self, strangers: dict[Key, str]) -> str:
        """As for other states; certificates are told by their keyIds, and files by their names too.

        What a killed run has half written counts when everything is swept only.
        """
        ours = [body for key, body in self.objects().items() if strangers.get(key) != body]
        texts = [_KEYS.sub("", benches._without_chance(body)) for body in ours]
        for path, content in sorted(self._stored().items()):
            if path.suffix == ".tmp" and not self.thorough:
                continue
            kept = _NOT_TOLD.sub("", content.decode().replace(": ", ":"))
            texts.append(benches._without_chance(f"{path.name.partition('.provision-')[0]} {kept}"))
        texts.sort(key=lambda text: _SHORT.sub("#", benches._GUID.sub("#", text)))
        numbers: dict[str, str] = {}

        def numbered(found: re.Match[str]) -> str:
            return numbers.setdefault(found[0][:8], f"#{len(numbers)}")

        whole = benches._GUID.sub(numbered, "\n".join(texts))
        return _SHORT.sub(lambda found: numbers.get(found[1], "?"), whole)

    def deaths(self, words: tuple[str, ...], start: Moment) -> list[Death]:
        """All moments at which this command can die, from one undisturbed run; consecutive ones may be the same."""
        self.restore(start)
        self._seen = []
        with self._requests_seen(), self._files_seen():
            done = self.command(*words)
        assert done.exit_code == 0, done.said
        return self._seen

    def _look(self, when: str, what: str) -> None:
        with self._looking:
            now = (self.server.store.setting("write"), self._stored())
            last = self._seen[-1].moment if self._seen else None
            same = last is not None and now == (_writes(last), last.stores)
            moment = last if same and last is not None else self.keep()
            self._seen.append(Death(when=when, what=what, moment=moment))

    def _stored(self) -> dict[Path, bytes]:
        found = (*self.stores.rglob("*"), *self.vaults.rglob("*"))
        return {path: path.read_bytes() for path in found if path.is_file()}

    @contextmanager
    def _requests_seen(self) -> Iterator[None]:
        judge, note = self.server.faults.acting, self.server.requests.add

        def arriving(method: str, path: str, *, part: bool = False, **about: Any) -> Any:
            if not part:
                self._look("killed before", f"{method} {path.partition('?')[0]}")
            return judge(method, path, part=part, **about)

        def answered(method: str, path: str, *words: Any, **about: Any) -> None:
            note(method, path, *words, **about)
            self._look("killed after", f"{method} {path.partition('?')[0]}")

        self.server.faults.acting = arriving  # type: ignore[method-assign]
        self.server.requests.add = answered  # type: ignore[method-assign]
        try:
            yield
        finally:
            vars(self.server.faults).pop("acting", None)
            vars(self.server.requests).pop("add", None)

    @contextmanager
    def _files_seen(self) -> Iterator[None]:
        """Every change of a file of a store, and every program that keeps one, is about to happen."""
        within = str(self.stores) + os.sep

        def about_to(event: str, about: tuple[Any, ...]) -> None:
            if event == "subprocess.Popen":
                touched = "keeper" in os.path.basename(str(about[0]))
            elif event == "open":
                writes = isinstance(about[2], int) and about[2] & (os.O_WRONLY | os.O_RDWR)
                touched = bool(writes) and str(about[0]).startswith(within)
            else:
                touched = event in _CHANGES and str(about[0]).startswith(within)
            if touched:
                self._look("killed in between", event)

        _listening.append(about_to)
        try:
            yield
        finally:
            _listening.remove(about_to)


def _writes(moment: Moment) -> Any:
    sql = "SELECT value FROM settings WHERE name = 'write'"
    return moment.tenant.execute(sql).fetchone()[0]
