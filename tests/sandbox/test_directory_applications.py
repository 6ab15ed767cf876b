"""Applications over plain HTTP: made, read, changed, found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from caller import EVENTUAL, UPSERT, Caller, made, message, operator_of, refusal

from provision.sandbox.server import Server

MISSING = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


def test_a_new_application_has_the_defaults_of_the_service(operator: Caller) -> None:
    answer = operator.post("applications", {"displayName": "Billing"})

    body = made(answer)
    assert body["@odata.context"].endswith("/v1.0/$metadata#applications/$entity")
    assert body["signInAudience"] == "AzureADMyOrg"
    assert body["publisherDomain"] == "sandbox.onmicrosoft.com"
    assert body["createdByAppId"] == operator.identity["clientId"]
    assert body["web"]["implicitGrantSettings"] == {
        "enableAccessTokenIssuance": False,
        "enableIdTokenIssuance": False,
    }
    assert body["uniqueName"] is None
    assert body["tags"] == []
    assert answer.headers["Location"].endswith(
        f"/directoryObjects/{body['id']}/Microsoft.DirectoryServices.Application"
    )


def test_the_id_and_the_app_id_differ(operator: Caller) -> None:
    body = operator.application()

    assert body["id"] != body["appId"]


def test_private_properties_are_never_shown(operator: Caller) -> None:
    body = operator.application()

    assert not [name for name in body if name.startswith("_")]


def test_the_same_name_twice_makes_two_applications(operator: Caller) -> None:
    assert operator.application()["id"] != operator.application()["id"]


def test_an_upsert_makes_the_application_once(operator: Caller) -> None:
    address = "applications(uniqueName='team.billing')"

    first = operator.patch(address, {"displayName": "Billing"}, **UPSERT)
    second = operator.patch(address, {"displayName": "Invoices"}, **UPSERT)

    assert made(first)["uniqueName"] == "team.billing"
    assert (second.status_code, second.content) == (204, b"")
    assert operator.get(address).json()["displayName"] == "Invoices"
    assert (
        len(operator.get("applications?$filter=uniqueName eq 'team.billing'").json()["value"]) == 1
    )


def test_an_upsert_needs_its_header(operator: Caller) -> None:
    answer = operator.patch("applications(uniqueName='nobody')", {"displayName": "Billing"})

    assert refusal(answer) == (404, "Request_ResourceNotFound")


def test_a_quote_in_a_unique_name_is_doubled(operator: Caller) -> None:
    made(operator.patch("applications(uniqueName='it''s')", {"displayName": "x"}, **UPSERT))

    assert operator.get("applications(uniqueName='it%27%27s')").json()["uniqueName"] == "it's"


def test_an_application_cannot_be_made_under_a_chosen_app_id(operator: Caller) -> None:
    answer = operator.patch(f"applications(appId='{MISSING}')", {"displayName": "x"}, **UPSERT)

    assert answer.status_code == 400


def test_a_unique_name_is_given_once(operator: Caller) -> None:
    address = f"applications/{operator.application()['id']}"

    first = operator.patch(address, {"uniqueName": "team.one"})
    same = operator.patch(address, {"uniqueName": "team.one"})
    other = operator.patch(address, {"uniqueName": "team.two"})

    assert [first.status_code, same.status_code] == [204, 204]
    assert refusal(other) == (400, "Request_BadRequest")


def test_a_unique_name_stays_taken_until_its_holder_is_purged(operator: Caller) -> None:
    address = "applications(uniqueName='team.billing')"
    holder = made(operator.patch(address, {"displayName": "Billing"}, **UPSERT))
    operator.delete(f"applications/{holder['id']}")

    deleted = operator.patch(address, {"displayName": "Billing"}, **UPSERT)
    operator.delete(f"directory/deletedItems/{holder['id']}")
    purged = operator.patch(address, {"displayName": "Billing"}, **UPSERT)

    assert refusal(deleted) == (400, "Request_BadRequest")
    assert message(deleted) == (
        "Another object with the same value for property uniqueName already exists."
    )
    assert purged.status_code == 201


@pytest.mark.parametrize(
    "address", ["applications/{id}", "Applications(appId='{appId}')", "//applications('{id}')"]
)
def test_one_application_is_read_by_any_of_its_keys(operator: Caller, address: str) -> None:
    made_one = operator.application()

    answer = operator.get(address.format(**made_one))

    assert answer.json()["id"] == made_one["id"]
    assert answer.json()["createdDateTime"].endswith("Z")
    assert "." not in answer.json()["createdDateTime"]


def test_a_selection_shows_only_what_was_asked(operator: Caller) -> None:
    made_one = operator.application()

    answer = operator.get(f"applications/{made_one['id']}?$select=id,DisplayName").json()

    context = answer.pop("@odata.context")
    assert context.endswith("#applications(id,displayName)/$entity")
    assert answer == {"id": made_one["id"], "displayName": "Billing"}


def test_the_one_who_makes_an_application_owns_it(operator: Caller) -> None:
    made_one = operator.application()

    owners = operator.get(f"applications/{made_one['id']}/owners").json()
    shown = operator.get(f"applications/{made_one['id']}?$expand=owners($select=id)").json()

    assert owners["@odata.context"].endswith("#directoryObjects")
    assert [owner["appId"] for owner in owners["value"]] == [operator.identity["clientId"]]
    assert owners["value"][0]["@odata.type"] == "#microsoft.graph.servicePrincipal"
    assert [owner["id"] for owner in shown["owners"]] == [owners["value"][0]["id"]]


def test_owners_can_be_named_at_the_birth(operator: Caller) -> None:
    user = operator.get("users?$top=1").json()["value"][0]["id"]
    bind = [f"https://graph.microsoft.com/v1.0/directoryObjects/{user}"]

    made_one = operator.application(**{"owners@odata.bind": bind})

    owners = operator.get(f"applications/{made_one['id']}/owners?$select=id").json()["value"]
    assert user in [owner["id"] for owner in owners]
    assert len(owners) == 2


def test_a_change_merges_complex_values_and_replaces_collections(operator: Caller) -> None:
    web = {"homePageUrl": "https://localhost", "redirectUris": ["https://localhost/one"]}
    address = f"applications/{operator.application(tags=['a', 'b'], web=web)['id']}"

    answer = operator.patch(address, {"web": {"redirectUris": []}, "tags": ["c"]})

    now = operator.get(address).json()
    assert (answer.status_code, answer.content) == (204, b"")
    assert now["web"]["homePageUrl"] == "https://localhost"
    assert now["web"]["redirectUris"] == []
    assert now["tags"] == ["c"]
    assert now["displayName"] == "Billing"


def test_null_clears_a_value_and_resets_a_complex_one(operator: Caller) -> None:
    made_one = operator.application(notes="x", publicClient={"redirectUris": ["http://localhost"]})
    address = f"applications/{made_one['id']}"

    operator.patch(address, {"notes": None, "publicClient": None})

    now = operator.get(address).json()
    assert now["notes"] is None
    assert now["publicClient"] == {"redirectUris": []}


def test_a_type_name_may_stand_beside_the_properties(operator: Caller) -> None:
    assert operator.application(**{"@odata.type": "#microsoft.graph.application"})


def test_required_access_is_kept_and_not_checked_against_the_resource(operator: Caller) -> None:
    wanted = [{"resourceAccess": [{"id": MISSING, "type": "Role"}], "resourceAppId": MISSING}]

    made_one = operator.application(requiredResourceAccess=wanted)

    read = operator.get(f"applications/{made_one['id']}").json()
    assert read["requiredResourceAccess"] == wanted


def test_a_list_is_filtered_selected_and_paged(operator: Caller) -> None:
    for number in range(5):
        operator.application(displayName=f"Number {number}", tags=["numbered"])
    operator.application(displayName="Other")
    address = "applications?$filter=tags/any(t:t eq 'numbered')&$select=displayName&$top=2"

    names: list[str] = []
    pages = 0
    while address:
        answer = operator.get(address).json()
        names += [row["displayName"] for row in answer["value"]]
        pages += 1
        address = answer.get("@odata.nextLink", "")

    assert sorted(names) == [f"Number {number}" for number in range(5)]
    assert pages == 3


@pytest.mark.parametrize("name", ["id", "appId"])
def test_a_list_filtered_by_a_key_finds_the_one(operator: Caller, name: str) -> None:
    application, other = operator.application(), operator.application()
    address = f"applications?$filter={name} eq '{application[name].upper()}'"

    found = operator.get(address).json()["value"]
    missing = operator.get(f"applications?$filter={name} eq '{MISSING}'").json()["value"]

    assert other["id"] != application["id"]
    assert [row["id"] for row in found] == [application["id"]]
    assert missing == []


def test_a_list_counts_when_asked_properly(operator: Caller) -> None:
    operator.application()

    quiet = operator.get("applications?$count=true").json()
    counted = operator.get("applications?$count=true&$top=1", **EVENTUAL).json()
    number = operator.get("applications/$count", **EVENTUAL)
    refused = operator.get("applications/$count")

    assert "@odata.count" not in quiet
    assert counted["@odata.count"] == 2
    assert number.text == "2"
    assert number.headers["Content-Type"].startswith("text/plain")
    assert message(refused) == "$count is not currently supported."


def test_the_beta_property_is_beta_only(operator: Caller) -> None:
    made_one = operator.application()
    beta = str(operator.get("applications").url).replace("/v1.0/", "/beta/")

    changed = operator.patch(f"{beta}/{made_one['id']}", {"oauth2RequirePostResponse": True})

    assert changed.status_code == 204
    assert operator.get(f"{beta}/{made_one['id']}").json()["oauth2RequirePostResponse"] is True
    assert "oauth2RequirePostResponse" not in operator.get(f"applications/{made_one['id']}").json()


def test_a_deleted_application_is_gone(operator: Caller) -> None:
    made_one = operator.application()

    first = operator.delete(f"applications/{made_one['id']}")
    again = operator.delete(f"applications/{made_one['id']}")

    assert (first.status_code, first.content) == (204, b"")
    assert refusal(again) == (404, "Request_ResourceNotFound")
    assert refusal(operator.get(f"applications/{made_one['id']}"))[0] == 404
    assert made_one["id"] not in [row["id"] for row in operator.get("applications").json()["value"]]
