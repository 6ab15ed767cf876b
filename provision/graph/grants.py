"""Consents for the whole tenant: application permissions, and delegated ones for every user."""

from __future__ import annotations

from collections.abc import Iterable

from provision.graph import operations, parse, paths
from provision.graph.client import Graph
from provision.model import AppRoleAssignment, OAuth2PermissionGrant


async def grant_app_role(
    graph: Graph, *, principal_id: str, resource_id: str, app_role_id: str
) -> AppRoleAssignment | None:
    """Grant an application permission for the whole tenant; None when it was granted already."""
    action = f"grant the permission {app_role_id} to the service principal {principal_id}"
    principal = paths.service_principals(graph.adapter).by_service_principal_id(principal_id)
    # Asked twice it says that it exists: a lost answer is no danger.
    reply = await graph.send(
        "POST",
        paths.expand(principal.app_role_assignments),
        {"principalId": principal_id, "resourceId": resource_id, "appRoleId": app_role_id},
        action=action,
        operation=operations.GRANT,
        idempotent=True,
    )
    return parse.understood(parse.assignment, reply.body, action=action) if reply.ok else None


async def revoke_app_role(graph: Graph, *, principal_id: str, assignment_id: str) -> bool:
    """Take a granted permission back; False when it was not found, which a replica may say too early."""
    principal = paths.service_principals(graph.adapter).by_service_principal_id(principal_id)
    assignment = principal.app_role_assignments.by_app_role_assignment_id(assignment_id)
    reply = await graph.send(
        "DELETE",
        paths.expand(assignment),
        action=f"revoke a permission of the service principal {principal_id}",
        operation=operations.REVOKE,
    )
    return reply.ok


async def grants_of(graph: Graph, principal_id: str) -> tuple[OAuth2PermissionGrant, ...]:
    """All delegated permissions that a service principal was granted, single users' included.

    https://learn.microsoft.com/graph/api/serviceprincipal-list-oauth2permissiongrants
    """
    action = f"read the delegated permissions of the service principal {principal_id}"
    principal = paths.service_principals(graph.adapter).by_service_principal_id(principal_id)
    path = paths.expand(principal.oauth2_permission_grants)
    items = await graph.pages(path, action=action, operation=operations.READ_GRANTS)
    return parse.understood(
        lambda data: parse.grants(data["value"]), {"value": items}, action=action
    )


async def grant_scopes(
    graph: Graph, *, client_id: str, resource_id: str, scopes: Iterable[str]
) -> bool:
    """Grant delegated permissions of one resource for every user.

    False when there is a grant already, perhaps of an attempt whose answer was lost: then read it
    and widen it. https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
    """
    # Asked twice it says that it exists: a lost answer is no danger.
    reply = await graph.send(
        "POST",
        paths.expand(paths.oauth2_permission_grants(graph.adapter)),
        {
            "clientId": client_id,
            "consentType": "AllPrincipals",
            "resourceId": resource_id,
            "scope": _text(scopes),
        },
        action=f"grant delegated permissions to the service principal {client_id}",
        operation=operations.GRANT_SCOPES,
        idempotent=True,
    )
    return reply.ok


async def set_scopes(graph: Graph, grant_id: str, scopes: Iterable[str]) -> None:
    """Make a grant hold exactly these delegated permissions.

    https://learn.microsoft.com/graph/api/oauth2permissiongrant-update
    """
    await graph.send(
        "PATCH",
        _grant_path(graph, grant_id),
        {"scope": _text(scopes)},
        action=f"change the delegated permissions of the grant {grant_id}",
        operation=operations.SET_SCOPES,
    )


async def delete_grant(graph: Graph, grant_id: str) -> bool:
    """Take a whole grant of delegated permissions back; False when it was not found.

    https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete
    """
    reply = await graph.send(
        "DELETE",
        _grant_path(graph, grant_id),
        action=f"revoke the delegated permissions of the grant {grant_id}",
        operation=operations.DELETE_GRANT,
    )
    return reply.ok


def _grant_path(graph: Graph, grant_id: str) -> str:
    grants = paths.oauth2_permission_grants(graph.adapter)
    return paths.expand(grants.by_o_auth2_permission_grant_id(grant_id))


def _text(scopes: Iterable[str]) -> str:
    return " ".join(sorted(set(scopes)))
