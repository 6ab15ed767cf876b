"""Who may call Graph at all: bearer tokens and their refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from provision.sandbox import folder as folders
from provision.sandbox.server import Server

AskToken = Callable[..., httpx.Response]
PLACE = "/v1.0/organization"


def with_token(http: httpx.Client, header: str) -> httpx.Response:
    return http.get(PLACE, headers={"authorization": header})


def sentence(answer: httpx.Response) -> str:
    text: str = answer.json()["error"]["message"]
    return text


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi"])
def test_no_token_is_an_empty_token(http: httpx.Client, header: str) -> None:
    answer = with_token(http, header)

    assert (answer.status_code, sentence(answer)) == (401, "Access token is empty.")


@pytest.mark.parametrize("token", ["nonsense", "a.b", "a.b.c", "..", "é.é.é"])
def test_a_malformed_token_is_named_so(http: httpx.Client, token: str) -> None:
    answer = http.get(PLACE, headers={"authorization": f"Bearer {token}".encode()})

    assert answer.status_code == 401
    assert sentence(answer).startswith("IDX14100: JWT is not well formed, there are no dots (.).")


def test_a_refusal_tells_where_to_sign_in(server: Server, http: httpx.Client) -> None:
    answer = http.get(PLACE)

    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert answer.headers["www-authenticate"] == (
        f'Bearer realm="", authorization_uri="{server.url}/common/oauth2/authorize",'
        ' client_id="00000003-0000-0000-c000-000000000000"'
    )


def test_a_token_of_another_signer_is_refused(
    server: Server, http: httpx.Client, ask_token: AskToken
) -> None:
    real = ask_token().json()["access_token"]
    claims = jwt.decode(real, options={"verify_signature": False})
    forged = jwt.encode(claims, rsa.generate_private_key(65537, 2048), algorithm="RS256")

    answer = with_token(http, f"Bearer {forged}")

    assert (answer.status_code, sentence(answer)) == (
        401,
        "Access token validation failure. Invalid signature.",
    )


def test_an_unsigned_token_is_refused(http: httpx.Client, ask_token: AskToken) -> None:
    claims = jwt.decode(ask_token().json()["access_token"], options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, algorithm="none")

    assert with_token(http, f"Bearer {unsigned}").status_code == 401


def test_a_token_ends_by_the_clock_of_the_tenant(server: Server, graph: httpx.Client) -> None:
    server.advance(timedelta(minutes=64))
    before = graph.get(PLACE).status_code
    server.advance(timedelta(minutes=2))

    answer = graph.get(PLACE)

    assert before == 200
    assert (answer.status_code, sentence(answer)) == (
        401,
        "Lifetime validation failed, the token is expired.",
    )


@pytest.mark.parametrize(
    "audience",
    ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000", "{url}", "{url}/"],
)
def test_every_name_of_graph_is_an_audience(
    server: Server, http: httpx.Client, ask_token: AskToken, audience: str
) -> None:
    scope = f"{audience.format(url=server.url)}/.default"

    token = ask_token(scope=scope).json()["access_token"]

    assert with_token(http, f"Bearer {token}").status_code == 200


def test_a_token_for_another_server_is_refused(
    server: Server, http: httpx.Client, ask_token: AskToken
) -> None:
    """A name is the server's own only while a request came by that name."""
    operator = server.operator()
    other = http.post(
        f"/{operator['tenantId']}/oauth2/v2.0/token",
        headers={"host": "elsewhere.example"},
        data={
            "grant_type": "client_credentials",
            "client_id": operator["clientId"],
            "client_secret": operator["clientSecret"],
            "scope": "https://elsewhere.example/.default",
        },
    )

    answer = with_token(http, f"Bearer {other.json()['access_token']}")

    assert (answer.status_code, sentence(answer)) == (
        401,
        "Access token validation failure. Invalid audience.",
    )


def test_a_token_opens_its_own_tenant_only(server: Server, http: httpx.Client) -> None:
    other = server.operator("other")
    token = http.post(
        f"/{other['tenantId']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": other["clientId"],
            "client_secret": other["clientSecret"],
            "scope": f"{server.url}/.default",
        },
    ).json()["access_token"]

    organization = with_token(http, f"Bearer {token}").json()["value"][0]

    assert organization["id"] == other["tenantId"] != server.tenant().id


def test_a_token_of_a_tenant_that_was_reset_is_refused(server: Server, graph: httpx.Client) -> None:
    folders.reset(server.folder)

    answer = graph.get(PLACE)

    assert (answer.status_code, sentence(answer)) == (
        401,
        "Access token validation failure. Invalid tenant.",
    )
