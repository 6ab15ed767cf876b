"""How certificates and trusts stand: with a secret's words, and with words of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provision.model import (
    Certificate,
    DesiredCertificate,
    FederatedIdentityCredential,
    Held,
    KeyCredential,
)
from provision.ownership import display_name, federated_mark
from provision.places import DotenvStore, PemFile
from provision.plan import AddCertificate, Plan
from provision.roster import Kept
from provision.status import Standing, standing
from tests.build import (
    DAY,
    NOW,
    OWNER,
    a_record,
    an_app,
    desired,
    observed,
    registered,
)
from tests.standings import EMPTY, TRUST, holds, stand, told

# --- certificates


def a_key(
    key_id: str = "k1", *, left: timedelta = 80 * DAY, name: str | None = None, **of: Any
) -> Any:
    called = display_name(OWNER, "tls", "0a1b2c3d0") if name is None else name
    return KeyCredential(
        key_id=key_id, display_name=called, start=NOW - 10 * DAY, end=NOW + left, **of
    )


def a_certificate(**of: Any) -> DesiredCertificate:
    store = of.pop("store", DotenvStore(path=Path(".env"), prefix="TLS_"))
    return DesiredCertificate(
        name="tls", lifetime=90 * DAY, renew_before=30 * DAY, overlap=DAY, store=store, **of
    )


def certified(
    wanted: DesiredCertificate, *keys: KeyCredential, held: Held, steps: Iterable[Any] = ()
) -> Standing:
    found = registered(tags=[a_record(credential="tls")], held={"tls": held})
    found = replace(found, application=replace(found.application, key_credentials=keys))
    what = desired(replace(an_app(), certificates=(wanted,)))
    return standing(what, observed(found), Plan(owner=OWNER, steps=tuple(steps)), NOW)


def pem(thumbprint: str) -> Held:
    held = Certificate(der=b"", thumbprint=thumbprint, start=NOW, end=NOW + DAY)
    return Held(readable=True, certificate=held)


def test_a_certificate_is_told_like_a_secret_and_other_peoples_beside_it() -> None:
    stands = certified(a_certificate(), a_key(), a_key("k2", name="CN=theirs"), held=holds("k1"))

    assert told(stands.rows) == ["tls k1 active", "CN=theirs k2 not ours"]
    assert {row.kind for row in stands.rows} == {"certificate"}


def test_a_certificate_that_its_users_keep_up_is_theirs_to_renew() -> None:
    wanted = a_certificate(store=PemFile(path=Path("tls.pem")))

    stands = certified(wanted, a_key(left=20 * DAY, thumbprint="AB"), held=pem("AB"))

    assert told(stands.due) == ["! tls k1 expires, its users must put a newer one into the file"]
    assert stands.rows[0].kept is Kept.HERE


def test_a_newer_certificate_in_the_file_is_due_for_apply() -> None:
    step = AddCertificate(
        app="web", credential="tls", reason="the file has another one", rotation=True
    )
    wanted = a_certificate(store=PemFile(path=Path("tls.pem")))
    key = a_key(thumbprint="AB")

    stands = certified(wanted, key, held=Held(readable=False), steps=[step])

    assert told(stands.due) == [
        "! tls k1 due, the file has another one: renewed with the next provision apply"
    ]


def test_a_certificate_that_is_not_there_is_missing() -> None:
    stands = certified(a_certificate(), held=EMPTY)

    assert told(stands.rows) == ["! tls missing"]
    assert stands.rows[0].kind == "certificate"


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
