"""Owners: who may manage an object, who is made to, and who a name in a manifest is."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import DROPPED, Answer, Scripted, parts_of, refusal, serving
from tenant_graph import signed_in, with_rights

from provision.errors import Forbidden, GraphError, NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph
from provision.sandbox import furnish
from provision.sandbox.server import Server

ALREADY = (
    "One or more added object references already exist for the following modified properties: "
    "'owners'."
)
SOMEBODY = "11111111-2222-3333-4444-555555555555"
NOBODY = "99999999-2222-3333-4444-555555555555"
USER = {"@odata.type": "#microsoft.graph.user", "id": SOMEBODY}


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def add(graph: Graph) -> Awaitable[Any]:
    return directory.add_owner(graph, "object", SOMEBODY, of="application")


def looked_up(scripted: Scripted, *names: str) -> Any:
    return scripted.run(lambda graph: directory.people(graph, names))


def test_owners_are_read_in_batches_and_missing_objects_left_out(scripted: Scripted) -> None:
    known = {f"/applications/a{n}/owners": {"value": [{"id": f"owner {n}"}]} for n in range(30)}
    scripted.otherwise = parts_of(known)

    wanted = [*(f"a{n}" for n in range(30)), "absent", "a0"]
    found = scripted.run(lambda graph: directory.owners(graph, wanted, of="application"))

    assert found == {f"a{n}": {f"owner {n}"} for n in range(30)}
    assert sorted(len(asked.body["requests"]) for asked in scripted.asked) == [11, 20]


def test_owners_of_a_service_principal_are_read_to_their_last_page(scripted: Scripted) -> None:
    path = "/servicePrincipals/sp/owners"
    link = f"{scripted.url}/v1.0{path}?$skiptoken=a"
    batched = parts_of({path: {"value": [{"id": "first"}], "@odata.nextLink": link}})
    last_page = Answer(body={"value": [{"id": "last"}]})
    scripted.otherwise = lambda asked: batched(asked) if asked.method == "POST" else last_page

    found = scripted.run(lambda graph: directory.owners(graph, ["sp"], of="servicePrincipal"))

    assert found == {"sp": {"first", "last"}}


def test_owners_that_may_not_be_read_are_no_absence(scripted: Scripted) -> None:
    denied = refusal(403, "Authorization_RequestDenied")
    scripted.otherwise = parts_of({"/applications/object/owners": denied})

    with pytest.raises(Forbidden, match="read who owns applications"):
        scripted.run(lambda graph: directory.owners(graph, ["object"], of="application"))


def test_an_owner_is_added_by_reference(scripted: Scripted) -> None:
    scripted.will(Answer(status=204))

    assert scripted.run(add) is True

    asked = scripted.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1.0/applications/object/owners/$ref")
    assert asked.body == {"@odata.id": f"{scripted.url}/v1.0/directoryObjects/{SOMEBODY}"}


def test_an_owner_behind_a_lost_answer_is_one_already(scripted: Scripted) -> None:
    scripted.will(DROPPED, refusal(400, "Request_BadRequest", ALREADY))

    assert scripted.run(add) is False


def test_an_owner_of_what_does_not_show_yet_is_not_yet(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    with pytest.raises(NotYetVisible):
        scripted.run(add)


def test_the_hundred_and_first_owner_is_told_why(scripted: Scripted) -> None:
    said = (
        "Unable to perform operation as '101' would exceed the maximum quota count '100' for "
        "forward-link 'owners'."
    )
    scripted.will(refusal(403, "Directory_QuotaExceeded", said))

    with pytest.raises(GraphError, match="would exceed the maximum quota") as refused:
        scripted.run(add)

    assert "remove one of them" in refused.value.hint
    assert not isinstance(refused.value, Forbidden)


def test_an_operator_that_may_not_add_owners_hears_what_is_needed(server: Server) -> None:
    """Adding one takes the right to read the directory beside the one to write applications."""

    async def work(graph: Graph) -> None:
        made = await directory.upsert_application(graph, "hello.web", {"displayName": "Hello"})
        assert made is not None
        await directory.add_owner(graph, made.id, SOMEBODY, of="application")

    with pytest.raises(Forbidden) as refused:
        with_rights(server, work, ["Application.ReadWrite.OwnedBy"])

    assert "Directory.Read.All and either Application.ReadWrite.OwnedBy" in refused.value.hint


@pytest.mark.parametrize("of", ["application", "servicePrincipal"])
def test_an_owner_is_added_once_and_seen(server: Server, of: Any) -> None:
    async def work(graph: Graph) -> None:
        made = await directory.upsert_application(graph, "hello.web", {"displayName": "Hello"})
        assert made is not None
        principal = await directory.create_service_principal(graph, made.app_id)
        object_id = made.id if of == "application" else principal.id
        name = f"AdeleV@{server.tenant().domain}"
        adele = (await directory.people(graph, [name]))[name]
        before = (await directory.owners(graph, [object_id], of=of))[object_id]

        assert await directory.add_owner(graph, object_id, adele, of=of) is True
        assert await directory.add_owner(graph, object_id, adele, of=of) is False

        after = (await directory.owners(graph, [object_id], of=of))[object_id]
        assert after == before | {adele}

    signed_in(server, work)


def test_people_are_looked_up_in_one_request_and_unknown_ones_left_out(scripted: Scripted) -> None:
    scripted.otherwise = parts_of(
        {
            "/users/ann%40a.example": {"id": SOMEBODY},
            f"/directoryObjects/{SOMEBODY.upper()}": USER,
        }
    )

    found = looked_up(scripted, "ann@a.example", SOMEBODY.upper(), "bob@a.example", NOBODY)

    assert found == {"ann@a.example": SOMEBODY, SOMEBODY.upper(): SOMEBODY}
    assert len(scripted.asked) == 1


def test_an_object_that_cannot_own_anything_is_nobody(scripted: Scripted) -> None:
    """People paste the object id of an application where its service principal's is meant."""
    application = {"@odata.type": "#microsoft.graph.application", "id": SOMEBODY}
    scripted.otherwise = parts_of({f"/directoryObjects/{SOMEBODY}": application})

    assert looked_up(scripted, SOMEBODY) == {}


def test_an_object_id_that_may_not_be_looked_up_is_taken_at_its_word(server: Server) -> None:
    found = with_rights(
        server,
        lambda graph: directory.people(graph, [NOBODY.upper()]),
        ["Application.ReadWrite.OwnedBy"],
    )

    assert found == {NOBODY.upper(): NOBODY}


def test_a_name_that_may_not_be_looked_up_says_what_is_needed(server: Server) -> None:
    with pytest.raises(Forbidden, match=r"look up ann@a\.example") as refused:
        with_rights(
            server,
            lambda graph: directory.people(graph, ["ann@a.example"]),
            ["Application.ReadWrite.OwnedBy"],
        )

    assert "User.Read.All" in refused.value.hint
    assert "object id" in refused.value.hint


def test_a_guests_name_is_found_whatever_signs_it_holds(server: Server) -> None:
    guest = f"o'neil_fabrikam.example#EXT#@{server.tenant().domain}"
    user = furnish.put_person(server.tenant(), guest, displayName="O'Neil")

    found = signed_in(server, lambda graph: directory.people(graph, [guest, user["id"]]))

    assert found == {guest: user["id"], user["id"]: user["id"]}
