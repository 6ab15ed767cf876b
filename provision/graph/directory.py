"""The tenant's directory, one function per operation: our words in, our types and failures out."""

from __future__ import annotations

from provision.graph.applications import (
    application,
    applications_all,
    applications_by_app_id,
    applications_by_id,
    applications_named,
    applications_owned,
    delete_application,
    deleted_applications,
    deleted_service_principal,
    purge,
    restore,
    settings_beside,
    update_application,
    upsert_application,
)
from provision.graph.credentials import (
    add_password,
    federated_credentials,
    remove_federated,
    remove_password,
    update_federated,
    upsert_federated,
)
from provision.graph.grants import (
    delete_grant,
    grant_app_role,
    grant_scopes,
    grants_of,
    revoke_app_role,
    set_scopes,
)
from provision.graph.owners import (
    add_owner,
    names_of,
    organization,
    owners,
    people,
)
from provision.graph.policies import app_management, app_management_of
from provision.graph.principals import (
    create_service_principal,
    resource,
    resources_named,
    service_principal_by_id,
    service_principals,
    update_service_principal,
)

__all__ = [
    "add_owner",
    "add_password",
    "app_management",
    "app_management_of",
    "application",
    "applications_all",
    "applications_by_app_id",
    "applications_by_id",
    "applications_named",
    "applications_owned",
    "create_service_principal",
    "delete_application",
    "delete_grant",
    "deleted_applications",
    "deleted_service_principal",
    "federated_credentials",
    "grant_app_role",
    "grant_scopes",
    "grants_of",
    "names_of",
    "organization",
    "owners",
    "people",
    "purge",
    "remove_federated",
    "remove_password",
    "resource",
    "resources_named",
    "restore",
    "revoke_app_role",
    "service_principal_by_id",
    "service_principals",
    "set_scopes",
    "settings_beside",
    "update_application",
    "update_federated",
    "update_service_principal",
    "upsert_application",
    "upsert_federated",
]
