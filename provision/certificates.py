"""Certificates: a key pair made on this machine, or the PEM that somebody else keeps up.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from provision.errors import StoreError
from provision.model import Certificate
from provision.secret import PrivateKey

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

T = TypeVar("T")

KEY_SIZES = (2048, 3072, 4096)
"""The sizes of an RSA key, in bits, of which one can be asked for."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(?:(?!-----).)*-----END \1-----", re.DOTALL)
"""It ends at the next dashes: a file of beginnings only is searched through once, not once for each."""
_KEYS = (b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"ENCRYPTED PRIVATE KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate, and its private key where that is known; `key` is both of them as one PEM."""

    certificate: Certificate
    key: PrivateKey | None


def generate(*, key_size: int, subject: str, start: datetime, end: datetime) -> Pair:
    """A new RSA key and a certificate that it signs itself; it takes a while, so give it a thread.

    `subject` is a name such as CN=my-workload; dates are cut to whole seconds, as certificates have them.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if key_size not in KEY_SIZES:
        sizes = ", ".join(map(str, KEY_SIZES))
        raise StoreError(f"A key has one of {sizes} bits, not {key_size}", hint="Correct keySize.")
    name = _name(subject)
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=_whole(start),
        not_valid_after=_whole(end),
    )
    for extension, critical in (
        (_signs_only(), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return _pair(builder.sign(key, SHA256()), key)


def read_pem(pem: bytes) -> Pair:
    """The first certificate of a PEM text and its private key, if that stands there too.

    What is wrong with the text is said without quoting anything of it.
    """
    blocks = [(found[1], found[0]) for found in _BLOCK.finditer(pem)]
    certificates = [block for label, block in blocks if label == b"CERTIFICATE"]
    if not certificates:
        raise StoreError(
            "There is no certificate in it",
            hint="It must be PEM text, with a line -----BEGIN CERTIFICATE-----.",
        )
    certificate = _certificate(certificates[0])
    keys = [(label, block) for label, block in blocks if label in _KEYS]
    key = _key(*keys[0]) if keys else None
    if key is not None and key.public_key() != certificate.public_key():
        raise StoreError(
            "Its private key is not the one of its first certificate",
            hint="Put the key and the certificate that belongs to it into one file, that one first.",
        )
    return _pair(certificate, key)


def _name(subject: str) -> x509.Name:
    from cryptography import x509

    try:
        name = x509.Name.from_rfc4514_string(subject)
    except ValueError:
        name = x509.Name([])
    if not list(name):
        raise StoreError(
            f'"{subject}" is no name for a certificate',
            hint="Write it as CN=my-workload or CN=my-workload,O=Contoso, without spaces in between.",
        )
    return name


def _signs_only() -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _whole(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(microsecond=0)


def _certificate(block: bytes) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    certificate = _loaded(lambda: x509.load_pem_x509_certificate(block), "certificate")
    if not isinstance(_loaded(certificate.public_key, "certificate"), RSAPublicKey):
        raise StoreError(
            "Its certificate has no RSA key, and Microsoft Entra ID takes no other",
            hint="Make one with an RSA key of 2048 bits or more.",
        )
    return certificate


def _key(label: bytes, block: bytes) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if label == b"ENCRYPTED PRIVATE KEY" or b"4,ENCRYPTED" in block:
        raise StoreError(
            "Its private key is encrypted, and there is nobody to ask for the password",
            hint="Keep it unencrypted, in a place that only its user can read.",
        )
    key = _loaded(lambda: load_pem_private_key(block, password=None), "private key")
    if not isinstance(key, RSAPrivateKey):
        raise StoreError(
            "Its private key is no RSA key", hint="Put the certificate's own key beside it."
        )
    return key


def _loaded(load: Callable[[], T], what: str) -> T:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's words may quote what it read: neither they nor their cause are passed on.
        raise StoreError(
            f"Its {what} cannot be understood",
            hint="Write the PEM text again, from where it was made.",
        ) from None


def _pair(certificate: x509.Certificate, key: RSAPrivateKey | None) -> Pair:
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    public = Certificate(
        der=certificate.public_bytes(Encoding.DER),
        # The directory and its portals know certificates by this digest; nothing is signed with it.
        thumbprint=certificate.fingerprint(SHA1()).hex().upper(),  # noqa: S303
        start=certificate.not_valid_before_utc,
        end=certificate.not_valid_after_utc,
    )
    if key is None:
        return Pair(certificate=public, key=None)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = (private + certificate.public_bytes(Encoding.PEM)).decode("ascii")
    return Pair(certificate=public, key=PrivateKey(pem))
