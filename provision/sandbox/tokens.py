"""Access tokens: signed for a workload at the token service, checked on every Graph call."""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any

from provision.sandbox.call import Caller
from provision.sandbox.catalog import GRAPH_APP_ID
from provision.sandbox.refusal import Refusal
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from jwt.types import Options

GRAPH_AUDIENCES = frozenset(
    {"https://graph.microsoft.com", "https://graph.microsoft.com/", GRAPH_APP_ID}
)
LIFETIME = timedelta(seconds=3900)
EXPIRES_IN = 3599
_REMEMBERED = 512


class SigningKey:
    """A key that the sandbox signs with, and its self-made certificate; read on first use."""

    def __init__(self, pem: str) -> None:
        self._pem = pem.encode()

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"

    @cached_property
    def private(self) -> RSAPrivateKey:
        """What signs."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        private = load_pem_private_key(self._pem, password=None)
        if not isinstance(private, RSAPrivateKey):
            raise TypeError("the signing key of a sandbox is an RSA key")
        return private

    @cached_property
    def certificate(self) -> bytes:
        """The certificate, DER."""
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509 import load_pem_x509_certificate

        return load_pem_x509_certificate(self._pem).public_bytes(Encoding.DER)

    @cached_property
    def kid(self) -> str:
        """The key's name in the headers of what it signs."""
        return base64url(sha1(self.certificate, usedforsecurity=False).digest())


class Verifier:
    """Checks bearer tokens; a token is verified once, its times on every use."""

    def __init__(self, store: Store, key: SigningKey) -> None:
        self._store = store
        self._key = key
        self._known: OrderedDict[bytes, dict[str, Any]] = OrderedDict()

    def caller_of(
        self, authorization: str | None, audiences: frozenset[str]
    ) -> tuple[Caller, Tenant]:
        """Who presents this header, and to which tenant; a refusal when it proves nothing."""
        claims = self._claims(_bearer(authorization))
        if claims.get("aud") not in audiences:
            raise _unauthorized("Access token validation failure. Invalid audience.")
        tenant = self._store.tenant_known_as(str(claims.get("tid")))
        if tenant is None:
            raise _unauthorized("Access token validation failure. Invalid tenant.")
        if tenant.clock.now().timestamp() >= float(claims.get("exp", 0)):
            raise _unauthorized("Lifetime validation failed, the token is expired.")
        caller = Caller(
            app_id=claims["appid"],
            object_id=claims["oid"],
            tenant_id=tenant.id,
            roles=frozenset(claims.get("roles", ())),
            scopes=frozenset(str(claims.get("scp", "")).split()),
            wids=frozenset(claims.get("wids", ())),
            is_user=claims.get("idtyp") != "app",
        )
        return caller, tenant

    def _claims(self, token: str) -> dict[str, Any]:
        fingerprint = sha256(token.encode("utf-8", "replace")).digest()
        claims = self._known.get(fingerprint)
        if claims is None:
            claims = self._verified(token)
            self._known[fingerprint] = claims
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        import jwt

        # Times are compared with the tenant's clock, which may be moved.
        unchecked: Options = {
            "verify_aud": False,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.private.public_key(),
                algorithms=["RS256"],
                options=unchecked,
            )
        except jwt.InvalidSignatureError as refused:
            raise _unauthorized("Access token validation failure. Invalid signature.") from refused
        except jwt.InvalidTokenError as refused:
            raise _malformed() from refused
        return claims


def signing_key(store: Store, name: str = "signing_key") -> SigningKey:
    """A key of this database, made on first use."""
    with store.writing():
        pem = store.setting(name)
        if pem is None:
            pem = _new_key_pem()
            store.keep_setting(name, pem)
    return SigningKey(str(pem))


def issue(key: SigningKey, claims: Mapping[str, Any], *, typ: str = "JWT") -> str:
    """A signed token; one of version 1 names its key twice."""
    import jwt

    headers = {"typ": typ, "kid": key.kid}
    if claims.get("ver") == "1.0":
        headers["x5t"] = key.kid
    return jwt.encode(dict(claims), key.private, algorithm="RS256", headers=headers)


def public_keys(key: SigningKey) -> dict[str, Any]:
    """The key set that clients may verify signatures with."""
    numbers = key.private.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    entry = {
        "kty": "RSA",
        "use": "sig",
        "kid": key.kid,
        "x5t": key.kid,
        "n": base64url(numbers.n.to_bytes(size, "big")),
        "e": "AQAB",
        "x5c": [base64.b64encode(key.certificate).decode()],
    }
    return {"keys": [entry]}


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("Access token is empty.")
    if "." not in token:
        raise _malformed()
    return token.strip()


def _malformed() -> Refusal:
    return _unauthorized(
        "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or"
        " JWE Compact Serialization Format. (JWS): 'EncodedHeader.EndcodedPayload.EncodedSignature'."
        " (JWE): 'EncodedProtectedHeader.EncodedEncryptedKey.EncodedInitializationVector."
        "EncodedCiphertext.EncodedAuthenticationTag'."
    )


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "InvalidAuthenticationToken", message)


def _new_key_pem() -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox token signing")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=36500))
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = private.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (key + certificate.public_bytes(pem)).decode()


def base64url(content: bytes) -> str:
    """Bytes as tokens write them."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
