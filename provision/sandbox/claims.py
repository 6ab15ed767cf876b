"""What a token says: about an application, about a person, for Graph and for other resources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from provision.sandbox.resources import Resource
from provision.sandbox.tenant import Tenant
from provision.sandbox.tokens import LIFETIME, base64url

# What an application without directory roles, and every person of the tenant, carries in `wids`.
_NO_DIRECTORY_ROLE = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
_MEMBER = "b79fbf4d-3ef9-4689-8143-76b194e85509"
NO_PROOF, BY_SECRET, BY_CERTIFICATE = "0", "1", "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The client that a token is for, and how it proved who it is."""

    app_id: str
    name: str
    proof: str


def of_application(
    tenant: Tenant,
    holder: Holder,
    principal: Mapping[str, Any],
    resource: Resource,
    *,
    roles: Collection[str],
    login: str,
) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference"""
    claims = _access(tenant, holder, resource, login)
    claims |= {"oid": principal["id"], "sub": principal["id"]}
    if resource.is_graph or resource.wants("idtyp"):
        claims["idtyp"] = "app"
    if resource.is_graph:
        claims["wids"] = sorted(principal.get("_directoryRoles", ())) or [_NO_DIRECTORY_ROLE]
    names = principal.get("alternativeNames") or ()
    if principal.get("servicePrincipalType") == "ManagedIdentity" and names:
        claims["xms_mirid"] = names[-1]
    return claims | ({"roles": sorted(roles)} if roles else {})


def of_person(
    tenant: Tenant,
    holder: Holder,
    user: Mapping[str, Any],
    resource: Resource,
    *,
    scopes: Collection[str],
    roles: Collection[str],
    login: str,
) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference"""
    name = user["userPrincipalName"]
    claims = _access(tenant, holder, resource, login) | {
        "name": user["displayName"],
        "oid": user["id"],
        "scp": " ".join(sorted(scopes)),
        "sub": _pairwise(user["id"], holder.app_id),
    }
    if resource.version == 2:
        claims["preferred_username"] = name
    else:
        claims |= {
            "acct": 0,
            "acr": "1",
            "amr": ["pwd"],
            "family_name": user.get("surname"),
            "given_name": user.get("givenName"),
            "ipaddr": "127.0.0.1",
            "unique_name": name,
            "upn": name,
        }
    if resource.is_graph:
        claims["wids"] = [*sorted(user.get("_directoryRoles", ())), _MEMBER]
    return claims | ({"roles": sorted(roles)} if roles else {})


def of_sign_in(
    tenant: Tenant, app_id: str, user: Mapping[str, Any], *, login: str, nonce: str
) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference"""
    claims = {
        **_times(tenant),
        "aud": app_id,
        "iss": f"{login}/{tenant.id}/v2.0",
        "name": user["displayName"],
        "oid": user["id"],
        "preferred_username": user["userPrincipalName"],
        "rh": "0.",
        "sub": _pairwise(user["id"], app_id),
        "tid": tenant.id,
        "uti": _unique(tenant),
        "ver": "2.0",
    }
    return claims | ({"nonce": nonce} if nonce else {})


def _access(tenant: Tenant, holder: Holder, resource: Resource, login: str) -> dict[str, Any]:
    shared = {**_times(tenant), "rh": "0.", "tid": tenant.id, "uti": _unique(tenant)}
    if resource.version == 2:
        return {
            "aud": resource.app_id,
            "iss": f"{login}/{tenant.id}/v2.0",
            "aio": _unique(tenant),
            "azp": holder.app_id,
            "azpacr": holder.proof,
            **shared,
            "ver": "2.0",
        }
    issuer = f"https://sts.windows.net/{tenant.id}/"
    claims = {
        "aud": resource.asked,
        "iss": issuer,
        "aio": _unique(tenant),
        "app_displayname": holder.name,
        "appid": holder.app_id,
        "appidacr": holder.proof,
        "idp": issuer,
        **shared,
        "ver": "1.0",
    }
    if resource.is_graph:
        claims |= {"tenant_region_scope": "NA", "xms_tcdt": claims["iat"]}
    return claims


def _times(tenant: Tenant) -> dict[str, Any]:
    issued = int(tenant.clock.now().timestamp())
    return {"iat": issued, "nbf": issued, "exp": issued + int(LIFETIME.total_seconds())}


def _unique(tenant: Tenant) -> str:
    return base64url(sha256(tenant.new_guid().encode()).digest()[:16])


def _pairwise(user_id: str, app_id: str) -> str:
    """A person is a different subject to every application."""
    return base64url(sha256(f"{user_id}/{app_id}".encode()).digest())
