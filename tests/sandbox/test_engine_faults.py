"""Failures on demand, as a client on the network meets them."""

from __future__ import annotations

import httpx
import pytest

from provision.sandbox.faults import Fault, Faults, adverse
from provision.sandbox.server import Server

APPLICATIONS = "/v1.0/applications"


def names(graph: httpx.Client) -> list[str]:
    listed = graph.get(f"{APPLICATIONS}?$select=displayName").json()["value"]
    return [each["displayName"] for each in listed if not each["displayName"].startswith("prov")]


def test_a_status_is_answered_instead_of_applying(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="status", method="POST", status=503, retry_after=7))

    answer = graph.post(APPLICATIONS, json={"displayName": "lost"})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json()["error"]["code"] == "Service_ServiceUnavailable"
    assert names(graph) == []


def test_a_status_can_come_after_the_write(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="status_after", method="POST", status=504))

    answer = graph.post(APPLICATIONS, json={"displayName": "written"})

    assert answer.status_code == 504
    assert names(graph) == ["written"]


def test_the_words_of_a_status_can_be_chosen(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="status", status=403, code="Authorization", message="No."))

    error = graph.get(APPLICATIONS).json()["error"]

    assert (error["code"], error["message"]) == ("Authorization", "No.")


def test_a_connection_can_be_lost_before_the_write(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="drop_before", method="POST"))

    with pytest.raises(httpx.TransportError):
        graph.post(APPLICATIONS, json={"displayName": "lost"})

    assert names(graph) == []


def test_a_connection_can_be_lost_after_the_write(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="drop_after", method="POST"))

    with pytest.raises(httpx.TransportError):
        graph.post(APPLICATIONS, json={"displayName": "written"})

    assert names(graph) == ["written"]


def test_only_the_connection_of_the_request_is_lost(
    server: Server, graph: httpx.Client, http: httpx.Client
) -> None:
    http.get("/v2")
    server.faults.add(Fault(do="drop_before", path="applications"))

    with pytest.raises(httpx.TransportError):
        graph.get(APPLICATIONS)

    http.get("/v2")
    assert [entry.status for entry in server.requests][-3:] == [400, 0, 400]


def test_a_lagging_replica_does_not_have_the_object(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="lag404", path="/organization/"))

    answer = graph.get("/v1.0/organization/some-id")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "Request_ResourceNotFound")
    assert error["message"].startswith("Resource 'some-id' does not exist or one of its queried")


def test_a_delayed_request_is_answered(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="delay", seconds=0.01))

    assert graph.get(APPLICATIONS).status_code == 200


@pytest.mark.parametrize(
    ("when", "statuses"),
    [
        ({}, [503, 503, 503, 503]),
        ({"nth": 2}, [200, 503, 200, 200]),
        ({"every": 2}, [200, 503, 200, 503]),
        ({"every": 3, "nth": 1}, [503, 200, 200, 503]),
    ],
)
def test_a_rule_counts_the_requests_that_it_matches(
    server: Server, graph: httpx.Client, when: dict[str, int], statuses: list[int]
) -> None:
    server.faults.add(Fault(do="status", path="/applications", **when))  # type: ignore[arg-type]

    answers = [
        graph.get(path).status_code
        for path in (APPLICATIONS, "/v1.0/organization") * 4
        if path == APPLICATIONS or graph.get(path)
    ]

    assert answers[::2] == statuses


def test_a_rule_can_be_for_one_method_address_and_run() -> None:
    faults = Faults(Fault(do="status", method="POST|PATCH", path="addPassword$", run="7"))

    acting = [
        bool(faults.acting(method, path, run=run))
        for method, path, run in (
            ("POST", "/v1.0/applications/1/addpassword", "7"),
            ("GET", "/v1.0/applications/1/addPassword", "7"),
            ("POST", "/v1.0/applications/1/removePassword", "7"),
            ("POST", "/v1.0/applications/1/addPassword", "8"),
        )
    ]

    assert acting == [True, False, False, False]


def test_a_killed_run_is_refused_until_the_rule_is_lifted(
    server: Server, graph: httpx.Client
) -> None:
    server.faults.add(Fault(do="refuse_all", nth=2))
    answers = []

    for _ in range(4):
        try:
            answers.append(graph.get(APPLICATIONS).status_code)
        except httpx.TransportError:
            answers.append(0)
    server.faults.clear()

    assert answers == [200, 0, 0, 0]
    assert server.faults.refused == 3
    assert graph.get(APPLICATIONS).status_code == 200


def test_a_killed_run_gets_no_token_either(server: Server, http: httpx.Client) -> None:
    server.faults.add(Fault(do="refuse_all", run="killed"))

    with pytest.raises(httpx.TransportError):
        http.post("/x/oauth2/v2.0/token", headers={"x-run": "killed"})

    assert http.post("/x/oauth2/v2.0/token", headers={"x-run": "other"}).status_code == 400


def test_the_token_service_can_be_busy(server: Server, http: httpx.Client) -> None:
    server.faults.add(Fault(do="status", path="token", status=429, retry_after=3))

    answer = http.post("/x/oauth2/v2.0/token", data={})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert answer.json()["error_codes"] == [90055]


def test_a_part_of_a_batch_can_go_wrong(server: Server, graph: httpx.Client) -> None:
    server.faults.add(Fault(do="status", path="/organization", status=429, retry_after=2))
    parts = [{"id": name, "method": "GET", "url": f"/{name}"} for name in ("organization", "users")]

    answer = graph.post("/v1.0/$batch", json={"requests": parts})

    statuses = {part["id"]: part["status"] for part in answer.json()["responses"]}
    assert (answer.status_code, statuses) == (200, {"organization": 429, "users": 200})


def test_parts_of_a_batch_do_not_count_as_connections() -> None:
    faults = Faults(Fault(do="drop_before", nth=1))

    assert faults.acting("GET", "/v1.0/users", part=True) == ()
    assert len(faults.acting("POST", "/v1.0/$batch")) == 1


def test_the_adverse_profile_depends_on_its_seed() -> None:
    assert adverse(1) == adverse(1) != adverse(2)


@pytest.mark.parametrize("server", [{"profile": "adverse", "scale": 1000}], indirect=True)
def test_the_adverse_profile_disturbs_by_itself(server: Server, graph: httpx.Client) -> None:
    statuses = {graph.get(APPLICATIONS).status_code for _ in range(60)}

    assert statuses == {200, 429, 503}


def test_the_journal_tells_requests_without_what_they_carried(
    server: Server, graph: httpx.Client
) -> None:
    graph.get(f"{APPLICATIONS}?$top=1")
    graph.post(f"{APPLICATIONS}/x/addPassword", json={"passwordCredential": {"displayName": "d"}})

    told = [(entry.method, entry.path, entry.status, entry.applied) for entry in server.requests]

    assert told[0][0] == "POST"
    assert told[1:] == [
        ("GET", f"{APPLICATIONS}?$top=1", 200, True),
        ("POST", f"{APPLICATIONS}/x/addPassword", 400, False),
    ]
    assert [entry.sequence for entry in server.requests] == [1, 2, 3]


def test_the_journal_tells_what_was_applied_though_the_answer_was_lost(
    server: Server, graph: httpx.Client
) -> None:
    server.faults.add(Fault(do="drop_after", method="POST"), Fault(do="drop_before", method="GET"))
    server.requests.clear()

    for method in ("POST", "GET"):
        with pytest.raises(httpx.TransportError):
            graph.request(method, APPLICATIONS, json={"displayName": "a"})

    assert [(entry.status, entry.applied) for entry in server.requests] == [(0, True), (0, False)]


def test_the_journal_shows_no_control_characters(server: Server, http: httpx.Client) -> None:
    http.get("/v1.0/%0afoo%1b[31m")

    assert [entry.path for entry in server.requests] == ["/v1.0/?foo?[31m"]
