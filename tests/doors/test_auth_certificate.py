"""A workload's token by certificate: an assertion in place of a secret, and the key nowhere to be read."""

from __future__ import annotations

import asyncio
import base64
import logging
from datetime import timedelta

import jwt
import pytest
from token_endpoint import CLAIMS, Authority, a_refusal

from auth import claims, clouds, workload
from auth.errors import AuthError, TokenRefused
from provision.certificates import Pair
from provision.sandbox import operators
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen, format_time
from tests.keypairs import a_pair


def pem_of(pair: Pair) -> str:
    """What a store holds of a pair."""
    assert pair.key is not None
    return pair.key.reveal()


def registered(server: Server, *pairs: Pair, age: timedelta = timedelta()) -> str:
    """The appId of an application that these certificates were added to; their time began `age` ago."""
    tenant = server.tenant()
    made = operators.add_application(tenant, name="certified", roles=["Application.Read.All"])
    application = tenant.find("applications", "appId", made.client_id, Seen.truth())
    assert application is not None
    now = tenant.clock.now()
    entries = [
        {
            "keyId": tenant.new_guid(),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "key": base64.b64encode(pair.certificate.der).decode(),
            "startDateTime": format_time(now - age - timedelta(minutes=1)),
            "endDateTime": format_time(now - age + timedelta(days=30)),
        }
        for pair in pairs
    ]
    tenant.put("applications", {**application, "keyCredentials": entries}, lag="none")
    return made.client_id


def token(server: Server, app_id: str, pem: str) -> str:
    """A token from the sandbox, by certificate."""
    cloud = clouds.custom(server.url, server.url, server.ca_bundle)
    tenant_id = server.tenant().id
    return asyncio.run(workload.token_by_certificate(tenant_id, app_id, pem, cloud))


def token_from(authority: Authority, pem: str) -> str:
    cloud = clouds.custom(authority.url, authority.url, authority.ca_bundle)
    return asyncio.run(workload.token_by_certificate(CLAIMS["tid"], CLAIMS["appid"], pem, cloud))


def test_the_application_of_a_certificate_gets_a_token(server: Server) -> None:
    app_id = registered(server, a_pair("theirs"), a_pair())

    read = claims.read(token(server, app_id, pem_of(a_pair())))

    assert (read.tid, read.app_id) == (server.tenant().id, app_id)
    assert read.roles == {"Application.Read.All"}


@pytest.mark.parametrize("age", [timedelta(), timedelta(days=31)])
def test_a_certificate_that_is_unknown_or_expired_is_refused(
    server: Server, age: timedelta
) -> None:
    """An unknown one may be too new; one whose time is over is never taken again."""
    known = a_pair() if age else a_pair("theirs")
    app_id = registered(server, known, age=age)

    with pytest.raises(TokenRefused, match="not one of the application's") as failure:
        token(server, app_id, pem_of(a_pair()))

    assert failure.value.aadsts == 700027
    assert "needs a moment" in failure.value.hint


def test_it_is_one_request_with_an_assertion_and_no_secret(authority: Authority) -> None:
    token_from(authority, pem_of(a_pair()))

    assert authority.asked == [f"POST /{CLAIMS['tid']}/oauth2/v2.0/token"]
    (form,) = authority.forms
    said = jwt.decode(form["client_assertion"], options={"verify_signature": False})
    assert "client_secret" not in form
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    assert said["iss"] == said["sub"] == CLAIMS["appid"]
    assert said["aud"] == f"{authority.url}/{CLAIMS['tid']}/oauth2/v2.0/token"


def test_each_token_is_a_new_one_over_a_new_connection(authority: Authority) -> None:
    for _ in range(3):
        token_from(authority, pem_of(a_pair()))

    assert len(set(authority.connections)) == len(authority.asked) == 3


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----", "certificate"])  # fmt: skip
def test_what_is_no_key_with_its_certificate_is_said_without_a_request(
    authority: Authority, pem: str
) -> None:
    whole = pem_of(a_pair())
    pem = whole[whole.index("-----BEGIN CERT") :] if pem == "certificate" else pem

    with pytest.raises(AuthError, match="certificate is not of a form") as failure:
        token_from(authority, pem)

    assert failure.value.__cause__ is None
    assert authority.asked == []


@pytest.mark.parametrize("refusing", [False, True])
def test_no_log_at_any_level_has_the_key_the_assertion_or_the_token(
    authority: Authority, caplog: pytest.LogCaptureFixture, *, refusing: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    if refusing:
        authority.answers.append((401, a_refusal(700027)))

    try:
        token_from(authority, pem_of(a_pair()))
    except TokenRefused as failure:
        logging.getLogger("test").exception("refused", exc_info=failure)

    line = pem_of(a_pair()).splitlines()[5]
    assert line not in caplog.text
    assert authority.forms[0]["client_assertion"] not in caplog.text
    assert authority.token not in caplog.text
