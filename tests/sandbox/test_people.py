"""People at the token service: passwords, refresh tokens, and what they agreed to."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from person import GRAPH_DEFAULT, a_client, opened, signed_in, somebody
from workloads import TRUTH, UNKNOWN, refusal

from provision.sandbox import operators
from provision.sandbox.directory import authorisation
from provision.sandbox.server import Server

AskToken = Callable[..., httpx.Response]
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"


@pytest.fixture
def person(server: Server) -> operators.Person:
    return somebody(server, "Application Administrator")


def grant(server: Server, client_id: str, scope: str, user_id: str | None = None) -> None:
    """Somebody agreed to this."""
    tenant = server.tenant()
    principal = tenant.find("servicePrincipals", "appId", client_id, TRUTH) or {}
    graph = tenant.find("servicePrincipals", "appId", GRAPH_APP_ID, TRUTH) or {}
    content = {
        "id": tenant.new_guid(),
        "clientId": principal["id"],
        "consentType": "Principal" if user_id else "AllPrincipals",
        "principalId": user_id,
        "resourceId": graph["id"],
        "scope": scope,
    }
    tenant.put("oauth2PermissionGrants", content, lag="none")


def test_a_persons_token_is_delegated(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    answer = signed_in(http, person)

    claims = opened(answer.json()["access_token"])
    assert answer.status_code == 200
    assert claims["wids"] == [
        authorisation.APPLICATION_ADMINISTRATOR,
        "b79fbf4d-3ef9-4689-8143-76b194e85509",
    ]
    assert "Application.ReadWrite.All" in claims["scp"].split()
    assert (claims["oid"], claims["upn"], claims["appidacr"]) == (
        person.user_id,
        "megan-bowen@sandbox.onmicrosoft.com",
        "0",
    )
    assert not {"idtyp", "roles"} & set(claims)


def test_the_answer_has_what_a_cache_of_msal_wants(
    http: httpx.Client, person: operators.Person
) -> None:
    body = signed_in(http, person).json()

    identity = opened(body["id_token"])
    info = json.loads(base64.urlsafe_b64decode(body["client_info"] + "=="))
    assert list(body) == [
        "token_type",
        "scope",
        "expires_in",
        "ext_expires_in",
        "access_token",
        "refresh_token",
        "id_token",
        "client_info",
    ]
    assert info == {"uid": person.user_id, "utid": person.tenant_id}
    assert (identity["aud"], identity["preferred_username"]) == (person.client_id, person.username)
    assert {"openid", GRAPH_DEFAULT} <= set(body["scope"].split())


def test_without_openid_there_is_only_an_access_token(
    http: httpx.Client, person: operators.Person
) -> None:
    body = signed_in(http, person, scope=GRAPH_DEFAULT, client_info="").json()

    assert not {"refresh_token", "id_token", "client_info"} & set(body)


def test_me_is_the_person(http: httpx.Client, person: operators.Person) -> None:
    token = signed_in(http, person).json()["access_token"]

    me = http.get("/v1.0/me", headers={"authorization": f"Bearer {token}"})

    assert (me.status_code, me.json()["userPrincipalName"]) == (200, person.username)


def test_no_other_token_opens_graph(http: httpx.Client, person: operators.Person) -> None:
    body = signed_in(http, person).json()

    for name in ("id_token", "refresh_token"):
        answer = http.get("/v1.0/me", headers={"authorization": f"Bearer {body[name]}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("place", ["organizations", "sandbox.onmicrosoft.com"])
def test_a_tenant_is_found_by_the_name_of_the_person(
    http: httpx.Client, person: operators.Person, place: str
) -> None:
    claims = opened(signed_in(http, person, place).json()["access_token"])

    assert claims["tid"] == person.tenant_id


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"password": "wrong"}, (400, "invalid_grant", 50126)),
        ({"username": "nobody@sandbox.onmicrosoft.com"}, (400, "invalid_grant", 50034)),
        ({"username": "AdeleV@sandbox.onmicrosoft.com"}, (400, "invalid_grant", 50126)),
        ({"username": ""}, (400, "invalid_request", 900144)),
        ({"password": ""}, (400, "invalid_request", 900144)),
        ({"scope": ""}, (400, "invalid_request", 900144)),
        ({"client_id": UNKNOWN}, (400, "unauthorized_client", 700016)),
        ({"client_secret": "x"}, (401, "invalid_client", 700025)),
        ({"scope": "api://nobody/.default"}, (400, "invalid_resource", 500011)),
        ({"scope": f"{GRAPH_DEFAULT} api://x/y"}, (400, "invalid_scope", 28000)),
    ],
)
def test_a_refusal_has_its_code(
    http: httpx.Client,
    person: operators.Person,
    form: dict[str, str],
    expected: tuple[int, str, int],
) -> None:
    assert refusal(signed_in(http, person, **form)) == expected


def test_the_common_endpoint_takes_no_passwords(
    http: httpx.Client, person: operators.Person
) -> None:
    assert refusal(signed_in(http, person, "common")) == (400, "invalid_request", 9001023)


def test_a_disabled_account_is_refused(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    tenant = server.tenant()
    user = tenant.get("users", person.user_id, TRUTH) or {}
    tenant.put("users", {**user, "accountEnabled": False}, lag="none")

    assert refusal(signed_in(http, person)) == (400, "invalid_grant", 50057)


def test_a_client_that_is_not_public_must_prove_itself(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    client = a_client(server, public=False)
    grant(server, client["client_id"], "User.Read")

    bare = signed_in(http, person, client_id=client["client_id"])
    wrong = signed_in(http, person, client_id=client["client_id"], client_secret="wrong")
    right = signed_in(http, person, **client)

    assert refusal(bare) == (401, "invalid_client", 7000218)
    assert refusal(wrong) == (401, "invalid_client", 7000215)
    assert opened(right.json()["access_token"])["appidacr"] == "1"


def test_a_client_gets_what_was_agreed_to(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    client_id = a_client(server)["client_id"]
    grant(server, client_id, " User.Read openid")
    grant(server, client_id, "Mail.Read", person.user_id)
    grant(server, client_id, "Files.Read", UNKNOWN)

    answer = signed_in(http, person, client_id=client_id, scope=GRAPH_DEFAULT)

    assert opened(answer.json()["access_token"])["scp"] == "Mail.Read User.Read"


@pytest.mark.parametrize(
    "scope", [GRAPH_DEFAULT, "User.Read", "https://graph.microsoft.com/User.Read"]
)
def test_nothing_is_given_that_nobody_agreed_to(
    server: Server, http: httpx.Client, person: operators.Person, scope: str
) -> None:
    client_id = a_client(server)["client_id"]

    answer = signed_in(http, person, client_id=client_id, scope=scope)

    assert refusal(answer) == (400, "invalid_grant", 65001)


def test_a_scope_that_graph_does_not_have_is_named(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    client_id = a_client(server)["client_id"]

    answer = signed_in(http, person, client_id=client_id, scope="User.Raed")

    assert refusal(answer) == (400, "invalid_scope", 650053)


def test_a_refresh_token_goes_on_where_the_password_ended(
    http: httpx.Client, person: operators.Person
) -> None:
    held = signed_in(http, person).json()["refresh_token"]

    answer = signed_in(
        http, person, grant_type="refresh_token", refresh_token=held, username="", password=""
    )

    assert opened(answer.json()["access_token"])["oid"] == person.user_id
    assert answer.json()["refresh_token"] != held


def test_a_refresh_token_lasts_ninety_days(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    held = signed_in(http, person).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": held}
    server.advance(timedelta(days=89))
    before = signed_in(http, person, **form)
    server.advance(timedelta(days=2))

    assert before.status_code == 200
    assert refusal(signed_in(http, person, **form)) == (400, "invalid_grant", 700082)


def test_a_new_password_ends_old_refresh_tokens(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    held, tenant = signed_in(http, person).json()["refresh_token"], server.tenant()
    user = tenant.get("users", person.user_id, TRUTH) or {}
    tenant.put("users", {**user, "_password": tenant.hash_secret("other")}, lag="none")

    answer = signed_in(http, person, grant_type="refresh_token", refresh_token=held)

    assert refusal(answer) == (400, "invalid_grant", 50173)


def test_a_refresh_token_is_its_clients_and_its_tenants(
    server: Server, http: httpx.Client, person: operators.Person
) -> None:
    body = signed_in(http, person).json()
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    other = server.operator("other")["tenantId"]

    answers = [
        signed_in(http, person, **form, client_id=a_client(server)["client_id"]),
        signed_in(http, person, other, **form),
        signed_in(http, person, grant_type="refresh_token", refresh_token=body["access_token"]),
        signed_in(http, person, grant_type="refresh_token", refresh_token="nonsense"),
    ]

    assert [refusal(answer) for answer in answers] == [(400, "invalid_grant", 9002313)] * 4


def test_the_realm_of_a_person_is_managed(server: Server, http: httpx.Client) -> None:
    name = "megan@sandbox.onmicrosoft.com"

    realm = http.get(f"/common/userrealm/{name}?api-version=1.0").json()

    assert (realm["account_type"], realm["domain_name"]) == ("Managed", "sandbox.onmicrosoft.com")
    assert realm["cloud_audience_urn"] == "urn:federation:MicrosoftOnline"
