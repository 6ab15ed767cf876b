"""Federated credentials: listed in batches, made once by name, never two for one subject."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import DROPPED, Answer, Scripted, parts_of, refusal, serving
from tenant_graph import signed_in

from provision.errors import Conflict, Forbidden, GraphError, NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph
from provision.model import Application, FederatedIdentityCredential
from provision.sandbox.server import Server

ISSUER = "https://token.actions.githubusercontent.com"
BODY = {
    "issuer": ISSUER,
    "subject": "repo:contoso/app:ref:refs/heads/main",
    "audiences": ["api://AzureADTokenExchange"],
    "description": "provision:hello",
}
LISTED = {**BODY, "id": "f", "name": "main"}
CREDENTIAL = FederatedIdentityCredential(
    id="f",
    name="main",
    issuer=ISSUER,
    subject="repo:contoso/app:ref:refs/heads/main",
    audiences=("api://AzureADTokenExchange",),
    description="provision:hello",
)


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def upsert(graph: Graph) -> Awaitable[Any]:
    return directory.upsert_federated(graph, "object", "main", BODY)


async def an_application(graph: Graph) -> Application:
    made = await directory.upsert_application(graph, "hello.web", {"displayName": "Hello"})
    assert made is not None
    return made


def test_credentials_are_read_in_batches_and_missing_applications_left_out(
    scripted: Scripted,
) -> None:
    path = "/applications/{}/federatedIdentityCredentials"
    scripted.otherwise = parts_of({path.format(f"a{n}"): {"value": [LISTED]} for n in range(30)})

    wanted = [*(f"a{n}" for n in range(30)), "absent"]
    found = scripted.run(lambda graph: directory.federated_credentials(graph, wanted))

    assert found == {f"a{n}": (CREDENTIAL,) for n in range(30)}
    assert len(scripted.asked) == 2


def test_credentials_are_read_to_their_last_page(scripted: Scripted) -> None:
    path = "/applications/object/federatedIdentityCredentials"
    link = f"{scripted.url}/v1.0{path}?$skiptoken=a"
    batched = parts_of({path: {"value": [LISTED], "@odata.nextLink": link}})
    by_expression = {**LISTED, "name": "any", "subject": None, "description": None}
    last_page = Answer(body={"value": [by_expression]})
    scripted.otherwise = lambda asked: batched(asked) if asked.method == "POST" else last_page

    found = scripted.run(lambda graph: directory.federated_credentials(graph, ["object"]))

    assert [(each.name, each.subject) for each in found["object"]] == [
        ("main", CREDENTIAL.subject),
        ("any", ""),
    ]


def test_a_credential_without_an_issuer_cannot_be_understood(scripted: Scripted) -> None:
    path = "/applications/object/federatedIdentityCredentials"
    scripted.otherwise = parts_of({path: {"value": [{"id": "f", "name": "main"}]}})

    with pytest.raises(GraphError, match="read federated credentials cannot be understood"):
        scripted.run(lambda graph: directory.federated_credentials(graph, ["object"]))


def test_a_credential_is_made_by_its_name(scripted: Scripted) -> None:
    scripted.will(Answer(status=201, body=LISTED))

    assert scripted.run(upsert) is True

    asked = scripted.asked[0]
    path = "/v1.0/applications/object/federatedIdentityCredentials(name='main')"
    assert (asked.method, asked.path, asked.body) == ("PATCH", path, BODY)
    assert asked.headers["prefer"] == "create-if-missing"


def test_a_credential_behind_a_lost_answer_exists(scripted: Scripted) -> None:
    scripted.will(DROPPED, Answer(status=204))

    assert scripted.run(upsert) is False


def test_a_credential_of_an_application_that_does_not_show_is_not_yet(scripted: Scripted) -> None:
    scripted.otherwise = lambda _: refusal(404, "Request_ResourceNotFound")

    with pytest.raises(NotYetVisible):
        scripted.run(upsert)
    with pytest.raises(NotYetVisible):
        scripted.run(lambda graph: directory.update_federated(graph, "object", "main", BODY))


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            "FederatedIdentityCredential with name main already exists.",
        ),
        (
            400,
            "InvalidFederatedIdentityCredentialValue",
            "The combination of issuer and subject must be unique for the application.",
        ),
    ],
)
def test_two_credentials_for_one_subject_are_a_conflict_in_graphs_words(
    scripted: Scripted, status: int, code: str, said: str
) -> None:
    scripted.will(refusal(status, code, said))

    with pytest.raises(Conflict, match=said.rstrip(".")) as refused:
        scripted.run(upsert)

    assert "the same issuer and subject" in refused.value.hint


def test_a_concurrent_write_is_not_yet_and_no_conflict(scripted: Scripted) -> None:
    scripted.will(refusal(409, "Directory_ConcurrencyViolation"))

    with pytest.raises(NotYetVisible):
        scripted.run(upsert)


def test_an_operator_without_rights_is_refused(scripted: Scripted) -> None:
    scripted.will(refusal(403, "Authorization_RequestDenied"))

    with pytest.raises(Forbidden) as refused:
        scripted.run(upsert)

    assert "Application.ReadWrite.OwnedBy" in refused.value.hint


def test_a_removed_credential_can_be_removed_again(scripted: Scripted) -> None:
    scripted.will(refusal(404, "Request_ResourceNotFound"))

    scripted.run(lambda graph: directory.remove_federated(graph, "object", "main"))

    assert scripted.asked[0].method == "DELETE"


def test_a_credential_is_made_changed_and_removed(server: Server) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)

        assert await directory.upsert_federated(graph, made.id, "main", BODY) is True
        assert await directory.upsert_federated(graph, made.id, "main", BODY) is False
        await directory.update_federated(graph, made.id, "main", {"subject": "another"})
        (found,) = (await directory.federated_credentials(graph, [made.id]))[made.id]
        assert (found.name, found.issuer, found.subject) == ("main", ISSUER, "another")
        assert found.audiences == ("api://AzureADTokenExchange",)
        assert found.description == "provision:hello"

        await directory.remove_federated(graph, made.id, "main")
        await directory.remove_federated(graph, made.id, "main")
        assert await directory.federated_credentials(graph, [made.id]) == {made.id: ()}

    signed_in(server, work)


def test_the_tenant_refuses_a_second_credential_for_a_subject(server: Server) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)
        await directory.upsert_federated(graph, made.id, "main", BODY)
        await directory.upsert_federated(graph, made.id, "twin", BODY)

    with pytest.raises(Conflict, match="same issuer and subject"):
        signed_in(server, work)


def test_the_twenty_first_credential_is_told_how_many_there_can_be(server: Server) -> None:
    async def work(graph: Graph) -> None:
        made = await an_application(graph)
        for number in range(21):
            body = {**BODY, "subject": f"repo:contoso/{number}"}
            await directory.upsert_federated(graph, made.id, f"number-{number}", body)

    with pytest.raises(GraphError, match="number-20") as refused:
        signed_in(server, work)

    assert "20 federated credentials at most" in refused.value.hint
