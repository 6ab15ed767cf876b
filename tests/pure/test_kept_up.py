"""Certificates in files that users keep up: exchanged among credentials, renamed, expired, not valid yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from provision.model import Certificate, Held, ObservedApplication
from provision.plan import RecordStored
from provision.renewal import Rotation, diff_stored
from tests.build import (
    DAY,
    HOUR,
    NOW,
    OWNER,
    a_key,
    a_password,
    a_pem,
    a_record,
    an_app,
    registered,
    said,
)


def a_file(
    thumbprint: str = "AB12", *, age: timedelta = DAY, left: timedelta = 80 * DAY
) -> Certificate:
    """A certificate; its bytes play no part here."""
    return Certificate(
        der=thumbprint.encode(), thumbprint=thumbprint, start=NOW - age, end=NOW + left
    )


def in_files(**files: tuple[str, Certificate]) -> dict[str, Held]:
    """What the file of each credential holds: a keyId and the certificate."""
    return {
        name: Held(readable=True, key_id=key_id, certificate=certificate)
        for name, (key_id, certificate) in files.items()
    }


def decided(found: ObservedApplication, *, files: Mapping[str, Certificate]) -> list[str]:
    """What becomes of the certificates in these files."""
    wanted = an_app(certificates=[a_pem(name, holds=each) for name, each in files.items()])
    return said(diff_stored(wanted, found, owner=OWNER, now=NOW, rotation=Rotation()))


def test_a_credential_that_is_renamed_keeps_the_certificate_of_its_file() -> None:
    file = a_file()
    found = registered(
        keys=[a_key("c1", credential="old")],
        tags=[a_record("c1", credential="old")],
        held=in_files(new=("c1", file)),
    )

    assert decided(found, files={"new": file}) == ["record c1"]


def test_a_renamed_one_that_is_recorded_needs_nothing_more() -> None:
    file = a_file()
    found = registered(
        keys=[a_key("c1", credential="old")],
        tags=[a_record("c1", credential="old"), a_record("c1", credential="new")],
        held=in_files(new=("c1", file)),
    )

    assert decided(found, files={"new": file}) == []


def test_two_credentials_may_exchange_their_files_and_nothing_in_use_retires() -> None:
    one, two = a_file("AA"), a_file("BB")
    found = registered(
        keys=[a_key("ka", credential="a"), a_key("kb", credential="b")],
        tags=[a_record("ka", credential="a"), a_record("kb", credential="b")],
        held=in_files(a=("kb", two), b=("ka", one)),
    )

    wanted = an_app(certificates=[a_pem("a", holds=two), a_pem("b", holds=one)])
    steps = [*diff_stored(wanted, found, owner=OWNER, now=NOW, rotation=Rotation())]

    assert steps == [
        RecordStored(app="web", credential="a", key_id="kb"),
        RecordStored(app="web", credential="b", key_id="ka"),
    ]


def test_a_file_that_moves_to_another_credential_leaves_the_old_certificate_to_retire() -> None:
    moved, new = a_file("BB"), a_file("CC")
    found = registered(
        keys=[a_key("ka", credential="a"), a_key("kb", credential="b")],
        tags=[
            a_record("kb", credential="a", age=2 * DAY),
            a_record("kb", credential="b", age=9 * DAY),
        ],
        held=in_files(a=("kb", moved), b=("kc", new)),
    )

    assert decided(found, files={"a": moved, "b": new}) == [
        "remove ka: replaced 2 d ago",
        "add first: first certificate",
    ]


def test_a_file_with_an_expired_certificate_adds_nothing_and_says_so() -> None:
    file = a_file("EE", age=90 * DAY, left=-DAY)
    found = registered(keys=[a_key("c1")], tags=[a_record("c1")], held=in_files(ci=("ce", file)))

    assert decided(found, files={"ci": file}) == [
        "ci: its certificate expired 1 d ago: put a new one into certs/ci.pem"
    ]


def test_a_certificate_that_another_manifest_added_is_left_to_it() -> None:
    """An application has each certificate once, and under one name."""
    file = a_file()
    found = registered(
        keys=[a_key("c1", name="provision:fabrikam:ci:0a1b2c3d")],
        tags=[a_record("c1")],
        held=in_files(ci=("c1", file)),
    )

    assert decided(found, files={"ci": file}) == [
        "ci: another manifest lets the application sign in with certs/ci.pem, "
        "and may end that: nothing is changed"
    ]


def test_a_new_application_begins_without_a_certificate_that_has_expired() -> None:
    wanted = an_app(certificates=[a_pem(holds=a_file("EE", age=90 * DAY, left=-DAY))])

    assert said(diff_stored(wanted, None, owner=OWNER, now=NOW, rotation=Rotation())) == [
        "ci: its certificate expired 1 d ago: put a new one into certs/ci.pem"
    ]


def test_a_certificate_that_is_not_valid_yet_lets_no_other_retire() -> None:
    file = a_file("CC", age=-7 * DAY)
    found = registered(
        keys=[a_key("c1", age=50 * DAY), a_key("c2", age=-7 * DAY)],
        tags=[a_record("c2", age=3 * DAY)],
        held=in_files(ci=("c2", file)),
    )

    assert decided(found, files={"ci": file}) == []


def test_the_overlap_begins_when_the_new_certificate_is_valid() -> None:
    file = a_file("CC", age=HOUR)
    found = registered(
        keys=[a_key("c1", age=50 * DAY), a_key("c2", age=HOUR)],
        tags=[a_record("c2", age=3 * DAY)],
        held=in_files(ci=("c2", file)),
    )

    assert decided(found, files={"ci": file}) == ["ci: the old certificate c1 retires in 23 h"]


def test_who_asks_for_a_new_one_now_hears_whose_that_is() -> None:
    file = a_file()
    found = registered(keys=[a_key("c1")], tags=[a_record("c1")], held=in_files(ci=("c1", file)))
    wanted = an_app(certificates=[a_pem(holds=file)])
    rotation = Rotation(forced=frozenset({("web", "ci")}))

    assert said(diff_stored(wanted, found, owner=OWNER, now=NOW, rotation=rotation)) == [
        "ci: its users keep it up: put a new certificate into certs/ci.pem, and apply"
    ]


def test_a_secret_that_becomes_a_file_waits_for_its_overlap() -> None:
    file = a_file()
    found = registered(
        passwords=[a_password("k1")],
        keys=[a_key("c1", age=HOUR)],
        tags=[a_record("c1", age=HOUR)],
        held=in_files(ci=("c1", file)),
    )

    assert decided(found, files={"ci": file}) == ["ci: the old secret k1 retires in 23 h"]
