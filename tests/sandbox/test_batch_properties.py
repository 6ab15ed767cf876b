"""What holds for every batch: it equals its parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import Caller, operator_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.sandbox.server import serve

ONE = "11111111-2222-4333-8444-555555555555"


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture(scope="module")
def operator(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("parts") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong", throttle=0) as server, operator_of(server) as caller:
        yield caller


PARTS = st.sampled_from(
    [
        ("GET", "organization", None),
        ("GET", "users?$top=2&$select=id", None),
        ("GET", "applications?$filter=startsWith(displayName,'a')&$top=3", None),
        ("GET", "applications?$filter=nonsense", None),
        ("GET", f"applications/{ONE}", None),
        ("GET", "nowhere", None),
        ("DELETE", "organization", None),
        ("PATCH", "applications(uniqueName='batched')", {"notes": "n", "tags": ["t"]}),
        ("PATCH", "applications(uniqueName='batched')", {"id": ONE}),
        ("POST", "applications", {"displayName": ""}),
        ("POST", "directoryObjects/getByIds", {"ids": [ONE]}),
        ("POST", f"applications/{ONE}/addPassword", {}),
        ("GET", "servicePrincipals/$count", None),
        ("GET", "me", None),
    ]
)


@bounded(40)
@given(parts=st.lists(PARTS, min_size=1, max_size=8))
def test_a_batch_equals_its_parts(operator: Caller, parts: list[tuple[str, str, Any]]) -> None:
    operator.patch(
        "applications(uniqueName='batched')",
        {"displayName": "Batched"},
        Prefer="create-if-missing",
    )

    alone = [operator.send(method, url, body) for method, url, body in parts]
    together = operator.post("$batch", {"requests": [*map(a_part, range(len(parts)), parts)]})

    assert together.status_code == 200
    got = {int(part["id"]): part for part in together.json()["responses"]}
    for number, single in enumerate(alone):
        assert got[number]["status"] == single.status_code
        assert outcome(got[number].get("body")) == outcome(
            single.json() if single.content else None
        )
        for name in ("Content-Type", "OData-Version", "Cache-Control", "x-ms-resource-unit"):
            assert got[number]["headers"].get(name) == single.headers.get(name), name


def a_part(number: int, part: tuple[str, str, Any]) -> dict[str, Any]:
    method, url, body = part
    request = {"id": str(number), "method": method, "url": url}
    if body is None:
        return request
    return {**request, "body": body, "headers": {"Content-Type": "application/json"}}


def outcome(body: Any) -> Any:
    """A body without what differs from request to request."""
    if isinstance(body, dict) and "error" in body:
        return {k: v for k, v in body["error"].items() if k != "innerError"}
    return body


@bounded(6)
@given(count=st.integers(2, 20), writes=st.booleans())
def test_throttled_parts_of_a_batch_are_those_that_would_be_throttled_alone(
    furnished: Path, tmp_path_factory: pytest.TempPathFactory, count: int, *, writes: bool
) -> None:
    """Each part is charged as a request of its own; the batch around it stays a 200."""
    part = ("POST", "applications", {"displayName": "x"}) if writes else ("GET", "users", None)

    def statuses(*, batched: bool) -> list[int]:
        folder = tmp_path_factory.mktemp("throttled") / "sandbox"
        shutil.copytree(furnished, folder)
        with (
            serve(folder, profile="strong", throttle=0.003, scale=0.001) as server,
            operator_of(server) as caller,
        ):
            if not batched:
                return [caller.send(*part).status_code for _ in range(count)]
            requests = [a_part(number, part) for number in range(count)]
            answer = caller.post("$batch", {"requests": requests})
            assert answer.status_code == 200
            by_id = sorted(answer.json()["responses"], key=lambda each: int(each["id"]))
            return [each["status"] for each in by_id]

    together, alone = statuses(batched=True), statuses(batched=False)

    assert together == alone
    assert 429 in together or count < 15
