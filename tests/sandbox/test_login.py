"""The token service: whom it believes, what it answers, and in which words it refuses."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from workloads import GRAPH, TRUTH, UNKNOWN, change, claims_of, refusal, workload

from provision.sandbox.server import Server
from provision.sandbox.tenant import format_time, parse_time

AskToken = Callable[..., httpx.Response]


def test_a_token_is_answered_as_the_service_does(server: Server, ask_token: AskToken) -> None:
    answer = ask_token()

    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == (
        "Bearer",
        3599,
        3599,
    )
    assert answer.headers["cache-control"] == "no-store, no-cache"
    assert answer.headers["pragma"] == "no-cache"


def test_the_operator_holds_the_roles_that_provisioning_needs(ask_token: AskToken) -> None:
    assert claims_of(ask_token())["roles"] == [
        "AppRoleAssignment.ReadWrite.All",
        "Application.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.Read.All",
        "Organization.Read.All",
        "Policy.Read.All",
    ]


def test_the_claims_say_who_and_where(server: Server, ask_token: AskToken) -> None:
    client, tenant = workload(server), server.tenant()
    principal = tenant.find("servicePrincipals", "appId", client["client_id"], TRUTH) or {}

    claims = claims_of(ask_token(**client))

    expected = {
        "iss": f"https://sts.windows.net/{tenant.id}/",
        "idp": f"https://sts.windows.net/{tenant.id}/",
        "tid": tenant.id,
        "appid": client["client_id"],
        "appidacr": "1",
        "app_displayname": "workload",
        "oid": principal["id"],
        "sub": principal["id"],
        "idtyp": "app",
        "ver": "1.0",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    }
    assert {name: claims[name] for name in expected} == expected


def test_a_workload_without_roles_gets_a_token_without_roles(
    server: Server, ask_token: AskToken
) -> None:
    claims = claims_of(ask_token(**workload(server)))

    assert not {"roles", "scp"} & set(claims)


def test_a_token_lasts_65_minutes_by_the_clock_of_the_tenant(
    server: Server, ask_token: AskToken
) -> None:
    server.advance(timedelta(days=2))

    claims = claims_of(ask_token())

    assert claims["exp"] - claims["iat"] == 3900  # type: ignore[operator]
    assert claims["nbf"] == claims["iat"]
    assert abs(claims["iat"] - server.store.clock.now().timestamp()) < 3600  # type: ignore[operator]


def test_every_token_is_another_one(ask_token: AskToken) -> None:
    assert claims_of(ask_token())["uti"] != claims_of(ask_token())["uti"]


@pytest.mark.parametrize(
    "resource",
    ["https://graph.microsoft.com", "https://graph.microsoft.com/", GRAPH, "{url}", "{url}/"],
)
def test_graph_is_known_by_every_name_and_the_audience_is_as_asked(
    server: Server, ask_token: AskToken, resource: str
) -> None:
    asked = resource.format(url=server.url)

    answer = ask_token(scope=f"{asked}/.default")

    assert claims_of(answer)["aud"] == asked


def test_graph_is_known_by_localhost_too(server: Server, ask_token: AskToken) -> None:
    asked = server.url.replace("127.0.0.1", "localhost")

    assert claims_of(ask_token(scope=f"{asked}/.default"))["aud"] == asked


def test_a_tenant_is_known_by_its_domain(server: Server, ask_token: AskToken) -> None:
    answer = ask_token(tenant="Sandbox.onmicrosoft.com")

    assert claims_of(answer)["tid"] == server.tenant().id


def test_a_client_may_name_itself_by_basic(server: Server, http: httpx.Client) -> None:
    operator = server.operator()
    pair = f"{operator['clientId']}:{quote(operator['clientSecret'], safe='')}"

    answer = http.post(
        f"/{operator['tenantId']}/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "scope": f"{GRAPH}/.default"},
        headers={"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("garbage", ["Basic !!", "Basic YQ==", "Basic", "Bearer x"])
def test_a_header_that_names_no_client_is_no_client(http: httpx.Client, garbage: str) -> None:
    answer = http.post(
        "/x/oauth2/v2.0/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": garbage},
    )

    assert refusal(answer) == (400, "invalid_request", 900144)
    assert "'client_id'" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"grant_type": ""}, (400, "invalid_request", 900144)),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type", 70003)),
        ({"client_id": ""}, (400, "invalid_request", 900144)),
        ({"scope": ""}, (400, "invalid_request", 900144)),
        ({"tenant": "nowhere"}, (400, "invalid_request", 900023)),
        ({"tenant": "nowhere.example"}, (400, "invalid_request", 90002)),
        ({"tenant": UNKNOWN}, (400, "invalid_request", 90002)),
        ({"tenant": "common"}, (400, "invalid_request", 9001023)),
        ({"client_id": UNKNOWN}, (400, "unauthorized_client", 700016)),
        ({"client_secret": ""}, (401, "invalid_client", 7000216)),
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": "\U0001f600"}, (401, "invalid_client", 7000215)),
        ({"scope": "https://graph.microsoft.com/User.Read"}, (400, "invalid_scope", 1002012)),
        ({"scope": f"{GRAPH}/.default openid"}, (400, "invalid_scope", 70011)),
        ({"scope": "api://nobody/.default"}, (400, "invalid_resource", 500011)),
    ],
)
def test_a_refusal_has_its_code(
    ask_token: AskToken, form: dict[str, str], expected: tuple[int, str, int]
) -> None:
    assert refusal(ask_token(**form)) == expected


def test_the_order_of_checks_is_that_of_the_service(server: Server, ask_token: AskToken) -> None:
    """Every later mistake is hidden by an earlier one."""
    mistakes = {
        "scope": "x",
        "client_secret": "wrong",
        "client_id": UNKNOWN,
        "tenant": "nowhere",
        "grant_type": "implicit",
    }

    codes = [
        refusal(ask_token(**dict(list(mistakes.items())[: count + 1])))[2]
        for count in range(len(mistakes))
    ]

    assert codes == [1002012, 7000215, 700016, 900023, 70003]


def test_a_missing_principal_is_said_after_the_secret_and_before_the_scope(
    server: Server, ask_token: AskToken
) -> None:
    client = workload(server, principal=False)

    wrong = ask_token(**{**client, "client_secret": "wrong", "scope": "x"})
    right = ask_token(**client, scope="x")

    assert (refusal(wrong)[2], refusal(right)[2]) == (7000215, 7000229)


def test_a_refusal_tells_how_to_trace_it(http: httpx.Client) -> None:
    answer = http.post("/x/oauth2/v2.0/token", headers={"client-request-id": "mine"})

    body = answer.json()
    assert list(body) == [
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    ]
    assert body["error_description"] == (
        "AADSTS900144: The request body must contain the following parameter: 'grant_type'."
        f" Trace ID: {body['trace_id']} Correlation ID: mine Timestamp: {body['timestamp']}"
    )
    assert body["error_uri"].endswith("/error?code=900144")
    assert answer.headers["x-ms-request-id"] == body["trace_id"]
    assert answer.headers["client-request-id"] == "mine"


def test_only_posts_ask_for_tokens(http: httpx.Client) -> None:
    assert refusal(http.get("/x/oauth2/v2.0/token")) == (400, "invalid_request", 900561)


def test_an_expired_secret_is_refused_as_expired(server: Server, ask_token: AskToken) -> None:
    client = workload(server)
    server.advance(timedelta(days=91))

    assert refusal(ask_token(**client)) == (401, "invalid_client", 7000222)


def test_a_secret_whose_time_has_not_come_is_refused(server: Server, ask_token: AskToken) -> None:
    client, tenant = workload(server), server.tenant()
    application = tenant.find("applications", "appId", client["client_id"], TRUTH) or {}
    later = [
        {**credential, "startDateTime": format_time(tenant.clock.now() + timedelta(hours=1))}
        for credential in application["passwordCredentials"]
    ]
    change(tenant, "applications", client["client_id"], passwordCredentials=later)

    assert refusal(ask_token(**client)) == (401, "invalid_client", 7000215)


def test_a_secret_of_the_service_principal_works_too(server: Server, ask_token: AskToken) -> None:
    client, tenant = workload(server), server.tenant()
    application = tenant.find("applications", "appId", client["client_id"], TRUTH) or {}
    held = {name: application[name] for name in ("passwordCredentials", "_secrets")}
    change(tenant, "servicePrincipals", client["client_id"], **held)
    change(tenant, "applications", client["client_id"], passwordCredentials=[], _secrets={})

    assert ask_token(**client).status_code == 200


def test_an_application_without_principal_is_refused(server: Server, ask_token: AskToken) -> None:
    client = workload(server, principal=False)

    assert refusal(ask_token(**client)) == (401, "invalid_client", 7000229)


def test_a_disabled_principal_is_refused(server: Server, ask_token: AskToken) -> None:
    client = workload(server)
    change(server.tenant(), "servicePrincipals", client["client_id"], accountEnabled=False)

    assert refusal(ask_token(**client)) == (400, "unauthorized_client", 7000112)


def test_graph_may_demand_an_assignment(server: Server, ask_token: AskToken) -> None:
    change(server.tenant(), "servicePrincipals", GRAPH, appRoleAssignmentRequired=True)

    assert refusal(ask_token(**workload(server))) == (400, "invalid_grant", 501051)


def test_a_tenant_does_not_know_the_clients_of_another(server: Server, ask_token: AskToken) -> None:
    client = workload(server)
    other = server.operator("other")

    answer = ask_token(tenant=other["tenantId"], **client)

    assert refusal(answer) == (400, "unauthorized_client", 700016)
    assert "'other.onmicrosoft.com'" in answer.json()["error_description"]


def test_the_database_holds_no_secret(server: Server, graph: httpx.Client) -> None:
    made = graph.post("/v1.0/applications", json={"displayName": "a"}).json()

    secret = graph.post(f"/v1.0/applications/{made['id']}/addPassword", json={}).json()

    files = [path for path in server.folder.iterdir() if path.name.startswith("sandbox.sqlite")]
    assert parse_time(secret["endDateTime"]) > server.store.clock.now()
    assert not [path for path in files if secret["secretText"].encode() in path.read_bytes()]
