"""Issuers of subject tokens: a local one that ships with the sandbox, and those given to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from provision.sandbox.resources import EXCHANGE
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant
from provision.sandbox.tokens import SigningKey, issue, public_keys, signing_key

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REAL_LOGIN = "login.microsoftonline.com"
_SETTING = "issuers"
_LIFE = timedelta(minutes=10)


def local(base: str, tenant: Tenant) -> str:
    """The name of the issuer that ships with the sandbox."""
    return f"{base}/{tenant.id}/issuer"


def local_key(store: Store) -> SigningKey:
    """The key that the local issuer signs with, made on first use."""
    return signing_key(store, "issuer_key")


def subject_token(
    store: Store, tenant: Tenant, subject: str, *, issuer: str, audience: str = EXCHANGE
) -> str:
    """A token such as a pipeline or a cluster gets from its own issuer, here for any subject.

    The local key signs for every issuer whose keys were not given with `trust`.
    """
    if issuer in _given(store):
        raise ValueError(f"the keys of {issuer} were given to this sandbox: only it can sign")
    now = int(tenant.clock.now().timestamp())
    claims = {
        "aud": audience,
        "exp": now + int(_LIFE.total_seconds()),
        "iat": now,
        "iss": issuer,
        "jti": tenant.new_guid(),
        "nbf": now,
        "sub": subject,
    }
    return issue(local_key(store), claims)


def trust(store: Store, issuer: str, keys: Mapping[str, Any] | None) -> None:
    """Believe an outside issuer's tokens that these keys (a JWKS) signed; None: forget them."""
    if keys is not None and not list(_public(keys)):
        raise ValueError("this is no JSON Web Key Set with RSA keys: there is none in it")
    with store.writing():
        given = _given(store)
        given.pop(issuer, None)
        if keys is not None:
            given[issuer] = dict(keys)
        store.keep_setting(_SETTING, json.dumps(given))


def keys_of(store: Store, own_key: SigningKey, issuer: str, *, own: bool) -> Iterator[Any]:
    """Names and public keys that an issuer's tokens may be signed with."""
    if own:
        yield from _public(public_keys(own_key))
        return
    given = _given(store)
    yield from _public(given[issuer] if issuer in given else public_keys(local_key(store)))


def is_own(tenant: Tenant, issuer: str, names: frozenset[str]) -> bool:
    """Whether the tenant itself is the issuer, under any of the server's names."""
    return place_at_home(issuer, names) == f"/{tenant.id}/v2.0"


def place_at_home(issuer: str, names: frozenset[str]) -> str | None:
    """The path of an issuer that this server is, None for one elsewhere."""
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
    except ValueError:
        return None
    at_home = host in _LOOPBACK or host == _REAL_LOGIN or f"https://{parts.netloc}" in names
    return parts.path if parts.scheme == "https" and at_home else None


def configuration(issuer: str) -> dict[str, Any]:
    """https://openid.net/specs/openid-connect-discovery-1_0.html"""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/keys",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"],
    }


def _given(store: Store) -> dict[str, dict[str, Any]]:
    text = store.setting(_SETTING)
    content: dict[str, dict[str, Any]] = json.loads(str(text)) if text else {}
    return content


def _public(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
    import jwt

    try:
        for each in keys["keys"]:
            if each.get("kty") == "RSA":
                yield each.get("kid"), jwt.PyJWK(each, algorithm="RS256").key
    except (KeyError, TypeError, AttributeError, ValueError, jwt.PyJWTError) as error:
        raise ValueError(f"this is no JSON Web Key Set with RSA keys: {error}") from error
