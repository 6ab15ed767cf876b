"""Microsoft's own typed client, unmodified, against a served sandbox."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.applications.applications_request_builder import (
    ApplicationsRequestBuilder,
)
from msgraph.generated.applications.item.add_password.add_password_post_request_body import (
    AddPasswordPostRequestBody,
)
from msgraph.generated.applications.item.remove_password.remove_password_post_request_body import (
    RemovePasswordPostRequestBody,
)
from msgraph.generated.directory_objects.get_by_ids.get_by_ids_post_request_body import (
    GetByIdsPostRequestBody,
)
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application
from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
from msgraph.generated.models.o_auth2_permission_grant import OAuth2PermissionGrant
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.user import User
from msgraph.generated.models.web_application import WebApplication

from provision.sandbox.server import Server, serve

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
Run = Callable[[Awaitable[Any]], Any]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox and one client for all: the SDK's first typed object takes seconds."""
    with serve(tmp_path_factory.mktemp("sdk") / "sandbox", profile="strong") as server:
        yield server


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """One event loop: a client cannot be used from another one."""
    with asyncio.Runner() as runner:
        yield runner.run  # type: ignore[misc]


@pytest.fixture(scope="module")
def graph(served: Server, run: Run) -> Iterator[GraphServiceClient]:
    operator = served.operator()
    credential = ClientSecretCredential(
        operator["tenantId"],
        operator["clientId"],
        operator["clientSecret"],
        authority=served.url,
        disable_instance_discovery=True,
        connection_verify=str(served.ca_bundle),
    )
    host = served.url.removeprefix("https://").partition(":")[0]
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[f"{served.url}/.default"], allowed_hosts=[host]
    )
    trusted = ssl.create_default_context(cafile=str(served.ca_bundle))
    http = httpx.AsyncClient(verify=trusted, trust_env=False, timeout=30)
    adapter = GraphRequestAdapter(provider, client=http)
    adapter.base_url = f"{served.url}/v1.0"
    yield GraphServiceClient(request_adapter=adapter)
    run(http.aclose())
    credential.close()


def test_an_application_lives_its_life(graph: GraphServiceClient, run: Run) -> None:
    made = run(graph.applications.post(Application(display_name="Typed", tags=["team:pay"])))
    one = graph.applications.by_application_id(made.id)
    run(one.patch(Application(notes="hello", web=WebApplication(redirect_uris=["https://a/b"]))))
    shown = run(one.get())
    run(one.delete())

    assert (shown.display_name, shown.notes, shown.tags) == ("Typed", "hello", ["team:pay"])
    assert shown.web.redirect_uris == ["https://a/b"]
    assert shown.sign_in_audience == "AzureADMyOrg"
    assert isinstance(shown.created_date_time, datetime)
    with pytest.raises(ODataError) as gone:
        run(one.get())
    assert gone.value.response_status_code == 404
    assert gone.value.error is not None
    assert gone.value.error.code == "Request_ResourceNotFound"
    assert gone.value.error.inner_error is not None
    assert gone.value.error.inner_error.request_id
    restored = run(graph.directory.deleted_items.by_directory_object_id(made.id).restore.post())
    assert isinstance(restored, Application)


def test_an_upsert_makes_an_application_once(graph: GraphServiceClient, run: Run) -> None:
    key = graph.applications_with_unique_name("team.typed")
    configuration: RequestConfiguration[Any] = RequestConfiguration()
    configuration.headers.add("Prefer", "create-if-missing")
    body = Application(display_name="Typed upsert")

    first = run(key.patch(body, request_configuration=configuration))
    second = run(key.patch(Application(notes="x"), request_configuration=configuration))

    assert first.unique_name == "team.typed"
    assert second is None
    assert run(key.get()).notes == "x"


def test_a_list_is_filtered_counted_and_paged(graph: GraphServiceClient, run: Run) -> None:
    for number in range(3):
        run(graph.applications.post(Application(display_name=f"Paged {number}", tags=["paged"])))
    query = ApplicationsRequestBuilder.ApplicationsRequestBuilderGetQueryParameters
    configuration = RequestConfiguration(
        query_parameters=query(
            filter="tags/any(t:t eq 'paged')",
            select=["id", "displayName"],
            top=2,
            count=True,
        )
    )
    configuration.headers.add("ConsistencyLevel", "eventual")

    first = run(graph.applications.get(request_configuration=configuration))
    rest = run(graph.applications.with_url(first.odata_next_link).get())

    assert first.odata_count == 3
    assert len({each.id for each in (*first.value, *rest.value)}) == 3
    assert rest.odata_next_link is None


def test_a_secret_is_given_and_taken_back(graph: GraphServiceClient, run: Run) -> None:
    made = run(graph.applications.post(Application(display_name="Secretive")))
    one = graph.applications.by_application_id(made.id)
    end = datetime.now(UTC) + timedelta(days=30)
    wanted = PasswordCredential(display_name="nightly", end_date_time=end)

    secret = run(one.add_password.post(AddPasswordPostRequestBody(password_credential=wanted)))
    held = run(one.get()).password_credentials
    run(one.remove_password.post(RemovePasswordPostRequestBody(key_id=secret.key_id)))

    assert secret.secret_text.startswith(secret.hint)
    assert isinstance(secret.key_id, UUID)
    assert [(each.display_name, each.secret_text) for each in held] == [("nightly", None)]
    assert run(one.get()).password_credentials == []


def test_a_federated_credential_lives_its_life(graph: GraphServiceClient, run: Run) -> None:
    made = run(graph.applications.post(Application(display_name="Federated")))
    held = graph.applications.by_application_id(made.id).federated_identity_credentials
    wanted = FederatedIdentityCredential(
        name="main",
        issuer="https://token.actions.githubusercontent.com",
        subject="repo:octo/billing",
        audiences=["api://AzureADTokenExchange"],
    )

    credential = run(held.post(wanted))
    one = held.by_federated_identity_credential_id(credential.id)
    run(one.patch(FederatedIdentityCredential(description="for main")))
    by_name = run(
        graph.applications.by_application_id(made.id)
        .federated_identity_credentials_with_name("main")
        .get()
    )
    run(one.delete())

    assert (by_name.id, by_name.description) == (credential.id, "for main")
    assert by_name.audiences == ["api://AzureADTokenExchange"]
    assert run(held.get()).value == []


def test_roles_and_scopes_are_granted(graph: GraphServiceClient, run: Run) -> None:
    made = run(graph.applications.post(Application(display_name="Granted")))
    principal = run(graph.service_principals.post(ServicePrincipal(app_id=made.app_id)))
    resource = run(graph.service_principals_with_app_id(GRAPH_APP_ID).get())
    role = next(role for role in resource.app_roles if role.value == "User.Read.All")

    assignment = run(
        graph.service_principals.by_service_principal_id(resource.id).app_role_assigned_to.post(
            AppRoleAssignment(
                principal_id=UUID(principal.id), resource_id=UUID(resource.id), app_role_id=role.id
            )
        )
    )
    grant = run(
        graph.oauth2_permission_grants.post(
            OAuth2PermissionGrant(
                client_id=principal.id,
                resource_id=resource.id,
                consent_type="AllPrincipals",
                scope="User.Read",
            )
        )
    )
    one = graph.service_principals.by_service_principal_id(principal.id)
    roles = run(one.app_role_assignments.get()).value
    scopes = run(one.oauth2_permission_grants.get()).value
    run(graph.oauth2_permission_grants.by_o_auth2_permission_grant_id(grant.id).delete())
    run(one.app_role_assignments.by_app_role_assignment_id(assignment.id).delete())

    assert [each.id for each in roles] == [assignment.id]
    assert roles[0].principal_display_name == "Granted"
    assert [each.scope for each in scopes] == ["User.Read"]
    assert run(one.app_role_assignments.get()).value == []


def test_owners_are_shown_under_their_own_types(graph: GraphServiceClient, run: Run) -> None:
    made = run(graph.applications.post(Application(display_name="Owned")))
    owners = graph.applications.by_application_id(made.id).owners
    user = run(graph.users.get()).value[0]
    place = f"https://graph.microsoft.com/v1.0/directoryObjects/{user.id}"

    run(owners.ref.post(ReferenceCreate(odata_id=place)))
    shown = run(owners.get()).value
    run(owners.by_directory_object_id(user.id).ref.delete())

    assert {type(each) for each in shown} == {ServicePrincipal, User}
    assert {type(each) for each in run(owners.get()).value} == {ServicePrincipal}


def test_objects_are_had_by_their_identifiers(graph: GraphServiceClient, run: Run) -> None:
    made = run(graph.applications.post(Application(display_name="By id")))
    user = run(graph.users.get()).value[0]
    body = GetByIdsPostRequestBody(ids=[made.id, user.id], types=["application", "user"])

    found = run(graph.directory_objects.get_by_ids.post(body)).value

    assert [(type(each), each.id) for each in found] == [(Application, made.id), (User, user.id)]
