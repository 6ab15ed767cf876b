"""The token endpoint: which grant is asked for, and in which order the service checks it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from provision.sandbox import claims, clients, resources
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant
from provision.sandbox.tokens import EXPIRES_IN, SigningKey, issue

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHARED = ("common", "organizations", "consumers")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a client posted to the token endpoint; `graph` are this server's own names for Graph."""

    tenant: str
    form: Mapping[str, str] = field(repr=False)
    graph: frozenset[str]
    base: str = ""

    def required(self, name: str) -> str:
        """A field that must be there."""
        value = self.form.get(name, "")
        if not value:
            raise missing(name)
        return value


def token(store: Store, key: SigningKey, request: TokenRequest) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow"""
    grant = _grants().get(request.required("grant_type"))
    if grant is None:
        raise TokenRefusal(
            400,
            "unsupported_grant_type",
            70003,
            f"The app requested an unsupported grant type '{request.form['grant_type']}'.",
        )
    return grant(store, key, request)


def form_of(body: bytes, authorization: str | None) -> dict[str, str]:
    """The fields of a token request; the client may name itself by HTTP Basic instead."""
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    form: dict[str, str] = {}
    for name, value in pairs:
        form.setdefault(name, value)
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        form = _basic(encoded) | form
    return form


def tenant_named(store: Store, identifier: str) -> Tenant:
    """The tenant that a login address names by GUID or domain."""
    tenant = store.tenant_known_as(identifier)
    if tenant is not None:
        return tenant
    if not _GUID.fullmatch(identifier) and not re.fullmatch(r"[\w-]+(\.[\w-]+)+", identifier):
        raise TokenRefusal(
            400,
            "invalid_request",
            900023,
            f"Specified tenant identifier '{identifier}' is neither a valid DNS name,"
            " nor a valid external domain.",
        )
    raise TokenRefusal(
        400,
        "invalid_request",
        90002,
        f"Tenant '{identifier}' not found. Check to make sure you have the correct tenant ID and"
        " are signing into the correct cloud. Check with your subscription administrator, this may"
        " happen if there are no active subscriptions for the tenant.",
    )


def not_shared(request: TokenRequest) -> None:
    """Some grants need to know the tenant from the start."""
    if request.tenant.lower() in SHARED:
        raise TokenRefusal(
            400,
            "invalid_request",
            9001023,
            "The grant type is not supported over the /common or /consumers endpoints. Please use"
            " the /organizations or tenant-specific endpoint.",
        )


def missing(name: str) -> TokenRefusal:
    """A parameter that must be there."""
    return TokenRefusal(
        400,
        "invalid_request",
        900144,
        f"The request body must contain the following parameter: '{name}'.",
    )


def _client_credentials(store: Store, key: SigningKey, request: TokenRequest) -> dict[str, Any]:
    app_id, scope = request.required("client_id").lower(), request.required("scope")
    if request.form.get("client_assertion"):
        request.required("client_assertion_type")
    not_shared(request)
    tenant = tenant_named(store, request.tenant)
    client = clients.known(tenant, app_id)
    proving = clients.Proving(
        store=store, key=key, tenant=tenant, form=request.form, names=request.graph
    )
    proof = clients.prove(client, proving)
    principal = clients.enabled_principal(tenant, client)
    name = resources.asked_by_application(scope)
    resource = resources.found(tenant, name, request.graph)
    roles = resources.check_assigned(tenant, principal, app_id, resource)
    said = claims.of_application(
        tenant, client.holder(proof), principal, resource, roles=roles, login=request.base
    )
    return {
        "token_type": "Bearer",
        "expires_in": EXPIRES_IN,
        "ext_expires_in": EXPIRES_IN,
        "access_token": issue(key, said),
    }


_Grant = Callable[[Store, SigningKey, TokenRequest], dict[str, Any]]


def _grants() -> Mapping[str, _Grant]:
    """A further grant is a further line."""
    from provision.sandbox import people

    return MappingProxyType(
        {
            "client_credentials": _client_credentials,
            "password": people.by_password,
            "refresh_token": people.by_refresh_token,
            "urn:ietf:params:oauth:grant-type:device_code": people.by_device_code,
            "device_code": people.by_device_code,
        }
    )


def _basic(encoded: str) -> dict[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return {}
    name, colon, secret = text.partition(":")
    if not colon:
        return {}
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
