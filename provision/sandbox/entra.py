"""The addresses of the token service: sign-in, discovery, issuers, identities of machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote

from provision.sandbox import discovery, identities, issuers, login, people
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.store import Store
from provision.sandbox.tokens import SigningKey, public_keys

_GRAPH = ("/v1.0/", "/beta/")
_CACHED = {"Cache-Control": "max-age=86400, private"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to the token service; `names` are the names that this server goes by."""

    method: str
    base: str
    names: frozenset[str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer; without headers of its own it is one that nobody may keep."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] | None = None


Handler = Callable[[Store, SigningKey, Asked], Told]


def handler_of(path: str) -> Handler | None:
    """Who answers at this address; None for an address of Graph or of nobody."""
    if path.startswith(_GRAPH):
        return None
    for pattern, handler in _ROUTES:
        if found := pattern.fullmatch(path):
            return partial(handler, *map(unquote, found.groups()))
    return None


def _token(tenant: str, store: Store, key: SigningKey, asked: Asked) -> Told:
    _only_posts(asked)
    form = login.form_of(asked.body, asked.headers.get("authorization"))
    request = login.TokenRequest(tenant=tenant, form=form, graph=asked.names, base=asked.base)
    return Told(body=login.token(store, key, request))


def _openid(tenant: str, store: Store, key: SigningKey, asked: Asked) -> Told:
    shared = tenant.lower() in login.SHARED
    identifier = "{tenantid}" if shared else login.tenant_named(store, tenant).id
    return Told(
        body=discovery.openid_configuration(asked.base, identifier, at=tenant if shared else ""),
        headers=_CACHED,
    )


def _keys(tenant: str, store: Store, key: SigningKey, asked: Asked) -> Told:
    return Told(body=public_keys(key), headers={"Cache-Control": "max-age=86400"})


def _instance(store: Store, key: SigningKey, asked: Asked) -> Told:
    place = asked.query.get("authorization_endpoint", "")
    return Told(body=discovery.instance(asked.base, place), headers=_CACHED)


def _realm(user: str, store: Store, key: SigningKey, asked: Asked) -> Told:
    return Told(body=discovery.realm(user, asked.base), headers={"Cache-Control": "no-store"})


def _device_code(tenant: str, store: Store, key: SigningKey, asked: Asked) -> Told:
    _only_posts(asked)
    form = login.form_of(asked.body, asked.headers.get("authorization"))
    request = login.TokenRequest(tenant=tenant, form=form, graph=asked.names, base=asked.base)
    return Told(body=people.ask_for_device_code(store, request))


def _device_page(store: Store, key: SigningKey, asked: Asked) -> Told:
    words = "This is a sandbox. Run: provision sandbox operator approve CODE"
    return Told(body={"message": words})


def _local_issuer(tenant: str, store: Store, key: SigningKey, asked: Asked) -> Told:
    issuer = issuers.local(asked.base, login.tenant_named(store, tenant))
    return Told(body=issuers.configuration(issuer), headers=_CACHED)


def _local_keys(tenant: str, store: Store, key: SigningKey, asked: Asked) -> Told:
    login.tenant_named(store, tenant)
    return Told(body=public_keys(issuers.local_key(store)), headers=_CACHED)


def _app_service(store: Store, key: SigningKey, asked: Asked) -> Told:
    """https://learn.microsoft.com/azure/app-service/overview-managed-identity"""
    header = asked.headers.get("x-identity-header", "")
    try:
        return Told(body=identities.token(store, key, _machine(asked, header)))
    except identities.NotHere as refused:
        return Told(status=400, body={"statusCode": 400, "message": str(refused)})


def _virtual_machine(store: Store, key: SigningKey, asked: Asked) -> Told:
    """https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token"""
    if asked.headers.get("metadata", "").lower() != "true":
        return _refused_by_machine("Required metadata header not specified")
    try:
        return Told(body=identities.token(store, key, _machine(asked, None)))
    except identities.NotHere as refused:
        return _refused_by_machine(str(refused))


def _refused_by_machine(why: str) -> Told:
    return Told(status=400, body={"error": "invalid_request", "error_description": why})


def _machine(asked: Asked, header: str | None) -> identities.Machine:
    return identities.Machine(query=asked.query, header=header, names=asked.names, login=asked.base)


def _only_posts(asked: Asked) -> None:
    if asked.method != "POST":
        raise TokenRefusal(
            400,
            "invalid_request",
            900561,
            f"The endpoint only accepts POST requests. Received a {asked.method} request.",
        )


def _at(path: str) -> re.Pattern[str]:
    return re.compile(f"/+{path}/?", re.IGNORECASE)


_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Told]], ...] = (
    (_at(r"([^/]+)/oauth2/v2\.0/token"), _token),
    (_at(r"([^/]+)/v2\.0/\.well-known/openid-configuration"), _openid),
    (_at(r"([^/]+)/discovery/v2\.0/keys"), _keys),
    (_at(r"([^/]+)/oauth2/v2\.0/devicecode"), _device_code),
    (_at(r"common/oauth2/deviceauth"), _device_page),
    (_at(r"([^/]+)/issuer/\.well-known/openid-configuration"), _local_issuer),
    (_at(r"([^/]+)/issuer/keys"), _local_keys),
    (_at(r"msi/token"), _app_service),
    (_at(r"metadata/identity/oauth2/token"), _virtual_machine),
    (_at(r"common/discovery/instance"), _instance),
    (_at(r"common/userrealm/([^/]+)"), _realm),
)
