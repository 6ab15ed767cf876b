"""Certificates: what a PEM holds."""

from __future__ import annotations

from dataclasses import dataclass

from provision.errors import StoreError
from provision.model import Certificate
from provision.secret import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate, and its private key where the PEM has it."""

    certificate: Certificate
    key: PrivateKey | None


def read_pem(pem: bytes) -> Pair:
    """What a PEM holds; what is wrong with it is said without quoting anything of it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    try:
        found = x509.load_pem_x509_certificates(pem)[0]
        private = b"PRIVATE KEY-----" in pem
        if private:
            load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise StoreError(
            "There is no certificate in it",
            hint="It must be PEM text, with a line -----BEGIN CERTIFICATE-----.",
        ) from None
    certificate = Certificate(
        der=found.public_bytes(Encoding.DER),
        thumbprint=found.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - Entra's name for it
        start=found.not_valid_before_utc,
        end=found.not_valid_after_utc,
    )
    return Pair(certificate=certificate, key=PrivateKey(pem.decode()) if private else None)
