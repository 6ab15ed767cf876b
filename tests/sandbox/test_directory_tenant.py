"""The organization and its people, over plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from caller import EVENTUAL, Caller, message, operator_of, refusal

from provision.sandbox.server import Server


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


def test_the_organization_says_that_it_is_a_sandbox(operator: Caller) -> None:
    (organization,) = operator.get("organization").json()["value"]

    assert organization["id"] == operator.identity["tenantId"]
    assert "Sandbox" in organization["displayName"]
    assert organization["verifiedDomains"][0]["isInitial"] is True
    assert operator.get(f"organization/{organization['id']}").status_code == 200


def test_users_are_listed_page_by_page(operator: Caller) -> None:
    first = operator.get("users?$top=3").json()
    rest = operator.get(first["@odata.nextLink"]).json()

    names = [user["userPrincipalName"] for user in [*first["value"], *rest["value"]]]
    assert len(names) == len(set(names)) == 5
    assert "@odata.nextLink" not in rest


def test_a_user_shows_the_usual_properties_and_others_when_asked(operator: Caller) -> None:
    (user,) = operator.get("users?$top=1").json()["value"]

    selected = operator.get(f"users/{user['id']}?$select=id,accountEnabled").json()

    assert "accountEnabled" not in user
    assert set(selected) == {"@odata.context", "id", "accountEnabled"}


def test_a_user_is_known_by_its_name_in_any_case(operator: Caller) -> None:
    (user,) = operator.get("users?$top=1").json()["value"]

    assert operator.get(f"users/{user['userPrincipalName'].upper()}").json()["id"] == user["id"]


def test_a_missing_user_is_named(operator: Caller) -> None:
    answer = operator.get("users/nobody@example.com")

    assert refusal(answer) == (404, "Request_ResourceNotFound")
    assert message(answer).startswith("Resource 'nobody@example.com' does not exist")


def test_users_are_counted_and_searched(operator: Caller) -> None:
    assert operator.get("users/$count", **EVENTUAL).text == "5"
    found = operator.get('users?$search="displayName:adele"', **EVENTUAL).json()["value"]
    assert [user["givenName"] for user in found] == ["Adele"]


def test_users_are_sorted(operator: Caller) -> None:
    names = [
        user["displayName"]
        for user in operator.get("users?$orderby=displayName desc").json()["value"]
    ]

    assert names == sorted(names, reverse=True)


@pytest.mark.parametrize("address", ["me", "me?$select=id"])
def test_me_is_for_people(operator: Caller, address: str) -> None:
    answer = operator.get(address)

    assert refusal(answer) == (400, "BadRequest")
    assert message(answer) == "/me request is only valid with delegated authentication flow."
