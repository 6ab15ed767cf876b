"""What we rely on in the SDK: each of these would break us silently if a release changed it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Scripted, refusal, serving

from provision.graph import directory, parse, paths, transport
from provision.graph.client import Graph
from provision.graph.transport import Stack

CANARY = "Canary~7Q~verysecret"


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


async def answer_of(scripted: Scripted, hosts: list[str]) -> Any:
    """The SDK's bare answer to one GET."""
    stack: Stack = transport.assemble(
        scripted, scripted.url, hosts, ca_bundle=scripted.ca_bundle, parallel=1
    )
    try:
        url = f"{scripted.url}/v1.0/things"
        return await transport.send_once(stack, "GET", url, content=None, headers={})
    finally:
        await transport.close(stack)


def test_the_native_handler_gives_httpx_responses_and_raises_nothing(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    response = asyncio.run(answer_of(scripted, ["127.0.0.1"]))

    assert response.status_code == 404
    assert b"Request_ResourceNotFound" in response.content


def test_the_sdks_builders_make_no_double_slash(scripted: Scripted) -> None:
    async def work(graph: Graph) -> str:
        asked = paths.applications(graph.adapter).to_get_request_information()
        graph.adapter.set_base_url_for_request_information(asked)
        return str(asked.url)

    assert scripted.run(work) == f"{scripted.url}/v1.0/applications"


def test_the_token_is_not_sent_to_a_host_that_is_not_allowed(scripted: Scripted) -> None:
    asyncio.run(answer_of(scripted, ["graph.example"]))

    assert "authorization" not in scripted.asked[0].headers
    assert scripted.tokens == 0


def test_a_closed_graph_leaves_no_connection_open(scripted: Scripted) -> None:
    """The SDK's transport does not close what it wraps."""

    async def work() -> list[object]:
        async with scripted.open() as graph:
            await graph.send("GET", "/things", action="read")
            pool = graph.adapter._http_client._transport.transport._pool
        return list(pool.connections)

    assert asyncio.run(work()) == []


BUILDERS: dict[str, Callable[[], Any]] = {
    "/applications": lambda: paths.applications(0),
    "/applications/a/addPassword": lambda: an_application("a").add_password,
    "/applications/a/removePassword": lambda: an_application("a").remove_password,
    "/applications(uniqueName='it%27%27s%2Fa%3Fb')": lambda: paths.application_named(0, "it's/a?b"),
    "/servicePrincipals(appId='g')": lambda: paths.service_principal_of(0, "g"),
    "/servicePrincipals/p/appRoleAssignments": lambda: (
        paths.service_principals(0).by_service_principal_id("p").app_role_assignments
    ),
    "/directory/deletedItems/d/restore": lambda: paths.deleted_item(0, "d").restore,
    "/organization": lambda: paths.organization(0),
    "/applications(appId='a')": lambda: paths.application_of(0, "a"),
    "/applications/a/owners/$ref": lambda: an_application("a").owners.ref,
    "/applications/a/federatedIdentityCredentials": lambda: (
        an_application("a").federated_identity_credentials
    ),
    "/applications/a/federatedIdentityCredentials(name='it%27%27s')": lambda: paths.federated_named(
        0, "a", "it's"
    ),
    "/servicePrincipals/p/owners/$ref": lambda: (
        paths.service_principals(0).by_service_principal_id("p").owners.ref
    ),
    "/servicePrincipals/p/oauth2PermissionGrants": lambda: (
        paths.service_principals(0).by_service_principal_id("p").oauth2_permission_grants
    ),
    "/oauth2PermissionGrants/g-_": lambda: paths.oauth2_permission_grants(
        0
    ).by_o_auth2_permission_grant_id("g-_"),
    "/directoryObjects/d": lambda: paths.directory_object(0, "d"),
    "/users/o%27neil_x%23EXT%23%40a.example": lambda: paths.user(0, "o'neil_x#EXT#@a.example"),
}


def an_application(object_id: str) -> Any:
    return paths.applications(0).by_application_id(object_id)


@pytest.mark.parametrize("path", BUILDERS)
def test_a_builder_knows_the_path(path: str) -> None:
    assert paths.expand(BUILDERS[path]()) == path


def test_values_in_a_query_are_encoded_and_its_names_are_not() -> None:
    path = paths.expand(paths.applications(0), filter="tags/any(t:t eq 'a&b')", top="9")

    assert path == "/applications?$filter=tags%2Fany%28t%3At%20eq%20%27a%26b%27%29&$top=9"


def models() -> dict[str, tuple[Any, set[str]]]:
    """The SDK's model of each noun, and the names that we use of it."""
    from msgraph.generated.models.app_role import AppRole
    from msgraph.generated.models.app_role_assignment import AppRoleAssignment
    from msgraph.generated.models.application import Application
    from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
    from msgraph.generated.models.o_auth2_permission_grant import OAuth2PermissionGrant
    from msgraph.generated.models.organization import Organization
    from msgraph.generated.models.password_credential import PasswordCredential
    from msgraph.generated.models.permission_scope import PermissionScope
    from msgraph.generated.models.required_resource_access import RequiredResourceAccess
    from msgraph.generated.models.resource_access import ResourceAccess
    from msgraph.generated.models.service_principal import ServicePrincipal
    from msgraph.generated.models.verified_domain import VerifiedDomain

    password = {"keyId", "displayName", "startDateTime", "endDateTime", "secretText"}
    return {
        "application": (Application, {*parse.DELETED_FIELDS}),
        "service principal": (
            ServicePrincipal,
            {*parse.SERVICE_PRINCIPAL_FIELDS, *parse.RESOURCE_FIELDS},
        ),
        "assignment": (AppRoleAssignment, {*parse.ASSIGNMENT_FIELDS}),
        "consent": (OAuth2PermissionGrant, {*parse.GRANT_FIELDS}),
        "federated credential": (FederatedIdentityCredential, {*parse.FEDERATED_FIELDS}),
        "organization": (Organization, {*parse.ORGANIZATION_FIELDS}),
        "password": (PasswordCredential, password),
        "app role": (AppRole, {"id", "value", "isEnabled", "allowedMemberTypes"}),
        "scope": (PermissionScope, {"id", "value", "isEnabled"}),
        "requested": (RequiredResourceAccess, {"resourceAppId", "resourceAccess"}),
        "permission": (ResourceAccess, {"id", "type"}),
        "domain": (VerifiedDomain, {"name", "isDefault", "isInitial"}),
    }


@pytest.mark.parametrize(
    "noun",
    [
        "application",
        "service principal",
        "assignment",
        "consent",
        "federated credential",
        "organization",
        "password",
        "app role",
        "scope",
        "requested",
        "permission",
        "domain",
    ],
)
def test_the_sdk_knows_every_name_that_we_use(noun: str) -> None:
    model, used = models()[noun]

    assert used <= set(model().get_field_deserializers())


def test_no_log_at_any_level_shows_a_secret_or_a_token(
    scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    made = {
        "keyId": "k",
        "secretText": CANARY,
        "startDateTime": "2026-11-23T00:00:00Z",
        "endDateTime": "2027-11-23T00:00:00Z",
    }
    scripted.will(Answer(body=made))
    caplog.set_level(logging.DEBUG)

    async def work(graph: Graph) -> None:
        await directory.add_password(
            graph, "a", display_name="x", end=datetime(2027, 11, 23, tzinfo=UTC)
        )
        await graph.call("GET", "/users", "workloads-token")

    scripted.run(work)

    assert "/v1.0/applications/a/addPassword: 200" in caplog.text
    for value in (CANARY, "token-1", "workloads-token"):
        assert value not in caplog.text


def test_the_codec_that_logs_header_blocks_is_quiet(scripted: Scripted) -> None:
    scripted.run(lambda graph: graph.send("GET", "/things", action="read"))

    assert not logging.getLogger("hpack.hpack").isEnabledFor(logging.DEBUG)


def test_a_reply_does_not_print_what_it_holds(scripted: Scripted) -> None:
    scripted.will(Answer(body={"secretText": CANARY}, headers={"x-note": CANARY}))

    reply = scripted.run(lambda graph: graph.send("POST", "/things", {}, action="make it"))

    assert CANARY not in repr(reply)
