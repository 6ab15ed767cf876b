"""Grants that a replica has not heard of are not taken for gone: nobody would look for them again."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Asked, Scripted, parts_of, refusal, serving

from provision.errors import NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph

ASSIGNMENT = {"id": "as", "appRoleId": "role", "principalId": "sp", "resourceId": "graph"}
NOT_FOUND = refusal(404, "Request_ResourceNotFound")


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def without_grants(then: Callable[[], Answer]) -> Callable[[Asked], Answer]:
    """A batch that finds the service principal but not its grants; what is asked afterwards."""

    def answer(asked: Asked) -> Answer:
        if asked.method != "POST":
            return then()
        parts: list[dict[str, Any]] = []
        for part in asked.body["requests"]:
            grants = part["url"].endswith("/appRoleAssignments")
            body = {"error": {}} if grants else {"id": "sp", "appId": "client"}
            parts.append({"id": part["id"], "status": 404 if grants else 200, "body": body})
        return Answer(body={"responses": parts})

    return answer


def principals(graph: Graph) -> Awaitable[Any]:
    return directory.service_principals(graph, ["client"])


def test_grants_that_are_behind_their_service_principal_are_asked_for_again(
    scripted: Scripted,
) -> None:
    """Taken for none, they would stay granted when the manifest drops them."""
    late = iter((NOT_FOUND, Answer(body={"value": [ASSIGNMENT]})))
    scripted.otherwise = without_grants(lambda: next(late))

    found = scripted.run(principals)

    assert [grant.id for grant in found["client"].app_role_assignments] == ["as"]


def test_grants_that_stay_behind_are_not_yet_visible(scripted: Scripted) -> None:
    scripted.otherwise = without_grants(lambda: NOT_FOUND)

    with pytest.raises(NotYetVisible):
        scripted.run(principals)


def test_a_principal_that_nobody_shows_any_more_after_its_grants_were_missing_is_gone(
    scripted: Scripted,
) -> None:
    """It was deleted a moment ago, and the replica that showed it had not heard of that."""
    first = iter((without_grants(lambda: NOT_FOUND),))
    gone = parts_of({})

    def answer(asked: Asked) -> Answer:
        if asked.method != "POST":
            return NOT_FOUND
        return next(first, gone)(asked)

    scripted.otherwise = answer

    assert scripted.run(principals) == {}


def test_delegated_consents_that_are_behind_are_asked_for_again(scripted: Scripted) -> None:
    consent = {
        "id": "consent",
        "clientId": "sp",
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": "graph",
        "scope": "User.Read",
    }
    key = "/servicePrincipals(appId='client')"
    batched = parts_of(
        {key: {"id": "sp", "appId": "client"}, f"{key}/appRoleAssignments": {"value": []}}
    )
    late = iter((NOT_FOUND, Answer(body={"value": [consent]})))
    scripted.otherwise = lambda asked: batched(asked) if asked.method == "POST" else next(late)

    found = scripted.run(
        lambda graph: directory.service_principals(graph, ["client"], delegated=["client"])
    )

    assert [grant.id for grant in found["client"].grants] == ["consent"]
