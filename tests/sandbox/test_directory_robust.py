"""Whatever is sent, the directory understands or refuses it: never a 5xx."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import UPSERT, Caller, operator_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.sandbox import edm
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
