"""Owners of applications and service principals: who they are, who may become one, how many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from caller import EVENTUAL, Caller, message, operator_of, refusal

from provision.sandbox.directory import owners
from provision.sandbox.server import Server

MISSING = "11111111-1111-4111-8111-111111111111"
KINDS = pytest.mark.parametrize("collection", ["applications", "servicePrincipals"])


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


def an_address(operator: Caller, collection: str) -> str:
    application = operator.application()
    if collection == "applications":
        return f"applications/{application['id']}"
    return f"servicePrincipals/{operator.principal(application)['id']}"


def a_user(operator: Caller, number: int = 0) -> dict[str, Any]:
    found: list[dict[str, Any]] = operator.get("users").json()["value"]
    return found[number]


def reference(id: str, base: str = "https://graph.microsoft.com/v1.0") -> dict[str, str]:
    return {"@odata.id": f"{base}/directoryObjects/{id}"}


@KINDS
def test_an_owner_is_added_shown_and_removed(operator: Caller, collection: str) -> None:
    address, user = an_address(operator, collection), a_user(operator)

    added = operator.post(f"{address}/owners/$ref", reference(user["id"]))
    shown = operator.get(f"{address}/owners").json()
    removed = operator.delete(f"{address}/owners/{user['id']}/$ref")

    assert (added.status_code, removed.status_code) == (204, 204)
    assert shown["@odata.context"].endswith("/v1.0/$metadata#directoryObjects")
    types = {owner["id"]: owner["@odata.type"] for owner in shown["value"]}
    assert types[user["id"]] == "#microsoft.graph.user"
    assert sorted(types.values()) == ["#microsoft.graph.servicePrincipal", "#microsoft.graph.user"]
    left = operator.get(f"{address}/owners").json()["value"]
    assert user["id"] not in [owner["id"] for owner in left]


def test_references_name_the_place_of_each_owner(operator: Caller) -> None:
    address = an_address(operator, "applications")

    answer = operator.get(f"{address}/owners/$ref").json()

    (owner,) = answer["value"]
    assert owner["@odata.id"].endswith("/Microsoft.DirectoryServices.ServicePrincipal")
    assert f"/v2/{operator.identity['tenantId']}/directoryObjects/" in owner["@odata.id"]


@pytest.mark.parametrize(
    "form",
    [
        "https://graph.microsoft.com/v1.0/directoryObjects/{}",
        "https://graph.microsoft.com/beta/users/{}",
        "https://localhost:8443/v1.0/users('{}')",
        "https://graph.microsoft.com/v2/tenant/directoryObjects/{}/Microsoft.DirectoryServices.User",
        "https://graph.microsoft.com/v1.0//directoryObjects/{}",
        "directoryObjects/{}",
    ],
)
def test_a_reference_may_take_any_form_that_clients_use(operator: Caller, form: str) -> None:
    address, user = an_address(operator, "applications"), a_user(operator)

    answer = operator.post(f"{address}/owners/$ref", {"@odata.id": form.format(user["id"])})

    assert answer.status_code == 204, answer.text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "Request_BadRequest")),
        ({"@odata.id": 5}, (400, "Request_BadRequest")),
        ({"@odata.id": "x"}, (400, "Request_BadRequest")),
        ({"@odata.id": f"https://h/v1.0/domains/{MISSING}"}, (400, "Request_BadRequest")),
        (reference(MISSING), (404, "Request_ResourceNotFound")),
    ],
)
def test_a_bad_reference_is_refused(operator: Caller, body: Any, expected: object) -> None:
    address = an_address(operator, "applications")

    assert refusal(operator.post(f"{address}/owners/$ref", body)) == expected


def test_a_group_owns_no_application(operator: Caller) -> None:
    """Only people and service principals do."""
    other = operator.workload("Group.ReadWrite.All")
    group = other.post(
        "groups",
        {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True},
    ).json()

    answer = operator.post(
        f"{an_address(operator, 'applications')}/owners/$ref", reference(group["id"])
    )

    assert refusal(answer) == (404, "Request_ResourceNotFound")


def test_an_owner_is_there_once(operator: Caller) -> None:
    address, user = an_address(operator, "applications"), a_user(operator)
    operator.post(f"{address}/owners/$ref", reference(user["id"]))

    again = operator.post(f"{address}/owners/$ref", reference(user["id"]))

    assert refusal(again) == (400, "Request_BadRequest")
    assert message(again) == (
        "One or more added object references already exist for the following modified properties: "
        "'owners'."
    )


def test_an_owner_that_is_not_there_cannot_be_removed(operator: Caller) -> None:
    address = an_address(operator, "applications")

    answer = operator.delete(f"{address}/owners/{MISSING}/$ref")

    assert refusal(answer) == (404, "Request_ResourceNotFound")
    assert message(answer).startswith("One or more removed object references do not exist")
    assert message(answer).endswith("'owners'.")


def test_the_last_owner_may_go(operator: Caller) -> None:
    address = an_address(operator, "applications")
    (owner,) = operator.get(f"{address}/owners").json()["value"]

    answer = operator.delete(f"{address}/owners/{owner['id']}/$ref")

    assert answer.status_code == 204
    assert operator.get(f"{address}/owners").json()["value"] == []


def test_there_are_a_hundred_owners_at_most(
    operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "MOST", 2)
    address = an_address(operator, "applications")
    operator.post(f"{address}/owners/$ref", reference(a_user(operator, 0)["id"]))

    answer = operator.post(f"{address}/owners/$ref", reference(a_user(operator, 1)["id"]))

    assert refusal(answer) == (403, "Directory_QuotaExceeded")
    assert message(answer) == (
        "Unable to perform operation as '3' would exceed the maximum quota count '2' for "
        "forward-link 'owners'."
    )


def test_owners_can_be_cast_and_counted(operator: Caller) -> None:
    address, user = an_address(operator, "applications"), a_user(operator)
    operator.post(f"{address}/owners/$ref", reference(user["id"]))

    people = operator.get(f"{address}/owners/microsoft.graph.user").json()
    count = operator.get(f"{address}/owners/$count", **EVENTUAL)
    counted = operator.get(f"{address}/owners/microsoft.graph.user/$count", **EVENTUAL)

    assert people["@odata.context"].endswith("$metadata#users")
    assert [owner["id"] for owner in people["value"]] == [user["id"]]
    assert "@odata.type" not in people["value"][0]
    assert (count.text, counted.text) == ("2", "1")


def test_applications_are_found_by_the_number_of_their_owners(operator: Caller) -> None:
    lonely = an_address(operator, "applications").partition("/")[2]
    (owner,) = operator.get(f"applications/{lonely}/owners").json()["value"]
    operator.delete(f"applications/{lonely}/owners/{owner['id']}/$ref")
    an_address(operator, "applications")

    found = operator.get(
        "applications?$filter=owners/$count eq 0&$count=true&$select=id", **EVENTUAL
    ).json()["value"]

    assert lonely in [application["id"] for application in found]
    assert len(found) < len(operator.get("applications").json()["value"])


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        (("Application.ReadWrite.All", "Directory.Read.All"), True),
        (("Directory.ReadWrite.All",), True),
        (("Application.ReadWrite.All",), False),
        (("Application.ReadWrite.OwnedBy", "Directory.Read.All"), False),
    ],
)
def test_to_add_an_owner_takes_the_right_to_read_people_too(
    operator: Caller, roles: tuple[str, ...], allowed: bool
) -> None:
    address, user = an_address(operator, "applications"), a_user(operator)

    answer = operator.workload(*roles).post(f"{address}/owners/$ref", reference(user["id"]))

    assert answer.status_code == (204 if allowed else 403), answer.text


def test_who_may_change_only_its_own_may_share_its_own(operator: Caller) -> None:
    other = operator.workload("Application.ReadWrite.OwnedBy", "Directory.Read.All")
    address, user = an_address(other, "applications"), a_user(operator)

    added = other.post(f"{address}/owners/$ref", reference(user["id"]))
    removed = other.delete(f"{address}/owners/{user['id']}/$ref")

    assert (added.status_code, removed.status_code) == (204, 204)
