"""Secrets at Graph's door: issued once, wrapped at once, removed for good."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from scripted import DROPPED, REQUEST_ID, Answer, Scripted, refusal, serving, throttled

from provision.errors import AnswerLost, NotYetVisible
from provision.graph import directory
from provision.graph.client import Graph

END = datetime(2027, 11, 23, 12, 30, 15, 999999, tzinfo=UTC)
ISSUED = {
    "@odata.context": "…",
    "keyId": "key-1",
    "secretText": "the value",
    "startDateTime": "2026-11-23T10:17:06.1234567Z",
    "endDateTime": "2027-11-23T12:30:15Z",
}


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def add_password(graph: Graph) -> Awaitable[Any]:
    return directory.add_password(graph, "object", display_name="provision:hello:main:1", end=END)


def test_a_new_secret_comes_wrapped(scripted: Scripted) -> None:
    scripted.will(Answer(body=ISSUED))

    made = scripted.run(add_password)

    assert made.key_id == "key-1"
    assert made.secret.reveal() == "the value"
    assert made.start == datetime(2026, 11, 23, 10, 17, 6, 123456, tzinfo=UTC)
    assert "the value" not in repr(made)


@pytest.mark.parametrize("end", [END, END.astimezone(timezone(timedelta(hours=5)))])
def test_the_end_of_a_secret_is_sent_in_whole_seconds_of_utc(
    scripted: Scripted, end: datetime
) -> None:
    scripted.will(Answer(body=ISSUED))

    scripted.run(lambda graph: directory.add_password(graph, "object", display_name="x", end=end))

    assert scripted.asked[0].body == {
        "passwordCredential": {"displayName": "x", "endDateTime": "2027-11-23T12:30:15Z"}
    }


@pytest.mark.parametrize("answer", [DROPPED, refusal(504, ""), Answer(body={"keyId": "key-1"})])
def test_a_secret_whose_answer_was_lost_is_not_asked_for_again(
    scripted: Scripted, answer: Answer
) -> None:
    scripted.will(answer)

    with pytest.raises(AnswerLost):
        scripted.run(add_password)

    assert len(scripted.asked) == 1


def test_a_throttled_secret_is_asked_for_again(scripted: Scripted) -> None:
    scripted.will(throttled("2"), Answer(body=ISSUED))

    assert scripted.run(add_password).key_id == "key-1"


def test_an_answer_without_its_secret_does_not_tell_the_value(scripted: Scripted) -> None:
    scripted.will(Answer(body={**ISSUED, "endDateTime": "someday"}))

    with pytest.raises(AnswerLost) as lost:
        scripted.run(add_password)

    assert "the value" not in f"{lost.value} {lost.value.__cause__} {lost.value.hint}"
    assert lost.value.request_id == REQUEST_ID


def test_an_old_secret_that_is_gone_counts_as_removed(scripted: Scripted) -> None:
    said = "No password credential found with keyId key-1."
    scripted.will(DROPPED, refusal(400, "Request_BadRequest", said))

    scripted.run(lambda graph: directory.remove_password(graph, "object", "key-1"))

    assert scripted.asked[1].body == {"keyId": "key-1"}


def test_a_fresh_secret_that_is_not_found_is_not_there_yet(scripted: Scripted) -> None:
    said = "No password credential found with keyId key-1."
    scripted.will(refusal(400, "Request_BadRequest", said))

    with pytest.raises(NotYetVisible):
        scripted.run(lambda graph: directory.remove_password(graph, "object", "key-1", fresh=True))
