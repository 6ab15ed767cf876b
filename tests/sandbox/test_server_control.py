"""The control route: what another program may do to a running sandbox, and that nobody else may."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from provision.sandbox.server import Server

TOKEN = "open-sesame"
OPEN = {"control": TOKEN}
MAY = {"Authorization": f"Bearer {TOKEN}"}


def test_there_is_no_control_route_unless_it_is_asked_for(http: httpx.Client) -> None:
    answer = http.get("/sandbox/requests", headers=MAY)

    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "Invalid version: sandbox.",
    )


@pytest.mark.parametrize("server", [OPEN], indirect=True)
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer no", f"Basic {TOKEN}", "Bearer \u00e4", f"Bearer {TOKEN}x"]
)
def test_nobody_controls_it_without_the_token(http: httpx.Client, header: str) -> None:
    answer = http.post(
        "/sandbox/clock",
        json={"advance": "31d"},
        headers={"Authorization": header.encode("utf-8")},  # type: ignore[dict-item]
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_the_operators_token_controls_nothing(graph: httpx.Client) -> None:
    assert graph.get("/sandbox/requests").status_code == 401


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_faults_come_and_go(http: httpx.Client, graph: httpx.Client) -> None:
    rule = {"fault": "GET /organization 503"}

    put = http.post("/sandbox/faults", json=rule, headers=MAY)
    during = graph.get("/v1.0/organization").status_code
    gone = http.delete("/sandbox/faults", headers=MAY)
    after = graph.get("/v1.0/organization").status_code

    assert (put.json(), during) == ({"faults": 1}, 503)
    assert (gone.json(), after) == ({"faults": 0}, 200)


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_several_faults_come_at_once(http: httpx.Client) -> None:
    rules = {"faults": ["GET /organization 503", "POST /x 1 drop"]}

    assert http.post("/sandbox/faults", json=rules, headers=MAY).json() == {"faults": 2}


@pytest.mark.parametrize("server", [OPEN], indirect=True)
@pytest.mark.parametrize(
    "body", ['{"fault": "GET /x never"}', "{}", "[]", '{"faults": [1]}', "{", '{"faults": "x"}']
)
def test_a_fault_that_is_none_is_refused(http: httpx.Client, body: str) -> None:
    answer = http.post("/sandbox/faults", content=body, headers=MAY)

    assert answer.status_code == 400
    assert http.get("/sandbox/faults", headers=MAY).json() == {"faults": 0}


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_faults_do_not_befall_the_control_route(server: Server, http: httpx.Client) -> None:
    http.post("/sandbox/faults", json={"fault": "* / down"}, headers=MAY)

    assert http.delete("/sandbox/faults", headers=MAY).status_code == 200


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_the_requests_are_told_without_secrets(http: httpx.Client) -> None:
    http.get("/v1.0/users?$top=2&$skiptoken=abc&access_token=def")

    told = http.get("/sandbox/requests", headers=MAY).json()["requests"]

    assert [(each["method"], each["path"], each["status"]) for each in told] == [
        ("GET", "/v1.0/users?$top=2&$skiptoken=...&access_token=...", 401)
    ]


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_the_requests_can_be_forgotten(http: httpx.Client) -> None:
    http.get("/v1.0/users")

    http.delete("/sandbox/requests", headers=MAY)

    assert http.get("/sandbox/requests", headers=MAY).json() == {"requests": []}


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_the_clock_is_moved(server: Server, http: httpx.Client) -> None:
    before = server.store.clock.now()

    answer = http.post("/sandbox/clock", json={"advance": "31d"}, headers=MAY)

    assert server.store.clock.now() - before > timedelta(days=30)
    assert answer.json()["now"].startswith(f"{before + timedelta(days=31):%Y-%m-}")


@pytest.mark.parametrize("server", [OPEN], indirect=True)
@pytest.mark.parametrize("body", ['{"advance": "soon"}', '{"advance": 3}', "[]", "{}"])
def test_the_clock_is_not_moved_by_nonsense(http: httpx.Client, body: str) -> None:
    assert http.post("/sandbox/clock", content=body, headers=MAY).status_code == 400


@pytest.mark.parametrize("server", [OPEN], indirect=True)
def test_other_addresses_are_told_what_there_is(http: httpx.Client) -> None:
    answer = http.get("/sandbox/elsewhere", headers=MAY)

    assert answer.status_code == 404
    assert "POST /sandbox/faults" in answer.json()["error"]["message"]
