"""The token service: it checks who asks before it signs, in the real one's order."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from provision.sandbox.catalog import GRAPH_APP_ID
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant, parse_time
from provision.sandbox.tokens import (
    EXPIRES_IN,
    GRAPH_AUDIENCES,
    SigningKey,
    graph_claims,
    issue,
)

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHARED = ("common", "organizations", "consumers")
_DEFAULT = "/.default"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a client posted to the token endpoint; `graph` are this server's own names for Graph."""

    tenant: str
    form: Mapping[str, str]
    graph: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """An application and its service principal, as one replica of the token service has them."""

    app_id: str
    application: dict[str, Any] | None
    principal: dict[str, Any] | None


def token(store: Store, key: SigningKey, request: TokenRequest) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow"""
    grant = _GRANTS.get(_required(request.form, "grant_type"))
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


def _client_credentials(store: Store, key: SigningKey, request: TokenRequest) -> dict[str, Any]:
    form = request.form
    app_id, scope = _required(form, "client_id").lower(), _required(form, "scope")
    if request.tenant.lower() in SHARED:
        raise TokenRefusal(
            400,
            "invalid_request",
            9001023,
            "The grant type is not supported over the /common or /consumers endpoints. Please use"
            " the /organizations or tenant-specific endpoint.",
        )
    tenant = tenant_named(store, request.tenant)
    client = _client(tenant, app_id)
    _check_credential(tenant, client, form)
    principal = _enabled_principal(tenant, client)
    audience = _audience(tenant, scope, request.graph)
    roles = _roles(tenant, principal, client)
    application = client.application or principal
    claims = graph_claims(tenant, application, principal, audience=audience, roles=roles)
    return {
        "token_type": "Bearer",
        "expires_in": EXPIRES_IN,
        "ext_expires_in": EXPIRES_IN,
        "access_token": issue(key, claims),
    }


# A further grant is a further line.
_Grant = Callable[[Store, SigningKey, TokenRequest], dict[str, Any]]
_GRANTS: Mapping[str, _Grant] = MappingProxyType({"client_credentials": _client_credentials})


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise TokenRefusal(
            400,
            "invalid_request",
            900144,
            f"The request body must contain the following parameter: '{name}'.",
        )
    return value


def _basic(encoded: str) -> dict[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return {}
    name, colon, secret = text.partition(":")
    if not colon:
        return {}
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _client(tenant: Tenant, app_id: str) -> _Client:
    seen = tenant.seen("token_secret")
    client = _Client(
        app_id=app_id,
        application=tenant.find("applications", "appId", app_id, seen),
        principal=tenant.find("servicePrincipals", "appId", app_id, seen),
    )
    if client.application is None and client.principal is None:
        raise TokenRefusal(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{app_id}' was not found in the directory"
            f" '{_title(tenant)}'. This can happen if the application has not been installed by the"
            " administrator of the tenant or consented to by any user in the tenant. You may have"
            " sent your authentication request to the wrong tenant.",
        )
    return client


def _check_credential(tenant: Tenant, client: _Client, form: Mapping[str, str]) -> None:
    for field, check in _CREDENTIALS.items():
        if form.get(field):
            check(tenant, client, form[field])
            return
    raise TokenRefusal(
        401,
        "invalid_client",
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the"
        " 'client_credentials' grant type.",
    )


def _check_secret(tenant: Tenant, client: _Client, secret: str) -> None:
    now = tenant.clock.now()
    matching = [
        credential
        for holder in (client.application, client.principal)
        for credential in _credentials_with(tenant, holder, secret)
    ]
    if any(_is_current(credential, now) for credential in matching):
        return
    if any(parse_time(credential["endDateTime"]) <= now for credential in matching):
        raise TokenRefusal(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{client.app_id}' are expired. Visit the Azure"
            " portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider"
            " using certificate credentials for added security: https://aka.ms/certCreds.",
        )
    raise TokenRefusal(
        401,
        "invalid_client",
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client"
        f" secret value, not the client secret ID, for a secret added to app '{client.app_id}'.",
    )


# A further kind of credential is a further line.
_Check = Callable[[Tenant, _Client, str], None]
_CREDENTIALS: Mapping[str, _Check] = MappingProxyType({"client_secret": _check_secret})


def _credentials_with(
    tenant: Tenant, holder: dict[str, Any] | None, secret: str
) -> list[dict[str, Any]]:
    hashes: dict[str, str] = (holder or {}).get("_secrets", {})
    return [
        credential
        for credential in (holder or {}).get("passwordCredentials", ())
        if tenant.check_secret(secret, hashes.get(credential["keyId"], ""))
    ]


def _is_current(credential: dict[str, Any], now: datetime) -> bool:
    start, end = credential["startDateTime"], credential["endDateTime"]
    return parse_time(start) <= now < parse_time(end)


def _enabled_principal(tenant: Tenant, client: _Client) -> dict[str, Any]:
    if client.principal is None:
        raise TokenRefusal(
            401,
            "invalid_client",
            7000229,
            f"The client application {client.app_id} is missing service principal in the tenant"
            f" {tenant.id}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
        )
    if not client.principal["accountEnabled"]:
        raise TokenRefusal(
            400,
            "unauthorized_client",
            7000112,
            f"Application '{client.app_id}'({client.principal['displayName']}) is disabled.",
        )
    return client.principal


def _audience(tenant: Tenant, scope: str, graph: frozenset[str]) -> str:
    asked = scope.split()
    if len(asked) != 1:
        raise TokenRefusal(
            400,
            "invalid_scope",
            70011,
            "The provided value for the input parameter 'scope' is not valid. The scope"
            f" {scope} is not valid.",
        )
    if not scope.strip().endswith(_DEFAULT):
        raise TokenRefusal(
            400,
            "invalid_scope",
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows must have"
            " a scope value with /.default suffixed to the resource identifier (application ID"
            " URI).",
        )
    resource = asked[0].removesuffix(_DEFAULT)
    if resource not in GRAPH_AUDIENCES | graph:
        raise TokenRefusal(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant named"
            f" {_title(tenant)}. This can happen if the application has not been installed by the"
            " administrator of the tenant or consented to by any user in the tenant. You might have"
            " sent your authentication request to the wrong tenant.",
        )
    return resource


def _roles(tenant: Tenant, principal: dict[str, Any], client: _Client) -> set[str]:
    """The values of the roles that the principal holds at Graph, as far as the replica knows."""
    seen = tenant.seen("token_roles")
    graph = tenant.find("servicePrincipals", "appId", GRAPH_APP_ID, seen)
    if graph is None:
        return set()
    assignments = tenant.find_all("appRoleAssignments", "principalId", principal["id"], seen)
    held = {a["appRoleId"] for a in assignments if a["resourceId"] == graph["id"]}
    if not held and graph["appRoleAssignmentRequired"]:
        raise TokenRefusal(
            400,
            "invalid_grant",
            501051,
            f"Application '{client.app_id}'({principal['displayName']}) is not assigned to a role"
            f" for the application '{GRAPH_APP_ID}'({graph['displayName']}).",
        )
    return {role["value"] for role in graph["appRoles"] if role["id"] in held and role["isEnabled"]}


def _title(tenant: Tenant) -> str:
    return "Sandbox (provision)" if tenant.name == "default" else tenant.domain
