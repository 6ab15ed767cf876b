"""What a new tenant holds before anybody writes to it: people, Microsoft Graph, an operator."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from provision.sandbox.catalog import GRAPH_APP_ID, well_known
from provision.sandbox.directory import shape
from provision.sandbox.store import Store
from provision.sandbox.tenant import Seen, Tenant, format_time

OPERATOR_NAME = "provision sandbox operator"
OPERATOR_ROLES = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
)
_OPERATOR_LIFE = timedelta(days=3653)
_PEOPLE = (
    ("Adele", "Vance", "Retail Manager"),
    ("Alex", "Wilber", "Marketing Assistant"),
    ("Grady", "Archie", "Designer"),
    ("Lynne", "Robbins", "Planner"),
    ("Nestor", "Wilke", "Director"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The identity that the sandbox makes for whoever runs it; the one secret that it keeps."""

    tenant_id: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Operator(tenant_id={self.tenant_id!r}, client_id={self.client_id!r})"


def furnish(store: Store, name: str) -> Tenant:
    """Make a tenant of this name with everything that is in it from the start."""
    with store.writing():
        tenant = store.add_tenant(name)
        _put_organization(tenant)
        for person in _PEOPLE:
            _put_person(tenant, person)
        known = well_known(GRAPH_APP_ID) or {}
        graph = {
            **shape.blank(shape.SERVICE_PRINCIPALS),
            "id": tenant.new_guid(),
            "createdDateTime": _moment(tenant),
            **known,
            "_owners": [],
        }
        tenant.put("servicePrincipals", graph, lag="none")
        _put_operator(tenant, graph)
    return tenant


def new_operator_secret(tenant: Tenant) -> Operator:
    """Give the tenant's operator a further secret; it never lags and lasts ten years."""
    truth = Seen.truth()
    application = tenant.find("applications", "uniqueName", OPERATOR_NAME, truth)
    if application is None:
        graph = tenant.find("servicePrincipals", "appId", GRAPH_APP_ID, truth)
        application = _put_operator(tenant, graph or {"appRoles": []})
    return with_secret(tenant, application)


def with_secret(tenant: Tenant, application: dict[str, Any]) -> Operator:
    """An application of the sandbox's own with a further secret, which is told once."""
    text, key_id, now = tenant.new_secret_text(), tenant.new_guid(), tenant.clock.now()
    credential = {
        "customKeyIdentifier": None,
        "displayName": application["displayName"],
        "endDateTime": format_time(now + _OPERATOR_LIFE),
        "hint": text[:3],
        "keyId": key_id,
        "secretText": None,
        "startDateTime": format_time(now),
    }
    changed = {
        **application,
        "passwordCredentials": [*application["passwordCredentials"], credential],
        "_secrets": {**application.get("_secrets", {}), key_id: tenant.hash_secret(text)},
    }
    tenant.put("applications", changed, lag="none")
    return Operator(tenant_id=tenant.id, client_id=application["appId"], client_secret=text)


def put_application(
    tenant: Tenant, name: str, **properties: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An application of the sandbox's own and its service principal, known everywhere at once."""
    application = {
        **shape.blank(shape.APPLICATIONS),
        "id": tenant.new_guid(),
        "appId": tenant.new_guid(),
        "createdDateTime": _moment(tenant),
        "displayName": name,
        "publisherDomain": tenant.domain,
        "_owners": [],
        **properties,
    }
    principal = {
        **shape.blank(shape.SERVICE_PRINCIPALS),
        "id": tenant.new_guid(),
        "appOwnerOrganizationId": tenant.id,
        "createdDateTime": _moment(tenant),
        "displayName": name,
        **shape.copied(application),
        "_owners": [],
    }
    tenant.put("applications", application, lag="none")
    tenant.put("servicePrincipals", principal, lag="none")
    return application, principal


def put_assignment(
    tenant: Tenant, principal: dict[str, Any], resource: dict[str, Any], role_id: str
) -> None:
    """A role that the sandbox itself gives to an application."""
    opaque = UUID(principal["id"]).bytes_le + UUID(tenant.new_guid()).bytes
    assignment = {
        "id": base64.urlsafe_b64encode(opaque).rstrip(b"=").decode(),
        "deletedDateTime": None,
        "appRoleId": role_id,
        "createdDateTime": format_time(tenant.clock.now()),
        "principalDisplayName": principal["displayName"],
        "principalId": principal["id"],
        "principalType": "ServicePrincipal",
        "resourceDisplayName": resource["displayName"],
        "resourceId": resource["id"],
    }
    tenant.put("appRoleAssignments", assignment, lag="none")


def put_person(tenant: Tenant, address: str, **properties: Any) -> dict[str, Any]:
    """Somebody of the tenant, known everywhere at once."""
    user = {
        **shape.blank(shape.USERS),
        "id": tenant.new_guid(),
        "userPrincipalName": address,
        **properties,
    }
    tenant.put("users", user, lag="none")
    return user


def _put_operator(tenant: Tenant, graph: dict[str, Any]) -> dict[str, Any]:
    application, principal = put_application(tenant, OPERATOR_NAME, uniqueName=OPERATOR_NAME)
    for role in graph["appRoles"]:
        if role["value"] in OPERATOR_ROLES:
            put_assignment(tenant, principal, graph, role["id"])
    return application


def _put_organization(tenant: Tenant) -> None:
    domain = {
        "capabilities": "Email, OfficeCommunicationsOnline",
        "isDefault": True,
        "isInitial": True,
        "name": tenant.domain,
        "type": "Managed",
    }
    organization = {
        **shape.blank(shape.ORGANIZATION),
        "id": tenant.id,
        "displayName": "Sandbox (provision)",
        "tenantType": "AAD",
        "countryLetterCode": "US",
        "createdDateTime": _moment(tenant),
        "verifiedDomains": [domain],
    }
    tenant.put("organization", organization, lag="none")
    tenant.put(
        "domains",
        {
            "id": tenant.domain,
            "authenticationType": "Managed",
            "isAdminManaged": True,
            "isDefault": True,
            "isInitial": True,
            "isRoot": True,
            "isVerified": True,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            "passwordValidityPeriodInDays": 2147483647,
            "passwordNotificationWindowInDays": 14,
        },
        lag="none",
    )


def _put_person(tenant: Tenant, person: tuple[str, str, str]) -> None:
    given, surname, job = person
    address = f"{given}{surname[0]}@{tenant.domain}"
    put_person(
        tenant,
        address,
        displayName=f"{given} {surname}",
        givenName=given,
        surname=surname,
        jobTitle=job,
        mail=address,
        preferredLanguage="en-US",
    )


def _moment(tenant: Tenant) -> str:
    return format_time(tenant.clock.now(), fraction=False)
