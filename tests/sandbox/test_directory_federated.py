"""Federated identity credentials, over plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from caller import UPSERT, Caller, details, made, message, operator_of, refusal

from provision.sandbox.server import Server

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture
def address(operator: Caller) -> str:
    application = operator.application(uniqueName="team.federated")
    return f"applications/{application['id']}/federatedIdentityCredentials"


def a_credential(**changes: Any) -> dict[str, Any]:
    return {
        "name": "main",
        "issuer": GITHUB,
        "subject": "repo:octo/billing:ref:refs/heads/main",
        "audiences": ["api://AzureADTokenExchange"],
        **changes,
    }


def test_a_credential_lives_its_life(operator: Caller, address: str) -> None:
    created = operator.post(address, a_credential())
    credential = made(created)
    changed = operator.patch(f"{address}/{credential['id']}", {"description": "for main"})
    shown = operator.get(f"{address}/{credential['id']}").json()
    deleted = operator.delete(f"{address}/{credential['id']}")
    gone = operator.get(f"{address}/{credential['id']}")

    assert (changed.status_code, deleted.status_code) == (204, 204)
    assert shown["description"] == "for main"
    assert list(shown) == [
        *("@odata.context", "@odata.id", "id", "name", "issuer", "subject"),
        *("description", "audiences"),
    ]
    assert refusal(gone) == (404, "Request_ResourceNotFound")
    assert message(gone) == f"FederatedIdentityCredential with name {credential['id']} not found."
    assert created.headers["Location"] == credential["@odata.id"]


def test_the_answer_says_where_the_credential_is_kept(operator: Caller, address: str) -> None:
    credential = made(operator.post(address, a_credential()))

    application = address.split("/")[1]
    assert credential["@odata.context"].endswith(
        f"$metadata#applications('{application}')/federatedIdentityCredentials/$entity"
    )
    assert credential["@odata.id"].endswith(
        f"/v2/{operator.identity['tenantId']}/directoryObjects/$/Microsoft.DirectoryServices."
        f"Application('{application}')/federatedIdentityCredentials/{credential['id']}"
    )


@pytest.mark.parametrize("form", ["/main", "/MAIN", "(name='main')", "/{id}", "('{id}')"])
def test_a_credential_is_found_by_name_and_by_identifier(
    operator: Caller, address: str, form: str
) -> None:
    credential = made(operator.post(address, a_credential()))

    shown = operator.get(f"{address}{form.format(id=credential['id'])}")

    assert shown.json()["id"] == credential["id"]


def test_an_application_lists_its_own_credentials(operator: Caller, address: str) -> None:
    other = operator.application()
    operator.post(f"applications/{other['id']}/federatedIdentityCredentials", a_credential())
    credential = made(operator.post(address, a_credential()))

    (shown,) = operator.get(address).json()["value"]
    (filtered,) = operator.get(f"{address}?$filter=name eq 'main'").json()["value"]
    expanded = operator.get(
        f"applications/{address.split('/')[1]}?$expand=federatedIdentityCredentials"
    ).json()

    assert shown["id"] == filtered["id"] == credential["id"]
    assert expanded["federatedIdentityCredentials"] == [shown]


def test_an_upsert_by_name_makes_a_credential_once(operator: Caller) -> None:
    operator.application(uniqueName="team.upsert")
    key = "applications(uniqueName='team.upsert')/federatedIdentityCredentials(name='nightly')"
    body = {name: value for name, value in a_credential().items() if name != "name"}

    missing = operator.patch(key, body)
    first = operator.patch(key, body, **UPSERT)
    second = operator.patch(key, {**body, "subject": "other"}, **UPSERT)

    assert refusal(missing) == (404, "Request_ResourceNotFound")
    assert made(first)["name"] == "nightly"
    assert (second.status_code, second.content) == (204, b"")
    assert operator.get(key).json()["subject"] == "other"


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"name": "1" * 121}, "name"),
        ({"name": "-main"}, "name"),
        ({"name": "feature/x"}, "name"),
        ({"issuer": "x" * 601}, "issuer"),
        ({"subject": "x" * 601}, "subject"),
        ({"description": "x" * 601}, "description"),
        ({"audiences": ["a", "b"]}, "audiences"),
        ({"audiences": ["x" * 601]}, "audiences"),
        ({"audiences": [""]}, "audiences"),
    ],
)
def test_a_bad_value_is_refused(
    operator: Caller, address: str, change: dict[str, Any], target: str
) -> None:
    answer = operator.post(address, a_credential(**change))

    assert refusal(answer) == (400, "Request_BadRequest")
    assert details(answer) == [("InvalidValue", target)]


@pytest.mark.parametrize("name", ["name", "issuer", "subject", "audiences"])
def test_a_missing_value_is_named(operator: Caller, address: str, name: str) -> None:
    body = {key: value for key, value in a_credential().items() if key != name}

    answer = operator.post(address, body)

    assert refusal(answer) == (400, "Request_BadRequest")
    assert message(answer) == (
        f"A value is required for property '{name}' of resource 'FederatedIdentityCredential'."
    )


def test_the_longest_values_are_accepted(operator: Caller, address: str) -> None:
    longest = {"issuer": "i" * 600, "subject": "s" * 600, "description": "d" * 600}

    answer = operator.post(address, a_credential(name="n" * 120, **longest))

    assert answer.status_code == 201


def test_a_name_is_there_once_and_so_is_a_subject(operator: Caller, address: str) -> None:
    operator.post(address, a_credential())

    same_name = operator.post(address, a_credential(subject="other"))
    same_subject = operator.post(address, a_credential(name="other"))

    assert refusal(same_name) == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert message(same_name) == "FederatedIdentityCredential with name main already exists."
    assert refusal(same_subject) == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_another_application_may_trust_the_same_subject(operator: Caller, address: str) -> None:
    operator.post(address, a_credential())
    other = operator.application()

    answer = operator.post(
        f"applications/{other['id']}/federatedIdentityCredentials", a_credential()
    )

    assert answer.status_code == 201


def test_a_change_must_not_make_two_of_one_kind(operator: Caller, address: str) -> None:
    operator.post(address, a_credential())
    operator.post(address, a_credential(name="other", subject="other"))

    answer = operator.patch(f"{address}/other", {"subject": a_credential()["subject"]})

    assert refusal(answer) == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_the_name_cannot_be_changed(operator: Caller, address: str) -> None:
    operator.post(address, a_credential())

    same = operator.patch(f"{address}/main", {"name": "main"})
    other = operator.patch(f"{address}/main", {"name": "other"})

    assert same.status_code == 204
    assert refusal(other) == (400, "Request_BadRequest")


def test_there_are_twenty_at_most(operator: Caller, address: str) -> None:
    for number in range(20):
        made(operator.post(address, a_credential(name=f"n{number}", subject=f"s{number}")))

    answer = operator.post(address, a_credential())
    changed = operator.patch(f"{address}/n3", {"description": "still possible"})

    assert refusal(answer) == (403, "Directory_ResourceSizeExceeded")
    assert changed.status_code == 204


def test_beta_takes_an_expression_in_place_of_the_subject(operator: Caller, address: str) -> None:
    url = str(operator.get("organization").url).partition("/v1.0")[0]
    expression = {"value": "claims['sub'] matches 'repo:octo/*'", "languageVersion": 1}
    body = {**a_credential(), "claimsMatchingExpression": expression}
    del body["subject"]

    in_beta = operator.post(f"{url}/beta/{address}", body)
    in_v1 = operator.post(address, {**body, "name": "other"})

    assert made(in_beta)["claimsMatchingExpression"] == expression
    assert refusal(in_v1) == (400, "Request_BadRequest")
    assert "claimsMatchingExpression" not in operator.get(f"{address}/main").json()


def test_an_application_takes_its_credentials_along(operator: Caller, address: str) -> None:
    """Deleted with it, restored with it, and forgotten with it."""
    credential = made(operator.post(address, a_credential()))
    application = address.split("/")[1]

    operator.delete(f"applications/{application}")
    while_deleted = operator.get(f"{address}/main")
    operator.post(f"directory/deletedItems/{application}/restore")
    restored = operator.get(f"{address}/main")

    assert refusal(while_deleted) == (404, "Request_ResourceNotFound")
    assert restored.json()["id"] == credential["id"]


def test_only_owners_and_administrators_trust_others(operator: Caller, address: str) -> None:
    stranger = operator.workload("Application.ReadWrite.OwnedBy")

    assert stranger.get(address).status_code == 200
    assert refusal(stranger.post(address, a_credential())) == (403, "Authorization_RequestDenied")
