"""Certificates in a manifest: made here or out of a file, and credentials that take others over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from provision.manifest import certificate_values, narrow
from provision.manifest.spec import CertificateSpec, Mark
from provision.places import DotenvStore, PemFile
from tests.written import FOLDER, HEAD, application, read, refusals, with_application

ID, OTHER = "0000000a-0000-0000-0000-000000000001", "0000000b-0000-0000-0000-000000000002"
DAY = timedelta(days=1)


def certificate(said: str) -> CertificateSpec:
    """The only credential of an application, which is a certificate."""
    (found,) = application(f"credentials: {{ci: {{certificate: {{{said}}}}}}}").certificates
    return found


def test_a_certificate_that_is_made_here_has_defaults_for_everything_but_its_store():
    assert certificate("generate: {}, store: {dotenv: .env}") == CertificateSpec(
        name="ci",
        lifetime=90 * DAY,
        renew_before=30 * DAY,
        overlap=DAY,
        store=DotenvStore(path=FOLDER / ".env", prefix="AZURE_"),
        mark=Mark(line=6, column=19),
        key_size=2048,
        subject="CN=app",
    )


def test_everything_about_a_certificate_can_be_said():
    found = certificate(
        "generate: {keySize: 4096, subject: 'CN=x y,O=Contoso Ltd.,C=DE', lifetime: 20d}, "
        "renewBefore: 10d, overlap: 2h, store: {dotenv: ../c.env, prefix: C_}, "
        f"replaces: [{ID.upper()}, {OTHER}]"
    )

    assert (found.key_size, found.subject) == (4096, "CN=x y,O=Contoso Ltd.,C=DE")
    assert (found.lifetime, found.renew_before) == (20 * DAY, 10 * DAY)
    assert found.overlap == timedelta(hours=2)
    assert found.store == DotenvStore(path=FOLDER.parent / "c.env", prefix="C_")
    assert found.replaces == (ID, OTHER)


def test_a_certificate_out_of_a_file_has_no_life_of_our_making():
    found = certificate("pem: certs/../web.pem, renewBefore: 200d")

    assert found.store == PemFile(path=FOLDER / "web.pem")
    assert isinstance(found.store, PemFile)
    assert found.store.address == "certs/../web.pem"
    assert found.lifetime == timedelta()
    assert (found.renew_before, found.overlap) == (200 * DAY, DAY)


def test_a_secret_may_take_over_one_that_was_made_elsewhere():
    found = application(
        f"credentials: {{ci: {{secret: {{store: {{dotenv: .env}}, replaces: [{ID.upper()}]}}}}}}"
    )

    assert found.secrets[0].replaces == (ID,)
    assert found.stored == found.secrets


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("", "6:24: it is not said where the certificate comes from - add generate or pem"),
        ("generate: {}", '6:38: the key "store" is missing - say where the value goes, such as store: {dotenv: .env}'),
        ("generate: null", "6:38: a mapping is wanted here, and nothing is written"),
        ("generate: {}, pem: a.pem", "6:52: a certificate is either made here or read from a file - write either generate or pem"),
        ("pem: a.pem, store: {dotenv: .env}", "6:50: a certificate out of a file is kept there, and nothing is stored - leave store away"),
        ("pem: 1", '6:43: text is wanted here, not the number 1 - put it in quotes: "1"'),
        ("pem: ''", '6:43: "" names no file'),
        ("pem: certs/", '6:43: "certs/" names no file'),
        ("pem: ~/a.pem", "begins with ~, which is not expanded"),
        ('pem: "-----BEGIN CERTIFICATE-----\\nQUJD"', "is a certificate itself - write the path of its file"),
        ("generate: {keySize: 1024}, store: {dotenv: .env}", '6:58: "1024" is no size of a key - write one of 2048, 3072, 4096'),
        ("generate: {keySize: '2048'}, store: {dotenv: .env}", "6:58: a number is wanted here"),
        ("generate: {keysize: 2048}, store: {dotenv: .env}", '"keysize" is not a key of the generate - did you mean "keySize"?'),
        ("generate: {subject: web}, store: {dotenv: .env}", '6:58: "web" is no name for a certificate - write CN=my-workload'),
        (f"generate: {{subject: CN={'x' * 65}}}, store: {{dotenv: .env}}", "CN has 64 characters at most"),
        ("generate: {lifetime: 10m}, store: {dotenv: .env}", '6:59: "10m" is no lifetime for a certificate: between 1h and 3650d'),
        ("generate: {lifetime: 3651d}, store: {dotenv: .env}", "is no lifetime for a certificate"),
        ("generate: {lifetime: 90}, store: {dotenv: .env}", "6:59: text is wanted here, not the number 90 - a unit is missing"),
        ("lifetime: 90d, generate: {}, store: {dotenv: .env}", '6:38: "lifetime" is not a key of the certificate'),
        ("generate: {lifetime: 30d}, store: {dotenv: .env}", "6:49: renewBefore (30d if not said) must be shorter than lifetime (30d) - the order is overlap < renewBefore < lifetime"),
        ("generate: {}, renewBefore: 90d, store: {dotenv: .env}", "6:52: renewBefore (90d) must be shorter than lifetime (90d if not said)"),
        ("generate: {}, overlap: 31d, store: {dotenv: .env}", "6:52: overlap (31d) must be shorter than renewBefore (30d if not said)"),
        ("pem: a.pem, renewBefore: 24h", "6:50: overlap (24h if not said) must be shorter than renewBefore (24h) - the order is overlap < renewBefore"),
        ("pem: a.pem, overlap: x", '6:59: "x" is no duration'),
        ("pem: a.pem, replaces: [x]", '6:61: "x" is no id'),
        (f"pem: a.pem, replaces: [{ID}, {ID.upper()}]", "stands here for the second time - the first is at 6:61"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_certificate_is_told_at_its_place(said, says):
    (found,) = refusals(with_application(f"credentials: {{ci: {{certificate: {{{said}}}}}}}"))

    assert says in found


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        ("{ci: {certificate: x}}", '6:37: a mapping is wanted here, not the text "x"'),
        ("{ci: {secret: {store: {dotenv: .env}}, certificate: {pem: a}}}", "6:57: a credential is one of secret, certificate and federated - give each a name of its own"),
        ("{ci: {certificate: {pem: a}, federated: {issuer: https://i.example, subject: s}}}", "6:47: a credential is one of"),
        ("{a: {certificate: {pem: c/a.pem}}, b: {certificate: {pem: x/../c/./a.pem}}}", '6:76: the certificate of "b" is the one of "a" too - the first is at 6:42'),
        ("{a: {secret: {store: {dotenv: .env}}}, b: {certificate: {generate: {}, store: {dotenv: .env}}}}", '6:96: the store of "b" of "app" is the store of "a" of "app" too'),
        (f"{{a: {{secret: {{store: {{dotenv: .env}}, replaces: [{ID}]}}}}, b: {{certificate: {{pem: b.pem, replaces: [{ID}]}}}}}}", f'the keyId "{ID}" stands here for the second time'),
    ],
)  # fmt: skip
def test_a_credential_is_one_thing_in_one_place(credentials, says):
    (found,) = refusals(with_application(f"credentials: {credentials}"))

    assert says in found


def test_two_applications_may_trust_one_certificate():
    found = read(
        f"{HEAD}applications:\n"
        "  a: {displayName: A, credentials: {x: {certificate: {pem: c.pem}}}}\n"
        "  b: {displayName: B, credentials: {x: {certificate: {pem: c.pem}}}}\n"
    )

    one, two = found.applications
    assert one.certificates[0].store == two.certificates[0].store


def test_a_certificate_has_a_name_that_fits_into_the_directory():
    text = (
        f"version: 1\nname: {'n' * 30}\nenvironments: {{{'e' * 20}: {{}}}}\n"
        "applications: {a: {displayName: A, credentials: {"
        + "c" * 18
        + ": {certificate: {pem: p}}}}}"
    )

    (found,) = refusals(text, env="e" * 20)

    assert "is too long beside the name of manifest and environment" in found


def test_defaults_say_what_holds_for_every_certificate_and_an_application_the_rest():
    manifest = read(
        f"{HEAD}defaults: {{credentials: {{ci: {{certificate: {{generate: {{keySize: 3072}}, overlap: 2h}}}}}}}}\n"
        "applications:\n"
        "  a: {displayName: A, credentials: {ci: {certificate: {store: {dotenv: a.env}}}}}\n"
        "  b: {displayName: B, credentials: {ci: {certificate: {generate: {lifetime: 60d}, store: {dotenv: b.env}}}}}\n"
    )

    a, b = (each.certificates[0] for each in manifest.applications)
    assert (a.key_size, a.lifetime, a.subject) == (3072, 90 * DAY, "CN=a")
    assert (b.key_size, b.lifetime, b.subject) == (3072, 60 * DAY, "CN=b")
    assert a.overlap == b.overlap == timedelta(hours=2)


def test_one_file_in_the_defaults_is_told_where_it_is_used_twice():
    text = (
        f"{HEAD}defaults: {{credentials: {{a: {{certificate: &c {{pem: c.pem}}}}, b: {{certificate: *c}}}}}}\n"
        "applications: {a: {displayName: A}}\n"
    )

    assert any('the certificate of "b" is the one of "a" too' in each for each in refusals(text))


def test_target_may_name_a_certificate():
    manifest = read(with_application("credentials: {ci: {certificate: {pem: a.pem}}}"))

    assert narrow.targets(manifest) == {"app", "app/ci"}


SUBJECTS = st.one_of(
    st.from_regex(certificate_values.SUBJECT, fullmatch=True),
    st.text('CN=OU,LSTDa b+\\"#;<>', max_size=20),
)


@given(SUBJECTS)
def test_a_subject_that_is_accepted_makes_a_certificates_name(subject):
    """A name that only fails when the key is made would fail in the middle of an apply."""
    try:
        certificate_values.subject(subject)
    except PydanticCustomError:
        return

    assert list(x509.Name.from_rfc4514_string(subject))
