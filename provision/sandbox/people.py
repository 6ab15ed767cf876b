"""People at the token service: by password, by a device code, by a refresh token."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from provision.sandbox import claims, clients, consent, devices, resources
from provision.sandbox.clients import Client
from provision.sandbox.login import (
    SHARED,
    TokenRequest,
    missing,
    not_shared,
    tenant_named,
)
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.store import Store
from provision.sandbox.tenant import Seen, Tenant
from provision.sandbox.tokens import EXPIRES_IN, SigningKey, issue

_REFRESH_LIFE = timedelta(days=90)
_REFRESH = "refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class _SignIn:
    """Somebody at a client: everything that a person's tokens are made of."""

    tenant: Tenant
    client: Client
    proof: str
    user: Mapping[str, Any]
    scope: str
    asks: bool = False
    """Whether the person sees a page on which to agree."""


def by_password(store: Store, key: SigningKey, request: TokenRequest) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc"""
    app_id = request.required("client_id").lower()
    scope, name, password = map(request.required, ("scope", "username", "password"))
    if request.tenant.lower() != "organizations":
        not_shared(request)
    tenant = _tenant(store, request.tenant, name)
    client, proof = _client(store, key, request, tenant, app_id)
    user = tenant.find("users", "userPrincipalName", name, Seen.truth())
    if user is None:
        raise _no_account(name, tenant)
    if not tenant.check_secret(password, user.get("_password") or ""):
        message = "Error validating credentials due to invalid username or password."
        raise TokenRefusal(400, "invalid_grant", 50126, message)
    sign_in = _SignIn(tenant=tenant, client=client, proof=proof, user=user, scope=scope)
    return _tokens(key, request, sign_in)


def ask_for_device_code(store: Store, request: TokenRequest) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"""
    app_id, scope = request.required("client_id").lower(), request.required("scope")
    tenant = _tenant(store, request.tenant, "")
    known_client(tenant, app_id)
    return devices.begin(store, tenant, app_id, scope, base=request.base)


def by_device_code(store: Store, key: SigningKey, request: TokenRequest) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"""
    app_id = request.required("client_id").lower()
    code = request.form.get("device_code") or request.form.get("code")
    if not code:
        raise missing("device_code")
    tenant = _tenant(store, request.tenant, "")
    client, proof = _client(store, key, request, tenant, app_id)
    user_id, scope = devices.signed_in(store, tenant, app_id, code)
    user = tenant.get("users", user_id, Seen.truth())
    if user is None:
        raise _no_account(user_id, tenant)
    sign_in = _SignIn(tenant=tenant, client=client, proof=proof, user=user, scope=scope, asks=True)
    return _tokens(key, request, sign_in)


def by_refresh_token(store: Store, key: SigningKey, request: TokenRequest) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#refresh-the-access-token"""
    app_id = request.required("client_id").lower()
    held = _opened(key, request.required("refresh_token"))
    tenant = store.tenant_known_as(str(held.get("tid")))
    asked = request.tenant.lower()
    if tenant is None or (asked not in SHARED and tenant_named(store, asked).id != tenant.id):
        raise _bad_grant()
    client, proof = _client(store, key, request, tenant, app_id)
    if held.get("client") != app_id:
        raise _bad_grant()
    if tenant.clock.now().timestamp() >= held["exp"]:
        raise TokenRefusal(
            400,
            "invalid_grant",
            700082,
            "The refresh token has expired due to inactivity. The token was issued on"
            f" {held['iat']} and was inactive for 90.00:00:00.",
        )
    user = tenant.get("users", str(held.get("oid")), Seen.truth())
    if user is None or _stamp(user) != held.get("stamp"):
        raise TokenRefusal(
            400,
            "invalid_grant",
            50173,
            "The provided grant has expired due to it being revoked, a fresh auth token is needed."
            " The user might have changed or reset their password.",
        )
    scope = request.form.get("scope") or held["scope"]
    sign_in = _SignIn(tenant=tenant, client=client, proof=proof, user=user, scope=scope)
    return _tokens(key, request, sign_in)


def known_client(tenant: Tenant, app_id: str) -> Client:
    """The client, Microsoft's own tools among them: those need nothing in the tenant."""
    if app_id in consent.TOOLS:
        seen = tenant.seen("token_secret")
        principal = tenant.find("servicePrincipals", "appId", app_id, seen)
        named = {"displayName": consent.TOOLS[app_id][0], "isFallbackPublicClient": True}
        return Client(app_id=app_id, application=named, principal=principal)
    return clients.known(tenant, app_id)


def _client(
    store: Store, key: SigningKey, request: TokenRequest, tenant: Tenant, app_id: str
) -> tuple[Client, str]:
    """The client and its proof: public ones must have none, all others must have one."""
    client = known_client(tenant, app_id)
    presents = clients.presents_credential(request.form)
    public = bool((client.application or {}).get("isFallbackPublicClient"))
    if public and presents:
        raise TokenRefusal(
            401,
            "invalid_client",
            700025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be"
            " presented.",
        )
    if not public and not presents:
        raise TokenRefusal(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or"
            " 'client_secret'.",
        )
    proof = claims.NO_PROOF
    if presents:
        proving = clients.Proving(
            store=store, key=key, tenant=tenant, form=request.form, names=request.graph
        )
        proof = clients.prove(client, proving)
    if client.app_id not in consent.TOOLS or client.principal is not None:
        clients.enabled_principal(tenant, client)
    return client, proof


def _tenant(store: Store, identifier: str, name: str) -> Tenant:
    """The tenant of the address; the shared ones mean the one that the person is from."""
    if identifier.lower() not in SHARED:
        return tenant_named(store, identifier)
    domain = name.rpartition("@")[2]
    home = store.tenant_known_as(domain) if domain else next(iter(store.tenants()), None)
    return home or tenant_named(store, domain)


def _tokens(key: SigningKey, request: TokenRequest, sign_in: _SignIn) -> dict[str, Any]:
    tenant, client, user = sign_in.tenant, sign_in.client, sign_in.user
    if user.get("accountEnabled") is False:
        raise TokenRefusal(400, "invalid_grant", 50057, "The user account is disabled.")
    wish = consent.wished(sign_in.scope)
    resource = resources.found(tenant, wish.resource, request.graph)
    if sign_in.asks:
        consent.agree(tenant, client, resource, user, wish)
    scopes = consent.agreed(tenant, client, resource, user, wish)
    roles, _ = resources.roles_at(tenant, user["id"], resource)
    openid = [name for name in wish.openid if name != "offline_access"]
    said = claims.of_person(
        tenant,
        client.holder(sign_in.proof),
        user,
        resource,
        scopes={*scopes, *(openid if resource.is_graph else ())},
        roles=roles,
        login=request.base,
    )
    names = [*sorted(scopes), *([".default"] if wish.default else ())]
    answer = {
        "token_type": "Bearer",
        "scope": " ".join([*openid, *(f"{wish.resource}/{name}" for name in names)]),
        "expires_in": EXPIRES_IN,
        "ext_expires_in": EXPIRES_IN,
        "access_token": issue(key, said),
    }
    return answer | _extras(key, request, sign_in, wish)


def _extras(
    key: SigningKey, request: TokenRequest, sign_in: _SignIn, wish: consent.Wish
) -> dict[str, Any]:
    """What OpenID Connect and MSAL's cache want beside the access token."""
    tenant, user, app_id = sign_in.tenant, sign_in.user, sign_in.client.app_id
    extras = {}
    if "offline_access" in wish.openid:
        extras["refresh_token"] = issue(key, _refresh_claims(sign_in), typ=_REFRESH)
    if "openid" in wish.openid:
        nonce = request.form.get("nonce", "")
        said = claims.of_sign_in(tenant, app_id, user, login=request.base, nonce=nonce)
        extras["id_token"] = issue(key, said)
    if request.form.get("client_info"):
        about = json.dumps({"uid": user["id"], "utid": tenant.id}).encode()
        extras["client_info"] = base64.urlsafe_b64encode(about).rstrip(b"=").decode()
    return extras


def _refresh_claims(sign_in: _SignIn) -> dict[str, Any]:
    issued = int(sign_in.tenant.clock.now().timestamp())
    return {
        "aud": _REFRESH,
        "client": sign_in.client.app_id,
        "exp": issued + int(_REFRESH_LIFE.total_seconds()),
        "iat": issued,
        "jti": sign_in.tenant.new_guid(),
        "oid": sign_in.user["id"],
        "scope": sign_in.scope,
        "stamp": _stamp(sign_in.user),
        "tid": sign_in.tenant.id,
    }


def _stamp(user: Mapping[str, Any]) -> str:
    """Another one after each change of the password, which ends what was given out before."""
    return sha256(str(user.get("_password")).encode()).hexdigest()[:16]


def _opened(key: SigningKey, token: str) -> dict[str, Any]:
    import jwt

    try:
        held: dict[str, Any] = jwt.decode(
            token,
            key.private.public_key(),
            algorithms=["RS256"],
            audience=_REFRESH,
            options={"verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError as refused:
        raise _bad_grant() from refused
    return held


def _bad_grant() -> TokenRefusal:
    return TokenRefusal(
        400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid."
    )


def _no_account(name: str, tenant: Tenant) -> TokenRefusal:
    return TokenRefusal(
        400,
        "invalid_grant",
        50034,
        f"The user account {name} does not exist in the {tenant.id} directory. To sign into this"
        " application, the account must be added to the directory.",
    )
