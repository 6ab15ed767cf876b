"""How an application stands as a whole: whether it is there, its consent, and what has drifted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provision.diff import diff
from provision.model import (
    Desired,
    DesiredIdentity,
    Observed,
    ServicePrincipal,
)
from provision.status import Granted, standing
from tests.build import (
    MAIL,
    NOW,
    OWNER,
    USERS,
    a_grant,
    a_record,
    a_secret,
    an_app,
    asked,
    desired,
    observed,
    registered,
)
from tests.standings import NEW, TRUST, stand, told


def test_an_application_that_does_not_exist_says_so_and_its_credentials_are_missing() -> None:
    wanted = replace(an_app(secrets=[a_secret()], roles=[USERS]), federated=(TRUST,))

    stands = stand(wanted)

    (whole,) = stands.applications
    assert (whole.exists, whole.says) == (
        False,
        "does not exist in this tenant: run provision apply",
    )
    assert told(stands.rows) == ["! ci missing", "! main missing"]


def test_a_soft_deleted_application_says_that_it_can_come_back() -> None:
    what = desired(an_app(secrets=[a_secret()]))
    seen = observed(buried=[registered(passwords=[NEW], tags=[a_record("new")])])

    stands = standing(what, seen, diff(what, seen, now=NOW), NOW)

    assert stands.applications[0].says == "is soft-deleted: provision apply restores it"
    assert told(stands.rows) == ["! ci missing"]


def test_an_application_that_left_the_manifest_is_told_in_a_line() -> None:
    what, seen = desired(), observed(strays=[registered("old")])

    stands = standing(what, seen, diff(what, seen, now=NOW), NOW)

    (whole,) = stands.applications
    assert (whole.app, whole.changes, stands.rows) == ("old", 1, ())
    assert "no longer in the manifest" in whole.says


# --- consent and drift


@pytest.mark.parametrize(
    ("grant", "granted", "state"),
    [
        (True, [USERS, MAIL], Granted.GRANTED),
        (True, [USERS], Granted.MISSING),
        (False, [USERS], Granted.PENDING),
    ],
)
def test_consent_counts_what_is_granted(grant: bool, granted: list[Any], state: Granted) -> None:
    wanted = an_app(roles=[USERS, MAIL], grant=grant)
    found = registered(requested=asked(USERS, MAIL), granted=[a_grant(each) for each in granted])

    (whole,) = stand(wanted, found).applications

    assert whole.consent is not None
    assert (whole.consent.state, whole.consent.granted, whole.consent.asked) == (
        state,
        len(granted),
        2,
    )
    assert whole.consent.missing == ((MAIL,) if len(granted) == 1 else ())
    assert whole.changes == (1 if state is Granted.MISSING else 0)


def test_consents_that_the_operator_may_not_read_are_said_to_be_so() -> None:
    found = registered(requested=asked(USERS))
    assert found.service_principal
    blind = replace(found.service_principal, assignments_known=False)

    (whole,) = stand(an_app(roles=[USERS]), replace(found, service_principal=blind)).applications

    assert whole.consent is not None
    assert (whole.consent.state, whole.consent.missing) == (Granted.UNREADABLE, ())


def test_an_application_that_asks_for_nothing_needs_no_consent() -> None:
    (whole,) = stand(an_app(), registered()).applications

    assert whole.consent is not None
    assert whole.consent.state is Granted.NOTHING_ASKED


def test_what_differs_is_counted_and_is_not_due() -> None:
    stands = stand(an_app(properties={"displayName": "new"}), registered())

    assert (stands.applications[0].changes, stands.due) == (1, ())


def test_a_record_of_a_secret_that_is_gone_is_a_change_like_others() -> None:
    stands = stand(an_app(), registered(tags=[a_record("lost", credential="job")]))

    assert (stands.applications[0].changes, stands.rows) == (1, ())


def test_a_managed_identity_has_only_a_consent() -> None:
    identity = DesiredIdentity(key="func", principal_id="sp", app_roles=frozenset({USERS, MAIL}))
    principal = ServicePrincipal(id="sp", app_id="f", app_role_assignments=(a_grant(USERS),))
    what = Desired(owner=OWNER, applications=(), identities=(identity,))
    seen: Observed = replace(observed(), identities={"func": principal})

    stands = standing(what, seen, diff(what, seen, now=NOW), NOW)

    (whole,) = stands.applications
    assert (whole.kind, whole.exists, whole.changes, stands.rows) == (
        "managedIdentity",
        True,
        1,
        (),
    )
    assert whole.consent is not None
    assert (whole.consent.state, whole.consent.granted) == (Granted.MISSING, 1)
