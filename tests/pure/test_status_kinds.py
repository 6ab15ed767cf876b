"""How certificates and trusts stand: with a secret's words, and with words of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from provision.model import (
    Certificate,
    DesiredCertificate,
    FederatedIdentityCredential,
    Held,
    KeyCredential,
)
from provision.ownership import federated_mark
from provision.roster import State
from tests.build import (
    DAY,
    NOW,
    OWNER,
    a_certificate,
    a_key,
    a_pem,
    a_record,
    a_secret,
    an_app,
    registered,
)
from tests.standings import EMPTY, NEW, TRUST, holds, stand, told

# --- certificates

FILE = "certs/ci.pem"


def pem(key_id: str, *, left: timedelta = 80 * DAY) -> Certificate:
    return Certificate(der=b"", thumbprint=key_id, start=NOW - 10 * DAY, end=NOW + left)


def from_file(key_id: str, **said: Any) -> Held:
    return Held(readable=True, key_id=key_id, certificate=pem(key_id, **said))


def certified(wanted: DesiredCertificate, *keys: KeyCredential, held: Held) -> list[str]:
    record = a_record("c1") if keys else "unrelated"
    found = registered(keys=keys, tags=[record], held={"ci": held})
    return told(stand(an_app(certificates=[wanted]), found).rows)


def test_a_certificate_is_told_like_a_secret_and_other_peoples_beside_it() -> None:
    rows = certified(a_certificate(), a_key(), a_key("c2", name="CN=theirs"), held=holds("c1"))

    assert rows == ["ci c1 active", "CN=theirs c2 not ours"]


def test_certificates_and_secrets_are_rows_of_their_kind() -> None:
    wanted = an_app(secrets=[a_secret("job")], certificates=[a_certificate()])

    rows = stand(wanted, registered(keys=[a_key()], tags=[a_record("c1")])).rows

    assert [(row.credential, row.kind, row.state) for row in rows] == [
        ("job", "secret", State.MISSING),
        ("ci", "certificate", State.ACTIVE),
    ]


def test_a_certificate_that_is_not_there_is_missing() -> None:
    assert certified(a_certificate(), held=EMPTY) == ["! ci missing"]


def test_a_certificate_that_replaces_a_secret_is_due_while_the_secret_works() -> None:
    found = registered(passwords=[NEW], tags=[a_record("new")], held={"ci": holds("new")})

    rows = told(stand(an_app(certificates=[a_certificate()]), found).rows)

    assert rows == [
        "! ci new due, a certificate is wanted in place of what there is: renewed with the next "
        "provision apply"
    ]


def test_a_certificate_that_its_users_keep_up_is_theirs_to_renew() -> None:
    wanted = a_pem(holds=pem("c1", left=20 * DAY))

    rows = certified(wanted, a_key(left=20 * DAY), held=from_file("c1", left=20 * DAY))

    assert rows == ["! ci c1 expires, its users must put a newer one into the file"]


def test_an_expired_certificate_that_its_users_keep_up_says_both() -> None:
    wanted = a_pem(holds=pem("c1", left=-DAY))

    (row,) = certified(wanted, a_key(left=-DAY), held=from_file("c1", left=-DAY))

    assert row.startswith("! ci c1 expired, the active credential has expired 1 d ago")
    assert row.endswith("; its users must put a newer one into the file")


def test_a_newer_certificate_in_the_file_is_due_for_apply() -> None:
    rows = certified(a_pem(holds=pem("c2")), a_key(), held=from_file("c2"))

    assert rows == [f"! ci c1 due, {FILE} holds another one: renewed with the next provision apply"]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (
            EMPTY,
            "! ci c1 held elsewhere, the store on this machine does not hold it; "
            "its users must put a newer one into the file",
        ),
        (
            Held(readable=False),
            "! ci c1 expires, its users must put a newer one into the file",
        ),
    ],
    ids=["not there", "not readable"],
)
def test_a_file_that_is_not_here_hides_no_end(held: Held, expected: str) -> None:
    assert certified(a_pem(), a_key(left=20 * DAY), held=held) == [expected]


# --- federated credentials


def a_trust(name: str = "main", *, subject: str = "repo:a/b", ours: bool = True) -> Any:
    return FederatedIdentityCredential(
        id=name,
        name=name,
        issuer="https://i",
        subject=subject,
        audiences=("a",),
        description=federated_mark(OWNER, name) if ours else "",
    )


TRUSTS: Mapping[str, tuple[list[Any], list[str]]] = {
    "there": ([a_trust()], ["main active"]),
    "there by somebody else's hand": (
        [a_trust(ours=False)],
        ["main active, somebody else made it, just as it is declared"],
    ),
    "missing": ([], ["! main missing"]),
    "trusting another": (
        [a_trust(subject="repo:a/c")],
        ["! main differs, subject: put right with the next provision apply"],
    ),
    "beside others": (
        [a_trust(), a_trust("his", subject="x", ours=False), a_trust("old", subject="y")],
        [
            "main active",
            "his not ours",
            "! old dropped, no longer in the manifest: goes with the next provision apply",
        ],
    ),
}


@pytest.mark.parametrize(("there", "expected"), TRUSTS.values(), ids=list(TRUSTS))
def test_a_trust_is_a_row_without_dates(there: list[Any], expected: list[str]) -> None:
    found = registered()
    found = replace(found, application=replace(found.application, federated=tuple(there)))

    stands = stand(replace(an_app(), federated=(TRUST,)), found)

    assert told(stands.rows) == expected
    assert stands.applications[0].changes == 0
    assert {(row.expires, row.key_id, row.issuer) for row in stands.rows} == {
        (None, None, "https://i")
    }
