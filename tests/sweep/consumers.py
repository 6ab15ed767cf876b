"""Programs that sign in with what a store held when they read it, and no code of ours."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from provision.sandbox.server import Server
from tests.journeys import outsider
from tests.sandbox.assertion import JWT_BEARER, Pair, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What somebody has read: a secret, a PEM text, or the path of a PEM file that is opened when it is needed."""

    tenant_id: str
    client_id: str
    key_id: str
    secret: str = ""
    pem: str | Path = ""


def refusal(server: Server, value: Value) -> str:
    """Why the token service does not take the value; nothing when it does."""
    form = {
        "grant_type": "client_credentials",
        "client_id": value.client_id,
        "scope": f"{server.url}/.default",
    }
    if value.secret:
        form["client_secret"] = value.secret
    else:
        if isinstance(value.pem, Path) and not value.pem.is_file():
            return f"there is no file {value.pem.name}"
        pem = value.pem.read_text("utf-8") if isinstance(value.pem, Path) else value.pem
        form["client_assertion_type"] = JWT_BEARER
        form["client_assertion"] = signed(server, value.client_id, _pair(pem))
    url = f"{server.url}/{value.tenant_id}/oauth2/v2.0/token"
    body = urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(url, body, context=outsider.trust(server), timeout=30):  # noqa: S310
            return ""
    except urllib.error.HTTPError as refused:
        return f"AADSTS{json.loads(refused.read())['error_codes'][0]}"


@cache
def _pair(pem: str) -> Pair:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Pair(key, x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER))
