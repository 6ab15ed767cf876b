"""Applications in full: every property that a manifest may set, found by appId or all at once."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Scripted, parts_of, refusal, serving
from tenant_graph import signed_in

from provision.errors import Conflict, Forbidden, GraphError, NotYetVisible
from provision.graph import directory, operations, parse
from provision.graph.client import Graph
from provision.sandbox.server import Server

BARE = {"id": "object", "appId": "client", "displayName": "Hello"}
BAD = "Request_BadRequest"
SCOPE = {
    "id": "0e000000-0000-0000-0000-000000000002",
    "value": "Orders.Read",
    "adminConsentDisplayName": "Read orders",
    "adminConsentDescription": "Read orders",
    "isEnabled": True,
    "type": "User",
}
ROLE = {
    "id": "0e000000-0000-0000-0000-000000000001",
    "value": "Orders.Read.All",
    "displayName": "Read orders",
    "description": "Read orders",
    "isEnabled": True,
    "allowedMemberTypes": ["Application"],
}
WIDE: dict[str, Any] = {
    "displayName": "Hello",
    "description": "An API",
    "notes": "2026-01-01",
    "signInAudience": "AzureADMyOrg",
    "web": {
        "homePageUrl": "https://hello.example",
        "redirectUris": ["https://hello.example/back"],
        "implicitGrantSettings": {"enableIdTokenIssuance": True},
    },
    "spa": {"redirectUris": ["https://hello.example/spa"]},
    "publicClient": {"redirectUris": ["http://localhost"]},
    "isFallbackPublicClient": True,
    "groupMembershipClaims": "SecurityGroup",
    "optionalClaims": {"accessToken": [{"name": "email", "essential": True}]},
    "api": {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [SCOPE]},
    "appRoles": [ROLE],
}


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def holds(found: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is found, whatever else is there."""
    if isinstance(wanted, dict):
        return all(holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)


def test_every_property_that_a_manifest_may_set_is_asked_for(scripted: Scripted) -> None:
    """A list selects; one object is read as it is, since selecting its certificates is limited."""
    scripted.will(Answer(body=BARE), Answer(body={"value": []}))

    scripted.run(lambda graph: directory.application(graph, "object"))
    scripted.run(directory.applications_all)

    one, listed = scripted.asked
    asked = listed.path.partition("$select=")[2].partition("&")[0].split(",")
    assert "$select" not in one.path
    assert {*WIDE, "identifierUris", "tags", "keyCredentials"} <= set(asked)
    assert set(parse.PROPERTIES) == {*WIDE, "identifierUris"}


def test_properties_keep_graphs_own_json(scripted: Scripted) -> None:
    """Text that looks like a date stays text: the SDK's models would change it."""
    scripted.will(Answer(body={**BARE, **WIDE}))

    found = scripted.run(lambda graph: directory.application(graph, "object"))

    assert found.properties == WIDE


def test_what_is_written_in_full_is_read_in_full(server: Server) -> None:
    async def work(graph: Graph) -> None:
        made = await directory.upsert_application(graph, "hello.web", WIDE)
        assert made is not None
        uris = [f"api://{made.app_id}"]
        await directory.update_application(graph, made.id, {"identifierUris": uris})

        found = await directory.application(graph, made.id)

        assert found is not None
        assert holds(dict(found.properties), {**WIDE, "identifierUris": uris})

    signed_in(server, work)


def test_applications_are_looked_up_by_app_id_and_missing_ones_left_out(
    scripted: Scripted,
) -> None:
    scripted.otherwise = parts_of(
        {f"/applications(appId='c{n}')": {**BARE, "appId": f"c{n}"} for n in range(30)}
    )

    wanted = [*(f"c{n}" for n in range(30)), "absent", "c0"]
    found = scripted.run(lambda graph: directory.applications_by_app_id(graph, wanted))

    assert {key: each.app_id for key, each in found.items()} == {
        f"c{n}": f"c{n}" for n in range(30)
    }
    assert sorted(len(asked.body["requests"]) for asked in scripted.asked) == [11, 20]


def test_an_application_that_may_not_be_looked_up_is_no_absence(scripted: Scripted) -> None:
    denied = refusal(403, "Authorization_RequestDenied")
    scripted.otherwise = parts_of({"/applications(appId='client')": denied})

    with pytest.raises(Forbidden, match="look the applications up by appId"):
        scripted.run(lambda graph: directory.applications_by_app_id(graph, ["client"]))


def test_all_applications_are_listed_to_the_last_page(scripted: Scripted) -> None:
    link = f"{scripted.url}/v1.0/applications?$skiptoken=a"
    scripted.will(
        Answer(body={"value": [BARE], "@odata.nextLink": link}),
        Answer(body={"value": [{**BARE, "id": "last"}]}),
    )

    found = scripted.run(directory.applications_all)

    assert [application.id for application in found] == ["object", "last"]
    assert "$filter" not in scripted.asked[0].path


def test_an_application_is_found_by_app_id_and_among_all(server: Server) -> None:
    async def work(graph: Graph) -> None:
        made = await directory.upsert_application(graph, "hello.web", {"displayName": "Hello"})
        assert made is not None

        found = await directory.applications_by_app_id(graph, [made.app_id])

        assert found[made.app_id].id == made.id
        everything = await directory.applications_all(graph)
        assert {made.id} < {application.id for application in everything}

    signed_in(server, work)


@pytest.mark.parametrize(
    "late",
    [
        refusal(400, "CannotDeleteOrUpdateEnabledEntitlement", "Permission cannot be deleted"),
        refusal(
            400,
            "InvalidValue",
            "Property api.preAuthorizedApplications.delegatedPermissionIds has a Permission Id "
            "that cannot be found in the AppPermissions sets.",
        ),
        refusal(404, "Request_ResourceNotFound"),
    ],
)
def test_what_an_application_offers_may_change_only_later(scripted: Scripted, late: Answer) -> None:
    scripted.will(late)

    with pytest.raises(NotYetVisible):
        scripted.run(
            lambda graph: directory.update_application(
                graph, "object", {"appRoles": []}, operation=operations.UPDATE_ENTITLEMENTS
            )
        )


def test_a_malformed_role_is_refused_at_once(scripted: Scripted) -> None:
    """Its code is that of a scope which replicates; waiting for it would be in vain."""
    said = "App role with identifier 'x' must have at least one value for 'allowedMemberTypes'."
    scripted.will(refusal(400, "InvalidValue", said))

    with pytest.raises(GraphError, match="must have at least one value") as refused:
        scripted.run(
            lambda graph: directory.update_application(
                graph, "object", {"appRoles": []}, operation=operations.UPDATE_ENTITLEMENTS
            )
        )

    assert not isinstance(refused.value, NotYetVisible)


def test_a_role_is_switched_off_before_it_is_removed(server: Server) -> None:
    async def work(graph: Graph) -> None:
        made = await directory.upsert_application(
            graph, "hello.api", {"displayName": "Hello", "appRoles": [ROLE]}
        )
        assert made is not None

        async def change(*roles: dict[str, Any]) -> None:
            body = {"appRoles": list(roles)}
            await directory.update_application(
                graph, made.id, body, operation=operations.UPDATE_ENTITLEMENTS
            )

        with pytest.raises(NotYetVisible):
            await change()
        await change({**ROLE, "isEnabled": False})
        await change()

        bare = await directory.application(graph, made.id)
        assert bare is not None
        assert bare.properties["appRoles"] == []

    signed_in(server, work)


def test_an_identifier_uri_of_another_application_is_a_conflict(server: Server) -> None:
    async def work(graph: Graph) -> None:
        domain = server.tenant().domain
        uris = {"displayName": "Hello", "identifierUris": [f"https://{domain}/hello"]}
        await directory.upsert_application(graph, "hello.web", uris)
        await directory.upsert_application(graph, "hello.twin", uris)

    with pytest.raises(Conflict, match="property identifierUris already exists") as refused:
        signed_in(server, work)

    assert "holds that identifier URI" in refused.value.hint


def test_an_identifier_uri_of_a_strange_domain_is_told_what_may_stand_there(
    server: Server,
) -> None:
    async def work(graph: Graph) -> None:
        body = {"displayName": "Hello", "identifierUris": ["https://stranger.example/hello"]}
        await directory.upsert_application(graph, "hello.web", body)

    with pytest.raises(GraphError, match="must use a verified domain") as refused:
        signed_in(server, work)

    assert "api://{appId}" in refused.value.hint
