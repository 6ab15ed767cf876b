"""Managed identities: principals without an application, and the places where machines find them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from provision.sandbox import claims, resources
from provision.sandbox.directory import shape
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.store import Store
from provision.sandbox.tenant import Seen, Tenant, format_time
from provision.sandbox.tokens import EXPIRES_IN, SigningKey, issue

_KINDS = ("client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id")
_MANAGED = "ManagedIdentity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A managed identity, and the header with which its machine asks for tokens."""

    tenant_id: str
    client_id: str
    principal_id: str
    resource_id: str
    header: str = field(repr=False)


class NotHere(Exception):
    """The machine's endpoint says no, in its own way."""


def add(tenant: Tenant, name: str) -> Identity:
    """https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview"""
    app_id, header = tenant.new_guid(), tenant.new_secret_text()
    place = (
        f"/subscriptions/{tenant.new_guid()}/resourcegroups/sandbox/providers"
        f"/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    )
    principal = {
        **shape.blank(shape.SERVICE_PRINCIPALS),
        "id": tenant.new_guid(),
        "appId": app_id,
        "alternativeNames": ["isExplicit=True", place],
        "createdDateTime": format_time(tenant.clock.now(), fraction=False),
        "displayName": name,
        "servicePrincipalNames": [app_id, f"https://identity.azure.net/{tenant.new_guid()}"],
        "servicePrincipalType": _MANAGED,
        "_identity": _MANAGED,
        "_header": tenant.hash_secret(header),
        "_owners": [],
    }
    with tenant.writing():
        if name in {each["displayName"] for each in _all(tenant)}:
            raise ValueError(f"there is a managed identity called {name} already")
        tenant.put("servicePrincipals", principal, lag="none")
    return Identity(
        tenant_id=tenant.id,
        client_id=app_id,
        principal_id=str(principal["id"]),
        resource_id=place,
        header=header,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a machine asked its identity endpoint."""

    query: Mapping[str, str]
    header: str | None
    names: frozenset[str]
    login: str


def token(store: Store, key: SigningKey, machine: Machine) -> dict[str, Any]:
    """https://learn.microsoft.com/azure/app-service/overview-managed-identity

    With a header only the identity that it belongs to answers; without, as on a virtual machine,
    any that the query names, or the only one there is.
    """
    wanted = machine.query.get("resource")
    if not wanted:
        raise NotHere("Required query variable 'resource' is missing")
    tenant, principal = _chosen(store, machine)
    try:
        resource = resources.found(tenant, wanted, machine.names)
        app_id = principal["appId"]
        roles = resources.check_assigned(tenant, principal, app_id, resource)
    except TokenRefusal as refused:
        raise NotHere(str(refused)) from refused
    holder = claims.Holder(
        app_id=app_id, name=principal["displayName"], proof=claims.BY_CERTIFICATE
    )
    said = claims.of_application(
        tenant, holder, principal, resource, roles=roles, login=machine.login
    )
    # Clients compare the end with their own clock, which the sandbox cannot move.
    end = int(datetime.now(UTC).timestamp()) + EXPIRES_IN
    return {
        "access_token": issue(key, said),
        "client_id": app_id,
        "expires_in": str(EXPIRES_IN),
        "expires_on": str(end),
        "ext_expires_in": str(EXPIRES_IN),
        "not_before": str(end - EXPIRES_IN),
        "resource": wanted,
        "token_type": "Bearer",
    }


def is_managed(tenant: Tenant, principal_id: str) -> bool:
    """Whether this is the object id of a managed identity."""
    principal = tenant.get("servicePrincipals", principal_id.lower(), Seen.truth())
    return (principal or {}).get("servicePrincipalType") == _MANAGED


def _chosen(store: Store, machine: Machine) -> tuple[Tenant, dict[str, Any]]:
    known = [(tenant, each) for tenant in store.tenants() for each in _all(tenant)]
    if machine.header is not None:
        known = [
            (tenant, each)
            for tenant, each in known
            if tenant.check_secret(machine.header, each.get("_header", ""))
        ]
    asked = [machine.query[kind].lower() for kind in _KINDS if machine.query.get(kind)]
    if asked:
        known = [(tenant, each) for tenant, each in known if set(asked) <= _names(each)]
    if not known:
        raise NotHere("No managed identity was found for this header and these identifiers")
    if len(known) > 1:
        raise NotHere(
            "Multiple user assigned identities exist, please specify the clientId / resourceId of"
            " the identity in the token request"
        )
    return known[0]


def _names(principal: Mapping[str, Any]) -> set[str]:
    return {
        principal["id"],
        principal["appId"],
        *(name.lower() for name in principal["alternativeNames"]),
    }


def _all(tenant: Tenant) -> list[dict[str, Any]]:
    return list(tenant.find_all("servicePrincipals", "_identity", _MANAGED, Seen.truth()))
