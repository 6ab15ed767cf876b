"""Resource units and writes run out as at the real service, and come back with time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from provision.sandbox.server import Server

LISTED = "/v1.0/applications"
SHRUNK = {"throttle": 0.01, "scale": 1.0}
PERSONAL = {
    "displayName": "p",
    "signInAudience": "PersonalMicrosoftAccount",
    "api": {"requestedAccessTokenVersion": 2},
}


def until_throttled(graph: httpx.Client, most: int = 100, **request: Any) -> list[httpx.Response]:
    """The answers up to the first 429, that one included."""
    given = {"method": "GET", "url": LISTED, **request}
    answers: list[httpx.Response] = []
    while len(answers) < most:
        answers.append(graph.request(**given))
        if answers[-1].status_code == 429:
            break
    return answers


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_resource_units_run_out(server: Server, graph: httpx.Client) -> None:
    # No time passes between these requests but their own: a few units come back meanwhile.
    answers = until_throttled(graph, most=40)

    assert answers[-1].status_code == 429
    assert 17 <= len(answers) - 1 <= 20


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_a_throttled_request_is_told_whose_limit_it_met(
    server: Server, graph: httpx.Client
) -> None:
    operator = server.operator()

    headers = until_throttled(graph)[-1].headers

    whose = f"{operator['clientId']}/{operator['tenantId']}"
    assert headers["x-ms-throttle-scope"] == f"Tenant_Application/ReadWrite/{whose}"
    assert headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert int(headers["retry-after"]) >= 1


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_the_refusal_has_the_shape_that_is_documented(graph: httpx.Client) -> None:
    answer = until_throttled(graph)[-1]

    error = answer.json()["error"]
    inner = error["innerError"]
    assert (error["code"], error["message"]) == ("TooManyRequests", "Please retry again later.")
    assert (inner["code"], inner["status"]) == ("429", "429")
    assert inner["message"] == "Please retry after"
    assert inner["request-id"] == answer.headers["request-id"]
    assert set(inner) == {"code", "date", "message", "request-id", "status"}


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_after_the_wait_requests_are_answered_again(server: Server, graph: httpx.Client) -> None:
    wait = int(until_throttled(graph)[-1].headers["retry-after"])

    server.advance(timedelta(seconds=wait))

    assert graph.get(LISTED).status_code == 200


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_asking_during_the_wait_prolongs_it(server: Server, graph: httpx.Client) -> None:
    first = int(until_throttled(graph)[-1].headers["retry-after"])

    waits = [int(graph.get(LISTED).headers["retry-after"]) for _ in range(8)]
    server.advance(timedelta(seconds=first))
    too_early = graph.get(LISTED)

    assert waits == sorted(waits)
    assert waits[-1] > first
    assert too_early.status_code == 429


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_the_wait_has_an_end_however_often_it_is_asked(graph: httpx.Client) -> None:
    until_throttled(graph)

    waits = [int(graph.get(LISTED).headers["retry-after"]) for _ in range(60)]

    assert max(waits) <= 18


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_an_answer_tells_when_most_of_the_limit_is_used(graph: httpx.Client) -> None:
    answers = until_throttled(graph)

    told = [answer.headers.get("x-ms-throttle-limit-percentage") for answer in answers]
    assert told[:10] == [None] * 10
    assert [float(each) for each in told[-3:] if each] == pytest.approx([0.9, 1.0, 1.0], abs=0.11)


@pytest.mark.parametrize("server", [{"throttle": 0.004, "scale": 1.0}], indirect=True)
def test_writes_have_a_limit_of_their_own(server: Server, graph: httpx.Client) -> None:
    server.throttle.clear()
    statuses = []
    for number in range(14):
        answer = graph.post(LISTED, json={"displayName": f"{number}"})
        statuses.append(answer.status_code)
        server.advance(timedelta(seconds=1))

    assert statuses[:12] == [201] * 12
    assert 429 in statuses
    assert answer.headers["x-ms-throttle-information"] == "WriteLimitExceeded"
    assert answer.headers["x-ms-throttle-scope"].startswith("Tenant_Application/Write/")


@pytest.mark.parametrize("server", [{"throttle": 0.05, "scale": 1.0}], indirect=True)
def test_applications_for_personal_accounts_are_written_slowly(graph: httpx.Client) -> None:
    answers = until_throttled(graph, method="POST", url=LISTED, json=PERSONAL)

    organisational = graph.post(LISTED, json={"displayName": "o"})

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert organisational.status_code == 201


@pytest.mark.parametrize("server", [{"throttle": 0.05, "scale": 1.0}], indirect=True)
def test_changing_one_for_personal_accounts_counts_too(graph: httpx.Client) -> None:
    made = graph.post(LISTED, json=PERSONAL).json()

    answers = until_throttled(
        graph, method="PATCH", url=f"{LISTED}/{made['id']}", json={"notes": "n"}
    )

    assert [answer.status_code for answer in answers] == [204, 204, 429]


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_what_was_not_understood_costs_nothing(graph: httpx.Client) -> None:
    statuses = {graph.get(f"{LISTED}?$filter=nonsense").status_code for _ in range(50)}

    assert statuses == {400}


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_the_parts_of_a_batch_are_throttled_one_by_one(graph: httpx.Client) -> None:
    parts = [{"id": str(number), "method": "GET", "url": "/applications"} for number in range(20)]

    answer = graph.post("/v1.0/$batch", json={"requests": parts})

    refused = [each for each in answer.json()["responses"] if each["status"] == 429]
    assert answer.status_code == 200
    assert 0 < len(refused) < 20
    assert all(int(each["headers"]["Retry-After"]) >= 1 for each in refused)


@pytest.mark.parametrize("server", [{**SHRUNK, "throttle": 0.0}], indirect=True)
def test_throttling_can_be_switched_off(graph: httpx.Client) -> None:
    assert {answer.status_code for answer in until_throttled(graph, most=60)} == {200}


@pytest.mark.parametrize("server", [{"scale": 1.0}], indirect=True)
def test_the_real_limits_are_wide(graph: httpx.Client) -> None:
    assert {answer.status_code for answer in until_throttled(graph, most=60)} == {200}


@pytest.mark.parametrize("server", [{"throttle": 0.01, "scale": 10.0}], indirect=True)
def test_the_scale_divides_the_seconds_that_are_told(server: Server, graph: httpx.Client) -> None:
    told = int(until_throttled(graph)[-1].headers["retry-after"])

    server.advance(timedelta(seconds=told / 10))

    assert graph.get(LISTED).status_code == 200


@pytest.mark.parametrize("server", [SHRUNK], indirect=True)
def test_the_tenants_limits_are_their_own(server: Server, graph: httpx.Client) -> None:
    until_throttled(graph)
    other = server.operator("other")
    answer = graph.post(
        f"/{other['tenantId']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": other["clientId"],
            "client_secret": other["clientSecret"],
            "scope": "https://graph.microsoft.com/.default",
        },
    )

    listed = graph.get(LISTED, headers={"Authorization": f"Bearer {answer.json()['access_token']}"})

    assert listed.status_code == 200


def test_a_limit_cannot_be_below_nothing(start_server: Any) -> None:
    with pytest.raises(ValueError, match="not below 0"):
        start_server(throttle=-1.0)
