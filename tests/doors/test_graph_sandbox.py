"""The directory's operations in a tenant that refuses like the real one: words fit answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tenant_graph import signed_in

from provision.errors import Conflict, NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph
from provision.model import GRAPH_APP_ID, Application
from provision.sandbox.server import Server

Run = Callable[[Callable[[Graph], Awaitable[Any]]], Any]
NOBODY = "12345678-1234-1234-1234-123456789012"


@pytest.fixture
def run(server: Server) -> Run:
    """Do some work with a Graph that is signed in to a fresh sandbox tenant."""
    return lambda work: signed_in(server, work)


async def an_application(graph: Graph) -> Application:
    body = {"displayName": "Hello", "tags": ["provision:owner:hello"]}
    made = await directory.upsert_application(graph, "it's.web", body)
    assert made is not None
    return made


def test_an_application_is_made_once_and_found_by_name_and_tag(run: Run) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)

        again = await directory.upsert_application(graph, "it's.web", {"displayName": "Hi"})
        named = await directory.applications_named(graph, ["it's.web", "absent"])
        owned = await directory.applications_owned(graph, "provision:owner:hello")

        assert again is None
        assert {name: found.display_name for name, found in named.items()} == {"it's.web": "Hi"}
        assert [found.id for found in owned] == [made.id]

    run(work)


def test_a_permission_is_granted_and_revoked(run: Run) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)
        principal = await directory.create_service_principal(graph, made.app_id)
        resource = await directory.resource(graph, GRAPH_APP_ID)
        assert resource is not None
        role = resource.role("User.Read.All")
        assert role is not None
        ids = {"principal_id": principal.id, "resource_id": resource.id, "app_role_id": role.id}

        assert await directory.create_service_principal(graph, made.app_id) == principal
        granted = await directory.grant_app_role(graph, **ids)
        assert granted is not None
        assert await directory.grant_app_role(graph, **ids) is None
        found = await directory.service_principals(graph, [made.app_id])
        assert found[made.app_id].app_role_assignments == (granted,)

        await directory.revoke_app_role(graph, principal_id=principal.id, assignment_id=granted.id)
        found = await directory.service_principals(graph, [made.app_id])
        assert found[made.app_id].app_role_assignments == ()

    run(work)


def test_a_secret_is_issued_listed_and_removed(run: Run) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)
        end = graph.clock.now() + timedelta(days=30)

        issued = await directory.add_password(graph, made.id, display_name="main", end=end)
        listed = await directory.application(graph, made.id)
        await directory.remove_password(graph, made.id, issued.key_id)
        await directory.remove_password(graph, made.id, issued.key_id)
        bare = await directory.application(graph, made.id)

        assert listed is not None
        assert [p.key_id for p in listed.password_credentials] == [issued.key_id]
        assert issued.end == end.replace(microsecond=0)
        assert bare is not None
        assert bare.password_credentials == ()

    run(work)


def test_a_deleted_application_holds_its_name_until_it_is_purged(run: Run) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)
        await directory.delete_application(graph, made.id)

        with pytest.raises(Conflict):
            await an_application(graph)
        await directory.purge(graph, made.id)

        assert (await an_application(graph)).id != made.id

    run(work)


def test_a_deleted_application_and_its_service_principal_come_back(run: Run) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)
        principal = await directory.create_service_principal(graph, made.app_id)
        await directory.delete_application(graph, made.id)

        (deleted,) = await directory.deleted_applications(graph)
        found = await directory.deleted_service_principal(graph, made.app_id)
        assert found is not None
        assert (deleted.application.id, found.id) == (made.id, principal.id)
        await directory.restore(graph, made.id)
        await directory.restore(graph, principal.id)

        assert await directory.application(graph, made.id) is not None
        assert made.app_id in await directory.service_principals(graph, [made.app_id])

    run(work)


def test_what_may_only_be_late_is_not_yet(run: Run) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)

        with pytest.raises(NotYetVisible):
            await directory.create_service_principal(graph, NOBODY)
        with pytest.raises(NotYetVisible):
            await directory.update_application(graph, NOBODY, {"description": "x"})
        with pytest.raises(NotYetVisible):
            await directory.remove_password(graph, made.id, NOBODY, fresh=True)

    run(work)


def test_the_tenant_tells_its_name(run: Run) -> None:
    found = run(directory.organization)

    assert found.domain == "sandbox.onmicrosoft.com"
