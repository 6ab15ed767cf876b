"""A workload's token: fresh each time, refused in words, and its secret nowhere to be read."""

from __future__ import annotations

import asyncio
import logging

import pytest
from token_endpoint import CLAIMS, Authority, a_refusal

from auth import claims, clouds, workload
from auth.errors import AuthError, SignInUnreachable, TokenRefused
from provision.sandbox.server import Server

CANARY = "canary~Q8.that_must_not_be_seen"


def cloud_of(service: Authority | Server) -> clouds.Cloud:
    return clouds.custom(service.url, service.url, service.ca_bundle)


def token_from(authority: Authority, secret: str = CANARY) -> str:
    cloud = cloud_of(authority)
    return asyncio.run(workload.token(CLAIMS["tid"], CLAIMS["appid"], secret, cloud))


def test_a_token_is_asked_for_with_one_request(authority: Authority) -> None:
    token_from(authority)

    assert authority.asked == [f"POST /{CLAIMS['tid']}/oauth2/v2.0/token"]
    assert authority.forms[0]["grant_type"] == "client_credentials"
    assert authority.forms[0]["client_id"] == CLAIMS["appid"]
    assert authority.forms[0]["scope"] == f"{authority.url}/.default"


def test_each_token_is_a_new_one_over_a_new_connection(authority: Authority) -> None:
    async def three() -> None:
        cloud = cloud_of(authority)
        for _ in range(3):
            await workload.token(CLAIMS["tid"], CLAIMS["appid"], CANARY, cloud)

    asyncio.run(three())

    assert len(authority.asked) == 3
    assert len(set(authority.connections)) == 3


def test_another_resource_is_asked_for_by_its_scope(authority: Authority) -> None:
    cloud = cloud_of(authority)

    asyncio.run(workload.token("tenant", "app", CANARY, cloud, scope="api://other/.default"))

    assert authority.forms[0]["scope"] == "api://other/.default"


def test_the_sandbox_gives_its_operator_a_token(server: Server) -> None:
    operator, cloud = server.operator("default"), cloud_of(server)

    token = asyncio.run(
        workload.token(operator["tenantId"], operator["clientId"], operator["clientSecret"], cloud)
    )

    read = claims.read(token)
    assert (read.tid, read.app_id) == (operator["tenantId"], operator["clientId"])
    assert read.aud == server.url


def test_the_sandbox_refuses_a_wrong_secret(server: Server) -> None:
    operator, cloud = server.operator("default"), cloud_of(server)

    with pytest.raises(TokenRefused, match="secret is wrong") as failure:
        asyncio.run(workload.token(operator["tenantId"], operator["clientId"], CANARY, cloud))

    assert failure.value.aadsts == 7000215


def test_a_tenant_that_does_not_exist_is_a_refusal(server: Server) -> None:
    cloud, nobody = cloud_of(server), "00000000-0000-0000-0000-000000000001"

    with pytest.raises(TokenRefused) as failure:
        asyncio.run(workload.token(nobody, nobody, CANARY, cloud))

    assert failure.value.aadsts == 90002


@pytest.mark.parametrize(
    ("tenant", "app", "secret"),
    [("a/b", "app", CANARY), ("tenant", "", CANARY), ("tenant", "app", "")],
)
def test_what_cannot_be_right_is_said_without_a_request(
    authority: Authority, tenant: str, app: str, secret: str
) -> None:
    with pytest.raises(AuthError):
        asyncio.run(workload.token(tenant, app, secret, cloud_of(authority)))

    assert authority.asked == []


def test_an_authority_that_nobody_signed_for_is_unreachable(authority: Authority) -> None:
    cloud = clouds.custom(authority.url, authority.url)

    with pytest.raises(SignInUnreachable, match="certificate") as failure:
        asyncio.run(workload.token("tenant", "app", CANARY, cloud))

    assert "--ca-bundle" in failure.value.hint


def test_a_service_in_trouble_is_no_refusal(authority: Authority) -> None:
    authority.answers.extend([(501, b"{}")])

    with pytest.raises(SignInUnreachable, match="501"):
        token_from(authority)


def test_an_answer_that_is_no_json_is_no_crash(authority: Authority) -> None:
    authority.answers.extend([(400, b"<html>proxy</html>")])

    with pytest.raises(AuthError) as failure:
        token_from(authority)

    assert CANARY not in str(failure.value)


@pytest.mark.parametrize("refusing", [False, True])
def test_no_log_at_any_level_has_the_secret_or_the_token(
    authority: Authority, caplog: pytest.LogCaptureFixture, *, refusing: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    if refusing:
        authority.answers.append((401, a_refusal(7000215)))

    try:
        token_from(authority)
    except TokenRefused as failure:
        logging.getLogger("test").exception("refused", exc_info=failure)

    assert authority.forms[0]["client_secret"] == CANARY
    assert CANARY not in caplog.text
    assert authority.token not in caplog.text
    assert authority.token.split(".")[1] not in caplog.text
