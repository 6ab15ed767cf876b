"""Years of applies at random moments, many of them killed: what a consumer's store holds is never taken from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from provision.diff import diff
from provision.life import listed_in
from provision.model import Desired, DesiredStored, Held, Observed
from provision.ownership import credential_of, own_tags, stored_in
from provision.renewal import Rotation
from tests.build import (
    DAY,
    HOUR,
    NOW,
    OWNER,
    a_certificate,
    a_secret,
    an_app,
    desired,
    observed,
    registered,
)
from tests.simulated import moments
from tests.tenants import Dice

NAMES = ("ci", "job", "nightly")
MINUTE = timedelta(minutes=1)
SHARES = ((1, 2, 4), (1, 10, 30), (5, 6, 12), (9, 14, 30), (1, 28, 30))
"""overlap, renewBefore and lifetime, in days or parts of them: one old one is gone before the next is made."""
GAPS = (MINUTE, 9 * MINUTE, HOUR, 20 * HOUR, 3 * DAY, 7 * DAY, 7 * DAY, 7 * DAY, 20 * DAY, 70 * DAY)


def wanted_of(dice: Dice) -> Desired:
    """An application with three credentials, secrets and certificates, short and long."""
    made: dict[str, list[DesiredStored]] = {"secrets": [], "certificates": []}
    for name in NAMES:
        unit, (overlap, renew_before, lifetime) = (
            dice.one(DAY, 6 * HOUR, 6 * DAY),
            dice.one(*SHARES),
        )
        kind, build = dice.one(("secrets", a_secret), ("certificates", a_certificate))
        rules = {"renew_before": renew_before * unit, "lifetime": lifetime * unit}
        made[kind].append(replace(build(name, overlap=overlap * unit), **rules))
    return desired(an_app(**made))  # type: ignore[arg-type]


@dataclass(slots=True)
class World:
    """The tenant, what the stores really hold, and what has happened so far."""

    wanted: Desired
    seen: Observed
    now: datetime = NOW
    rested: datetime | None = None
    stores: dict[str, str] = field(default_factory=dict)
    ends: dict[str, datetime] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    spare: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    replaced: dict[str, datetime] = field(default_factory=dict)

    def listed(self, name: str) -> list[str]:
        """The key ids of one credential, oldest first."""
        listed = listed_in(self.seen.applications["web"].application)
        mine = {id: credential_of(OWNER, each.display_name) for id, each in listed.items()}
        self.ends |= {id: each.end for id, each in listed.items()}
        self.named |= {id: pair[0] for id, pair in mine.items() if pair}
        return sorted(id for id, pair in mine.items() if pair and pair[0] == name)

    def recorded(self, name: str) -> tuple[str, datetime] | None:
        """The key id that the newest record names, and when it was written."""
        tags = own_tags(OWNER, self.seen.applications["web"].application)
        return next(((each.key_id, each.at) for each in stored_in(tags, name)), None)

    def look(self) -> None:
        """What the stores hold at this moment; of those that cannot be read, what the records say."""
        for name, held in self.seen.applications["web"].held.items():
            record = self.recorded(name)
            if held.readable and held.key_id:
                self.store(name, held.key_id)
            elif not held.readable and record:
                self.store(name, record[0])

    def store(self, name: str, key_id: str) -> None:
        """From now on a store holds this one; somebody who has read the one before may still use that."""
        before = self.stores.get(name)
        if before and before != key_id:
            self.replaced[before] = self.now
        self.stores[name] = key_id

    def assert_nobody_is_locked_out(self) -> None:
        """What a store holds is never removed while it is valid, and valid unless nobody came for too long.

        What it held before stays for the overlap.
        """
        for wanted in self.wanted.applications[0].stored:
            listed, held = self.listed(wanted.name), self.stores.get(wanted.name)
            for old, at in self.replaced.items():
                mine = self.named[old] == wanted.name and self.now - at < wanted.overlap
                assert not mine or old in listed or self.ends[old] <= self.now
            if held is None:
                continue
            late = self.rested is None or self.now - self.rested > wanted.renew_before
            assert held in listed or self.ends[held] <= self.now
            assert self.ends[held] > self.now or late

    def assert_tidy(self) -> None:
        """At rest there is one in use and one old one, each of which goes when the overlap has passed.

        A kill may leave the one it made and the one it did not remove, and whoever asks for a new one leaves the last.
        """
        for wanted in self.wanted.applications[0].stored:
            listed, record = self.listed(wanted.name), self.recorded(wanted.name)
            assert record is not None
            assert record[0] == self.stores[wanted.name]
            assert self.ends[record[0]] - self.now > wanted.renew_before
            assert len(listed) <= 2 + self.spare[wanted.name]
            for old in set(listed) - {record[0]}:
                since = max(record[1], self.ends[old] - wanted.lifetime)
                assert self.now - since < wanted.overlap
            if len(listed) == 1:
                self.spare[wanted.name] = 0

    def apply(self, dice: Dice) -> None:
        """Perform a plan, or be killed at one of its moments, with a value stored or not."""
        forced = [("web", name) for name in NAMES if dice.one(*[False] * 9, True)]
        for _, name in forced:
            self.spare[name] += 1
        rotation = Rotation(forced=frozenset(forced))
        plan = diff(self.wanted, self.seen, now=self.now, rotation=rotation)
        timeline = list(moments(plan, self.wanted, self.seen, now=self.now))
        killed = dice.one(False, False, False, True)
        end = dice.one(*range(len(timeline))) if killed else len(timeline) - 1
        before = {name: self.listed(name) for name in NAMES}
        for self.seen in timeline[: end + 1]:
            self.look()
            self.assert_nobody_is_locked_out()
        if end < len(timeline) - 1:
            self._die(before, dice)
            return
        self.rested = self.now
        self.assert_tidy()

    def _die(self, before: dict[str, list[str]], dice: Dice) -> None:
        for name in NAMES:
            self.spare[name] += 2
            new = [each for each in self.listed(name) if each not in before[name]]
            hidden = not self.seen.applications["web"].held[name].readable
            if hidden and new and dice.one(False, True):
                self.store(name, new[-1])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.binary(min_size=300, max_size=300))
def test_years_of_applies_and_kills_never_take_from_a_store_what_works(thrown: bytes) -> None:
    """Whether the stores can be read here or not, and whether a new one was asked for or was due. Only where no apply was finished for longer than renewBefore may what
    is in use expire, and the next one renews it.
    """
    dice = Dice(thrown)
    wanted = wanted_of(dice)
    held = {name: Held(readable=dice.one(True, False)) for name in NAMES}
    world = World(wanted, observed(registered(held=held)))

    for _ in range(50):
        world.apply(dice)
        world.now += dice.one(*GAPS)
        world.assert_nobody_is_locked_out()
