"""The stages of a credential's life, and what must hold of one whatever happened at any of them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from provision.sandbox.tenant import Seen
from tests.journeys import outsider
from tests.sandbox.assertion import pair
from tests.sweep.bench import Key, Moment
from tests.sweep.consumers import Value, refusal
from tests.sweep.kinds import Kind
from tests.sweep.workshop import Workshop

LIVED = timedelta(hours=40)
OVERLAP = timedelta(hours=24)
LATE = timedelta(minutes=11)
"""After so long, what may have been stored without a record is no longer taken for a record that is on its way."""
MARGIN = timedelta(minutes=5)
SETTLED = timedelta(minutes=30)
FOREIGN = "made by hand"

VALUES = re.compile(r"\w{3}\dQ~[\w.~-]{34}|-----BEGIN PRIVATE KEY")

APPLY = ("apply", "--yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of a life: the command that takes it, and what has happened before."""

    name: str
    command: tuple[str, ...]
    made: bool = True
    rotated: bool = False


STAGES = (
    Stage(name="first issue", command=APPLY, made=False),
    Stage(name="rotation", command=("rotate", "--now")),
    Stage(name="retirement", command=APPLY, rotated=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """From where a stage begins, and the requests of its command when all goes well."""

    kind: Kind
    stage: Stage
    moment: Moment
    strangers: dict[Key, str]
    requests: tuple[str, ...]


def begin(shop: Workshop, kind: Kind, stage: Stage, ground: Moment) -> Beginning:
    """Live up to the stage."""
    shop.restore(ground)
    shop.lay_out(kind)
    strangers = shop.objects()
    if stage.made:
        _runs(shop, *APPLY)
        _meddle(shop)
        shop.server.advance(LIVED)
    if stage.rotated:
        _runs(shop, "rotate", "--now")
        shop.server.advance(OVERLAP + MARGIN)
    moment = shop.keep()
    requests = tuple(
        death.what for death in shop.deaths(stage.command, moment) if death.when == "killed before"
    )
    return Beginning(kind=kind, stage=stage, moment=moment, strangers=strangers, requests=requests)


@dataclass(slots=True, kw_only=True)
class Life:
    """One credential and all who have read its value; `readers` go on with what they read until it must retire."""

    shop: Workshop
    kind: Kind
    readers: dict[str, Value] = field(default_factory=dict)

    @property
    def application(self) -> dict[str, Any] | None:
        """The application as it really is, whatever replicas show."""
        found = self.shop.server.tenant().find_all(
            "applications", "uniqueName", "life.app", Seen.truth()
        )
        return next(found, None)

    @property
    def listed(self) -> list[dict[str, Any]]:
        """Every secret and certificate of the application, whoever made it."""
        app = self.application or {}
        return [*app.get("passwordCredentials", ()), *app.get("keyCredentials", ())]

    @property
    def ours(self) -> set[str]:
        """The keyIds of those that we made."""
        return {
            each["keyId"]
            for each in self.listed
            if (each.get("displayName") or "").startswith("provision:")
        }

    @property
    def record(self) -> tuple[str, datetime] | None:
        """What the tenant says is stored, and since when."""
        marks = [
            tag.split(":")[3:]
            for tag in (self.application or {}).get("tags", ())
            if tag.startswith("provision:stored:ci:")
        ]
        if not marks:
            return None
        assert len(marks) == 1, f"several records: {marks}"
        key_id, seconds = marks[0]
        return key_id, datetime.fromtimestamp(int(seconds), UTC)

    def read(self) -> Value | None:
        """What the store holds now; whoever reads it keeps it."""
        value = self.kind.read(self.shop)
        if value:
            self.readers[value.key_id] = value
        return value

    def assert_nobody_refused(self, *, between: bool = False) -> None:
        """Who reads the store now is accepted, and so is who read it before.

        `between` a first issue and its proof the value may not work yet, and whoever uses it knows that.
        """
        before, value = dict(self.readers), self.read()
        if between and self.record is None:
            self.readers = before
        assert value or not self.readers, "the store is empty, and was not"
        for reader in self.readers.values():
            said = refusal(self.shop.server, reader)
            current = "what the store holds" if reader is value else "what was read before"
            assert not said, f"{current} ({reader.key_id}) is refused: {said}"

    def assert_recorded(self) -> datetime:
        """The store holds the one that is recorded; answers with the moment of the record."""
        value, record = self.read(), self.record
        assert value is not None, "nothing is stored"
        assert record is not None, "nothing is recorded"
        assert value.key_id == record[0], "the record names another one than the store holds"
        assert value.key_id in self.ours, "the directory does not list what is stored"
        return record[1]

    def assert_alone(self) -> None:
        """No other one of ours is left, neither in the tenant nor in the store; what is others' is."""
        value = self.read()
        assert value is not None, "nothing is stored"
        assert self.ours == {value.key_id}, "another one of ours is left"
        kept = self.kind.copies(self.shop)
        assert [value.key_id.startswith(each) for each in kept] == [True], (
            f"copies are kept of {kept}"
        )


def assert_survives(shop: Workshop, start: Beginning, life: Life) -> None:
    """What is found now works; and unless a state that looks like this one is known to do so, what follows is repaired."""
    life.assert_nobody_refused(between=not start.stage.made)
    state = ("dead", start.kind.name, start.stage.name, shop.likeness(start.strangers))
    if state not in shop.settled:
        _assert_repaired(shop, start, life)
        shop.settled.add(state)


def _assert_repaired(shop: Workshop, start: Beginning, life: Life) -> None:
    """From whatever state: the next apply repairs, readers are served, and nothing of ours outlives the overlap."""
    died = shop.server.store.clock.now()
    foreign = _foreign(life)
    _runs(shop, *APPLY)
    life.assert_nobody_refused()
    if not start.kind.told:
        shop.server.advance(LATE)
        _runs(shop, *APPLY)
        life.assert_nobody_refused()
    recorded = life.assert_recorded()
    state = ("life", start.kind.name, start.stage.name, shop.likeness(start.strangers))
    if state in shop.settled:
        return
    _assert_overlap_kept(shop, life, max(recorded, died))
    _runs(shop, *APPLY)
    life.readers.clear()
    life.assert_nobody_refused()
    life.assert_recorded()
    life.assert_alone()
    shop.server.advance(SETTLED)
    _runs(shop, "plan", "--detailed-exitcode")
    life.assert_nobody_refused()
    assert _foreign(life) == foreign, "somebody else's credentials have changed"
    _assert_tidy(shop, start, life)
    shop.settled.add(state)


def _assert_overlap_kept(shop: Workshop, life: Life, since: datetime) -> None:
    """An apply just before the overlap ends removes nothing that somebody may still use; then it is over."""
    rest = since + OVERLAP - shop.server.store.clock.now()
    shop.server.advance(rest - MARGIN)
    _runs(shop, *APPLY)
    life.assert_nobody_refused()
    shop.server.advance(2 * MARGIN)


def _assert_tidy(shop: Workshop, start: Beginning, life: Life) -> None:
    """No value is left where a killed run was writing, and no object of others has changed."""
    value, left = life.read(), []
    assert value is not None
    for path in shop.stores.iterdir():
        found = VALUES.findall(path.read_text(encoding="utf-8"))
        if path.suffix in (".tmp", ".new") and any(value.secret != each for each in found):
            left.append(path.name)
    assert left == [], f"values are left behind in {left}"
    now = shop.objects()
    changed = [key for key, body in start.strangers.items() if now.get(key) != body]
    assert changed == [], f"others' objects have changed: {changed}"


def _runs(shop: Workshop, *words: str) -> None:
    done = shop.command(*words)
    assert done.exit_code == 0, f"{' '.join(words)} ended with {done.exit_code}: {done.said}"


def _foreign(life: Life) -> list[dict[str, Any]]:
    return [each for each in life.listed if each.get("displayName") == FOREIGN]


def _meddle(shop: Workshop) -> None:
    """Somebody else adds a secret and a certificate of their own to our application."""
    tenant = shop.server.tenant()
    (app,) = tenant.find_all("applications", "uniqueName", "life.app", Seen.truth())
    wanted = {"passwordCredential": {"displayName": FOREIGN}}
    outsider.send(shop.server, "POST", f"applications/{app['id']}/addPassword", wanted)
    (app,) = tenant.find_all("applications", "uniqueName", "life.app", Seen.truth())
    theirs = {
        "keyId": tenant.new_guid(),
        "displayName": FOREIGN,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(pair().der).decode(),
    }
    listed = [{**each, "key": None} for each in app["keyCredentials"]]
    outsider.send(
        shop.server,
        "PATCH",
        f"applications/{app['id']}",
        {"keyCredentials": [*listed, theirs]},
    )
