"""Claims: both versions of a token, a person's and a workload's, and what is no token."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from token_endpoint import CLAIMS, a_token

from auth import claims
from auth.errors import AuthError


def sealed(payload: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode()}.sig"


def test_a_workloads_token_says_who_it_is_and_what_it_may() -> None:
    token = a_token(roles=["User.Read.All", "Mail.Send"], exp=1_800_000_000)

    read = claims.read(token)

    assert (read.aud, read.tid, read.app_id) == (CLAIMS["aud"], CLAIMS["tid"], CLAIMS["appid"])
    assert read.object_id == CLAIMS["oid"]
    assert read.roles == {"User.Read.All", "Mail.Send"}
    assert read.expires == datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    assert read.version == "1.0"


def test_the_second_version_names_the_application_azp() -> None:
    token = sealed({"azp": "app", "exp": 1, "ver": "2.0"})

    assert claims.read(token).app_id == "app"


def test_a_persons_token_has_scopes_and_directory_roles() -> None:
    read = claims.read(a_token(scp="User.Read Mail.Send", wids=["one"]))

    assert (read.scopes, read.wids) == ({"User.Read", "Mail.Send"}, {"one"})


def test_a_token_without_grants_has_empty_roles() -> None:
    assert claims.read(sealed({"exp": 1})).roles == frozenset()


def test_letters_beyond_ascii_survive_whatever_the_padding() -> None:
    for name in ("é", "éa", "éab", "éabc"):
        token = sealed({"exp": 1, "app_displayname": f"{name}ÿ?>"}).replace("=", "")

        assert claims.read(token).raw["app_displayname"] == f"{name}ÿ?>"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c.d",
        "a.!!!!.c",
        "a.AA.c",
        sealed([1]),
        sealed({}),
        sealed({"exp": "soon"}),
        sealed({"exp": 1e300}),
        sealed({"exp": 1, "roles": "User.Read.All"}),
        sealed({"exp": 1, "roles": [1]}),
        sealed({"exp": 1, "tid": 7}),
        f"a.{base64.urlsafe_b64encode(b'[' * 100_000).decode()}.c",
    ],
)
def test_what_is_no_token_is_an_expected_failure_that_does_not_repeat_it(token: str) -> None:
    with pytest.raises(AuthError, match="cannot be read") as failure:
        claims.read(token)

    assert len(token) < 2 or token not in str(failure.value)
