"""A secret's life: what is issued, recorded, kept and removed, from every state a run may find."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from provision.model import DesiredSecret, Held, PasswordCredential
from provision.renewal import Rotation, diff_stored
from tests.build import (
    DAY,
    HOUR,
    NOW,
    OWNER,
    a_password,
    a_record,
    a_secret,
    an_app,
    registered,
    said,
)

SECOND = timedelta(seconds=1)
UNREADABLE = Held(readable=False)
EMPTY = Held(readable=True)
FORCED = frozenset({("web", "ci")})
OLD = a_password("old", age=70 * DAY, left=20 * DAY)
NEW = a_password("new", age=3 * HOUR, left=89 * DAY)
EXPIRED = a_password("old", age=93 * DAY, left=-3 * DAY)
NO_TIME = timedelta()


def holds(key_id: str, *, works: bool | None = None, app_id: str | None = "app-web") -> Held:
    return Held(readable=True, key_id=key_id, tenant_id="t", app_id=app_id, works=works)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A state of one credential, named ci, and what is decided about it."""

    expected: list[str]
    passwords: tuple[PasswordCredential, ...] = ()
    records: tuple[str, ...] = ()
    held: Held = UNREADABLE
    secret: DesiredSecret = field(default_factory=a_secret)
    rotation: Rotation = field(default_factory=Rotation)


UNKNOWN = "add first: no stored secret is known to work"
RETIRES = "ci: the old secret old retires in 21 h"

ISSUE = {
    "nothing is there": Case(expected=["add first: first secret"]),
    "the store holds another application's value": Case(
        held=holds("k1", app_id="app-other", works=True), expected=["add first: first secret"]
    ),
    "killed before the value was stored": Case(passwords=(NEW,), held=EMPTY, expected=[UNKNOWN]),
    "the stored value is refused, though its key is listed": Case(
        passwords=(NEW,), held=holds("new", works=False), expected=[UNKNOWN]
    ),
    "the recorded key is gone, and the stored value refused": Case(
        records=(a_record("new"),), held=holds("new", works=False), expected=[UNKNOWN]
    ),
    "the recorded key is gone, and the store unreadable": Case(
        records=(a_record("new"),), expected=[UNKNOWN]
    ),
    "the store names a key that nobody lists": Case(
        passwords=(NEW,), held=holds("lost"), expected=[UNKNOWN]
    ),
    "the listed secret is not ours": Case(
        passwords=(a_password("k1", name="provision:fabrikam:ci:0"),),
        expected=["add first: first secret"],
    ),
    "the listed secret is another credential's": Case(
        passwords=(a_password("k1", credential="ci2"),),
        expected=[
            "add first: first secret",
            "remove k1: no longer in the manifest",
        ],
    ),
}

RENEWAL = {
    "one second before the window": Case(
        passwords=(a_password(left=30 * DAY + SECOND),), records=(a_record(),), expected=[]
    ),
    "exactly at the window's edge": Case(
        passwords=(a_password(left=30 * DAY),),
        records=(a_record(),),
        expected=["add beside: renews: expires in 30 d"],
    ),
    "inside the window": Case(
        passwords=(a_password(left=5 * HOUR),),
        records=(a_record(),),
        expected=["add beside: renews: expires in 5 h"],
    ),
    "inside the window, where the store holds it": Case(
        passwords=(OLD,),
        records=(a_record("old"),),
        held=holds("old"),
        expected=["add beside: renews: expires in 20 d"],
    ),
    "inside the window, stored here but not recorded": Case(
        passwords=(OLD,), held=holds("old"), expected=["add beside: renews: expires in 20 d"]
    ),
    "expired this moment": Case(
        passwords=(a_password(left=NO_TIME),),
        records=(a_record(),),
        expected=["add first: expired 0 s ago", "remove k1: expired"],
    ),
    "expired": Case(
        passwords=(EXPIRED,),
        records=(a_record("old"),),
        expected=["add first: expired 3 d ago", "remove old: expired"],
    ),
    "expired, while an unaccounted one may be in use": Case(
        passwords=(EXPIRED, a_password("spare", age=94 * DAY, left=9 * DAY)),
        records=(a_record("old", age=93 * DAY),),
        expected=["add beside: expired 3 d ago", "remove old: expired"],
    ),
    "asked for": Case(
        passwords=(a_password(),),
        records=(a_record(),),
        rotation=Rotation(forced=FORCED),
        expected=["add beside: asked for"],
    ),
    "asked for another application's": Case(
        passwords=(a_password(),),
        records=(a_record(),),
        rotation=Rotation(forced=frozenset({("api", "ci"), ("web", "other")})),
        expected=[],
    ),
    "asked for where none works": Case(
        rotation=Rotation(forced=FORCED), expected=["add first: asked for"]
    ),
    "asked for when it has expired": Case(
        passwords=(EXPIRED,),
        records=(a_record("old"),),
        rotation=Rotation(forced=FORCED),
        expected=["add first: asked for", "remove old: expired"],
    ),
}

RECORD = {
    "killed between store and record": Case(
        passwords=(NEW,), held=holds("new"), expected=["record new"]
    ),
    "killed between store and record of a rotation": Case(
        passwords=(OLD, NEW),
        records=(a_record("old", age=70 * DAY),),
        held=holds("new"),
        expected=["record new", "ci: the old secret old retires in 1 d"],
    ),
    "the stored value works, but is not listed yet": Case(
        held=holds("new", works=True), expected=["record new"]
    ),
    "the recorded one works, but is not listed yet": Case(
        records=(a_record("new"),), held=holds("new", works=True), expected=[]
    ),
    "a store without an application's name counts by its key": Case(
        passwords=(NEW,), held=holds("new", app_id=None), expected=["record new"]
    ),
    "the newest of several records counts": Case(
        passwords=(NEW, OLD),
        records=(a_record("old", age=70 * DAY), a_record("new", age=3 * HOUR)),
        held=holds("new"),
        expected=[RETIRES],
    ),
    "a newer record of a key that is gone yields to an older one": Case(
        passwords=(a_password("k1"),),
        records=(a_record("k1"), a_record("gone", age=HOUR)),
        held=holds("k1"),
        expected=[],
    ),
    "two made in the same second: the record decides": Case(
        passwords=(a_password("k1"), a_password("k2")),
        records=(a_record("k1", age=2 * HOUR),),
        held=holds("k2"),
        expected=[
            "ci: held elsewhere since 2026-03-01 10:00 UTC; the store on this machine holds an older one. "
            "For a new one here: provision rotate --now --target web/ci",
            "ci: the old secret k2 retires in 22 h",
        ],
    ),
}

RETIREMENT = {
    "the overlap runs": Case(
        passwords=(OLD, NEW), records=(a_record("new", age=3 * HOUR),), expected=[RETIRES]
    ),
    "the overlap ends in a second": Case(
        passwords=(OLD, NEW),
        records=(a_record("new", age=DAY - SECOND),),
        expected=["ci: the old secret old retires in 1 s"],
    ),
    "the overlap has passed": Case(
        passwords=(OLD, NEW),
        records=(a_record("new", age=DAY),),
        expected=["remove old: replaced 1 d ago"],
    ),
    "an orphan younger than the record waits for its own overlap": Case(
        passwords=(a_password("used", age=5 * DAY), NEW),
        held=holds("used"),
        records=(a_record("used", age=5 * DAY),),
        expected=["ci: the old secret new retires in 21 h"],
    ),
    "an orphan younger than the record goes when its overlap has passed": Case(
        passwords=(a_password("used", age=5 * DAY), a_password("orphan", age=2 * DAY)),
        held=holds("used"),
        records=(a_record("used", age=5 * DAY),),
        expected=["remove orphan: replaced 2 d ago"],
    ),
    "an old one that expired during its overlap": Case(
        passwords=(EXPIRED, NEW),
        records=(a_record("new", age=HOUR),),
        expected=["remove old: expired"],
    ),
    "an old one of which a renewal is due": Case(
        passwords=(a_password("ancient", age=80 * DAY, left=10 * DAY), OLD),
        records=(a_record("old", age=70 * DAY),),
        expected=[
            "add beside: renews: expires in 20 d",
            "remove ancient: replaced 70 d ago",
        ],
    ),
    "nothing that works is known": Case(
        passwords=(OLD, EXPIRED), expected=[UNKNOWN, "remove old: expired"]
    ),
    "an overlap of nothing": Case(
        passwords=(OLD,),
        records=(a_record("old"),),
        secret=a_secret(overlap=NO_TIME),
        expected=[
            "add beside: renews: expires in 20 d",
            "remove old: replaced, without overlap",
        ],
    ),
}

NO_OVERLAP = {
    "the old ones go after the new one": Case(
        passwords=(NEW, OLD),
        records=(a_record("new"),),
        rotation=Rotation(forced=FORCED, overlap=False),
        expected=[
            "add beside: asked for",
            "remove old: replaced, without overlap",
            "remove new: replaced, without overlap",
        ],
    ),
    "a replaced one goes when nothing else is due": Case(
        passwords=(OLD, NEW),
        records=(a_record("new", age=HOUR),),
        rotation=Rotation(overlap=False),
        expected=["remove old: replaced 1 h ago"],
    ),
    "one that came after the recorded one keeps its overlap": Case(
        passwords=(a_password("used", age=5 * DAY), NEW),
        held=holds("used"),
        records=(a_record("used", age=5 * DAY),),
        rotation=Rotation(overlap=False),
        expected=["ci: the old secret new retires in 21 h"],
    ),
    "one made in the same second as the recorded one keeps its overlap": Case(
        passwords=(NEW, a_password("twin", age=3 * HOUR)),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("new"),
        rotation=Rotation(overlap=False),
        expected=["ci: the old secret twin retires in 21 h"],
    ),
    "the old one stays until the new one is recorded": Case(
        passwords=(OLD, NEW),
        held=holds("new"),
        rotation=Rotation(overlap=False),
        expected=["record new", "ci: the old secret old retires in 1 d"],
    ),
    "the one in use stays where none is due": Case(
        passwords=(a_password(),),
        records=(a_record(),),
        rotation=Rotation(overlap=False),
        expected=[],
    ),
    "old ones stay while the recorded one is not listed": Case(
        passwords=(OLD,),
        records=(a_record("new", age=HOUR),),
        held=holds("new", works=True),
        rotation=Rotation(overlap=False),
        expected=["ci: the old secret old retires in 23 h"],
    ),
}

ELSEWHERE = (
    "ci: held elsewhere since 2026-03-01 09:00 UTC; the store on this machine {}. "
    "For a new one here: provision rotate --now --target web/ci"
)
ANOTHER_MACHINE = {
    "its store is empty": Case(
        passwords=(NEW,),
        records=(a_record("new", age=3 * HOUR),),
        held=EMPTY,
        expected=[ELSEWHERE.format("does not hold it")],
    ),
    "its store holds the one before": Case(
        passwords=(OLD, NEW),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("old", works=True),
        expected=[ELSEWHERE.format("holds an older one"), RETIRES],
    ),
    "its store holds one that is not listed": Case(
        passwords=(NEW,),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("gone"),
        expected=[ELSEWHERE.format("holds an older one")],
    ),
    "its store holds one that still signs in, but is not listed": Case(
        passwords=(NEW,),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("gone", works=True),
        expected=[ELSEWHERE.format("holds an older one")],
    ),
    "its store holds a newer one that is refused": Case(
        passwords=(OLD, a_password("newer", age=HOUR)),
        records=(a_record("old", age=3 * HOUR),),
        held=holds("newer", works=False),
        secret=a_secret(),
        expected=[
            ELSEWHERE.format("holds an older one"),
            "ci: the old secret newer retires in 23 h",
        ],
    ),
    "its store holds another application's": Case(
        passwords=(NEW,),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("old", app_id="app-other"),
        expected=[ELSEWHERE.format("does not hold it")],
    ),
    "its store is empty and the one elsewhere is due": Case(
        passwords=(OLD,),
        records=(a_record("old", age=3 * HOUR),),
        held=EMPTY,
        expected=[ELSEWHERE.format("does not hold it")],
    ),
    "its store cannot be read": Case(
        passwords=(NEW,), records=(a_record("new", age=3 * HOUR),), expected=[]
    ),
    "its store holds the recorded one": Case(
        passwords=(NEW,),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("new"),
        expected=[],
    ),
}


def _table(*tables: dict[str, Case]) -> pytest.MarkDecorator:
    cases = {name: case for table in tables for name, case in table.items()}
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


def decided(case: Case) -> list[str]:
    there = registered(passwords=case.passwords, tags=case.records, held={"ci": case.held})
    wanted = an_app(secrets=[case.secret])
    rotation = case.rotation
    return said(diff_stored(wanted, there, owner=OWNER, now=NOW, rotation=rotation))


@_table(ISSUE)
def test_a_secret_is_issued_when_none_is_known_to_work(case: Case) -> None:
    assert decided(case) == case.expected


@_table(RENEWAL)
def test_a_secret_is_renewed_when_it_is_due_or_asked_for(case: Case) -> None:
    assert decided(case) == case.expected


@_table(RECORD)
def test_the_record_is_repaired_by_what_the_store_holds(case: Case) -> None:
    assert decided(case) == case.expected


@_table(RETIREMENT)
def test_a_secret_retires_when_its_overlap_has_passed_and_another_one_works(case: Case) -> None:
    assert decided(case) == case.expected


@_table(NO_OVERLAP)
def test_without_overlap_a_replaced_secret_goes_at_once(case: Case) -> None:
    assert decided(case) == case.expected


@_table(ANOTHER_MACHINE)
def test_a_machine_that_does_not_hold_the_secret_changes_nothing_and_says_so(case: Case) -> None:
    assert decided(case) == case.expected
