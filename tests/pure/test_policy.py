"""What a policy forbids of a manifest's credentials, in which words, and of which applications."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provision.model import Certificate, DesiredCertificate, DesiredSecret, Held
from provision.places import DotenvStore, PemFile
from provision.policy import AppManagement, Restriction, applying, complaints
from tests.build import a_secret, an_app

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NO_SECRETS = Restriction(type="passwordAddition")
MONTH = Restriction(type="passwordLifetime", longest=30 * DAY)
SHORT_KEYS = Restriction(type="asymmetricKeyLifetime", longest=30 * DAY)
CI = replace(a_secret("ci"), lifetime=90 * DAY, renew_before=10 * DAY)
KEY = DesiredCertificate(
    name="key",
    lifetime=365 * DAY,
    renew_before=30 * DAY,
    overlap=DAY,
    store=DotenvStore(path=".env", prefix="AZURE_"),
)
PEM = replace(KEY, store=PemFile(path="key.pem"))


def said(
    *rules: Restriction,
    secrets: tuple[DesiredSecret, ...] = (CI,),
    certificates: tuple[DesiredCertificate, ...] = (),
    created: datetime | None = NOW,
    held: dict[str, Held] | None = None,
) -> list[str]:
    wanted = replace(an_app(), secrets=secrets, certificates=certificates)
    return list(complaints(wanted, AppManagement(restrictions=rules), created, held))


def test_a_lifetime_that_is_too_long_is_told_with_the_one_to_write() -> None:
    assert said(MONTH) == [
        "the tenant's app management policy allows secrets for at most 30 d, and ci wants 90 d: "
        "lower its lifetime to 30d in the manifest"
    ]


def test_a_renewal_that_would_come_too_early_is_told_as_well() -> None:
    (complaint,) = said(MONTH, secrets=(replace(CI, renew_before=30 * DAY),))

    assert complaint.endswith("to 30d in the manifest, and its renewBefore below that")


def test_forbidden_secrets_are_told_with_the_ways_out_and_no_lifetime() -> None:
    assert said(MONTH, NO_SECRETS) == [
        "the tenant's app management policy forbids new client secrets: use a certificate or a "
        "federated credential for ci, or have an administrator exempt the application "
        "(https://learn.microsoft.com/entra/identity/enterprise-apps/configure-app-management-policies)"
    ]


def test_certificates_have_a_longest_life_of_their_own() -> None:
    assert said(NO_SECRETS, MONTH, SHORT_KEYS, secrets=(), certificates=(KEY,)) == [
        "the tenant's app management policy allows certificates for at most 30 d, and key wants "
        "365 d: lower its lifetime to 30d in the manifest, and its renewBefore below that"
    ]


@pytest.mark.parametrize(("days", "told"), [(30, False), (31, True)])
def test_a_certificate_that_others_keep_up_is_measured_as_it_is(days: int, told: bool) -> None:
    made = Certificate(der=b"", thumbprint="A", start=NOW, end=NOW + days * DAY)
    held = {"key": Held(readable=True, certificate=made)}

    found = said(SHORT_KEYS, secrets=(), certificates=(PEM,), held=held)

    assert bool(found) is told
    assert all("key is for 31 d: have one made that ends sooner" in each for each in found)


def test_a_certificate_that_nobody_has_seen_is_not_complained_about() -> None:
    assert said(SHORT_KEYS, secrets=(), certificates=(PEM,)) == []
    assert (
        said(SHORT_KEYS, secrets=(), certificates=(PEM,), held={"key": Held(readable=False)}) == []
    )


@pytest.mark.parametrize(
    ("longest", "words"),
    [
        (timedelta(days=4, hours=12, minutes=30, seconds=5), "108 h, and ci wants 90 d: lower"),
        (timedelta(hours=1), "1 h, and ci wants 90 d: lower its lifetime to 1h"),
        (timedelta(minutes=20), "20 m, and ci wants 90 d: have an administrator exempt"),
        (timedelta(), "0 m, and ci wants 90 d: have an administrator exempt"),
    ],
)
def test_a_longest_life_is_told_as_a_manifest_writes_it(longest: timedelta, words: str) -> None:
    (complaint,) = said(replace(MONTH, longest=longest))

    assert words in complaint


@pytest.mark.parametrize(
    "rule",
    [
        replace(MONTH, longest=90 * DAY),
        replace(MONTH, longest=None),
        replace(MONTH, enabled=False),
        replace(NO_SECRETS, since=NOW + DAY),
        Restriction(type="symmetricKeyAddition"),
        Restriction(type="customPasswordAddition"),
        Restriction(type="unknownFutureValue"),
    ],
)
def test_what_does_not_concern_the_application_is_not_told(rule: Restriction) -> None:
    assert said(rule) == []


@pytest.mark.parametrize("created", [NOW, None])
def test_an_application_made_on_the_day_or_of_unknown_age_is_concerned(
    created: datetime | None,
) -> None:
    assert len(said(replace(NO_SECRETS, since=NOW), created=created)) == 1


def test_an_application_s_own_policy_goes_before_the_default_in_what_it_says() -> None:
    default = AppManagement(restrictions=(NO_SECRETS, MONTH))
    lifted = replace(NO_SECRETS, enabled=False)

    mixed = applying(default, AppManagement(restrictions=(lifted,)))

    assert mixed.restrictions == (lifted, MONTH)
    assert applying(default, None) is default
