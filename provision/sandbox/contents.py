"""What is in a tenant, for people who look into it: registrations, credentials, grants; no secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provision.sandbox.catalog import MICROSOFT_TENANT_ID
from provision.sandbox.tenant import Seen, Tenant, parse_time

_CREDENTIALS = (("secret", "passwordCredentials"), ("certificate", "keyCredentials"))


def contents(tenant: Tenant) -> dict[str, Any]:
    """Applications, service principals that are not Microsoft's, and what they were granted."""
    truth = Seen.truth()
    principals = list(tenant.scan("servicePrincipals", truth))
    by_id = {each["id"]: each for each in principals}
    return {
        "applications": _named(_application(tenant, a) for a in tenant.scan("applications", truth)),
        "servicePrincipals": _named(
            _principal(tenant, each)
            for each in principals
            if each["appOwnerOrganizationId"] != MICROSOFT_TENANT_ID
        ),
        "appRoleAssignments": sorted(
            (_assignment(by_id, each) for each in tenant.scan("appRoleAssignments", truth)),
            key=lambda each: (each["principal"].casefold(), each["resource"], each["role"]),
        ),
        "oauth2PermissionGrants": sorted(
            (_grant(by_id, each) for each in tenant.scan("oauth2PermissionGrants", truth)),
            key=lambda each: (each["client"].casefold(), each["resource"]),
        ),
    }


def _application(tenant: Tenant, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "displayName": row["displayName"],
        "uniqueName": row["uniqueName"],
        "id": row["id"],
        "appId": row["appId"],
        "credentials": _credentials(tenant, row),
    }


def _principal(tenant: Tenant, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "displayName": row["displayName"],
        "id": row["id"],
        "appId": row["appId"],
        "servicePrincipalType": row["servicePrincipalType"],
        "accountEnabled": row["accountEnabled"],
        "credentials": _credentials(tenant, row),
    }


def _credentials(tenant: Tenant, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    now = tenant.clock.now()
    return [
        {
            "type": name,
            "keyId": each["keyId"],
            "displayName": each["displayName"],
            "endDateTime": each["endDateTime"],
            "expired": parse_time(each["endDateTime"]) <= now,
        }
        for name, collection in _CREDENTIALS
        for each in row[collection]
    ]


def _assignment(principals: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    resource = principals.get(row["resourceId"], {})
    roles = {role["id"]: role["value"] for role in resource.get("appRoles", ())}
    return {
        "id": row["id"],
        "principal": row["principalDisplayName"] or row["principalId"],
        "resource": row["resourceDisplayName"] or row["resourceId"],
        "role": roles.get(row["appRoleId"]) or row["appRoleId"],
    }


def _grant(principals: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    def name(id: str) -> str:
        return str(principals.get(id, {}).get("displayName") or id)

    return {
        "id": row["id"],
        "client": name(row["clientId"]),
        "resource": name(row["resourceId"]),
        "consentType": row["consentType"],
        "scope": row["scope"] or "",
    }


def _named(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda each: (str(each["displayName"]).casefold(), each["id"]))
