"""Certificates: what is made here, and what people's PEM files hold."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from provision import certificates
from provision.errors import StoreError
from tests.keypairs import END, START, a_pair

PKCS8, PKCS1 = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL


def text_of(name: str = "workload") -> str:
    """The PEM of a pair, as a store gets it."""
    key = a_pair(name).key
    assert key is not None
    return key.reveal()


def certificate(name: str = "workload") -> bytes:
    """Only the certificate, as PEM."""
    return x509.load_der_x509_certificate(a_pair(name).certificate.der).public_bytes(Encoding.PEM)


def key(
    name: str = "workload",
    form: PrivateFormat = PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    """Only the private key, in one of OpenSSL's forms."""
    loaded = load_pem_private_key(text_of(name).encode(), None)
    return loaded.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


@cache
def elliptic() -> tuple[bytes, bytes]:
    """A certificate of a kind that nobody can sign in with, and its key."""
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=curve")
    signed = x509.CertificateBuilder(name, name, made.public_key(), 1, START, END).sign(
        made, SHA256()
    )
    pem = made.private_bytes(Encoding.PEM, PKCS1, NoEncryption())
    return signed.public_bytes(Encoding.PEM), pem


def test_what_is_made_can_sign_in_and_nothing_else() -> None:
    made = x509.load_der_x509_certificate(a_pair().certificate.der)

    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert usage.digital_signature
    assert not any((usage.key_cert_sign, usage.key_encipherment, usage.data_encipherment))
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert isinstance(made.signature_hash_algorithm, SHA256)
    assert made.issuer == made.subject == x509.Name.from_rfc4514_string("CN=workload")
    made.verify_directly_issued_by(made)


def test_no_two_certificates_have_one_serial_number() -> None:
    one, two = (
        x509.load_der_x509_certificate(a_pair(name).certificate.der) for name in ("workload", "b")
    )

    assert one.serial_number != two.serial_number


@pytest.mark.parametrize("size", [3072, 4096])
def test_a_key_has_the_size_that_is_asked_for(size: int) -> None:
    made = x509.load_der_x509_certificate(a_pair(key_size=size).certificate.der)

    public = made.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == size


@pytest.mark.parametrize("size", [1024, 2047, 8192])
def test_no_other_size_is_made(size: int) -> None:
    with pytest.raises(StoreError, match=f"not {size}"):
        certificates.generate(key_size=size, subject="CN=x", start=START, end=END)


@pytest.mark.parametrize(
    "subject", ["", "my workload", "CN=", "CN=a, O=b", "C=DEU", "CN=" + "x" * 65]
)
def test_a_name_that_is_none_is_refused(subject: str) -> None:
    with pytest.raises(StoreError, match="no name for a certificate") as refused:
        certificates.generate(key_size=2048, subject=subject, start=START, end=END)

    assert "CN=my-workload" in refused.value.hint


def test_dates_are_whole_seconds_in_utc() -> None:
    start = datetime(2026, 3, 1, 14, 0, 0, 999999, tzinfo=timezone(timedelta(hours=2)))

    made = certificates.generate(
        key_size=2048, subject="CN=x,O=Contoso", start=start, end=start + timedelta(days=1)
    ).certificate

    assert made.start == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert made.end == datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_thumbprint_is_the_one_that_portals_show() -> None:
    found = a_pair().certificate

    digest = x509.load_der_x509_certificate(found.der).fingerprint(SHA1())  # noqa: S303
    assert found.thumbprint == digest.hex().upper()
    assert len(found.thumbprint) == 40


def test_a_pair_never_shows_its_key() -> None:
    assert "PRIVATE" not in repr(a_pair())
    assert base64.b64encode(a_pair().certificate.der).decode()[:40] not in repr(a_pair().key)


def test_what_is_made_is_read_again() -> None:
    read = certificates.read_pem(text_of().encode())

    assert read.certificate == a_pair().certificate
    assert read.key is not None
    assert read.key.reveal() == text_of()
    assert text_of().startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("key_first", [True, False])
def test_a_file_may_be_written_in_any_usual_form(
    form: PrivateFormat, ends: bytes, *, key_first: bool
) -> None:
    """As OpenSSL, PowerShell and people write it: with remarks, in either order, with a chain behind."""
    parts = [b"Bag Attributes\n    localKeyID: 01\n" + key(form=form), certificate()]
    parts = parts if key_first else parts[::-1]
    pem = b"\xef\xbb\xbf" + b"\n".join([*parts, certificate("b")]).replace(b"\n", ends)

    read = certificates.read_pem(pem)

    assert read.certificate == a_pair().certificate
    assert read.key is not None
    assert read.key.reveal() == text_of()


def test_a_file_may_hold_the_certificate_alone() -> None:
    read = certificates.read_pem(certificate())

    assert read.certificate == a_pair().certificate
    assert read.key is None


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (lambda: b"", "no certificate"),
        (key, "no certificate"),
        (lambda: a_pair().certificate.der, "no certificate"),
        (lambda: certificate()[:-30], "no certificate"),
        (lambda: certificate().replace(b"M", b"-", 3), "certificate cannot be understood"),
        (lambda: b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----", "certificate cannot be understood"),
        (lambda: certificate() + key("b"), "not the one of its first certificate"),
        (lambda: certificate() + b"-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----", "private key cannot be understood"),
        (lambda: certificate() + key(encryption=BestAvailableEncryption(b"pw")), "is encrypted"),
        (lambda: certificate() + key(form=PKCS1, encryption=BestAvailableEncryption(b"pw")), "is encrypted"),
        (lambda: elliptic()[0], "no RSA key"),
        (lambda: certificate() + elliptic()[1], "no RSA key"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_without_quoting_it(pem, says) -> None:
    content = pem()

    with pytest.raises(StoreError, match=says) as refused:
        certificates.read_pem(content)

    told = f"{refused.value} {refused.value.hint} {refused.value.__cause__}"
    lines = {line for line in content.decode("latin-1").split("\n") if len(line) > 40}
    assert not any(line in told for line in lines)
    assert refused.value.hint


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["CERTIFICATE", "PRIVATE KEY", "RSA PRIVATE KEY"]))
def test_any_bytes_are_a_pair_or_a_refusal(content: bytes, label: str) -> None:
    body = base64.encodebytes(content)
    block = f"-----BEGIN {label}-----\n".encode() + body + f"-----END {label}-----\n".encode()

    for pem in (content, block, block + certificate(), certificate() + block):
        try:
            read = certificates.read_pem(pem)
        except StoreError:
            continue
        assert read.certificate == a_pair().certificate


def test_a_file_of_nothing_but_beginnings_is_refused_in_no_time() -> None:
    """It would take minutes if each of them were looked for an end to; a stranger's file may be one."""
    with pytest.raises(StoreError, match="no certificate"):
        certificates.read_pem(b"-----BEGIN CERTIFICATE-----\n" * 37_000)
