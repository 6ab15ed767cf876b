"""Requests to Graph: what is repeated, what never is, and where the token goes."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import DROPPED, REQUEST_ID, Answer, Scripted, refusal, serving, throttled

from provision.errors import AnswerLost, Forbidden, GraphError, NotFound, Throttled, Unreachable
from provision.graph.client import Graph, recording

READING = "read the things"


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


async def get(graph: Graph) -> object:
    return await graph.send("GET", "/things", action=READING)


async def post(graph: Graph) -> object:
    return await graph.send("POST", "/things", {}, action="make a thing")


def test_a_path_has_one_slash_behind_the_version(scripted: Scripted) -> None:
    scripted.run(get)

    assert scripted.asked[0].path == "/v1.0/things"


def test_every_attempt_has_a_request_id_of_its_own(scripted: Scripted) -> None:
    scripted.will(throttled("1"))

    scripted.run(get)

    assert len({asked.headers["client-request-id"] for asked in scripted.asked}) == 2


def test_a_repeated_request_carries_a_new_token(scripted: Scripted) -> None:
    scripted.will(throttled("1"))

    scripted.run(get)

    tokens = [asked.headers["authorization"] for asked in scripted.asked]
    assert tokens == ["Bearer token-1", "Bearer token-2"]


def test_a_claims_challenge_is_answered_with_another_token(scripted: Scripted) -> None:
    challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhIjoxfQ=="'
    scripted.will(Answer(status=401, headers={"WWW-Authenticate": challenge}))

    reply = scripted.run(get)

    assert reply.ok
    assert scripted.asked[1].headers["authorization"] == "Bearer token-2"


@pytest.mark.parametrize("header", ["30", "Mon, 23 Nov 2026 00:00:30 GMT"])
def test_a_throttled_request_is_repeated_when_the_pause_is_over(
    scripted: Scripted, header: str
) -> None:
    scripted.will(throttled(header))

    reply = scripted.run(post)

    assert reply.ok
    assert scripted.asked[1].at == pytest.approx(30)


def test_one_throttled_worker_holds_back_all_others(scripted: Scripted) -> None:
    scripted.will(throttled("30"))

    async def two(graph: Graph) -> None:
        await asyncio.gather(get(graph), get(graph))

    scripted.run(two, parallel=1)

    assert [asked.at for asked in scripted.asked] == [0, 30, 30]
    assert scripted.clock.slept == [30, 30]


def test_a_pause_longer_than_our_patience_is_told_at_once(scripted: Scripted) -> None:
    scripted.will(throttled("3600"))

    with pytest.raises(Throttled, match="too busy to read the things"):
        scripted.run(get)

    assert len(scripted.asked) == 1


def test_throttling_without_end_ends_our_patience(scripted: Scripted) -> None:
    scripted.otherwise = lambda _: throttled("20")

    with pytest.raises(Throttled):
        scripted.run(get)

    assert scripted.clock.seconds == pytest.approx(300)


def test_a_503_that_names_a_pause_is_repeated_even_for_a_post(scripted: Scripted) -> None:
    scripted.will(refusal(503, "Service_ServiceUnavailable", Retry_After="5"))

    reply = scripted.run(post)

    assert reply.ok


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failure_of_the_service_is_overlooked_for_a_read(scripted: Scripted, status: int) -> None:
    scripted.will(refusal(status, "UnknownError"), refusal(status, "UnknownError"))

    reply = scripted.run(get)

    assert (reply.status, reply.attempts) == (200, 3)


def test_a_501_is_an_answer(scripted: Scripted) -> None:
    scripted.will(refusal(501, "NotImplemented"))

    with pytest.raises(GraphError, match=r"failed to read the things \(HTTP 501\)"):
        scripted.run(get)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_post_behind_a_failing_gateway_is_sent_once(scripted: Scripted, status: int) -> None:
    """The SDK would send it again: with addPassword that makes a second secret."""
    scripted.will(refusal(status, "UnknownError"))

    with pytest.raises(AnswerLost, match="may have taken effect"):
        scripted.run(post)

    assert len(scripted.asked) == 1


def test_a_post_without_an_answer_is_sent_once(scripted: Scripted) -> None:
    scripted.will(DROPPED)

    with pytest.raises(AnswerLost) as lost:
        scripted.run(post)

    assert len(scripted.asked) == 1
    assert lost.value.request_id == scripted.asked[0].headers["client-request-id"]


def test_a_post_answered_by_a_sign_in_page_counts_as_lost(scripted: Scripted) -> None:
    scripted.will(Answer(body=b"<html>", headers={"Content-Type": "text/html"}))

    with pytest.raises(AnswerLost):
        scripted.run(post)


def test_a_patch_without_an_answer_is_sent_again(scripted: Scripted) -> None:
    scripted.will(DROPPED)

    reply = scripted.run(lambda graph: graph.send("PATCH", "/things/1", {}, action="change it"))

    assert reply.attempts == 2


def test_a_service_that_always_drops_ends_our_patience(scripted: Scripted) -> None:
    scripted.otherwise = lambda _: DROPPED

    with pytest.raises(Unreachable, match="could not be reached to read the things"):
        scripted.run(get)

    assert 40 < scripted.clock.seconds <= 60


def test_nobody_at_the_address_is_looked_for_before_it_is_an_error(scripted: Scripted) -> None:
    scripted.url = "https://127.0.0.1:1"

    with pytest.raises(Unreachable, match="nobody answers"):
        scripted.run(post)

    assert 5 < scripted.clock.seconds <= 20


def test_a_certificate_that_is_not_trusted_fails_at_once(
    scripted: Scripted, tmp_path: Path
) -> None:
    import trustme

    scripted.ca_bundle = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(scripted.ca_bundle))

    with pytest.raises(Unreachable, match="certificate is not trusted"):
        scripted.run(get)

    assert scripted.clock.seconds == 0


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_an_unusable_ca_bundle_is_named(
    scripted: Scripted, tmp_path: Path, content: bytes | None
) -> None:
    scripted.ca_bundle = tmp_path / "ca.pem"
    if content:
        scripted.ca_bundle.write_bytes(content)

    with pytest.raises(Unreachable, match=r"ca\.pem cannot be read"):
        scripted.run(get)


def test_a_date_is_passed_on_to_the_clock(scripted: Scripted) -> None:
    scripted.run(get)

    assert re.match(r"\w{3}, \d\d \w{3} \d{4}", scripted.clock.dates[0])


def test_writes_leave_their_request_ids_and_reads_do_not(scripted: Scripted) -> None:
    async def work(graph: Graph) -> list[str]:
        with recording() as ids:
            await get(graph)
            await post(graph)
        await post(graph)
        return ids

    assert scripted.run(work) == [REQUEST_ID]


def test_tasks_side_by_side_keep_their_request_ids_apart(scripted: Scripted) -> None:
    """Applications are applied side by side: each step's receipt has its own."""

    async def one(graph: Graph, writes: int) -> list[str]:
        with recording() as ids:
            for _ in range(writes):
                await post(graph)
        return ids

    async def work(graph: Graph) -> list[list[str]]:
        return list(await asyncio.gather(one(graph, 1), one(graph, 2)))

    assert scripted.run(work) == [[REQUEST_ID], [REQUEST_ID] * 2]


def test_a_refusal_names_the_action_and_keeps_graphs_own_words(scripted: Scripted) -> None:
    scripted.will(refusal(403, "Authorization_RequestDenied", "Insufficient privileges."))

    with pytest.raises(Forbidden) as refused:
        scripted.run(get)

    assert str(refused.value) == "Microsoft Graph refused to read the things"
    assert (refused.value.status, refused.value.code) == (403, "Authorization_RequestDenied")
    assert refused.value.detail == "Insufficient privileges."
    assert refused.value.request_id == REQUEST_ID
    assert "Application.Read.All" in refused.value.hint


def test_an_html_error_is_still_a_failure_with_a_name(scripted: Scripted) -> None:
    scripted.will(Answer(status=404, body=b"<html>not json", headers={"Content-Type": "text/html"}))

    with pytest.raises(NotFound, match="could not read the things"):
        scripted.run(get)


@pytest.mark.parametrize(
    "body", [b"<html>Welcome to our hotel", b"[]", b'{"value": [', b"\xff\xfe"]
)
def test_success_in_words_that_are_not_graphs_is_a_failure(scripted: Scripted, body: bytes) -> None:
    scripted.will(Answer(body=body))

    with pytest.raises(GraphError, match="was not Microsoft Graph's"):
        scripted.run(get)


def test_a_redirect_is_not_followed(
    scripted: Scripted, signed: tuple[ssl.SSLContext, Path]
) -> None:
    with serving(*signed) as stranger:
        scripted.will(Answer(status=307, headers={"Location": f"{stranger.url}/v1.0/things"}))

        with pytest.raises(GraphError, match="HTTP 307"):
            scripted.run(get)

        assert stranger.asked == []


def test_without_allowed_hosts_nothing_is_opened(scripted: Scripted) -> None:
    async def work() -> None:
        async with Graph.open(scripted, scripted.url, [], clock=scripted.clock):
            pass

    with pytest.raises(ValueError, match="allowed hosts"):
        asyncio.run(work())
