"""$batch over plain HTTP: each part has an answer of its own."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import Caller, message, operator_of, refusal

from provision.sandbox.server import serve

MISSING = "11111111-1111-4111-8111-111111111111"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def operator(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("batch") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as server, operator_of(server) as caller:
        yield caller


def a_get(id: str, url: str = "/organization", **more: Any) -> dict[str, Any]:
    return {"id": id, "method": "GET", "url": url, **more}


def run(operator: Caller, *parts: Any) -> dict[str, dict[str, Any]]:
    answer = operator.post("$batch", {"requests": list(parts)})
    assert answer.status_code == 200, answer.text
    return {response["id"]: response for response in answer.json()["responses"]}


def test_parts_equal_single_calls(operator: Caller) -> None:
    urls = ["/organization", "users?$top=2&$select=id", f"/applications/{MISSING}"]

    responses = run(operator, *(a_get(str(n), url) for n, url in enumerate(urls)))

    for number, url in enumerate(urls):
        alone = operator.get(url)
        part = responses[str(number)]
        assert part["status"] == alone.status_code
        assert part["headers"]["Content-Type"] == alone.headers["Content-Type"]
        units = part["headers"].get("x-ms-resource-unit")
        assert units == alone.headers.get("x-ms-resource-unit")
        if alone.status_code == 200:
            assert part["body"] == alone.json()
        else:
            assert part["body"]["error"]["code"] == alone.json()["error"]["code"]


def test_parts_that_depend_on_others_run_after_them(operator: Caller) -> None:
    upsert = {
        "id": "make",
        "method": "PATCH",
        "url": "/applications(uniqueName='team.batch')",
        "headers": {**JSON, "Prefer": "create-if-missing"},
        "body": {"displayName": "Batch"},
    }
    read = a_get("read", "/applications(uniqueName='team.batch')", dependsOn=["MAKE"])

    responses = run(operator, read, upsert)

    assert [responses["make"]["status"], responses["read"]["status"]] == [201, 200]
    assert responses["make"]["headers"]["Location"]


def test_what_depends_on_a_failure_fails(operator: Caller) -> None:
    responses = run(
        operator,
        a_get("1", f"/applications/{MISSING}"),
        a_get("2", dependsOn=["1"]),
        a_get("3", dependsOn=["2"]),
        a_get("4"),
    )

    assert [responses[id]["status"] for id in "1234"] == [404, 424, 424, 200]
    assert responses["2"]["body"]["error"]["code"] == "FailedDependency"


def test_a_part_without_a_body_has_none(operator: Caller) -> None:
    application = operator.application()
    delete = {"id": "1", "method": "DELETE", "url": f"/applications/{application['id']}"}

    response = run(operator, delete)["1"]

    assert response["status"] == 204
    assert "body" not in response


def test_a_body_may_come_as_base64(operator: Caller) -> None:
    body = base64.b64encode(json.dumps({"displayName": "coded"}).encode()).decode()
    part = {"id": "1", "method": "POST", "url": "/applications", "headers": JSON, "body": body}

    assert run(operator, part)["1"]["body"]["displayName"] == "coded"


def test_a_header_of_a_part_counts_for_it_alone(operator: Caller) -> None:
    counting = a_get("1", "/users/$count", headers={"consistencylevel": "eventual"})

    responses = run(operator, counting, a_get("2", "/users/$count"))

    assert [responses["1"]["status"], responses["2"]["status"]] == [200, 400]
    assert responses["1"]["body"] == 5


def test_a_part_with_a_body_names_its_content_type(operator: Caller) -> None:
    part = {"id": "1", "method": "POST", "url": "/applications", "body": {"displayName": "x"}}

    assert run(operator, part)["1"]["status"] == 400


def test_a_batch_holds_no_batch(operator: Caller) -> None:
    inner = {"requests": [a_get("1")]}
    part = {"id": "1", "method": "POST", "url": "/$batch", "headers": JSON, "body": inner}

    assert run(operator, part)["1"]["status"] == 400


def test_an_unknown_address_is_refused_in_its_part(operator: Caller) -> None:
    assert run(operator, a_get("1", "/frobnications"))["1"]["status"] == 400


def test_the_most_is_twenty(operator: Caller) -> None:
    twenty = operator.post("$batch", {"requests": [a_get(str(n)) for n in range(20)]})
    more = operator.post("$batch", {"requests": [a_get(str(n)) for n in range(21)]})

    assert twenty.status_code == 200
    assert refusal(more) == (400, "BadRequest")
    assert message(more) == "Number of batch request steps exceeds the maximum value of 20."


@pytest.mark.parametrize(
    "requests",
    [
        None,
        "text",
        [],
        ["text"],
        [a_get("")],
        [{"method": "GET", "url": "/users"}],
        [a_get("a"), a_get("A")],
        [a_get("1", dependsOn=["2"])],
        [a_get("1", dependsOn="2")],
        [a_get("1", dependsOn=["2"]), a_get("2", dependsOn=["1"])],
        [a_get("1", dependsOn=["1"])],
        [a_get("1", "https://example.com/v1.0/users")],
        [a_get("1", "")],
        [{"id": "1", "method": "FROB", "url": "/users"}],
        [{"id": "1", "method": 5, "url": "/users"}],
        [a_get("1", headers=[])],
        [a_get("1", headers={"x": 1})],
    ],
)
def test_a_bad_envelope_is_refused_whole(operator: Caller, requests: Any) -> None:
    assert refusal(operator.post("$batch", {"requests": requests})) == (400, "BadRequest")
