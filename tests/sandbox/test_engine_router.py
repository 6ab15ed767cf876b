"""Addresses: segments without regard to case, keys in both forms, refusals in the right words."""

from __future__ import annotations

import httpx
import pytest

from provision.sandbox.call import Answer, Call, Key, Route
from provision.sandbox.refusal import Refusal
from provision.sandbox.router import Router


async def one(call: Call) -> Answer:
    """Answers nothing: only being found matters."""
    return Answer()


async def another(call: Call) -> Answer:
    """Answers nothing either."""
    return Answer()


ROUTER = Router(
    [
        Route("GET", "applications", one),
        Route("POST", "applications", another),
        Route("GET", "applications/$count", another),
        Route("GET", "applications/{application}", one),
        Route("GET", "applications/{application}/owners/{owner}/$ref", one),
        Route("POST", "applications/{application}/addPassword", one),
    ]
)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/applications/123", Key(property="id", value="123")),
        ("/APPLICATIONS/123/", Key(property="id", value="123")),
        ("//applications//123", Key(property="id", value="123")),
        ("/applications('123')", Key(property="id", value="123")),
        ("/applications(appId='123')", Key(property="appId", value="123")),
        ("/applications(appId=123)", Key(property="appId", value="123")),
        (
            "/applications(uniqueName='it%27%27s%2Fhere')",
            Key(property="uniqueName", value="it's/here"),
        ),
        ("/applications%28appId%3D%27123%27%29", Key(property="appId", value="123")),
        ("/applications(uniqueName='a(b)c')", Key(property="uniqueName", value="a(b)c")),
    ],
)
def test_an_object_is_addressed_in_every_form(path: str, key: Key) -> None:
    handler, params = ROUTER.find("GET", path)

    assert (handler, params) == (one, {"application": key})


def test_two_keys_of_one_address_have_their_own_names() -> None:
    _, params = ROUTER.find("GET", "/applications(appId='a')/owners/o/$ref")

    assert {name: key.value for name, key in params.items()} == {"application": "a", "owner": "o"}


@pytest.mark.parametrize("action", ["addPassword", "ADDPASSWORD", "microsoft.graph.addPassword"])
def test_an_action_is_found_by_every_spelling(action: str) -> None:
    assert ROUTER.find("POST", f"/applications/1/{action}")[0] is one


def test_a_word_of_the_service_is_no_key() -> None:
    assert ROUTER.find("GET", "/applications/$count")[0] is another


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("/foo", "foo"),
        ("/foo/applications", "foo"),
        ("/applications/1/foo", "foo"),
        ("/applications/1/owners", "owners"),
        ("/applications/$count('x')", "$count"),
        ("/", ""),
    ],
)
def test_an_unknown_segment_is_named(path: str, segment: str) -> None:
    with pytest.raises(Refusal) as refused:
        ROUTER.find("GET", path)

    assert (refused.value.status, refused.value.code) == (400, "BadRequest")
    assert refused.value.message == f"Resource not found for the segment '{segment}'."


def test_a_method_that_no_route_has_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        ROUTER.find("DELETE", "/applications")

    assert (refused.value.status, refused.value.code) == (405, "Request_BadRequest")
    assert refused.value.headers == {"Allow": "GET, POST"}


@pytest.mark.parametrize("inside", ["appId='a", "appId=a b", "a='1',b='2'"])
def test_a_malformed_key_is_a_bad_request(inside: str) -> None:
    with pytest.raises(Refusal) as refused:
        ROUTER.find("GET", f"/applications({inside})")

    assert refused.value.status == 400


@pytest.mark.parametrize("path", ["applications", "applications/{other}"])
def test_a_table_that_contradicts_itself_is_refused(path: str) -> None:
    known = [Route("GET", "applications", one), Route("GET", "applications/{id}", one)]

    with pytest.raises(ValueError, match=r"twice|elsewhere"):
        Router([*known, Route("GET", path, another)])


@pytest.mark.parametrize("version", ["v1.0", "beta", "V1.0", "/v1.0/"])
def test_both_versions_answer(graph: httpx.Client, version: str) -> None:
    answer = graph.get(f"{graph.base_url}/{version}/organization")

    assert answer.status_code == 200


def test_an_unknown_version_is_named(http: httpx.Client) -> None:
    answer = http.get("/v2.0/organization")

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Invalid version: v2.0."


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1.0/foo", 400), ("PUT", "/v1.0/applications", 405)]
)
def test_the_address_is_judged_before_the_caller(
    http: httpx.Client, method: str, path: str, status: int
) -> None:
    assert http.request(method, path).status_code == status
