"""Whatever is sent, the answer is the contract's: never a failure of the server itself."""

from __future__ import annotations

import logging
import string

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = st.sampled_from(
    [
        "v1.0",
        "beta",
        "applications",
        "servicePrincipals",
        "users",
        "directory",
        "deletedItems",
        "$batch",
        "$count",
        "me",
        "x",
        "organization",
        "appRoleAssignedTo",
        "addPassword",
        "restore",
        "oauth2PermissionGrants",
        "oauth2",
        "v2.0",
        "token",
        "microsoft.graph.application",
        "(appId='x')",
        "applications(uniqueName='%00')",
        "%2e%2e",
        "%ff",
        "'",
        "(",
        "a=1)",
    ]
)
TEXT = st.text(string.printable.strip() + "\u00e9\u4e2d", max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["displayName", "appId", "tags", "keyId", "api", "requests", "web"])
            | TEXT,
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
OPTIONS = st.dictionaries(
    st.sampled_from(["$filter", "$select", "$top", "$orderby", "$count", "$search", "$skiptoken"]),
    st.sampled_from(["id", "id eq 'a'", "tags/any(t:t eq 'x')", "true", "1", "not (", "''"]) | TEXT,
    max_size=3,
)


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"]),
    path=st.lists(WORDS, min_size=1, max_size=5),
    params=OPTIONS,
    body=JSON,
    version=st.booleans(),
)
def test_no_request_breaks_the_server(
    graph: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: list[str],
    params: dict[str, str],
    body: object,
    version: bool,
) -> None:
    address = "/".join(["/v1.0" if version else "", *path]).replace("//", "/x/")

    answer = graph.request(method, f"/{address.lstrip('/')}", params=params, json=body)

    assert answer.status_code < 500
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
