"""Proofs of possession: whoever holds an object's present key may roll its keys."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from provision.sandbox import edm
from provision.sandbox.call import Call
from provision.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from cryptography import x509
    from jwt.types import Options

# The older name is what the pages of the actions give, the newer what the page on proofs gives.
_AUDIENCES = frozenset(
    {"00000002-0000-0000-c000-000000000000", "00000003-0000-0000-c000-000000000000"}
)
_LONGEST = timedelta(minutes=10)
_SKEW = timedelta(minutes=5)
# The tenant's clock may have been moved, so the times are compared here.
_UNCHECKED: Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


def check(call: Call, row: Mapping[str, Any], proof: Any) -> None:
    """https://learn.microsoft.com/graph/application-rollkey-prooftoken"""
    claims = next(_claims(call, row, proof), None) if isinstance(proof, str) else None
    if claims is None or not _fits(call, row, claims):
        raise Refusal(
            401, "Authentication_MissingOrMalformed", "Access Token missing or malformed."
        )


def _claims(call: Call, row: Mapping[str, Any], proof: str) -> Iterator[dict[str, Any]]:
    import jwt
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    for certificate in _certificates(call, row):
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            continue
        try:
            yield jwt.decode(proof, key, algorithms=["RS256"], options=_UNCHECKED)
        except jwt.InvalidTokenError:
            continue


def _certificates(call: Call, row: Mapping[str, Any]) -> Iterator[x509.Certificate]:
    """The object's certificates that are valid today."""
    from cryptography.x509 import load_der_x509_certificate

    now = call.tenant.clock.now()
    for key in row["keyCredentials"]:
        end = edm.moment(key["endDateTime"])
        if key["usage"] == "Verify" and key["key"] and end is not None and now < end:
            yield load_der_x509_certificate(base64.b64decode(key["key"]))


def _fits(call: Call, row: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    start, end = claims.get("nbf"), claims.get("exp")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return False
    audience = claims.get("aud")
    named = isinstance(audience, str) and audience in _AUDIENCES and claims.get("iss") == row["id"]
    now, skew = call.tenant.clock.now().timestamp(), _SKEW.total_seconds()
    current = start - skew <= now < end and end - start <= _LONGEST.total_seconds()
    return named and current
