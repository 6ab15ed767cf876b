"""How a credential stands: its state, whether it is due, and when it goes, from every state of a tenant."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from provision.model import (
    DesiredPrincipal,
    DesiredSecret,
    Held,
    PasswordCredential,
)
from provision.roster import Kept
from tests.build import (
    DAY,
    HOUR,
    NOW,
    a_password,
    a_record,
    a_secret,
    an_app,
    registered,
)
from tests.standings import EMPTY, NEW, THEIRS, holds, stand, told

OLD = a_password("old", age=70 * DAY, left=20 * DAY)
LATE = a_password("k1", age=70 * DAY, left=20 * DAY)
GONE = a_password("k1", age=93 * DAY, left=-3 * DAY)
DISABLED = DesiredPrincipal(enabled=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A state of one credential, named ci, and how it is told."""

    expected: list[str]
    passwords: tuple[PasswordCredential, ...] = ()
    records: tuple[str, ...] = ()
    held: Held = EMPTY
    secret: DesiredSecret = field(default_factory=a_secret)
    principal: DesiredPrincipal = field(default_factory=DesiredPrincipal)


EXPIRED = (
    "the active credential has expired 3 d ago: nothing renewed it in the 30 days of its renewBefore, "
    "and it signs in no longer"
)
CASES = {
    "nothing was ever issued": Case(expected=["! ci missing"]),
    "nothing is issued while disabled": Case(
        principal=DISABLED,
        expected=["ci missing, nothing is issued while the service principal is disabled"],
    ),
    "no stored value is known to work": Case(
        passwords=(NEW,),
        expected=[
            "! ci missing, no stored secret is known to work",
            "ci new orphan, no store is known to hold it; kept until another one is known to work",
        ],
    ),
    "active": Case(
        passwords=(NEW,),
        records=(a_record("new", age=HOUR),),
        held=holds("new"),
        expected=["ci new active"],
    ),
    "active, by a store that cannot be read here": Case(
        passwords=(NEW,),
        records=(a_record("new"),),
        held=Held(readable=False),
        expected=["ci new active"],
    ),
    "stored, not recorded": Case(
        passwords=(NEW,),
        held=holds("new", works=True),
        expected=[
            "ci new active, there is no record of its proof yet: the next provision apply writes it"
        ],
    ),
    "known to the token service alone": Case(
        held=holds("new", works=True),
        records=(a_record("new"),),
        expected=[
            "ci new active, the token service accepts it; the directory does not list it yet"
        ],
    ),
    "inside renewBefore": Case(
        passwords=(LATE,),
        records=(a_record(),),
        held=holds("k1"),
        expected=["! ci k1 due, renewed with the next provision apply"],
    ),
    "inside renewBefore of a disabled one": Case(
        passwords=(LATE,),
        records=(a_record(),),
        held=holds("k1"),
        principal=DISABLED,
        expected=["ci k1 active, nothing is issued while the service principal is disabled"],
    ),
    "expired": Case(
        passwords=(GONE,),
        records=(a_record(age=90 * DAY),),
        held=holds("k1"),
        expected=[f"! ci k1 expired, {EXPIRED}; renewed with the next provision apply"],
    ),
    "expired while disabled": Case(
        passwords=(GONE,),
        records=(a_record(age=90 * DAY),),
        held=holds("k1"),
        principal=DISABLED,
        expected=[
            f"ci k1 expired, {EXPIRED}; nothing is issued while the service principal is disabled"
        ],
    ),
    "held elsewhere": Case(
        passwords=(NEW,),
        records=(a_record("new"),),
        expected=["ci new held elsewhere, the store on this machine does not hold it"],
    ),
    "held elsewhere, an older one here": Case(
        passwords=(OLD, NEW),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("old"),
        expected=[
            "ci new held elsewhere, the store on this machine holds another",
            "ci old retiring, goes in 21 h",
        ],
    ),
    "held elsewhere, inside renewBefore": Case(
        passwords=(LATE,),
        records=(a_record(),),
        expected=[
            "! ci k1 held elsewhere, the store on this machine does not hold it; renewed where it is held, "
            "or here by provision rotate --now --target web/ci"
        ],
    ),
    "retiring": Case(
        passwords=(OLD, NEW),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("new"),
        expected=["ci new active", "ci old retiring, goes in 21 h"],
    ),
    "retiring, overdue": Case(
        passwords=(OLD, replace(NEW, start=NOW - 2 * DAY)),
        records=(a_record("new", age=25 * HOUR),),
        held=holds("new"),
        expected=["ci new active", "! ci old retiring, goes with the next provision apply"],
    ),
    "retired by its own end": Case(
        passwords=(replace(OLD, end=NOW - HOUR), NEW),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("new"),
        expected=[
            "ci new active",
            "! ci old expired, not in use; goes with the next provision apply",
        ],
    ),
    "an orphan beside a working one": Case(
        passwords=(replace(OLD, start=NOW - HOUR), NEW),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("new"),
        expected=["ci new active", "ci old orphan, no store is known to hold it; goes in 23 h"],
    ),
    "an orphan that the store may hold": Case(
        passwords=(replace(OLD, start=NOW - HOUR / 12), NEW),
        records=(a_record("new", age=3 * HOUR),),
        held=Held(readable=False),
        expected=[
            "ci new active",
            "ci old orphan, the store may hold it: a run ended before it said so; "
            "kept until another one is known to work",
        ],
    ),
    "an orphan that the store may hold, for too long": Case(
        passwords=(replace(OLD, start=NOW - HOUR), NEW),
        records=(a_record("new", age=3 * HOUR),),
        held=Held(readable=False),
        expected=[
            "! ci new due, an earlier run did not say what it has stored: renewed with the next "
            "provision apply",
            "ci old orphan, the store may hold it: a run ended before it said so; "
            "kept until another one is known to work",
        ],
    ),
    "an expired one beside a missing one of a disabled application": Case(
        passwords=(GONE,),
        principal=DISABLED,
        expected=[
            "ci missing, nothing is issued while the service principal is disabled",
            "ci k1 expired, not in use",
        ],
    ),
    "one that left the manifest": Case(
        passwords=(NEW, a_password("k2", credential="job")),
        records=(a_record("new"),),
        held=holds("new"),
        expected=[
            "ci new active",
            "! job k2 dropped, no longer in the manifest: goes with the next provision apply",
        ],
    ),
    "somebody else's": Case(
        passwords=(NEW, THEIRS, replace(THEIRS, key_id="k8", end=NOW - DAY)),
        records=(a_record("new"),),
        held=holds("new"),
        expected=[
            "ci new active",
            "made in the portal k8 not ours",
            "made in the portal k9 not ours",
        ],
    ),
    "taken over, its overlap running": Case(
        passwords=(NEW, THEIRS),
        records=(a_record("new", age=3 * HOUR),),
        held=holds("new"),
        secret=replace(a_secret(), replaces=("k9", "unheard of")),
        expected=["ci new active", "ci k9 taken over, goes in 21 h"],
    ),
    "taken over, its overlap passed": Case(
        passwords=(replace(NEW, start=NOW - 3 * DAY), THEIRS),
        records=(a_record("new", age=2 * DAY),),
        held=holds("new"),
        secret=replace(a_secret(), replaces=("K9",)),
        expected=["ci new active", "! ci k9 taken over, goes with the next provision apply"],
    ),
    "to be taken over, but another manifest's": Case(
        passwords=(NEW, a_password("k9", name="provision:fabrikam:ci:0a1b2c3d0")),
        records=(a_record("new"),),
        held=holds("new"),
        secret=replace(a_secret(), replaces=("K9",)),
        expected=[
            "ci new active",
            "provision:fabrikam:ci:0a1b2c3d0 k9 not ours, another manifest's: it is not taken over",
        ],
    ),
    "taken over, before there is a new one": Case(
        passwords=(THEIRS,),
        secret=replace(a_secret(), replaces=("k9",)),
        expected=["! ci missing", "ci k9 taken over, kept until another one is known to work"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_credential_is_told_in_the_word_for_its_state(case: Case) -> None:
    wanted = replace(an_app(secrets=[case.secret]), principal=case.principal)
    found = registered(passwords=case.passwords, tags=case.records, held={"ci": case.held})
    if case.principal.enabled is False and found.service_principal:
        found = replace(found, service_principal=replace(found.service_principal, enabled=False))

    assert told(stand(wanted, found).rows) == case.expected


def test_what_two_credentials_take_over_is_told_once() -> None:
    names = ("ci", "job")
    secrets = [replace(a_secret(name), replaces=("k9",)) for name in names]

    rows = told(stand(an_app(secrets=secrets), registered(passwords=[THEIRS])).rows)

    assert rows == [
        "! ci missing",
        "ci k9 taken over, kept until another one is known to work",
        "! job missing",
    ]


def test_dates_place_and_proof_come_from_where_they_are_kept() -> None:
    found = registered(passwords=[NEW], tags=[a_record("new", age=HOUR)], held={"ci": holds("new")})

    (row,) = stand(an_app(secrets=[a_secret()]), found).rows

    assert (row.created, row.expires, row.proven) == (NEW.start, NEW.end, NOW - HOUR)
    assert (row.store, row.kept) == (".env (CI_*)", Kept.HERE)


def test_a_retiring_one_tells_when_it_goes_and_no_place_that_does_not_hold_it() -> None:
    found = registered(
        passwords=[OLD, NEW], tags=[a_record("new", age=3 * HOUR)], held={"ci": holds("new")}
    )

    row = stand(an_app(secrets=[a_secret()]), found).rows[1]

    assert row.until == NOW + 21 * HOUR
    assert (row.store, row.kept) == ("", None)
