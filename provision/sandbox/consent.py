"""What a client may do for a person: the scopes it asks for, and who has agreed to them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from provision.sandbox.clients import Client
from provision.sandbox.directory.authorisation import RIGHTS
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.resources import DEFAULT, Resource
from provision.sandbox.tenant import Seen, Tenant

OPENID = ("openid", "profile", "email", "offline_access")
_GRAPH = "https://graph.microsoft.com"
_ADMINISTRATION = frozenset(
    {
        "Application.ReadWrite.All",
        "AppRoleAssignment.ReadWrite.All",
        "AuditLog.Read.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.AccessAsUser.All",
        "Group.ReadWrite.All",
        "User.Read.All",
    }
)
# Microsoft's own tools are public clients that every tenant knows, with what they may do; the last
# one is trusted with whatever it asks for.
TOOLS: Mapping[str, tuple[str, frozenset[str] | None]] = MappingProxyType(
    {
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46": ("Microsoft Azure CLI", _ADMINISTRATION),
        "1950a258-227b-4e31-a9cf-717495945fc2": ("Microsoft Azure PowerShell", _ADMINISTRATION),
        "14d82eec-204b-4c2f-b7e8-296a70dab67e": ("Microsoft Graph Command Line Tools", None),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A scope parameter taken apart: one resource, the scopes there, and what OpenID adds."""

    resource: str
    scopes: tuple[str, ...]
    openid: tuple[str, ...]

    @property
    def default(self) -> bool:
        """Whether it asks for everything that was agreed to."""
        return DEFAULT.strip("/") in self.scopes


def wished(scope: str) -> Wish:
    """https://learn.microsoft.com/entra/identity-platform/scopes-oidc"""
    openid: list[str] = []
    places: dict[str, list[str]] = {}
    for each in scope.split():
        if each.lower() in OPENID:
            openid.append(each.lower())
            continue
        place, slash, name = each.rpartition("/")
        places.setdefault(place if slash else _GRAPH, []).append(name)
    if len(places) > 1:
        raise TokenRefusal(
            400,
            "invalid_scope",
            28000,
            "Provided value for the input parameter scope is not valid because it contains more"
            f" than one resource. Scope {scope} is not valid.",
        )
    resource, names = next(iter(places.items()), (_GRAPH, []))
    return Wish(resource=resource, scopes=tuple(names), openid=tuple(dict.fromkeys(openid)))


def agreed(
    tenant: Tenant, client: Client, resource: Resource, user: Mapping[str, Any], wish: Wish
) -> frozenset[str]:
    """The scopes that the client's token may carry; a refusal where somebody must agree first."""
    _check_offered(client, resource, wish)
    given = _given(tenant, client, resource, user, wish)
    named = {name for name in wish.scopes if name != DEFAULT.strip("/")}
    if not named <= given or not (given or not wish.scopes):
        raise TokenRefusal(
            400,
            "invalid_grant",
            65001,
            "The user or administrator has not consented to use the application with ID"
            f" '{client.app_id}' named '{client.name}'. Send an interactive authorization request"
            " for this user and resource.",
        )
    return given


def agree(
    tenant: Tenant, client: Client, resource: Resource, user: Mapping[str, Any], wish: Wish
) -> None:
    """What a person at the consent page agrees to, as far as this person may."""
    if client.principal is None or resource.principal is None:
        return
    named = {name for name in wish.scopes if name != DEFAULT.strip("/")}
    if wish.default:
        named |= _declared(client, resource)
    missing = named - _given(tenant, client, resource, user, wish)
    offered = {s["value"]: s for s in resource.principal.get("oauth2PermissionScopes") or ()}
    if not missing or not missing <= offered.keys():
        return
    free = all(offered[name].get("type") == "User" for name in missing)
    if free or _administers(user):
        _write_grant(tenant, client, resource, user, missing)


def _administers(user: Mapping[str, Any]) -> bool:
    may = RIGHTS["oauth2PermissionGrants.write"].directory_roles or frozenset()
    return bool(may & set(user.get("_directoryRoles", ())))


def _declared(client: Client, resource: Resource) -> set[str]:
    """What the application's registration asks for."""
    offered = (resource.principal or {}).get("oauth2PermissionScopes") or ()
    values = {scope["id"]: scope["value"] for scope in offered}
    return {
        values[access["id"]]
        for each in (client.application or {}).get("requiredResourceAccess") or ()
        if each["resourceAppId"] == resource.app_id
        for access in each["resourceAccess"]
        if access.get("type") == "Scope" and access["id"] in values
    }


def _given(
    tenant: Tenant, client: Client, resource: Resource, user: Mapping[str, Any], wish: Wish
) -> frozenset[str]:
    if client.app_id in TOOLS:
        trusted = TOOLS[client.app_id][1] if resource.is_graph else {"user_impersonation"}
        return frozenset(wish.scopes) - {".default"} if trusted is None else frozenset(trusted)
    if client.principal is None or resource.principal is None:
        return frozenset()
    seen = tenant.seen("token_roles")
    grants = tenant.find_all("oauth2PermissionGrants", "clientId", client.principal["id"], seen)
    values = {
        value
        for grant in grants
        if grant["resourceId"] == resource.principal["id"]
        and grant.get("principalId") in (None, user["id"])
        for value in (grant.get("scope") or "").split()
    }
    return frozenset(values | _preauthorised(client, resource)) - frozenset(OPENID)


def _preauthorised(client: Client, resource: Resource) -> set[str]:
    api = (resource.application or {}).get("api") or {}
    ids = {
        id
        for each in api.get("preAuthorizedApplications") or ()
        if each["appId"] == client.app_id
        for id in each["delegatedPermissionIds"]
    }
    return {s["value"] for s in api.get("oauth2PermissionScopes") or () if s["id"] in ids}


def _check_offered(client: Client, resource: Resource, wish: Wish) -> None:
    offered = (resource.principal or {}).get("oauth2PermissionScopes") or ()
    values = {scope["value"] for scope in offered} | {DEFAULT.strip("/")}
    for name in wish.scopes:
        if name not in values and client.app_id not in TOOLS:
            raise TokenRefusal(
                400,
                "invalid_scope",
                650053,
                f"The application '{client.name}' asked for scope '{name}' that doesn't exist on"
                f" the resource '{resource.app_id}'. Contact the app vendor.",
            )


def _write_grant(
    tenant: Tenant,
    client: Client,
    resource: Resource,
    user: Mapping[str, Any],
    missing: set[str],
) -> None:
    """The person's own grant, widened."""
    ends = ((client.principal or {})["id"], (resource.principal or {})["id"], user["id"])
    id = base64.urlsafe_b64encode(b"".join(UUID(end).bytes_le for end in ends)).decode()
    present = tenant.get("oauth2PermissionGrants", id, Seen.truth()) or {}
    scope = " ".join(sorted({*(present.get("scope") or "").split(), *missing}))
    grant = {
        "id": id,
        "clientId": ends[0],
        "consentType": "Principal",
        "principalId": ends[2],
        "resourceId": ends[1],
        "scope": scope,
    }
    # The token that is asked for at the same moment has it already.
    tenant.put("oauth2PermissionGrants", grant, lag="none")
