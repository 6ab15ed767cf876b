"""Lists of Graph: every page to the last, many reads in few requests, nothing from strangers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import Answer, Asked, Scripted, refusal, serving

from provision.errors import Forbidden, GraphError
from provision.graph.client import Graph


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


async def pages(graph: Graph) -> list[dict[str, object]]:
    return await graph.pages("/things", {"ConsistencyLevel": "eventual"}, action="read the things")


async def batch(graph: Graph) -> list[int]:
    replies = await graph.batch([f"/things/{number}" for number in range(45)])
    return [int(reply.body["id"]) if reply.body else -reply.status for reply in replies]


def batched(asked: Asked) -> Answer:
    """Every part's answer holds the number of its path; they come in reverse."""
    parts = [
        {"id": part["id"], "status": 200, "body": {"id": part["url"].rpartition("/")[2]}}
        for part in reversed(asked.body["requests"])
    ]
    return Answer(body={"responses": parts})


def test_pages_are_read_past_an_empty_one(scripted: Scripted) -> None:
    """The SDK's iterator stops there, and a reconciler would make everything behind it again."""
    link = f"{scripted.url}/v1.0/things?$skiptoken="
    scripted.will(
        Answer(body={"value": [{"id": 1}], "@odata.nextLink": f"{link}a"}),
        Answer(body={"value": [], "@odata.nextLink": f"{link}b"}),
        Answer(body={"value": [{"id": 2}]}),
    )

    assert scripted.run(pages) == [{"id": 1}, {"id": 2}]


def test_every_page_is_asked_with_the_same_headers(scripted: Scripted) -> None:
    link = f"{scripted.url}/v1.0/things?$skiptoken=a"
    scripted.will(Answer(body={"value": [], "@odata.nextLink": link}))

    scripted.run(pages)

    assert [asked.headers["consistencylevel"] for asked in scripted.asked] == ["eventual"] * 2


def test_a_link_to_another_host_is_not_followed(
    scripted: Scripted, signed: tuple[ssl.SSLContext, Path]
) -> None:
    with serving(*signed) as stranger:
        link = f"{stranger.url}/v1.0/things?$skiptoken=a"
        scripted.will(Answer(body={"value": [], "@odata.nextLink": link}))

        with pytest.raises(GraphError, match="next page is on another host"):
            scripted.run(pages)

        assert stranger.asked == []


@pytest.mark.parametrize("link", ["http://[nonsense", "/v1.0/things?$skiptoken=a", "things"])
def test_a_link_that_is_no_address_of_ours_is_not_followed(scripted: Scripted, link: str) -> None:
    scripted.will(Answer(body={"value": [], "@odata.nextLink": link}))

    with pytest.raises(GraphError, match="next page is on another host"):
        scripted.run(pages)


def test_a_link_with_a_line_break_is_no_address(scripted: Scripted) -> None:
    link = f"{scripted.url}/v1.0/things?a=\x00b"
    scripted.will(Answer(body={"value": [], "@odata.nextLink": link}))

    with pytest.raises(GraphError, match="no valid address"):
        scripted.run(pages)


def test_pages_that_go_round_in_a_circle_end(scripted: Scripted) -> None:
    link = f"{scripted.url}/v1.0/things?$skiptoken=a"
    scripted.otherwise = lambda _: Answer(body={"value": [], "@odata.nextLink": link})

    with pytest.raises(GraphError, match="circle"):
        scripted.run(pages)


def test_a_batch_asks_twenty_at_a_time_and_keeps_the_order(scripted: Scripted) -> None:
    scripted.otherwise = batched

    assert scripted.run(batch) == list(range(45))
    assert sorted(len(asked.body["requests"]) for asked in scripted.asked) == [5, 20, 20]


def test_only_the_throttled_part_of_a_batch_is_asked_again(scripted: Scripted) -> None:
    held = {"id": "7", "status": 429, "headers": {"Retry-After": "9"}, "body": {}}

    def first_time(asked: Asked) -> Answer:
        if len(scripted.asked) > 1:
            return batched(asked)
        parts = [part for part in batched(asked).body["responses"] if part["id"] != "7"]
        return Answer(body={"responses": [*parts, held]})

    scripted.otherwise = first_time

    replies = scripted.run(lambda graph: graph.batch([f"/things/{n}" for n in range(20)]))

    assert [reply.body["id"] for reply in replies] == [str(n) for n in range(20)]
    assert [part["url"] for part in scripted.asked[1].body["requests"]] == ["/things/7"]
    assert scripted.asked[1].at == pytest.approx(9)


def test_a_part_that_nobody_answered_is_asked_again(scripted: Scripted) -> None:
    scripted.will(Answer(body={"responses": []}))
    scripted.otherwise = batched

    replies = scripted.run(lambda graph: graph.batch(["/things/1"]))

    assert replies[0].body == {"id": "1"}


def test_a_part_that_nobody_ever_answers_is_an_error(scripted: Scripted) -> None:
    scripted.otherwise = lambda _: Answer(body={"responses": []})

    with pytest.raises(GraphError, match="answered only parts"):
        scripted.run(lambda graph: graph.batch(["/things/1"]))


def test_a_refused_batch_is_one_plain_failure(scripted: Scripted) -> None:
    scripted.otherwise = lambda _: refusal(403, "Authorization_RequestDenied")

    with pytest.raises(Forbidden, match="read the directory"):
        scripted.run(batch)


def test_no_reads_are_no_batch(scripted: Scripted) -> None:
    assert scripted.run(lambda graph: graph.batch([])) == []
    assert scripted.asked == []
