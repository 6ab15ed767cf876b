"""Tokens of outside issuers: where one is at hand, that it is the right one, and what it is exchanged for."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from token_endpoint import CLAIMS, Authority, a_refusal, a_token

from auth import clouds, federation
from auth.errors import AuthError, TokenRefused
from auth.runner import Runner

ISSUER = "https://ci.example"
AUDIENCE = "api://AzureADTokenExchange"
SUBJECT = "repo:o/r:environment:prod"
BEARER = "canary-of-the-job"

FileOf = Callable[[str | bytes], str]


def outside(**claims: Any) -> str:
    """A token of an outside issuer, whose signature nobody looks at here."""
    said = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, **claims}
    encoded = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{encoded}.c2ln"


def looked_for(environ: dict[str, str], **wanted: str) -> str:
    claims = {"issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE, **wanted}
    return asyncio.run(federation.assertion(environ, **claims))


def of_job(runner: Authority, answer: tuple[int, bytes] | None = None) -> federation.Assertion:
    """What a job gets whose runner answers so."""
    told = {"value": outside(iss=federation.GITHUB)}
    runner.answers.append(answer or (200, json.dumps(told).encode()))
    url = f"{runner.url}/idtoken?api-version=2.0"
    asked = Runner(name="GitHub Actions", url=url, bearer=BEARER, audience=AUDIENCE)
    return asyncio.run(federation.of_job(asked))


def test_the_token_in_a_file_is_taken_where_it_bears_just_what_is_trusted(file: FileOf) -> None:
    token = outside()

    assert looked_for({"AZURE_FEDERATED_TOKEN_FILE": file(f"{token}\n")}) == token


def test_a_token_for_several_audiences_is_taken_for_each(file: FileOf) -> None:
    token = outside(aud=["https://kubernetes.default.svc", AUDIENCE])

    assert looked_for({"AZURE_FEDERATED_TOKEN_FILE": file(token)}) == token


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"sub": "repo:o@1/r@2:environment:prod"}, "the token here is about repo:o@1/r@2:environment:prod"),
        ({"sub": SUBJECT.upper()}, f"the token here is about {SUBJECT.upper()}"),
        ({"sub": "a\x1b[31mb\n"}, "the token here is about a?[31mb?"),
        ({"sub": 7}, "the token here is about 7"),
        ({"aud": "api://Elsewhere"}, "the token here is for api://Elsewhere"),
        ({"aud": None}, "the token here is for nobody"),
        ({"iss": f"{ISSUER}/"}, "No token of this issuer is here"),
    ],
)  # fmt: skip
def test_another_token_of_the_machine_proves_nothing_and_is_named(
    file: FileOf, claims: dict[str, Any], says: str
) -> None:
    with pytest.raises(AuthError) as refused:
        looked_for({"AZURE_FEDERATED_TOKEN_FILE": file(outside(**claims))})

    assert str(refused.value) == says


@pytest.mark.parametrize(
    "content", [b"", b"no token", b"\xff\xfe", b"a.b.c", b"a." + b"W10" + b".c"]
)
def test_a_file_without_a_token_is_no_token(file: FileOf, content: bytes) -> None:
    with pytest.raises(AuthError):
        looked_for({"AZURE_FEDERATED_TOKEN_FILE": file(content)})


def test_a_file_that_is_not_there_is_told_without_its_name() -> None:
    with pytest.raises(AuthError) as refused:
        looked_for({"AZURE_FEDERATED_TOKEN_FILE": "/nowhere/token"})

    assert str(refused.value) == "the file that AZURE_FEDERATED_TOKEN_FILE names cannot be read"


def test_a_machine_without_any_token_says_so() -> None:
    with pytest.raises(federation.NoAssertion):
        looked_for({})


def test_a_job_is_asked_for_nothing_where_another_issuer_is_trusted(ci_runner: Authority) -> None:
    environ = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{ci_runner.url}/token",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
    }
    with pytest.raises(federation.NoAssertion):
        looked_for(environ)

    assert ci_runner.asked == []


def test_a_job_does_not_send_its_bearer_to_an_address_that_is_not_githubs(
    authority: Authority,
) -> None:
    environ = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{authority.url}/token",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
    }
    with pytest.raises(AuthError) as refused:
        looked_for(environ, issuer=federation.GITHUB)

    assert "is no address of GitHub's, and nothing is sent there" in str(refused.value)
    assert BEARER not in str(refused.value)
    assert authority.asked == []


def test_a_job_is_asked_for_its_token_with_the_audience(ci_runner: Authority) -> None:
    found = of_job(ci_runner)

    assert (found.issuer, found.subject) == (federation.GITHUB, SUBJECT)
    assert found.audiences == (AUDIENCE,)
    assert ci_runner.asked == ["GET /idtoken"]
    query = parse_qsl(ci_runner.queries[0])
    assert query == [("api-version", "2.0"), ("audience", AUDIENCE)]
    sent = {name.lower(): value for name, value in ci_runner.headers[0].items()}
    assert sent["authorization"] == f"Bearer {BEARER}"
    assert found.text not in repr(found)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((403, b"{}"), "GitHub Actions does not vouch for this job: status 403"),
        ((302, b""), "GitHub Actions does not vouch for this job: status 302"),
        ((200, b"[]"), "GitHub Actions does not vouch for this job"),
        ((200, b'{"value": "x"}'), "The token cannot be read"),
    ],
)
def test_an_answer_without_a_token_is_told(
    ci_runner: Authority, answer: tuple[int, bytes], says: str
) -> None:
    with pytest.raises(AuthError) as refused:
        of_job(ci_runner, answer)

    assert says in str(refused.value)
    assert BEARER not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://run.actions.githubusercontent.com/idtoken/1?api-version=2.0",
        "https://pipelinesghubeus1.actions.githubusercontent.com/a/_apis/x?api-version=2.0",
        "https://RUN.Actions.GitHubUserContent.com:443/idtoken/1?api-version=2.0",
    ],
)
def test_an_address_of_githubs_may_be_asked(url: str) -> None:
    assert federation.is_githubs(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "token",
        "http://run.actions.githubusercontent.com/",
        "https://actions.githubusercontent.com.evil.example/",
        "https://evilactions.githubusercontent.com/",
        "https://evil.example/.actions.githubusercontent.com",
        "https://evil.example#.actions.githubusercontent.com",
        "https://evil.example?.actions.githubusercontent.com",
        "https://evil.example\\.actions.githubusercontent.com/",
        "https://run.actions.githubusercontent.com@evil.example/",
        "https://me:pw@run.actions.githubusercontent.com/",
        "https://run.actions.githubusercontent.com./",
        "https://run.actions.githubusercontent.com:8443/",
        "https://run.actions.githubusercontent.com:x/",
        "https://evil.example%2f.actions.githubusercontent.com/",
        "https://[::1.actions.githubusercontent.com/",
        "https://169.254.169.254/",
        "file:///etc/passwd",
    ],
)
def test_an_address_of_anybody_else_is_not_asked(url: str) -> None:
    assert not federation.is_githubs(url)


def test_an_assertion_is_exchanged_with_one_request_each_time(authority: Authority) -> None:
    cloud = clouds.custom(authority.url, authority.url, authority.ca_bundle)
    authority.token = a_token(roles=["Mail.Send"])

    async def twice() -> list[str]:
        return [
            await federation.federated_token(
                CLAIMS["tid"], CLAIMS["appid"], text, cloud, scope="api://x/.default"
            )
            for text in ("first", "second")
        ]

    assert asyncio.run(twice()) == [authority.token] * 2
    assert authority.asked == [f"POST /{CLAIMS['tid']}/oauth2/v2.0/token"] * 2
    assert [form["client_assertion"] for form in authority.forms] == ["first", "second"]
    assert {form["scope"] for form in authority.forms} == {"api://x/.default"}
    assert len(set(authority.connections)) == 2


@pytest.mark.parametrize(
    ("aadsts", "hint"),
    [
        (700211, "letter by letter"),
        (700212, "letter by letter"),
        (700213, "since 2026-07-15 tell numbers too: repo:OWNER@ID/REPOSITORY@ID"),
        (7002138, "Write the subject letter by letter as the token tells it"),
        (700024, "must be used within minutes"),
        (70021, "letter by letter"),
        (700236, "managed identity"),
        (7000272, "serves its keys"),
    ],
)
def test_a_refused_assertion_is_told_with_what_to_do(
    authority: Authority, aadsts: int, hint: str
) -> None:
    cloud = clouds.custom(authority.url, authority.url, authority.ca_bundle)
    authority.answers.append((401, a_refusal(aadsts)))

    with pytest.raises(TokenRefused) as refused:
        asyncio.run(federation.federated_token(CLAIMS["tid"], CLAIMS["appid"], outside(), cloud))

    assert refused.value.aadsts == aadsts
    assert hint in refused.value.hint
    assert outside() not in str(refused.value)


def test_a_tenant_that_cannot_be_one_is_refused_before_anything_is_sent(
    authority: Authority,
) -> None:
    cloud = clouds.custom(authority.url, authority.url, authority.ca_bundle)

    with pytest.raises(AuthError, match="of a form that can be right"):
        asyncio.run(federation.federated_token("no tenant/", "app", outside(), cloud))

    assert authority.asked == []
