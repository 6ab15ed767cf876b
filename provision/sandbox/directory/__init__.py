"""The directory's part of Microsoft Graph: which route is answered by whom."""

from __future__ import annotations

from provision.sandbox.call import Route
from provision.sandbox.directory.app_role_assignments import (
    create_assignment,
    delete_assignment,
    get_assignment,
    list_assignments,
)
from provision.sandbox.directory.applications import (
    count_applications,
    create_application,
    delete_application,
    get_application,
    list_applications,
    update_application,
)
from provision.sandbox.directory.deleted_items import (
    get_deleted,
    list_deleted,
    list_deleted_applications,
    list_deleted_service_principals,
    list_deleted_users,
    purge_deleted,
    restore_deleted,
)
from provision.sandbox.directory.grants import (
    create_grant,
    delete_grant,
    get_grant,
    list_grants,
    list_grants_of,
    update_grant,
)
from provision.sandbox.directory.objects import list_owners
from provision.sandbox.directory.organization import get_organization, list_organizations
from provision.sandbox.directory.passwords import add_password, remove_password
from provision.sandbox.directory.service_principals import (
    count_service_principals,
    create_service_principal,
    delete_service_principal,
    get_service_principal,
    list_service_principals,
    update_service_principal,
)
from provision.sandbox.directory.users import count_users, get_me, get_user, list_users

ROUTES: tuple[Route, ...] = (
    Route("GET", "applications", list_applications),
    Route("POST", "applications", create_application),
    Route("GET", "applications/$count", count_applications),
    Route("GET", "applications/{application}", get_application),
    Route("PATCH", "applications/{application}", update_application),
    Route("DELETE", "applications/{application}", delete_application),
    Route("GET", "applications/{application}/owners", list_owners),
    Route("POST", "applications/{application}/addPassword", add_password),
    Route("POST", "applications/{application}/removePassword", remove_password),
    Route("GET", "servicePrincipals", list_service_principals),
    Route("POST", "servicePrincipals", create_service_principal),
    Route("GET", "servicePrincipals/$count", count_service_principals),
    Route("GET", "servicePrincipals/{servicePrincipal}", get_service_principal),
    Route("PATCH", "servicePrincipals/{servicePrincipal}", update_service_principal),
    Route("DELETE", "servicePrincipals/{servicePrincipal}", delete_service_principal),
    Route("GET", "servicePrincipals/{servicePrincipal}/owners", list_owners),
    Route("POST", "servicePrincipals/{servicePrincipal}/addPassword", add_password),
    Route("POST", "servicePrincipals/{servicePrincipal}/removePassword", remove_password),
    *(
        Route(method, f"servicePrincipals/{{servicePrincipal}}/{relation}{rest}", handler)
        for relation in ("appRoleAssignments", "appRoleAssignedTo")
        for method, rest, handler in (
            ("GET", "", list_assignments),
            ("POST", "", create_assignment),
            ("GET", "/{assignment}", get_assignment),
            ("DELETE", "/{assignment}", delete_assignment),
        )
    ),
    Route("GET", "servicePrincipals/{servicePrincipal}/oauth2PermissionGrants", list_grants_of),
    Route("GET", "oauth2PermissionGrants", list_grants),
    Route("POST", "oauth2PermissionGrants", create_grant),
    Route("GET", "oauth2PermissionGrants/{grant}", get_grant),
    Route("PATCH", "oauth2PermissionGrants/{grant}", update_grant),
    Route("DELETE", "oauth2PermissionGrants/{grant}", delete_grant),
    Route("GET", "directory/deletedItems", list_deleted),
    Route("GET", "directory/deletedItems/microsoft.graph.application", list_deleted_applications),
    Route(
        "GET",
        "directory/deletedItems/microsoft.graph.servicePrincipal",
        list_deleted_service_principals,
    ),
    Route("GET", "directory/deletedItems/microsoft.graph.user", list_deleted_users),
    Route("GET", "directory/deletedItems/{item}", get_deleted),
    Route("DELETE", "directory/deletedItems/{item}", purge_deleted),
    Route("POST", "directory/deletedItems/{item}/restore", restore_deleted),
    Route("GET", "organization", list_organizations),
    Route("GET", "organization/{organization}", get_organization),
    Route("GET", "me", get_me),
    Route("GET", "users", list_users),
    Route("GET", "users/$count", count_users),
    Route("GET", "users/{user}", get_user),
)
