"""Tokens of outside issuers in place of secrets: which ones match, to the letter."""

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
from assertion import EXCHANGE, JWT_BEARER, federate, jwks, pair, signed
from workloads import TRUTH, claims_of, refusal, workload

from provision.sandbox import identities, issuers
from provision.sandbox.server import Server

AskToken = Callable[..., httpx.Response]
Ask = Callable[..., httpx.Response]
GITHUB = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:contoso/app:environment:prod"
EXCHANGE_ID = "fb60f99c-7a34-4190-8149-302f77469936"


@pytest.fixture
def app_id(server: Server) -> str:
    """An application that trusts one environment of one repository."""
    made = workload(server)["client_id"]
    federate(server, made, issuer=GITHUB, subject=SUBJECT)
    return made


@pytest.fixture
def ask(app_id: str, ask_token: AskToken) -> Ask:
    """Asks for a token with an assertion."""

    def ask(assertion: str, **form: str) -> httpx.Response:
        given = {
            "client_id": app_id,
            "client_secret": "",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion,
            **form,
        }
        return ask_token(**given)

    return ask


def sentence(answer: httpx.Response) -> str:
    text: str = answer.json()["error_description"]
    return text


def outside(**claims: Any) -> str:
    """A token of that issuer."""
    content = {"aud": EXCHANGE, "iss": GITHUB, "sub": SUBJECT, "exp": time.time() + 60, **claims}
    return jwt.encode(content, pair("issuer").key, algorithm="RS256", headers={"kid": "mine"})


def test_a_pipelines_token_is_exchanged(server: Server, ask: Ask) -> None:
    answer = ask(server.issue_token(SUBJECT, issuer=GITHUB))

    assert claims_of(answer)["appidacr"] == "2"


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"issuer": f"{GITHUB}/"}, 700211, f"issuer '{GITHUB}/'. Please check your federated"),
        ({"issuer": GITHUB.upper()}, 700211, "issuer '"),
        (
            {"subject": SUBJECT.upper()},
            7002138,
            f"subject '{SUBJECT.upper()}'. The subject matches with case-insensitive comparison, but not",
        ),
        ({"subject": f"{SUBJECT} "}, 700213, f"subject '{SUBJECT} '. Check your federated"),
        ({"audience": EXCHANGE.lower()}, 700212, f"audience '{EXCHANGE.lower()}'. Please check"),
    ],
)
def test_what_does_not_match_to_the_letter_is_refused(
    server: Server, ask: Ask, given: dict[str, str], code: int, words: str
) -> None:
    token = server.issue_token(**{"subject": SUBJECT, "issuer": GITHUB, **given})

    answer = ask(token)

    assert refusal(answer) == (401, "invalid_client", code)
    assert sentence(answer).startswith(
        f"AADSTS{code}: No matching federated identity record found for presented assertion {words}"
    )


def test_halves_of_two_credentials_do_not_make_one(server: Server, app_id: str, ask: Ask) -> None:
    federate(server, app_id, issuer="https://issuer.example", subject="other")

    answer = ask(server.issue_token("other", issuer=GITHUB))

    assert refusal(answer) == (400, "invalid_request", 70021)
    assert f"Assertion Issuer: '{GITHUB}'. Assertion Subject: 'other'." in sentence(answer)


def test_an_application_without_federated_credentials_says_so(server: Server, ask: Ask) -> None:
    other = workload(server)["client_id"]

    answer = ask(server.issue_token(SUBJECT, issuer=GITHUB), client_id=other)

    assert refusal(answer) == (400, "invalid_request", 70025)
    assert sentence(answer).startswith(
        f"AADSTS70025: The client '{other}'(workload) has no configured federated identity"
        " credentials."
    )


def test_a_credential_may_match_a_pattern(server: Server, ask: Ask) -> None:
    app = workload(server)["client_id"]
    value = (
        "claims['sub'] matches 'repo:contoso/*' and claims['aud'] eq 'api://AzureADTokenExchange'"
    )
    expression = {"value": value, "languageVersion": 1}
    federate(server, app, issuer=GITHUB, subject=None, claimsMatchingExpression=expression)

    fits = ask(server.issue_token("repo:contoso/x:ref:main", issuer=GITHUB), client_id=app)
    other = ask(server.issue_token("repo:fabrikam/x:ref:main", issuer=GITHUB), client_id=app)

    assert fits.status_code == 200
    assert refusal(other)[2] == 700213


def test_the_local_issuer_can_be_discovered(
    server: Server, app_id: str, http: Any, ask: Ask
) -> None:
    token = server.issue_token("anybody")
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    federate(server, app_id, issuer=issuer, subject="anybody")

    found = http.get(f"{issuer}/.well-known/openid-configuration").json()
    keys = http.get(found["jwks_uri"]).json()

    assert found["issuer"] == issuer == f"{server.url}/{server.tenant().id}/issuer"
    key = jwt.PyJWK(keys["keys"][0], algorithm="RS256").key
    assert jwt.decode(token, key, algorithms=["RS256"], audience=EXCHANGE)["sub"] == "anybody"
    assert ask(token).status_code == 200


def test_the_local_issuer_of_another_run_is_the_same(server: Server, app_id: str, ask: Ask) -> None:
    """An embedded sandbox has another port in each run; what was written before stays true."""
    before = f"https://127.0.0.1:1/{server.tenant().id}/issuer"
    federate(server, app_id, issuer=before, subject="anybody")

    assert ask(server.issue_token("anybody")).status_code == 200


def test_another_programs_issuer_signs_with_its_own_keys(server: Server, ask: Ask) -> None:
    issuers.trust(server.store, GITHUB, jwks())

    assert ask(outside()).status_code == 200


def test_keys_that_were_given_replace_the_local_one(server: Server, ask: Ask) -> None:
    token = server.issue_token(SUBJECT, issuer=GITHUB)
    issuers.trust(server.store, GITHUB, jwks())

    answer = ask(token)

    assert refusal(answer) == (401, "invalid_client", 7000272)
    assert f"could not be found in the metadata of identity provider {GITHUB}." in sentence(answer)
    with pytest.raises(ValueError, match="only it can sign"):
        server.issue_token(SUBJECT, issuer=GITHUB)


def test_keys_can_be_forgotten(server: Server, ask: Ask) -> None:
    issuers.trust(server.store, GITHUB, jwks())
    issuers.trust(server.store, GITHUB, None)

    assert refusal(ask(outside()))[2] == 7000272
    assert ask(server.issue_token(SUBJECT, issuer=GITHUB)).status_code == 200


@pytest.mark.parametrize(
    "keys", [{}, {"keys": []}, {"keys": 1}, {"keys": [{"kty": "RSA"}]}, {"keys": ["x"]}]
)
def test_what_is_no_key_set_is_not_taken(server: Server, keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        issuers.trust(server.store, GITHUB, keys)


def test_a_key_of_an_issuer_does_not_sign_for_another(server: Server, ask: Ask) -> None:
    issuers.trust(server.store, "https://issuer.example", jwks())

    assert refusal(ask(outside()))[2] == 7000272


def test_a_forged_signature_is_refused(server: Server, ask: Ask) -> None:
    issuers.trust(server.store, GITHUB, jwks())
    claims = jwt.decode(outside(), options={"verify_signature": False})

    forged = jwt.encode(claims, pair("stranger").key, algorithm="RS256", headers={"kid": "mine"})

    assert refusal(ask(forged))[2] == 7000272


def test_a_token_out_of_its_time_is_refused(server: Server, ask: Ask) -> None:
    issuers.trust(server.store, GITHUB, jwks())

    assert refusal(ask(outside(exp=time.time() - 1)))[2] == 700024


def test_a_token_of_a_moved_clock_is_taken(server: Server, ask: Ask) -> None:
    server.advance(timedelta(days=2))

    assert ask(server.issue_token(SUBJECT, issuer=GITHUB)).status_code == 200


@pytest.mark.parametrize("claims", [{"aud": ["a", "b"]}, {"sub": ""}, {"sub": 7}])
def test_a_token_without_the_three_claims_is_malformed(
    server: Server, ask: Ask, claims: dict[str, Any]
) -> None:
    content = {"aud": EXCHANGE, "iss": GITHUB, "sub": SUBJECT, "exp": time.time() + 60, **claims}

    token = jwt.encode(content, pair("issuer").key, algorithm="RS256")

    assert refusal(ask(token))[2] == 50027


@pytest.fixture
def machine(server: Server) -> identities.Identity:
    """A managed identity that the application trusts."""
    return identities.add(server.tenant(), "nightly")


def token_of(http: httpx.Client, machine: identities.Identity, resource: str = EXCHANGE) -> str:
    answer = http.get(
        "/msi/token",
        params={"api-version": "2019-08-01", "resource": resource},
        headers={"X-IDENTITY-HEADER": machine.header},
    )
    token: str = answer.json()["access_token"]
    return token


def test_a_managed_identity_stands_in_for_a_secret(
    server: Server, app_id: str, http: httpx.Client, ask: Ask, machine: identities.Identity
) -> None:
    issuer = f"{server.url}/{server.tenant().id}/v2.0"
    federate(server, app_id, issuer=issuer, subject=machine.principal_id)

    token = token_of(http, machine)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["aud"], claims["iss"], claims["ver"]) == (EXCHANGE_ID, issuer, "2.0")
    assert claims["sub"] == claims["oid"] == machine.principal_id
    assert ask(token).status_code == 200


def test_the_real_login_host_means_this_tenant_too(
    server: Server, app_id: str, http: httpx.Client, ask: Ask, machine: identities.Identity
) -> None:
    issuer = f"https://login.microsoftonline.com/{server.tenant().id}/v2.0"
    federate(server, app_id, issuer=issuer, subject=machine.principal_id)

    assert ask(token_of(http, machine)).status_code == 200


def test_a_credential_must_not_hold_the_exchange_as_a_guid(
    server: Server, app_id: str, http: httpx.Client, ask: Ask, machine: identities.Identity
) -> None:
    issuer = f"{server.url}/{server.tenant().id}/v2.0"
    federate(server, app_id, issuer=issuer, subject=machine.principal_id, audience=EXCHANGE_ID)

    assert refusal(ask(token_of(http, machine))) == (401, "invalid_client", 700214)


def test_another_managed_identity_is_not_trusted(
    server: Server, app_id: str, http: httpx.Client, ask: Ask, machine: identities.Identity
) -> None:
    issuer = f"{server.url}/{server.tenant().id}/v2.0"
    federate(server, app_id, issuer=issuer, subject=machine.principal_id)
    other = identities.add(server.tenant(), "other")

    assert refusal(ask(token_of(http, other)))[2] == 700213


def test_a_managed_identity_of_another_tenant_is_not_trusted(
    server: Server, app_id: str, http: httpx.Client, ask: Ask
) -> None:
    foreign = identities.add(server.tenant("other"), "foreign")
    issuer = f"{server.url}/{server.tenant().id}/v2.0"
    federate(server, app_id, issuer=issuer, subject=foreign.principal_id)

    assert refusal(ask(token_of(http, foreign)))[2] == 700211


def test_an_applications_token_does_not_stand_in_for_a_secret(
    server: Server, app_id: str, ask: Ask, ask_token: AskToken
) -> None:
    client = workload(server)
    principal = server.tenant().find("servicePrincipals", "appId", client["client_id"], TRUTH)
    issuer = f"{server.url}/{server.tenant().id}/v2.0"
    federate(server, app_id, issuer=issuer, subject=(principal or {})["id"])

    token = ask_token(**client, scope=f"{EXCHANGE}/.default").json()["access_token"]

    assert refusal(ask(token))[2] == 700236


def test_the_local_issuer_cannot_play_the_tenant_itself(
    server: Server, app_id: str, ask: Ask, machine: identities.Identity
) -> None:
    issuer = f"{server.url}/{server.tenant().id}/v2.0"
    federate(server, app_id, issuer=issuer, subject=machine.principal_id)

    forged = server.issue_token(machine.principal_id, issuer=issuer)

    assert refusal(ask(forged))[2] == 7000272


def test_issuers_outlive_a_restart(server: Server) -> None:
    issuers.trust(server.store, GITHUB, jwks())

    assert json.loads(str(server.store.setting("issuers"))) == {GITHUB: jwks()}


@pytest.mark.parametrize("server", [{"profile": "slow", "scale": 1.0}], indirect=True)
def test_a_replica_that_lacks_the_credential_does_not_say_that_there_is_none(
    server: Server, ask_token: AskToken
) -> None:
    client = workload(server)
    federate(server, client["client_id"], issuer=GITHUB, subject=SUBJECT, lag="directory")
    form = {
        "client_id": client["client_id"],
        "client_secret": "",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": server.issue_token(SUBJECT, issuer=GITHUB),
    }

    early = ask_token(**form)
    server.advance(timedelta(minutes=6))
    late = ask_token(**{**form, "client_assertion": server.issue_token(SUBJECT, issuer=GITHUB)})

    assert refusal(early) == (400, "invalid_request", 70021)
    assert late.status_code == 200


def test_what_was_made_over_graph_is_believed_at_the_token_service(
    server: Server, graph: httpx.Client, ask_token: AskToken
) -> None:
    """A federated credential and a certificate, both through Graph's own doors."""
    app = graph.post("/v1.0/applications", json={"displayName": "orders"}).json()
    graph.post("/v1.0/servicePrincipals", json={"appId": app["appId"]})
    address = f"/v1.0/applications/{app['id']}"
    credential = {"name": "ci", "issuer": GITHUB, "subject": SUBJECT, "audiences": [EXCHANGE]}
    key = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(pair().der).decode(),
    }
    graph.post(f"{address}/federatedIdentityCredentials", json=credential)
    graph.patch(address, json={"keyCredentials": [key]})
    form = {
        "client_id": app["appId"],
        "client_secret": "",
        "client_assertion_type": JWT_BEARER,
    }

    by_issuer = ask_token(**form, client_assertion=server.issue_token(SUBJECT, issuer=GITHUB))
    by_key = ask_token(**form, client_assertion=signed(server, app["appId"], pair()))

    assert (by_issuer.status_code, by_key.status_code) == (200, 200)
