"""A program that signs in with a certificate out of a store: it makes its own assertion, with no code of ours."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE = timedelta(minutes=5)


def sign_in(login: str, trusted: ssl.SSLContext, held: dict[str, str], *, now: datetime) -> str:
    """The id of the certificate that was accepted, or the refusal; `now` is the tenant's time."""
    url = f"{login}/{held['tenantId']}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": held["clientId"],
        "client_assertion_type": BEARER,
        "client_assertion": assertion(held["clientCertificate"], held["clientId"], url, now=now),
        "scope": "https://graph.microsoft.com/.default",
    }
    body = urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(url, body, context=trusted, timeout=30):  # noqa: S310
            return held["keyId"]
    except urllib.error.HTTPError as refused:
        code = json.loads(refused.read())["error_codes"][0]
        return f"refused {held['keyId']} AADSTS{code}"


def assertion(pem: str, client_id: str, audience: str, *, now: datetime) -> str:
    """https://learn.microsoft.com/entra/identity-platform/certificate-credentials"""
    thumbprint = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256())
    claims = {
        "aud": audience,
        "exp": now + LIFE,
        "iss": client_id,
        "jti": str(uuid4()),
        "nbf": now - LIFE,
        "sub": client_id,
    }
    named = {"x5t#S256": base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")}
    key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    return jwt.encode(claims, key, algorithm="PS256", headers=named)  # type: ignore[arg-type]
