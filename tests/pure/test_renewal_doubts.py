"""What nobody can be sure of: what a store holds after a run was cut short, and who reads what was renamed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provision import issuing
from provision.model import Held, ObservedApplication
from provision.renewal import Rotation, diff_stored
from tests.build import (
    DAY,
    HOUR,
    NOW,
    OWNER,
    a_certificate,
    a_key,
    a_password,
    a_record,
    a_secret,
    an_app,
    said,
)
from tests.renewing import decided, holds, tenant

MINUTE = timedelta(minutes=1)


PERHAPS = (
    "ci: the store may hold made: a run ended before it said so. "
    "It retires when another one is stored, which is soon made"
)


def cut_short(age: timedelta) -> ObservedApplication:
    """A run was killed between storing and recording, into a store that cannot be asked."""
    return tenant(
        passwords=[a_password("used", age=5 * DAY), a_password("made", age=age)],
        tags=[a_record("used", age=5 * DAY)],
    )


def test_what_a_store_may_hold_is_settled_by_storing_another_one() -> None:
    """Else the one that it perhaps holds would retire some day, under the feet of whoever reads it."""
    entries = said(decided(a_secret(), cut_short(3 * HOUR)))

    assert entries == ["add beside: an earlier run did not say what it has stored", PERHAPS]


def test_a_certificate_counts_from_its_making_and_not_from_its_earlier_beginning() -> None:
    """Else one that was made within minutes of the record would pass for older, and retire though it may be in use."""
    minute = timedelta(minutes=1)
    found = tenant(
        keys=[a_key("used", age=26 * HOUR + 6 * minute), a_key("made", age=26 * HOUR + 3 * minute)],
        tags=[a_record("used", age=26 * HOUR)],
    )

    entries = said(decided(a_certificate(), found))

    assert entries == ["add beside: an earlier run did not say what it has stored", PERHAPS]


def test_a_record_that_is_only_late_to_be_seen_issues_nothing() -> None:
    assert said(decided(a_secret(overlap=timedelta()), cut_short(timedelta(minutes=5)))) == [
        PERHAPS
    ]


def test_a_first_one_of_which_no_record_was_made_is_replaced_with_care() -> None:
    found = tenant(passwords=[a_password("made", age=HOUR)])

    assert said(decided(a_secret(), found)) == ["add beside: no stored secret is known to work"]


def test_credentials_that_exchange_their_stores_get_secrets_of_their_own() -> None:
    """What each place holds would retire by the other's rule, and a reader be left with nothing."""
    found = tenant(
        passwords=[a_password("k1", credential="a"), a_password("k2", credential="b")],
        tags=[a_record("k1", credential="a"), a_record("k2", credential="b")],
        held={"a": holds("k2"), "b": holds("k1")},
    )
    wanted = an_app(secrets=[a_secret("a"), a_secret("b")])

    entries = said(diff_stored(wanted, found, owner=OWNER, now=NOW, rotation=Rotation()))

    assert entries == ["add beside: its place holds another secret"] * 2


def test_what_an_exchange_has_left_retires_after_the_overlap() -> None:
    found = tenant(
        passwords=[a_password("k1", age=9 * DAY), a_password("k3", age=HOUR)],
        tags=[a_record("k3", age=HOUR)],
        held={"ci": holds("k3")},
    )

    assert said(decided(a_secret(), found)) == ["ci: the old secret k1 retires in 23 h"]


@pytest.mark.parametrize("renew_before", [57 * MINUTE, 30 * MINUTE])
def test_a_certificate_is_not_due_the_moment_it_is_made(renew_before: timedelta) -> None:
    """It begins a little before it is made, and ends so much earlier."""
    wanted = replace(a_certificate(overlap=MINUTE), lifetime=HOUR, renew_before=renew_before)
    head_start = issuing.head_start(wanted)
    made = a_key("c1", age=head_start, left=HOUR - head_start)
    found = tenant(keys=[made], tags=[a_record("c1", age=timedelta())], held={"ci": holds("c1")})

    assert decided(wanted, found) == []


def test_a_renamed_credential_leaves_its_readers_the_overlap() -> None:
    """Its place now belongs to the new name: whoever read it a moment ago still works with the old one."""
    found = tenant(
        passwords=[a_password("k1", credential="old")],
        tags=[a_record("k1", credential="old")],
        held={"ci": holds("k1")},
    )
    after = tenant(
        passwords=[a_password("k1", credential="old"), a_password("k2", age=3 * HOUR)],
        tags=[a_record("k1", credential="old"), a_record("k2", age=3 * HOUR)],
        held={"ci": holds("k2")},
    )
    later = tenant(
        passwords=[a_password("k1", credential="old"), a_password("k2", age=25 * HOUR)],
        tags=[a_record("k1", credential="old"), a_record("k2", age=25 * HOUR)],
        held={"ci": holds("k2")},
    )

    assert said(decided(a_secret(), found)) == [
        "add beside: first secret",
        "old: the secret k1 retires 1 day after ci has taken its place",
    ]
    assert said(decided(a_secret(), after)) == [
        "old: the secret k1 retires in 21 h, when the overlap of ci is over"
    ]
    assert said(decided(a_secret(), later)) == ["remove k1: no longer in the manifest"]


def test_a_vault_that_does_not_hold_what_is_in_use_gets_one_beside_it() -> None:
    """Every machine sees the same vault, so nobody else can hold it there: the place is new, or was emptied."""
    empty = Held(readable=True, shared=True)
    found = tenant(passwords=[a_password("k1")], tags=[a_record("k1")], held={"ci": empty})

    assert said(decided(a_secret(), found)) == ["add beside: .env (CI_*) does not hold it"]


def test_a_store_that_fails_each_time_is_not_given_one_more_each_time() -> None:
    made = [a_password(f"m{n}", age=n * HOUR) for n in (1, 2, 3)]
    used = a_password("used", age=70 * DAY, left=20 * DAY)
    found = tenant(passwords=[used, *made], tags=[a_record("used", age=70 * DAY)])

    entries = said(decided(a_secret(), found))

    assert not [entry for entry in entries if entry.startswith(("add", "remove"))]
    assert "provision rotate --now --target web/ci" in entries[0]
