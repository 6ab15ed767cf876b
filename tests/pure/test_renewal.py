"""Certificates, what is taken over, what changes its kind, and what users keep up themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from provision.model import Certificate, Held
from provision.plan import AddCertificate, AddSecret, RemoveCertificate, RemoveSecret
from provision.renewal import Rotation, diff_stored
from tests.build import (
    DAY,
    HOUR,
    NOW,
    OWNER,
    a_certificate,
    a_key,
    a_password,
    a_pem,
    a_record,
    a_secret,
    an_app,
    said,
)
from tests.renewing import decided, holds, tenant

MINUTE = timedelta(minutes=1)
THEIRS = a_password("theirs", age=200 * DAY, left=100 * DAY, name="made in the portal")
TAKES_OVER = replace(a_secret(), replaces=("THEIRS",))
"""Ids are compared in any case."""


def test_a_first_certificate_is_added() -> None:
    assert decided(a_certificate(), None) == [
        AddCertificate(app="web", credential="ci", reason="first certificate", rotation=False)
    ]


def test_a_certificate_is_renewed_beside_the_one_in_use_and_that_one_retires_later() -> None:
    found = tenant(
        keys=[a_key("c1", age=70 * DAY, left=20 * DAY)],
        tags=[a_record("c1", age=70 * DAY)],
        held={"ci": holds("c1")},
    )
    renewed = tenant(
        keys=[a_key("c1", age=70 * DAY, left=20 * DAY), a_key("c2", age=25 * HOUR)],
        tags=[a_record("c2", age=25 * HOUR)],
        held={"ci": holds("c2")},
    )

    assert said(decided(a_certificate(), found)) == ["add beside: renews: expires in 20 d"]
    assert decided(a_certificate(), renewed) == [
        RemoveCertificate(app="web", credential="ci", key_id="c1", reason="replaced 1 d ago")
    ]


def test_a_secret_that_becomes_a_certificate_keeps_working_for_the_overlap() -> None:
    before = tenant(passwords=[a_password("k1")], tags=[a_record("k1")], held={"ci": holds("k1")})
    after = tenant(
        passwords=[a_password("k1")],
        keys=[a_key("c1", age=25 * HOUR)],
        tags=[a_record("c1", age=25 * HOUR)],
        held={"ci": holds("c1")},
    )

    assert decided(a_certificate(), before) == [
        AddCertificate(
            app="web",
            credential="ci",
            reason="a certificate is wanted in place of what there is",
            rotation=True,
        )
    ]
    assert decided(a_certificate(), after) == [
        RemoveSecret(app="web", credential="ci", key_id="k1", reason="replaced 1 d ago")
    ]


def test_a_certificate_that_left_the_manifest_goes() -> None:
    found = tenant(keys=[a_key("c1", credential="gone")], tags=[a_record("c1", credential="gone")])

    app = an_app()
    steps = [*diff_stored(app, found, owner=OWNER, now=NOW, rotation=Rotation())]

    assert steps == [
        RemoveCertificate(
            app="web", credential="gone", key_id="c1", reason="no longer in the manifest"
        )
    ]


TAKING_OVER: Mapping[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "ours is proven before it takes a place that may be in use": (
        {"passwords": [THEIRS], "held": {"ci": Held(readable=True)}},
        {},
        ["add beside: first secret"],
    ),
    "what expired is in nobody's use": (
        {"passwords": [replace(THEIRS, end=NOW - DAY)], "held": {"ci": Held(readable=True)}},
        {},
        ["add first: first secret"],
    ),
    "it stays for the overlap after ours is stored": (
        {
            "passwords": [THEIRS, a_password("ours", age=3 * HOUR)],
            "tags": [a_record("ours", age=3 * HOUR)],
            "held": {"ci": holds("ours")},
        },
        {},
        ["ci: the secret theirs, which it takes over, retires in 21 h"],
    ),
    "it goes when the overlap has passed": (
        {
            "passwords": [THEIRS, a_password("ours", age=30 * HOUR)],
            "tags": [a_record("ours", age=30 * HOUR)],
            "held": {"ci": holds("ours")},
        },
        {},
        ["remove theirs: taken over 1 d ago"],
    ),
    "it goes at once without overlap": (
        {
            "passwords": [THEIRS, a_password("ours", age=3 * HOUR)],
            "tags": [a_record("ours", age=3 * HOUR)],
            "held": {"ci": holds("ours")},
        },
        {"overlap": False},
        ["remove theirs: taken over 3 h ago"],
    ),
    "it stays while ours is only listed": (
        {
            "passwords": [THEIRS, a_password("ours", age=30 * HOUR)],
            "held": {"ci": holds("ours")},
        },
        {},
        ["record ours"],
    ),
    "another manifest's is left alone": (
        {
            "passwords": [
                replace(THEIRS, display_name="provision:other:ci:0a1b2c3d0"),
                a_password("ours", age=30 * HOUR),
            ],
            "tags": [a_record("ours", age=30 * HOUR)],
            "held": {"ci": holds("ours")},
        },
        {},
        ["ci: theirs is another manifest's, and is not taken over"],
    ),
}


@pytest.mark.parametrize("case", TAKING_OVER.values(), ids=TAKING_OVER)
def test_a_secret_made_elsewhere_is_taken_over(
    case: tuple[dict[str, Any], dict[str, Any], list[str]],
) -> None:
    facts, rotation, expected = case

    assert said(decided(TAKES_OVER, tenant(**facts), **rotation)) == expected


def test_a_secret_that_nobody_names_is_never_touched() -> None:
    found = tenant(
        passwords=[THEIRS, a_password("ours", age=30 * DAY)],
        tags=[a_record("ours", age=30 * DAY)],
        held={"ci": holds("ours")},
    )

    assert decided(a_secret(), found) == []


def a_file(*, left: timedelta = 80 * DAY, thumbprint: str = "AB12") -> Certificate:
    return Certificate(der=b"", thumbprint=thumbprint, start=NOW - 10 * DAY, end=NOW + left)


def in_file(key_id: str, certificate: Certificate) -> Held:
    return Held(readable=True, key_id=key_id, certificate=certificate)


def kept_up(
    *, holds: Certificate | None, held: Held, keys: list[Any], record: str | None
) -> list[str]:
    tags = [a_record(record, age=25 * HOUR)] if record else []
    found = tenant(keys=keys, tags=tags, held={"ci": held})
    return said(decided(a_pem(holds=holds), found))


def test_what_a_pem_file_holds_is_trusted_and_the_plan_says_which_certificate() -> None:
    (step,) = decided(a_pem(holds=a_file()), None)

    assert step == AddCertificate(
        app="web",
        credential="ci",
        reason="first certificate",
        rotation=False,
        thumbprint="AB12",
    )


def test_another_certificate_in_a_pem_file_is_added_beside_the_old_one() -> None:
    new = a_file(thumbprint="CD34")

    entries = kept_up(holds=new, held=in_file("c2", new), keys=[a_key("c1")], record="c1")

    assert entries == ["add beside: certs/ci.pem holds another one"]


def test_the_certificate_before_retires_after_the_overlap() -> None:
    new = a_file()

    entries = kept_up(
        holds=new,
        held=in_file("c2", new),
        keys=[a_key("c1", age=50 * DAY), a_key("c2", age=40 * DAY)],
        record="c2",
    )

    assert entries == ["remove c1: replaced 1 d ago"]


def test_an_older_certificate_that_comes_back_into_a_pem_file_is_the_one_in_use() -> None:
    old = a_file()

    entries = kept_up(
        holds=old,
        held=in_file("c1", old),
        keys=[a_key("c1", age=50 * DAY), a_key("c2", age=40 * DAY)],
        record="c2",
    )

    assert entries[0] == "record c1"


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (Held(readable=False), "ci: certs/ci.pem cannot be read here: nothing is changed"),
        (Held(readable=True), "ci: certs/ci.pem is not there: nothing is changed"),
    ],
    ids=["unreadable", "missing"],
)
def test_a_pem_file_that_is_not_there_takes_nothing_away(held: Held, says: str) -> None:
    assert kept_up(holds=None, held=held, keys=[a_key("c1")], record="c1") == [says]


def test_a_pem_file_whose_certificate_runs_out_is_named() -> None:
    soon = a_file(left=5 * DAY)

    entries = kept_up(
        holds=soon, held=in_file("c1", soon), keys=[a_key("c1", left=5 * DAY)], record="c1"
    )

    assert entries == ["ci: its certificate expires in 5 d: put a new one into certs/ci.pem"]


def test_a_restored_application_gets_new_certificates_and_secrets() -> None:
    found = tenant(keys=[a_key("c1")], passwords=[a_password("k1")], held={"ci": holds("c1")})

    steps = decided(a_certificate(), found, restored=True)

    assert [type(step) for step in steps] == [AddCertificate, RemoveCertificate, RemoveSecret]
    assert not any(isinstance(step, AddSecret) for step in steps)
