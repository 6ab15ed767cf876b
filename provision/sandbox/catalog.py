"""What Microsoft brings into every tenant: its service principals with roles and scopes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
KEY_VAULT_APP_ID = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
KEY_VAULT = "https://vault.azure.net"
MICROSOFT_TENANT_ID = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

# The catalogue of names knows only the appId and an inner name; these are what clients ask by.
_GRAPH_NAMES = (
    GRAPH_APP_ID,
    f"{GRAPH_APP_ID}/ags.windows.net",
    "https://graph.microsoft.com",
    "https://graph.microsoft.com/",
    "https://canary.graph.microsoft.com",
    "https://dod-graph.microsoft.us",
    "https://graph.microsoft.us",
)


def well_known(app_id: str) -> dict[str, Any] | None:
    """What Microsoft's service principal of this appId has that an empty one has not."""
    entry = _first_party().get(app_id.lower())
    if entry is None:
        return None
    graph = entry["appId"] == GRAPH_APP_ID
    return {
        "appId": entry["appId"],
        "displayName": entry["displayName"],
        "appDisplayName": entry["displayName"],
        "appOwnerOrganizationId": entry.get("appOwnerOrganizationId") or MICROSOFT_TENANT_ID,
        "appRoles": graph_roles() if graph else [_role(role) for role in entry["appRoles"]],
        "oauth2PermissionScopes": (
            graph_scopes() if graph else [_scope(s) for s in entry["oauth2PermissionScopes"]]
        ),
        "servicePrincipalNames": list(_GRAPH_NAMES if graph else entry["servicePrincipalNames"]),
        "signInAudience": "AzureADMultipleOrgs",
        "servicePrincipalType": "Application",
        "accountEnabled": True,
        "appRoleAssignmentRequired": False,
    }


def graph_roles() -> list[dict[str, Any]]:
    """Every application permission of Microsoft Graph, disabled ones included."""
    return [_role(entry) for entry in _graph_permissions() if entry["type"] == "Role"]


def graph_scopes() -> list[dict[str, Any]]:
    """Every delegated permission of Microsoft Graph, disabled ones included."""
    return [_scope(entry) for entry in _graph_permissions() if entry["type"] == "Scope"]


def _role(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "allowedMemberTypes": entry.get("allowedMemberTypes", ["Application"]),
        "description": entry.get("description", entry["displayName"]),
        "displayName": entry["displayName"],
        "id": entry["id"],
        "isEnabled": entry.get("isEnabled", True),
        "origin": "Application",
        "value": entry["value"],
    }


def _scope(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown = entry["displayName"]
    return {
        "adminConsentDescription": entry.get("description", shown),
        "adminConsentDisplayName": shown,
        "id": entry["id"],
        "isEnabled": entry.get("isEnabled", True),
        "type": entry.get("consentType", "Admin"),
        "userConsentDescription": entry.get("userConsentDescription"),
        "userConsentDisplayName": entry.get("userConsentDisplayName"),
        "value": entry["value"],
    }


@cache
def _first_party() -> dict[str, dict[str, Any]]:
    entries = _data("well-known-service-principals.json")["servicePrincipals"]
    return {entry["appId"].lower(): entry for entry in entries}


@cache
def _graph_permissions() -> list[dict[str, Any]]:
    permissions: list[dict[str, Any]] = _data("graph-permissions.json")["permissions"]
    return permissions


def _data(name: str) -> dict[str, Any]:
    text = files("provision").joinpath("data", name).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
