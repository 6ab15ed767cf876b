"""A workload's own requests: its token, the cloud's host, one status."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import DROPPED, Answer, Scripted, serving, throttled

from provision.errors import Unreachable


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def test_a_workloads_call_carries_its_own_token(scripted: Scripted) -> None:
    status = scripted.run(lambda graph: graph.call("GET", "/users?$top=1", "workloads"))

    assert status == 200
    assert scripted.asked[0].path == "/v1.0/users?$top=1"
    assert scripted.asked[0].headers["authorization"] == "Bearer workloads"


@pytest.mark.parametrize("path", ["//stranger.example/users", "users", "@stranger.example/users"])
def test_a_workloads_call_stays_on_the_clouds_host(scripted: Scripted, path: str) -> None:
    scripted.run(lambda graph: graph.call("GET", path, "workloads"))

    assert scripted.asked[0].path == f"/v1.0/{path.lstrip('/')}"


def test_a_workloads_call_tells_any_status(scripted: Scripted) -> None:
    scripted.will(Answer(status=302, headers={"Location": f"{scripted.url}/elsewhere"}))

    assert scripted.run(lambda graph: graph.call("GET", "/users", "workloads")) == 302
    assert len(scripted.asked) == 1


def test_a_workloads_call_is_repeated_once_when_throttled(scripted: Scripted) -> None:
    scripted.otherwise = lambda _: throttled("3")

    assert scripted.run(lambda graph: graph.call("GET", "/users", "workloads")) == 429
    assert [asked.at for asked in scripted.asked] == [0, 3]


def test_a_workloads_call_without_an_answer_is_not_repeated(scripted: Scripted) -> None:
    scripted.will(DROPPED)

    with pytest.raises(Unreachable, match="as the workload"):
        scripted.run(lambda graph: graph.call("POST", "/users", "workloads"))

    assert len(scripted.asked) == 1


def test_a_workloads_call_looks_twice_for_somebody_to_answer(scripted: Scripted) -> None:
    scripted.url = "https://127.0.0.1:1"

    with pytest.raises(Unreachable):
        scripted.run(lambda graph: graph.call("GET", "/users", "workloads"))

    assert scripted.clock.seconds == 1
