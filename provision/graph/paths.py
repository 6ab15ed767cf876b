"""Where things are in Microsoft Graph, by the SDK's own URL templates, relative to the version."""

from __future__ import annotations

from typing import Any

DELETED_APPLICATIONS = "/directory/deletedItems/microsoft.graph.application"
DELETED_SERVICE_PRINCIPALS = "/directory/deletedItems/microsoft.graph.servicePrincipal"
"""Lists of the recycle bin need the type in the path; the SDK abbreviates its namespace."""


def expand(builder: Any, **query: str) -> str:
    """The path of a request builder, with `$`-parameters of its template."""
    from kiota_abstractions.method import Method
    from kiota_abstractions.request_information import RequestInformation

    asked = RequestInformation(
        Method.GET, builder.url_template, {**builder.path_parameters, "baseurl": ""}
    )
    asked.query_parameters = {f"%24{name}": value for name, value in query.items()}
    path, mark, said = str(asked.url).partition("?")
    # Within $batch nobody decodes the names of parameters for us.
    return path + mark + said.replace("%24", "$")


def applications(adapter: Any) -> Any:
    """The builder of /applications."""
    from msgraph.generated.applications.applications_request_builder import (
        ApplicationsRequestBuilder,
    )

    return ApplicationsRequestBuilder(adapter, {})


def application_of(adapter: Any, app_id: str) -> Any:
    """The builder of an application by its appId."""
    from msgraph.generated.applications_with_app_id import (
        applications_with_app_id_request_builder as keyed,
    )

    return keyed.ApplicationsWithAppIdRequestBuilder(adapter, {}, quoted(app_id))


def federated_named(adapter: Any, object_id: str, name: str) -> Any:
    """The builder of an application's federated credential by its name."""
    application = applications(adapter).by_application_id(object_id)
    return application.federated_identity_credentials_with_name(quoted(name))


def application_named(adapter: Any, unique_name: str) -> Any:
    """The builder of an application by its alternate key."""
    from msgraph.generated.applications_with_unique_name import (
        applications_with_unique_name_request_builder as named,
    )

    return named.ApplicationsWithUniqueNameRequestBuilder(adapter, {}, quoted(unique_name))


def service_principals(adapter: Any) -> Any:
    """The builder of /servicePrincipals."""
    from msgraph.generated.service_principals.service_principals_request_builder import (
        ServicePrincipalsRequestBuilder,
    )

    return ServicePrincipalsRequestBuilder(adapter, {})


def service_principal_of(adapter: Any, app_id: str) -> Any:
    """The builder of a service principal by its appId."""
    from msgraph.generated.service_principals_with_app_id import (
        service_principals_with_app_id_request_builder as keyed,
    )

    return keyed.ServicePrincipalsWithAppIdRequestBuilder(adapter, {}, quoted(app_id))


def oauth2_permission_grants(adapter: Any) -> Any:
    """The builder of /oauth2PermissionGrants."""
    from msgraph.generated.oauth2_permission_grants.oauth2_permission_grants_request_builder import (
        Oauth2PermissionGrantsRequestBuilder,
    )

    return Oauth2PermissionGrantsRequestBuilder(adapter, {})


def user(adapter: Any, name: str) -> Any:
    """The builder of a user, by object id or by user principal name."""
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    return UsersRequestBuilder(adapter, {}).by_user_id(name)


def directory_object(adapter: Any, object_id: str) -> Any:
    """The builder of an object of whatever type."""
    from msgraph.generated.directory_objects.directory_objects_request_builder import (
        DirectoryObjectsRequestBuilder,
    )

    return DirectoryObjectsRequestBuilder(adapter, {}).by_directory_object_id(object_id)


def deleted_item(adapter: Any, object_id: str) -> Any:
    """The builder of one object in the recycle bin."""
    from msgraph.generated.directory.deleted_items.deleted_items_request_builder import (
        DeletedItemsRequestBuilder,
    )

    return DeletedItemsRequestBuilder(adapter, {}).by_directory_object_id(object_id)


def organization(adapter: Any) -> Any:
    """The builder of /organization."""
    from msgraph.generated.organization.organization_request_builder import (
        OrganizationRequestBuilder,
    )

    return OrganizationRequestBuilder(adapter, {})


def default_app_management_policy(adapter: Any) -> Any:
    """The builder of /policies/defaultAppManagementPolicy."""
    from msgraph.generated.policies.default_app_management_policy import (
        default_app_management_policy_request_builder as default,
    )

    return default.DefaultAppManagementPolicyRequestBuilder(adapter, {})


def quoted(text: str) -> str:
    """Text for inside single quotes: OData doubles them, and the SDK's templates do not."""
    return text.replace("'", "''")
