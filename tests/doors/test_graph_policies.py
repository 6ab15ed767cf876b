"""App management policies: read where one may, and nothing fails where one may not."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Scripted, serving
from tenant_graph import signed_in, with_rights

from provision.errors import GraphError
from provision.graph import directory
from provision.graph.client import Graph
from provision.policy import AppManagement, Restriction
from provision.sandbox.server import Server

RULERS = ["Cloud Application Administrator"]
MONTH = {"restrictionType": "passwordLifetime", "maxLifetime": "P30D"}
DEFAULT = "/policies/defaultAppManagementPolicy"
POLICIES = "/policies/appManagementPolicies"


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def app_management(graph: Graph) -> Awaitable[Any]:
    return directory.app_management(graph)


def own_policies(graph: Graph) -> Awaitable[Any]:
    return directory.app_management_of(graph, ["11111111-1111-4111-8111-111111111111"])


def restrict(server: Server, **body: Any) -> None:
    async def change(graph: Graph) -> None:
        await graph.send("PATCH", DEFAULT, body, action="restrict")

    with_rights(server, change, directory_roles=RULERS)


def test_a_new_tenant_s_policy_says_nothing(server: Server) -> None:
    assert signed_in(server, app_management) == AppManagement()


def test_the_tenant_s_default_policy_is_read_with_all_it_says(server: Server) -> None:
    since = "2026-01-01T00:00:00Z"
    keys = {"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P1DT2H3M4S"}
    restrictions = {
        "passwordCredentials": [
            MONTH,
            {"restrictionType": "passwordAddition", "state": "disabled"},
        ],
        "keyCredentials": [{**keys, "restrictForAppsCreatedAfterDateTime": since}],
    }
    restrict(server, isEnabled=True, applicationRestrictions=restrictions)

    policy = signed_in(server, app_management)

    assert policy.restrictions == (
        Restriction(type="passwordLifetime", longest=timedelta(days=30)),
        Restriction(type="passwordAddition", enabled=False),
        Restriction(
            type="asymmetricKeyLifetime",
            longest=timedelta(days=1, hours=2, minutes=3, seconds=4),
            since=datetime(2026, 1, 1, tzinfo=UTC),
        ),
    )


def test_a_policy_that_is_switched_off_says_nothing(server: Server) -> None:
    restrict(server, applicationRestrictions={"passwordCredentials": [MONTH]})

    assert signed_in(server, app_management) == AppManagement()


def test_who_may_not_read_policies_is_told_none(server: Server) -> None:
    assert with_rights(server, app_management, roles=["Application.ReadWrite.OwnedBy"]) is None


def test_an_application_s_own_policy_is_read_where_it_has_one(server: Server) -> None:
    async def assign(graph: Graph) -> list[str]:
        one = await directory.upsert_application(graph, "hello.one", {"displayName": "One"})
        two = await directory.upsert_application(graph, "hello.two", {"displayName": "Two"})
        assert one
        assert two
        body = {
            "displayName": "Ours",
            "description": "For one",
            "isEnabled": True,
            "restrictions": {"passwordCredentials": [MONTH]},
        }
        made = await graph.send("POST", POLICIES, body, action="make a policy")
        reference = {"@odata.id": f"{POLICIES}/{(made.body or {})['id']}"}
        path = f"/applications/{one.id}/appManagementPolicies/$ref"
        await graph.send("POST", path, reference, action="assign it")
        return [one.id, two.id]

    one, two = with_rights(server, assign, directory_roles=RULERS)
    found = signed_in(server, lambda graph: directory.app_management_of(graph, [one, two, one]))

    month = Restriction(type="passwordLifetime", longest=timedelta(days=30))
    assert found == {one: AppManagement(restrictions=(month,)), two: None}


def test_an_own_policy_that_may_not_be_read_is_left_out(server: Server) -> None:
    rights = ["Application.ReadWrite.All"]

    assert with_rights(server, own_policies, roles=rights) == {}


def test_a_lifetime_that_cannot_be_read_limits_nothing(scripted: Scripted) -> None:
    limits = [{**MONTH, "maxLifetime": text} for text in ("P1Y", "P", "soon")]
    scripted.will(
        Answer(body={"isEnabled": True, "applicationRestrictions": {"passwordCredentials": limits}})
    )

    policy = scripted.run(app_management)

    assert [each.longest for each in policy.restrictions] == [None, None, None]


def test_an_answer_of_another_shape_is_a_failure_in_words(scripted: Scripted) -> None:
    scripted.will(Answer(body={"applicationRestrictions": 5}))

    with pytest.raises(GraphError, match="read the tenant's app management policy"):
        scripted.run(app_management)
