"""The recycle bin over plain HTTP: what goes together, what comes back, what is gone for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from caller import Caller, made, operator_of, refusal

from provision.sandbox.server import Server

BIN = "directory/deletedItems"
MISSING = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture
def gone(operator: Caller) -> tuple[dict[str, Any], dict[str, Any]]:
    """An application and its principal, with a role, deleted with one call."""
    application = operator.application(uniqueName="team.gone")
    principal = operator.principal(application)
    made(operator.grant(principal, "User.Read.All"))
    assert operator.delete(f"applications/{application['id']}").status_code == 204
    return application, principal


def ids(operator: Caller, address: str) -> list[str]:
    return [row["id"] for row in operator.get(address).json()["value"]]


def test_the_principal_goes_with_its_application(
    operator: Caller, gone: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    application, principal = gone

    assert operator.get(f"servicePrincipals/{principal['id']}").status_code == 404
    assert ids(operator, f"{BIN}/microsoft.graph.application") == [application["id"]]
    assert ids(operator, f"{BIN}/microsoft.graph.servicePrincipal") == [principal["id"]]


def test_the_application_stays_when_its_principal_goes(operator: Caller) -> None:
    application = operator.application()
    principal = operator.principal(application)

    answer = operator.delete(f"servicePrincipals/{principal['id']}")

    assert answer.status_code == 204
    assert operator.get(f"applications/{application['id']}").status_code == 200
    assert operator.principal(application)["id"] != principal["id"]


def test_assignments_go_and_come_back_with_the_principal(
    operator: Caller, gone: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    application, principal = gone
    graph = operator.graph_principal()["id"]
    given = f"servicePrincipals/{graph}/appRoleAssignedTo?$filter=principalId eq {principal['id']}"

    while_gone = ids(operator, given)
    operator.post(f"{BIN}/{application['id']}/restore")
    operator.post(f"{BIN}/{principal['id']}/restore")

    assert while_gone == []
    assert len(ids(operator, given)) == 1


def test_what_was_taken_back_before_does_not_return(operator: Caller) -> None:
    principal = operator.principal(operator.application())
    given = made(operator.grant(principal, "User.Read.All"))
    address = f"servicePrincipals/{principal['id']}"
    operator.delete(f"{address}/appRoleAssignments/{given['id']}")

    operator.delete(address)
    operator.post(f"{BIN}/{principal['id']}/restore")

    assert ids(operator, f"{address}/appRoleAssignments") == []


def test_an_application_is_restored_without_its_principal(
    operator: Caller, gone: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    application, principal = gone

    answer = operator.post(f"{BIN}/{application['id']}/restore")

    body = answer.json()
    assert answer.status_code == 200
    assert body["@odata.type"] == "#microsoft.graph.application"
    assert body["@odata.context"].endswith("#directoryObjects/$entity")
    assert body["deletedDateTime"] is None
    assert operator.get("applications(uniqueName='team.gone')").status_code == 200
    assert operator.get(f"servicePrincipals/{principal['id']}").status_code == 404


def test_a_principal_is_not_restored_beside_its_successor(operator: Caller) -> None:
    application = operator.application()
    principal = operator.principal(application)
    operator.delete(f"servicePrincipals/{principal['id']}")
    operator.principal(application)

    answer = operator.post(f"{BIN}/{principal['id']}/restore")

    assert refusal(answer) == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_a_deleted_item_is_shown_with_its_type(
    operator: Caller, gone: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    body = operator.get(f"{BIN}/{gone[0]['id']}").json()

    assert body["@odata.type"] == "#microsoft.graph.application"
    assert body["deletedDateTime"] is not None
    assert body["uniqueName"] == "team.gone"


def test_the_bin_is_filtered_like_any_list(
    operator: Caller, gone: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    address = f"{BIN}/microsoft.graph.servicePrincipal?$filter=appId eq"

    assert ids(operator, f"{address} '{gone[1]['appId']}'") == [gone[1]["id"]]
    assert ids(operator, f"{address} '{MISSING}'") == []


def test_the_bin_is_listed_by_type_only(operator: Caller) -> None:
    assert operator.get(BIN).status_code == 400


def test_a_purged_application_is_gone_with_its_principal(
    operator: Caller, gone: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    application, principal = gone

    purged = operator.delete(f"{BIN}/{application['id']}")

    assert (purged.status_code, purged.content) == (204, b"")
    assert operator.get(f"{BIN}/{application['id']}").status_code == 404
    assert operator.post(f"{BIN}/{principal['id']}/restore").status_code == 404


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("PATCH", "", {"displayName": "x"}),
        ("POST", "/addPassword", {}),
        ("DELETE", "", None),
        ("GET", "", None),
    ],
)
def test_a_deleted_application_cannot_be_used(
    operator: Caller,
    gone: tuple[dict[str, Any], dict[str, Any]],
    method: str,
    rest: str,
    body: Any,
) -> None:
    answer = operator.send(method, f"applications/{gone[0]['id']}{rest}", body)

    assert refusal(answer) == (404, "Request_ResourceNotFound")


def test_what_lives_is_not_in_the_bin(operator: Caller) -> None:
    application = operator.application()

    assert operator.get(f"{BIN}/{application['id']}").status_code == 404
    assert operator.delete(f"{BIN}/{application['id']}").status_code == 404


def test_the_bin_is_emptied_after_thirty_days(
    server: Server, gone: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    server.advance(timedelta(days=31))

    with operator_of(server) as later:
        assert later.get(f"{BIN}/{gone[0]['id']}").status_code == 404
        assert later.application(uniqueName="team.gone")
