"""Certificates: what a PEM holds."""

from __future__ import annotations

from dataclasses import dataclass

from provision.model import Certificate
from provision.secret import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate, and its private key where the PEM has it."""

    certificate: Certificate
    key: PrivateKey | None


def read_pem(pem: bytes) -> Pair:
    """What a PEM holds; raises ValueError where that is no certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    found = x509.load_pem_x509_certificates(pem)[0]
    certificate = Certificate(
        der=found.public_bytes(Encoding.DER),
        thumbprint=found.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - Entra's name for it
        start=found.not_valid_before_utc,
        end=found.not_valid_after_utc,
    )
    if b"PRIVATE KEY-----" not in pem:
        return Pair(certificate=certificate, key=None)
    load_pem_private_key(pem, password=None)
    return Pair(certificate=certificate, key=PrivateKey(pem.decode()))
