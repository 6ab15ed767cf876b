"""A certificate with its key, made once, for the tests of stores."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from dotenv_build import CLIENT, TENANT

from provision.secret import PrivateKey
from provision.stores import Belongs, Entry

KEY = "1A2B3C4D-0000-0000-0000-000000000001"
NEXT = "5e6f7a8b-0000-0000-0000-000000000002"
CERTIFIED = Belongs(tenant_id=TENANT, client_id=CLIENT, certificate=True)
END = datetime(2031, 1, 1, tzinfo=UTC)


@lru_cache
def a_pair() -> tuple[str, str]:
    """A private key and its certificate, each as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "canary")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(END)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def a_pem() -> str:
    """Both in one text, as sign-in libraries read it."""
    return "".join(a_pair())


def a_certificate(*, key_id: str = KEY, client_id: str = CLIENT) -> Entry:
    return Entry(
        tenant_id=TENANT,
        client_id=client_id,
        secret=PrivateKey(a_pem()),
        key_id=key_id,
        expires=END,
    )
