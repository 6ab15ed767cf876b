"""What the token service tells clients before they sign in, and how its signatures are checked."""

from __future__ import annotations

import base64
from collections.abc import Callable

import httpx
import jwt
import pytest
from cryptography import x509
from workloads import UNKNOWN, refusal

from provision.sandbox.server import Server

AskToken = Callable[..., httpx.Response]


def test_tokens_can_be_verified_with_the_published_keys(
    server: Server, http: httpx.Client, ask_token: AskToken
) -> None:
    document = http.get(f"/{server.tenant().id}/v2.0/.well-known/openid-configuration").json()
    key = http.get(document["jwks_uri"]).json()["keys"][0]
    token = ask_token().json()["access_token"]

    claims = jwt.decode(
        token, jwt.PyJWK(key).key, algorithms=["RS256"], options={"verify_aud": False}
    )

    header = jwt.get_unverified_header(token)
    certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
    assert claims["tid"] == server.tenant().id
    assert header["kid"] == header["x5t"] == key["kid"] == key["x5t"]
    assert certificate.public_key() == jwt.PyJWK(key).key


@pytest.mark.parametrize("tenant", ["{id}", "sandbox.onmicrosoft.com"])
def test_discovery_names_the_endpoints_of_the_tenant(
    server: Server, http: httpx.Client, tenant: str
) -> None:
    named = tenant.format(id=server.tenant().id)

    document = http.get(f"/{named}/v2.0/.well-known/openid-configuration").json()

    own = f"{server.url}/{server.tenant().id}"
    assert document["issuer"] == f"{own}/v2.0"
    assert document["token_endpoint"] == f"{own}/oauth2/v2.0/token"
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]


def test_discovery_of_no_tenant_in_particular_leaves_its_place(http: httpx.Client) -> None:
    document = http.get("/common/v2.0/.well-known/openid-configuration").json()

    assert "/{tenantid}/v2.0" in document["issuer"]


def test_discovery_does_not_know_other_tenants(http: httpx.Client) -> None:
    answer = http.get(f"/{UNKNOWN}/v2.0/.well-known/openid-configuration")

    assert refusal(answer) == (400, "invalid_request", 90002)


def test_the_endpoints_that_tenants_share_stay_shared(server: Server, http: httpx.Client) -> None:
    document = http.get("/common/v2.0/.well-known/openid-configuration").json()

    assert document["issuer"] == f"{server.url}/{{tenantid}}/v2.0"
    assert document["token_endpoint"] == f"{server.url}/common/oauth2/v2.0/token"


def test_every_tenant_of_a_server_has_its_own_document(server: Server, http: httpx.Client) -> None:
    other = server.operator("other")["tenantId"]

    document = http.get("/other.onmicrosoft.com/v2.0/.well-known/openid-configuration").json()

    assert document["issuer"] == f"{server.url}/{other}/v2.0"


def test_the_sandbox_is_the_only_cloud_that_it_knows(server: Server, http: httpx.Client) -> None:
    place = f"https://127.0.0.1/{server.tenant().id}/oauth2/v2.0/authorize"

    told = http.get(
        "/common/discovery/instance",
        params={"api-version": "1.1", "authorization_endpoint": place},
    ).json()

    document = f"{server.url}/{server.tenant().id}/v2.0/.well-known/openid-configuration"
    assert told["tenant_discovery_endpoint"] == document
    assert told["metadata"][0]["aliases"] == [server.url.removeprefix("https://")]
