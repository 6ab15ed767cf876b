"""Certificates in place of secrets: which assertions are believed, and the words for the others."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from assertion import JWT_BEARER, Pair, base64url, pair, register, signed
from workloads import TRUTH, UNKNOWN, change, claims_of, refusal, workload

from provision.sandbox.server import Server
from provision.sandbox.tenant import format_time

AskToken = Callable[..., httpx.Response]
Ask = Callable[[str], httpx.Response]


@pytest.fixture
def app_id(server: Server) -> str:
    """An application that has registered a certificate."""
    made = workload(server)["client_id"]
    register(server, made, pair())
    return made


@pytest.fixture
def ask(app_id: str, ask_token: AskToken) -> Ask:
    """Asks for a token with an assertion."""

    def ask(assertion: str) -> httpx.Response:
        return ask_token(
            client_id=app_id,
            client_secret="",
            client_assertion_type=JWT_BEARER,
            client_assertion=assertion,
        )

    return ask


def sentence(answer: httpx.Response) -> str:
    text: str = answer.json()["error_description"]
    return text


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_a_certificate_proves_the_client(
    server: Server, app_id: str, ask: Ask, algorithm: str
) -> None:
    answer = ask(signed(server, app_id, pair(), algorithm=algorithm))

    assert claims_of(answer)["appidacr"] == "2"


@pytest.mark.parametrize(
    "header",
    [
        lambda pair: {"x5t#S256": base64url(pair.sha256)},
        lambda pair: {"x5t": base64url(pair.sha1)},
        lambda pair: {"kid": base64url(pair.sha1, padded=True)},
        lambda pair: {"kid": base64url(pair.sha1)},
        lambda pair: {"kid": pair.sha1.hex().upper()},
    ],
)
def test_a_certificate_is_known_by_any_thumbprint(
    server: Server, app_id: str, ask: Ask, header: Callable[[Pair], dict[str, str]]
) -> None:
    answer = ask(signed(server, app_id, pair(), header=header(pair())))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "audience",
    [
        "{url}/{tenant}/oauth2/v2.0/token",
        "{url}/{tenant}/v2.0",
        "{url}/{tenant}/oauth2/token",
        "{url}/{tenant}/",
        "{url}/sandbox.onmicrosoft.com/oauth2/v2.0/token",
    ],
)
def test_the_audience_has_several_forms(
    server: Server, app_id: str, ask: Ask, audience: str
) -> None:
    aud = audience.format(url=server.url, tenant=server.tenant().id)

    assert ask(signed(server, app_id, pair(), aud=aud)).status_code == 200


def test_an_assertion_for_another_tenant_is_refused(server: Server, app_id: str, ask: Ask) -> None:
    aud = f"{server.url}/{UNKNOWN}/oauth2/v2.0/token"

    answer = ask(signed(server, app_id, pair(), aud=aud))

    assert refusal(answer) == (401, "invalid_client", 700023)


def test_padded_parts_are_read_too(server: Server, app_id: str, ask: Ask) -> None:
    """azure-identity's asynchronous credential writes its assertion so."""
    header, claims = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode()
        for part in (
            {"alg": "RS256", "typ": "JWT", "x5t": base64url(pair().sha1)},
            jwt.decode(signed(server, app_id, pair()), options={"verify_signature": False}),
        )
    )
    text = f"{header}.{claims}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        text.encode(), pair().key
    )

    answer = ask(f"{text}.{base64.urlsafe_b64encode(signature).decode()}")

    assert answer.status_code == 200


def test_a_certificate_of_the_service_principal_works_too(
    server: Server, app_id: str, ask: Ask
) -> None:
    change(server.tenant(), "applications", app_id, keyCredentials=[])
    register(server, app_id, pair(), on="servicePrincipals")

    assert ask(signed(server, app_id, pair())).status_code == 200


def test_the_right_one_of_several_certificates_is_found(
    server: Server, app_id: str, ask: Ask
) -> None:
    register(server, app_id, pair("first"), pair(), pair("last"))

    assert ask(signed(server, app_id, pair())).status_code == 200


def test_an_unknown_certificate_is_named_by_its_thumbprint(
    server: Server, app_id: str, ask: Ask
) -> None:
    stranger = pair("stranger")

    answer = ask(signed(server, app_id, stranger, header={"x5t": base64url(stranger.sha1)}))

    assert refusal(answer) == (401, "invalid_client", 700027)
    assert sentence(answer).startswith(
        "AADSTS700027: The certificate with identifier used to sign the client assertion is not"
        " registered on application. [Reason - The key was not found., Thumbprint of key used by"
        f" client: '{stranger.sha1.hex().upper()}', Please visit the Azure Portal, Graph Explorer"
        f" or directly use MS Graph to see configured keys for app Id '{app_id}'."
    )


def test_a_certificate_for_another_use_does_not_count(
    server: Server, app_id: str, ask: Ask
) -> None:
    application = server.tenant().find("applications", "appId", app_id, TRUTH) or {}
    encrypting = [{**each, "usage": "Encrypt"} for each in application["keyCredentials"]]
    change(server.tenant(), "applications", app_id, keyCredentials=encrypting)

    assert refusal(ask(signed(server, app_id, pair())))[2] == 700027


def test_a_signature_of_another_key_is_refused(server: Server, app_id: str, ask: Ask) -> None:
    header = {"x5t#S256": base64url(pair().sha256)}

    answer = ask(signed(server, app_id, pair("stranger"), header=header))

    assert refusal(answer) == (401, "invalid_client", 700027)
    assert sentence(answer).startswith(
        "AADSTS700027: Client assertion contains an invalid signature."
        " [Reason - The key was not found.]"
    )


def test_an_expired_certificate_is_refused_as_expired(
    server: Server, app_id: str, ask: Ask
) -> None:
    server.advance(timedelta(days=91))

    answer = ask(signed(server, app_id, pair()))

    assert refusal(answer) == (401, "invalid_client", 700027)
    assert "[Reason - The key used is expired., Thumbprint of key used" in sentence(answer)
    assert "Found key 'Start=" in sentence(answer)


def test_the_certificates_own_end_counts_too(server: Server, app_id: str, ask: Ask) -> None:
    short = pair("short", days=10)
    register(server, app_id, short)
    server.advance(timedelta(days=11))

    assert refusal(ask(signed(server, app_id, short)))[2] == 700027


def test_a_certificate_whose_time_has_not_come_is_refused(
    server: Server, app_id: str, ask: Ask
) -> None:
    application = server.tenant().find("applications", "appId", app_id, TRUTH) or {}
    later = format_time(server.tenant().clock.now() + timedelta(hours=1))
    waiting = [{**each, "startDateTime": later} for each in application["keyCredentials"]]
    change(server.tenant(), "applications", app_id, keyCredentials=waiting)

    answer = ask(signed(server, app_id, pair()))

    assert refusal(answer)[2] == 700027
    assert "not yet valid" in sentence(answer)


@pytest.mark.parametrize(
    "times",
    [{"exp": time.time() - 60}, {"nbf": time.time() + 3600, "exp": time.time() + 7200}],
)
def test_an_assertion_out_of_its_time_is_refused(
    server: Server, app_id: str, ask: Ask, times: dict[str, Any]
) -> None:
    answer = ask(signed(server, app_id, pair(), **times))

    assert refusal(answer) == (401, "invalid_client", 700024)
    assert sentence(answer).startswith(
        "AADSTS700024: Client assertion is not within its valid time range. Current time: "
    )


def test_a_moved_clock_does_not_lock_out_clients_that_cannot_follow(
    server: Server, app_id: str, ask: Ask
) -> None:
    server.advance(timedelta(days=2))

    assert ask(signed(server, app_id, pair())).status_code == 200


def test_an_hour_is_not_too_long(server: Server, app_id: str, ask: Ask) -> None:
    assert ask(signed(server, app_id, pair(), exp=time.time() + 3600)).status_code == 200


@pytest.mark.parametrize(
    "assertion",
    ["nonsense", "a.b.c", "..", "é.é.é", "eyJhbGciOiJub25lIn0.e30.", "e30.e30.e30", "." * 400],
)
def test_what_is_no_token_is_malformed(ask: Ask, assertion: str) -> None:
    answer = ask(assertion)

    assert refusal(answer) == (400, "invalid_request", 50027)
    assert sentence(answer).startswith("AADSTS50027: JWT token is invalid or malformed.")


@pytest.mark.parametrize(
    "claims",
    [{"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": 10**30}, {"nbf": -1}, {"exp": [1]}],
)
def test_times_that_are_no_times_are_malformed(
    server: Server, app_id: str, ask: Ask, claims: dict[str, Any]
) -> None:
    assert refusal(ask(signed(server, app_id, pair(), **claims)))[2] == 50027


def test_a_symmetric_signature_is_malformed(server: Server, app_id: str, ask: Ask) -> None:
    claims = jwt.decode(signed(server, app_id, pair()), options={"verify_signature": False})
    header = {"x5t": base64url(pair().sha1)}

    forged = jwt.encode(claims, "x" * 32, algorithm="HS256", headers=header)

    assert refusal(ask(forged))[2] == 50027


def test_nobody_speaks_for_another_application(server: Server, app_id: str, ask: Ask) -> None:
    other = workload(server)["client_id"]

    assert refusal(ask(signed(server, other, pair())))[2] == 700021


def test_the_kind_of_assertion_must_be_said(
    server: Server, app_id: str, ask_token: AskToken
) -> None:
    given = {"client_id": app_id, "client_secret": "", "client_assertion": "a.b.c"}

    missing, wrong = ask_token(**given), ask_token(**given, client_assertion_type="x")

    assert refusal(missing) == (400, "invalid_request", 900144)
    assert "'client_assertion_type'" in sentence(missing)
    assert refusal(wrong) == (401, "invalid_client", 7000216)
