"""Groups and people: made, changed, deleted, and who belongs where."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from caller import EVENTUAL, Caller, made, message, operator_of, refusal
from person import PersonCaller, signed_in, somebody

from provision.sandbox.server import Server, serve

ROLES = ("Group.ReadWrite.All", "User.ReadWrite.All", "Directory.Read.All", "Domain.Read.All")
MISSING = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def server(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("groups") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as running:
        yield running


@pytest.fixture(scope="module")
def caller(server: Server) -> Iterator[Caller]:
    with operator_of(server) as operator:
        yield operator.workload(*ROLES, "Application.ReadWrite.All")


def a_group(**changes: Any) -> dict[str, Any]:
    return {
        "displayName": "Payments",
        "mailNickname": "payments",
        "mailEnabled": False,
        "securityEnabled": True,
        **changes,
    }


def unified(**changes: Any) -> dict[str, Any]:
    kind = {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}
    return a_group(**{**kind, **changes})


def a_user(server: Server, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "accountEnabled": True,
        "displayName": name,
        "mailNickname": name,
        "userPrincipalName": f"{name}@{server.tenant().domain}",
        "passwordProfile": {"password": "xWwvJ]6NMw+bWH-d"},
        **changes,
    }


def reference(id: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{id}"}


def new_group(caller: Caller, *members: str, **changes: Any) -> str:
    bound = {"members@odata.bind": [reference(id)["@odata.id"] for id in members]}
    return str(made(caller.post("groups", {**a_group(**changes), **bound}))["id"])


def ids(answer: Any) -> list[str]:
    return [each["id"] for each in answer.json()["value"]]


def test_a_security_group_lives_its_life_and_is_gone_for_good(caller: Caller) -> None:
    created = caller.post("groups", a_group())
    group = made(created)
    changed = caller.patch(f"groups/{group['id']}", {"description": "who pays"})
    shown = caller.get(f"groups/{group['id']}").json()
    deleted = caller.delete(f"groups/{group['id']}")

    assert created.headers["Location"].endswith(
        f"/directoryObjects/{group['id']}/Microsoft.DirectoryServices.Group"
    )
    assert (changed.status_code, deleted.status_code) == (204, 204)
    assert (shown["description"], shown["mail"], shown["visibility"]) == ("who pays", None, None)
    assert shown["securityIdentifier"].startswith("S-1-12-1-")
    assert refusal(caller.get(f"groups/{group['id']}")) == (404, "Request_ResourceNotFound")
    bin = caller.get(f"directory/deletedItems/{group['id']}")
    assert refusal(bin) == (404, "Request_ResourceNotFound")


def test_a_group_of_people_can_be_restored(caller: Caller) -> None:
    group = made(caller.post("groups", unified(mailNickname="restored")))
    caller.delete(f"groups/{group['id']}")

    listed = caller.get("directory/deletedItems/microsoft.graph.group")
    count = caller.get("directory/deletedItems/microsoft.graph.group/$count", **EVENTUAL)
    restored = caller.post(f"directory/deletedItems/{group['id']}/restore")

    assert group["id"] in ids(listed)
    assert int(count.text) == len(ids(listed))
    assert restored.json()["@odata.type"] == "#microsoft.graph.group"
    assert caller.get(f"groups/{group['id']}").json()["mail"].startswith("restored@")


@pytest.mark.parametrize(
    "body",
    [
        a_group(mailEnabled=True),
        unified(mailEnabled=False),
        a_group(securityEnabled=False),
        a_group(groupTypes=["Club"]),
        a_group(visibility="Secret"),
        a_group(displayName=""),
        a_group(displayName="x" * 257),
        a_group(mailNickname=None),
        a_group(mail="x@example.com"),
        {"displayName": "x"},
    ],
)
def test_a_group_that_cannot_be_is_refused(caller: Caller, body: dict[str, Any]) -> None:
    assert refusal(caller.post("groups", body)) == (400, "Request_BadRequest")


def test_members_come_and_go(caller: Caller, server: Server) -> None:
    user = made(caller.post("users", a_user(server, "member")))
    group = new_group(caller)

    added = caller.post(f"groups/{group}/members/$ref", reference(user["id"]))
    again = caller.post(f"groups/{group}/members/$ref", reference(user["id"]))
    shown = caller.get(f"groups/{group}/members")
    references = caller.get(f"groups/{group}/members/$ref").json()["value"]
    removed = caller.delete(f"groups/{group}/members/{user['id']}/$ref")

    assert (added.status_code, removed.status_code) == (204, 204)
    assert "'members'" in message(again)
    assert ids(shown) == [user["id"]]
    assert references[0]["@odata.id"].endswith("/Microsoft.DirectoryServices.User")
    assert ids(caller.get(f"groups/{group}/members")) == []


def test_members_can_be_bound_to_a_group_that_is_there(caller: Caller, server: Server) -> None:
    user = made(caller.post("users", a_user(server, "bound")))
    group = new_group(caller)

    caller.patch(f"groups/{group}", {"members@odata.bind": [reference(user["id"])["@odata.id"]]})

    expanded = caller.get(f"groups/{group}?$expand=members").json()
    assert [member["id"] for member in expanded["members"]] == [user["id"]]


def test_a_group_keeps_its_last_owner(caller: Caller, server: Server) -> None:
    user = made(caller.post("users", a_user(server, "owner")))
    group = new_group(caller, mailNickname="owned")
    caller.post(f"groups/{group}/owners/$ref", reference(user["id"]))

    answer = caller.delete(f"groups/{group}/owners/{user['id']}/$ref")

    assert refusal(answer) == (400, "Request_BadRequest")
    assert ids(caller.get(f"groups/{group}/owners")) == [user["id"]]
    assert group in ids(caller.get(f"users/{user['id']}/ownedObjects"))


def test_membership_goes_through_groups_in_groups(caller: Caller, server: Server) -> None:
    user = made(caller.post("users", a_user(server, "nested")))
    inner = new_group(caller, user["id"])
    outer = made(caller.post("groups", unified(mailNickname="outer")))["id"]
    caller.post(f"groups/{outer}/members/$ref", reference(inner))
    # A circle must not be followed for ever.
    caller.post(f"groups/{inner}/members/$ref", reference(outer))
    place = f"users/{user['id']}"

    assert ids(caller.get(f"{place}/memberOf")) == [inner]
    assert set(ids(caller.get(f"{place}/transitiveMemberOf"))) == {inner, outer}
    assert user["id"] in ids(caller.get(f"groups/{outer}/transitiveMembers"))
    assert ids(caller.get(f"groups/{outer}/transitiveMembers/microsoft.graph.user")) == [user["id"]]
    everything = caller.post(f"{place}/getMemberGroups", {"securityEnabledOnly": False})
    secure = caller.post(f"{place}/getMemberGroups", {"securityEnabledOnly": True})
    assert set(everything.json()["value"]) == {inner, outer}
    assert secure.json()["value"] == [inner]
    assert everything.json()["@odata.context"].endswith("$metadata#Collection(Edm.String)")


@pytest.mark.parametrize("start", ["users/{}", "directoryObjects/{}"])
def test_groups_are_checked(caller: Caller, server: Server, start: str) -> None:
    user = made(caller.post("users", a_user(server, f"checked{len(start)}")))
    place, group, other = start.format(user["id"]), new_group(caller, user["id"]), new_group(caller)

    held = caller.post(f"{place}/checkMemberGroups", {"groupIds": [other, group, MISSING]})
    objects = caller.post(f"{place}/checkMemberObjects", {"ids": [group]})
    too_many = caller.post(f"{place}/checkMemberGroups", {"groupIds": [MISSING] * 21})

    assert held.json()["value"] == [group]
    assert objects.json()["value"] == [group]
    assert refusal(too_many) == (400, "Request_BadRequest")


@pytest.mark.parametrize("body", [{}, {"groupIds": "x"}, {"groupIds": [5]}])
def test_a_bad_question_about_groups_is_refused(caller: Caller, body: dict[str, Any]) -> None:
    group = new_group(caller)

    answer = caller.post(f"groups/{group}/checkMemberGroups", body)

    assert refusal(answer) == (400, "Request_BadRequest")


def test_directory_roles_are_memberships_too(server: Server, caller: Caller) -> None:
    person = PersonCaller(server, somebody(server, "Application Administrator", name="Role Holder"))

    (role,) = person.get("me/memberOf").json()["value"]
    objects = person.post("me/getMemberObjects", {"securityEnabledOnly": False}).json()["value"]
    person.close()

    assert role["@odata.type"] == "#microsoft.graph.directoryRole"
    assert role["displayName"] == "Application Administrator"
    assert objects == [role["id"]]


def test_a_user_lives_its_life(caller: Caller, server: Server) -> None:
    created = caller.post("users", a_user(server, "mara"))
    user = made(created)
    changed = caller.patch(f"users/{user['userPrincipalName']}", {"jobTitle": "Engineer"})
    shown = caller.get(f"users/{user['id']}").json()
    deleted = caller.delete(f"users/{user['id']}")
    listed = ids(caller.get("directory/deletedItems/microsoft.graph.user"))
    restored = caller.post(f"directory/deletedItems/{user['id']}/restore")
    caller.delete(f"users/{user['id']}")
    purged = caller.delete(f"directory/deletedItems/{user['id']}")

    assert "passwordProfile" not in user
    assert created.headers["Location"].endswith("/Microsoft.DirectoryServices.User")
    assert [each.status_code for each in (changed, deleted, restored, purged)] == [
        204,
        204,
        200,
        204,
    ]
    assert shown["jobTitle"] == "Engineer"
    assert user["id"] in listed


@pytest.mark.parametrize(
    "change",
    [
        {"userPrincipalName": "x@example.com"},
        {"userPrincipalName": "no address"},
        {"passwordProfile": None},
        {"passwordProfile": {"password": "short"}},
        {"accountEnabled": None},
        {"displayName": ""},
        {"mailNickname": "x" * 65},
        {"creationType": "Invitation"},
        {"unheardOf": 1},
    ],
)
def test_a_bad_user_is_refused(caller: Caller, server: Server, change: dict[str, Any]) -> None:
    answer = caller.post("users", a_user(server, "bad", **change))

    assert refusal(answer) == (400, "Request_BadRequest")


def test_a_principal_name_is_there_once_whatever_its_case(caller: Caller, server: Server) -> None:
    made(caller.post("users", a_user(server, "single")))

    again = caller.post("users", a_user(server, "SINGLE"))

    assert message(again) == (
        "Another object with the same value for property userPrincipalName already exists."
    )


def test_a_new_password_is_the_one_to_sign_in_with(
    caller: Caller, server: Server, http: httpx.Client
) -> None:
    person = somebody(server, name="Changed Password")
    profile = {"passwordProfile": {"password": "another-one-9"}}

    changed = caller.patch(f"users/{person.user_id}", profile)

    assert changed.status_code == 204
    assert signed_in(http, person).status_code == 400
    assert signed_in(http, person, password="another-one-9").status_code == 200


def test_domains_are_shown(caller: Caller, server: Server) -> None:
    (domain,) = caller.get("domains").json()["value"]

    same = caller.get(f"domains/{domain['id'].upper()}").json()

    assert domain["id"] == same["id"] == server.tenant().domain
    assert domain["isVerified"] is True
    assert refusal(caller.get("domains/example.com")) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize("collection", ["groups", "users", "applications", "servicePrincipals"])
def test_every_collection_can_be_counted(caller: Caller, collection: str) -> None:
    count = caller.get(f"{collection}/$count", **EVENTUAL)

    listed = caller.get(f"{collection}?$count=true&$top=1", **EVENTUAL).json()

    assert int(count.text) == listed["@odata.count"]
    assert refusal(caller.get(f"{collection}/$count")) == (400, "Request_BadRequest")
