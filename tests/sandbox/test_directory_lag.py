"""What replicas that lag do to the directory's answers, and that nothing is ever lost by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from caller import UPSERT, Caller, made, message, operator_of, refusal

from provision.sandbox.server import Server

TYPICAL = {"profile": "typical", "scale": 1.0, "seed": 3}
pytestmark = pytest.mark.parametrize("server", [TYPICAL], indirect=True)


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture
def settled(server: Server) -> Callable[[], None]:
    """Wait until every replica has everything."""
    return lambda: server.advance(timedelta(minutes=2))


def watch(server: Server, ask: Callable[[], httpx.Response], until: int) -> list[int]:
    """The statuses that come while the lag passes, two answers a second."""
    statuses: list[int] = []
    for _ in range(until):
        statuses += [ask().status_code, ask().status_code]
        server.advance(timedelta(seconds=1))
    return statuses


def patiently(server: Server, ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer, once the write before has let go of the object."""
    while (answer := ask()).status_code == 409:
        server.advance(timedelta(seconds=0.1))
    return answer


def test_a_new_application_flips_into_view(server: Server, operator: Caller) -> None:
    address = f"applications/{operator.application()['id']}"

    statuses = watch(server, lambda: operator.get(address), until=12)

    assert set(statuses) == {200, 404}
    assert 404 in statuses[statuses.index(200) :]
    assert set(statuses[-4:]) == {200}


def test_a_new_application_is_listed_later(operator: Caller, settled: Callable[[], None]) -> None:
    tag = "applications?$filter=tags/any(t:t eq 'late')"
    operator.application(tags=["late"])

    before = [len(operator.get(tag).json()["value"]) for _ in range(5)]
    settled()
    after = [len(operator.get(tag).json()["value"]) for _ in range(5)]

    assert 0 in before
    assert after == [1] * 5


def test_a_principal_waits_for_its_application(
    operator: Caller, settled: Callable[[], None]
) -> None:
    application = operator.application()

    too_early = operator.post("servicePrincipals", {"appId": application["appId"]})
    settled()
    then = operator.post("servicePrincipals", {"appId": application["appId"]})

    assert too_early.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    assert then.status_code == 201


def test_a_role_waits_for_its_principal(operator: Caller, settled: Callable[[], None]) -> None:
    application = operator.application()
    settled()
    principal = operator.principal(application)
    graph = operator.graph_principal()
    body = {
        "principalId": principal["id"],
        "resourceId": graph["id"],
        "appRoleId": graph["appRoles"][0]["id"],
    }

    at_resource = operator.post(f"servicePrincipals/{graph['id']}/appRoleAssignedTo", body)
    at_principal = operator.post(f"servicePrincipals/{principal['id']}/appRoleAssignments", body)
    settled()
    then = operator.post(f"servicePrincipals/{graph['id']}/appRoleAssignedTo", body)

    assert (at_resource.status_code, message(at_resource)) == (400, "Not a valid reference update.")
    assert refusal(at_principal) == (404, "Request_ResourceNotFound")
    assert then.status_code == 201


def test_nothing_is_given_to_a_deleted_principal_that_replicas_still_show(
    server: Server, operator: Caller, settled: Callable[[], None]
) -> None:
    application = operator.application()
    settled()
    principal, graph = operator.principal(application), operator.graph_principal()
    settled()
    address = f"servicePrincipals/{principal['id']}"
    offered = f"servicePrincipals/{graph['id']}/appRoleAssignedTo"
    role = {
        "principalId": principal["id"],
        "resourceId": graph["id"],
        "appRoleId": graph["appRoles"][0]["id"],
    }
    consent = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph["id"],
        "scope": "User.Read",
    }
    operator.delete(address)

    shown, given = [], []
    for _ in range(12):
        given.append(operator.post(f"{address}/appRoleAssignments", role).status_code)
        given.append(operator.post(offered, role).status_code)
        given.append(operator.post("oauth2PermissionGrants", consent).status_code)
        shown.append(operator.get(address).status_code)
        server.advance(timedelta(seconds=0.5))

    assert 200 in shown
    assert set(given) == {400, 404}


@pytest.mark.parametrize("action", ["addPassword", "removePassword"])
def test_a_secret_waits_for_its_application(server: Server, operator: Caller, action: str) -> None:
    address = f"applications/{operator.application()['id']}/{action}"
    body = {"keyId": "11111111-1111-4111-8111-111111111111"}

    statuses = watch(server, lambda: operator.post(address, body), until=9)

    assert 404 in statuses
    assert statuses[-1] == (200 if action == "addPassword" else 400)


def test_a_new_secret_flips_into_the_application(
    server: Server, operator: Caller, settled: Callable[[], None]
) -> None:
    address = f"applications/{operator.application()['id']}"
    settled()
    operator.post(f"{address}/addPassword", {})

    counts: list[int] = []
    for _ in range(24):
        counts.append(len(operator.get(address).json()["passwordCredentials"]))
        server.advance(timedelta(seconds=0.4))
    settled()

    assert set(counts) == {0, 1}
    assert len(operator.get(address).json()["passwordCredentials"]) == 1


def test_a_deleted_application_is_still_shown_for_a_while(
    server: Server, operator: Caller, settled: Callable[[], None]
) -> None:
    address = f"applications/{operator.application()['id']}"
    settled()
    assert operator.delete(address).status_code == 204

    statuses = watch(server, lambda: operator.get(address), until=20)

    assert 200 in statuses
    assert set(statuses[-4:]) == {404}


def test_a_deleted_principal_holds_its_name_for_a_while(
    operator: Caller, settled: Callable[[], None]
) -> None:
    application = operator.application()
    settled()
    principal = operator.principal(application)
    settled()
    operator.delete(f"servicePrincipals/{principal['id']}")

    answers = [
        operator.post("servicePrincipals", {"appId": application["appId"]}).status_code
        for _ in range(4)
    ]
    settled()
    last = operator.post("servicePrincipals", {"appId": application["appId"]}).status_code

    assert 409 in answers
    assert last == (409 if 201 in answers else 201)


def test_changes_made_through_a_stale_replica_lose_nothing(
    server: Server, operator: Caller, settled: Callable[[], None]
) -> None:
    address = f"applications/{operator.application()['id']}"
    settled()
    changes: list[dict[str, Any]] = [{"notes": "n"}, {"tags": ["t"]}, {"description": "d"}]

    statuses = [
        patiently(server, lambda: operator.patch(address, change)).status_code  # noqa: B023
        for change in changes
    ]
    secrets = [
        patiently(server, lambda: operator.post(f"{address}/addPassword", {})).json()["keyId"]
        for _ in range(3)
    ]
    settled()

    now = operator.get(address).json()
    assert statuses == [204, 204, 204]
    assert (now["notes"], now["tags"], now["description"]) == ("n", ["t"], "d")
    assert [each["keyId"] for each in now["passwordCredentials"]] == secrets


def test_an_upsert_never_makes_two(operator: Caller, settled: Callable[[], None]) -> None:
    address = "applications(uniqueName='team.one')"

    statuses = [
        operator.patch(address, {"displayName": "x"}, **UPSERT).status_code for _ in range(5)
    ]
    settled()

    assert statuses == [201, 204, 204, 204, 204]
    assert len(operator.get("applications?$filter=uniqueName eq 'team.one'").json()["value"]) == 1


def test_the_answer_of_a_write_shows_the_new_state(operator: Caller) -> None:
    body = made(operator.post("applications", {"displayName": "x", "tags": ["new"]}))

    assert body["tags"] == ["new"]
