"""Whatever is sent, the directory understands or refuses it: never a 5xx."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import UPSERT, Caller, operator_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.sandbox import edm
from provision.sandbox.call import Route
from provision.sandbox.directory import ROUTES
from provision.sandbox.server import serve

BOUNDED = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(["", "x", "\x00", "\ud800", "a b", "2026-01-01T00:00:00Z", "api://x/y"])
    | st.uuids().map(str),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "value", "redirectUris", "resourceAppId", "resourceAccess", "key"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)
NAMES = sorted({*edm.KINDS["applications"].properties, *edm.KINDS["servicePrincipals"].properties})
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
OPTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["$filter", "$select", "$expand", "$orderby", "$top", "$count", "$search", "$skiptoken"]
        ),
        st.sampled_from(
            [
                *("", "true", "5", "displayName", "displayName desc", "WzFd", "W10", "%00", "("),
                *("tags/any(t:t eq 'x')", "owners", "id,appId", '"displayName:x"'),
                "displayName ne null",
            ]
        ),
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
def operator(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("robust") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as server, operator_of(server) as caller:
        yield caller


@BOUNDED
@given(body=BODIES)
def test_any_body_is_understood_or_refused(operator: Caller, body: dict[str, Any]) -> None:
    named = {"displayName": "x", **body}

    statuses = [
        operator.patch("applications(uniqueName='robust')", body, **UPSERT).status_code,
        operator.post("applications", named).status_code,
        operator.post("servicePrincipals", body).status_code,
        operator.post("oauth2PermissionGrants", body).status_code,
        operator.get("applications?$top=3").status_code,
    ]

    assert max(statuses) < 500


@BOUNDED
@given(options=OPTIONS, eventual=st.booleans())
def test_any_query_is_understood_or_refused(
    operator: Caller, options: list[tuple[str, str]], *, eventual: bool
) -> None:
    query = "&".join(f"{name}={value}" for name, value in options)
    headers = {"ConsistencyLevel": "eventual"} if eventual else {}

    statuses = [
        operator.get(f"{address}?{query}", **headers).status_code
        for address in ("applications", "servicePrincipals/$count", "users", "organization")
    ]

    assert max(statuses) < 500


KEYS = st.sampled_from(
    [
        *("{app}", "{sp}", "{user}", "11111111-1111-4111-8111-111111111111", "x", "%00", "a b"),
        *("$count", "$ref", "robust", "%F0%9F%92%A5", "'", "(", "{{}}", "AAAA", "é"),
    ]
)
FORMS = st.sampled_from(["/{}", "/{}", "('{}')", "(appId='{}')", "(name='{}')", "(uniqueName={})"])
HEADERS = st.dictionaries(
    st.sampled_from(["Prefer", "ConsistencyLevel", "If-Match", "client-request-id", "Accept"]),
    st.sampled_from(
        ["create-if-missing", "eventual", "*", "return=minimal", "\x7f", "é", "a" * 200]
    ),
    max_size=2,
)
CONTENTS = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.sampled_from([b"{", b"[]", b"null", b"5", b'{"a":NaN}', b"[" * 5000, b'{"x":"\\ud800"}']),
    st.dictionaries(
        st.sampled_from(
            [
                *(*NAMES, "keyId", "proof", "keyCredential", "passwordCredential", "ids", "types"),
                *("@odata.id", "@odata.type", "owners@odata.bind", "members@odata.bind", "scope"),
                *("groupIds", "principalId", "resourceId", "appRoleId", "clientId", "consentType"),
                *("name", "issuer", "subject", "audiences", "requests", "entityType", "identities"),
                *("permissionName", "classification", "passwordProfile", "securityEnabledOnly"),
            ]
        ),
        VALUES,
        max_size=4,
    ).map(lambda body: json.dumps(body).encode()),
)


@pytest.fixture(scope="module")
def known(operator: Caller) -> dict[str, str]:
    """Identifiers that exist, for addresses that lead somewhere."""
    application = operator.application()
    return {
        "{app}": application["id"],
        "{sp}": operator.principal(application)["id"],
        "{user}": operator.get("users?$top=1").json()["value"][0]["id"],
    }


@settings(BOUNDED, max_examples=400)
@given(data=st.data(), route=st.sampled_from(ROUTES), content=CONTENTS, headers=HEADERS)
def test_any_request_to_any_route_is_understood_or_refused(
    operator: Caller,
    known: dict[str, str],
    data: st.DataObject,
    route: Route,
    content: bytes | None,
    headers: dict[str, str],
) -> None:
    parts = re.split(r"/?\{\w+\}", route.path)
    address = parts[0]
    for part in parts[1:]:
        key = data.draw(KEYS)
        address += data.draw(FORMS).format(known.get(key, key)) + part
    version = data.draw(st.sampled_from(["v1.0", "beta", "V1.0/"]))
    query = "&".join(f"{name}={value}" for name, value in data.draw(OPTIONS))

    answer = operator.bare(route.method, f"/{version}/{address}?{query}", content, headers)

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json()["error"]["code"]


@settings(BOUNDED, max_examples=150)
@given(
    path=st.text(alphabet="abc/$()='%.{}é\\x00-1", max_size=40),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE"]),
)
def test_any_address_is_understood_or_refused(operator: Caller, path: str, method: str) -> None:
    answer = operator.bare(method, f"/v1.0/{path}", None, {})

    assert answer.status_code < 500


@settings(BOUNDED, max_examples=60)
@given(
    parts=st.lists(
        st.dictionaries(
            st.sampled_from(["id", "method", "url", "headers", "body", "dependsOn"]),
            VALUES | st.sampled_from(["GET", "PATCH", "/applications", "$batch", "users?$top=1"]),
            max_size=6,
        ),
        max_size=3,
    )
)
def test_any_batch_is_understood_or_refused(operator: Caller, parts: list[dict[str, Any]]) -> None:
    answer = operator.post("$batch", {"requests": parts})

    assert answer.status_code in {200, 400}
