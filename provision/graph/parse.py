"""From Graph's JSON to our nouns; an answer that lacks what it must have is a failure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from provision.errors import GraphError
from provision.model import (
    Application,
    AppRole,
    AppRoleAssignment,
    DeletedApplication,
    FederatedIdentityCredential,
    KeyCredential,
    OAuth2PermissionGrant,
    Organization,
    PasswordCredential,
    PermissionScope,
    Resource,
    ResourceAccess,
    ServicePrincipal,
)
from provision.secret import Issued, Secret

T = TypeVar("T")

PROPERTIES = (
    "displayName",
    "description",
    "notes",
    "signInAudience",
    "web",
    "spa",
    "publicClient",
    "isFallbackPublicClient",
    "identifierUris",
    "groupMembershipClaims",
    "optionalClaims",
    "api",
    "appRoles",
)
"""What a manifest may set and we therefore read, besides tags and permissions."""

APPLICATION_FIELDS = (
    "id",
    "appId",
    "uniqueName",
    *PROPERTIES,
    "tags",
    "requiredResourceAccess",
    "passwordCredentials",
    "keyCredentials",
    "createdDateTime",
)
BESIDE_APPLICATION = (
    "keyCredentials",
    "samlMetadataUrl",
    "info",
    "serviceManagementReference",
    "servicePrincipalLockConfiguration",
    "requestSignatureVerification",
    "addIns",
    "tokenEncryptionKeyId",
)
BESIDE_PRINCIPAL = ("preferredSingleSignOnMode", "passwordCredentials", "keyCredentials")
"""What no manifest says, and an import therefore tells."""
DELETED_FIELDS = (*APPLICATION_FIELDS, "deletedDateTime")
SERVICE_PRINCIPAL_FIELDS = (
    "id",
    "appId",
    "displayName",
    "accountEnabled",
    "appRoleAssignmentRequired",
    "tags",
    "servicePrincipalType",
)
ASSIGNMENT_FIELDS = ("id", "appRoleId", "principalId", "resourceId")
GRANT_FIELDS = ("id", "clientId", "resourceId", "principalId", "consentType", "scope")
FEDERATED_FIELDS = ("id", "name", "issuer", "subject", "audiences", "description")
RESOURCE_FIELDS = (
    "id",
    "appId",
    "displayName",
    "appRoles",
    "oauth2PermissionScopes",
    "servicePrincipalNames",
)
ORGANIZATION_FIELDS = ("id", "displayName", "verifiedDomains")

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


def understood(
    parse: Callable[[Mapping[str, Any]], T], data: Mapping[str, Any] | None, *, action: str
) -> T:
    """What an answer says, or the failure that it cannot be understood."""
    try:
        return parse(data or {})
    except (KeyError, TypeError, ValueError, AttributeError) as missing:
        raise GraphError(
            f"Microsoft Graph's answer to the request to {action} cannot be understood",
            hint="Run the same command again; if it stays, report it with --debug output.",
        ) from missing


def application(data: Mapping[str, Any]) -> Application:
    """An application registration; of its keys, those that it may sign in with."""
    created = data.get("createdDateTime")
    return Application(
        id=data["id"],
        app_id=data["appId"],
        unique_name=data.get("uniqueName"),
        properties={name: data[name] for name in PROPERTIES if name in data},
        tags=frozenset(data.get("tags") or ()),
        required_resource_access=frozenset(
            ResourceAccess(
                resource_app_id=resource["resourceAppId"], id=access["id"], type=access["type"]
            )
            for resource in data.get("requiredResourceAccess") or ()
            for access in resource.get("resourceAccess") or ()
        ),
        password_credentials=tuple(map(_password, data.get("passwordCredentials") or ())),
        key_credentials=tuple(
            _key(each)
            for each in data.get("keyCredentials") or ()
            if each.get("usage") in (None, "Verify")
        ),
        created=moment(created) if created else None,
    )


def deleted_application(data: Mapping[str, Any]) -> DeletedApplication:
    """An application in the recycle bin; its service principal has to be asked for by itself."""
    return DeletedApplication(
        application=application(data),
        deleted=moment(data["deletedDateTime"]),
        service_principal=None,
    )


def assignments(items: Iterable[Mapping[str, Any]]) -> tuple[AppRoleAssignment, ...]:
    """Application permissions that were granted."""
    return tuple(map(assignment, items))


def assignment(data: Mapping[str, Any]) -> AppRoleAssignment:
    """One application permission that was granted."""
    return AppRoleAssignment(
        id=data["id"],
        app_role_id=data["appRoleId"],
        principal_id=data["principalId"],
        resource_id=data["resourceId"],
    )


def grants(items: Iterable[Mapping[str, Any]]) -> tuple[OAuth2PermissionGrant, ...]:
    """Delegated permissions that were granted; Graph lists them in one text, with odd blanks."""
    return tuple(
        OAuth2PermissionGrant(
            id=data["id"],
            client_id=data["clientId"],
            resource_id=data["resourceId"],
            principal_id=data["principalId"] if data["consentType"] == "Principal" else None,
            scopes=frozenset((data.get("scope") or "").split()),
        )
        for data in items
    )


def federated(
    items: Iterable[Mapping[str, Any]],
) -> tuple[FederatedIdentityCredential, ...]:
    """Trusts in other issuers; one that matches by an expression has no subject."""
    return tuple(
        FederatedIdentityCredential(
            id=data["id"],
            name=data["name"],
            issuer=data["issuer"],
            subject=data.get("subject") or "",
            audiences=tuple(data["audiences"]),
            description=data.get("description") or "",
        )
        for data in items
    )


def service_principal(data: Mapping[str, Any]) -> ServicePrincipal:
    """A service principal without what was granted to it, which is read by itself."""
    return ServicePrincipal(
        id=data["id"],
        app_id=data["appId"],
        enabled=data.get("accountEnabled") is not False,
        assignment_required=bool(data.get("appRoleAssignmentRequired")),
        tags=frozenset(data.get("tags") or ()),
        display_name=data.get("displayName") or "",
        type=data.get("servicePrincipalType") or "Application",
    )


def resource(data: Mapping[str, Any]) -> Resource:
    """A service principal with the permissions that can be had, of applications and delegated."""
    app_id = data["appId"]
    return Resource(
        id=data["id"],
        app_id=app_id,
        display_name=data.get("displayName") or app_id,
        app_roles=frozenset(
            AppRole(resource=app_id, id=role["id"], value=role["value"])
            for role in data.get("appRoles") or ()
            if role.get("isEnabled")
            and role.get("value")
            and "Application" in (role.get("allowedMemberTypes") or ())
        ),
        scopes=frozenset(
            PermissionScope(resource=app_id, id=scope["id"], value=scope["value"])
            for scope in data.get("oauth2PermissionScopes") or ()
            if scope.get("isEnabled") and scope.get("value")
        ),
        names=frozenset(data.get("servicePrincipalNames") or ()),
    )


def organization(data: Mapping[str, Any]) -> Organization:
    """The tenant, with the domain that people know it by."""
    found = data["value"][0]
    domains = found.get("verifiedDomains") or ()
    known = [d for d in domains if d.get("isDefault")] + [d for d in domains if d.get("isInitial")]
    return Organization(
        id=found["id"],
        display_name=found.get("displayName") or "",
        domain=known[0].get("name") or "" if known else "",
    )


def issued(data: Mapping[str, Any]) -> Issued:
    """A new secret, in the one answer that shows it."""
    return Issued(
        key_id=data["keyId"],
        secret=Secret(data["secretText"]),
        start=moment(data["startDateTime"]),
        end=moment(data["endDateTime"]),
    )


def moment(text: str) -> datetime:
    """A date as an aware one in UTC; digits below a microsecond are dropped."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def stamp(when: datetime) -> str:
    """A date as we send it: whole seconds, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _password(data: Mapping[str, Any]) -> PasswordCredential:
    start, end = data.get("startDateTime"), data.get("endDateTime")
    return PasswordCredential(
        key_id=data["keyId"],
        display_name=data.get("displayName") or "",
        start=moment(start) if start else EARLIEST,
        end=moment(end) if end else LATEST,
    )


def _key(data: Mapping[str, Any]) -> KeyCredential:
    start, end = data.get("startDateTime"), data.get("endDateTime")
    return KeyCredential(
        key_id=data["keyId"],
        display_name=data.get("displayName") or "",
        start=moment(start) if start else EARLIEST,
        end=moment(end) if end else LATEST,
        thumbprint=_thumbprint(data.get("customKeyIdentifier") or ""),
    )


def _thumbprint(identifier: str) -> str:
    """The digits of a customKeyIdentifier, which is told in more than one spelling; "" for anything else.

    Forty digits are base64 as well, so these come first.
    """
    if re.fullmatch("[0-9A-Fa-f]{40}", identifier):
        return identifier.upper()
    try:
        content = base64.b64decode(identifier, validate=True)
    except (binascii.Error, ValueError):
        return ""
    if len(content) == 20:
        return content.hex().upper()
    spelt = content.decode("ascii", "replace")
    return spelt.upper() if re.fullmatch("[0-9A-Fa-f]{40}", spelt) else ""
