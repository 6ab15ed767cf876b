"""A vault of the sandbox, through Microsoft's own client and over plain HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.keyvault.secrets import SecretClient
from vaults import AskToken, ClientOf, StartServer, client_for, error_of, inner_of

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

RESOURCE = "https://vault.azure.net"
SECRET = "/vaults/kv-one/secrets/db"
ASKED = {"api-version": "7.4"}


@pytest.fixture
def vault(server: Server) -> Iterator[SecretClient]:
    """The vault `kv-one`, as the sandbox's operator reaches it."""
    with closing(client_for(server, "kv-one")) as client:
        yield client


@pytest.fixture
def plain(server: Server, client_of: ClientOf, ask_token: AskToken) -> httpx.Client:
    """The operator with a token for Key Vault, without any client library."""
    token = ask_token(scope=f"{RESOURCE}/.default").json()["access_token"]
    return client_of(server, authorization=f"Bearer {token}")


# --- who may come in


def test_who_shows_no_token_is_told_where_to_get_one(server: Server, http: httpx.Client) -> None:
    answer = http.get(SECRET, params=ASKED)

    login = f"{server.url}/{server.operator()['tenantId']}"
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer authorization="{login}", resource="{RESOURCE}"'
    )
    assert answer.json()["error"]["code"] == "Unauthorized"


def test_a_token_for_graph_opens_no_vault(graph: httpx.Client) -> None:
    answer = graph.get(SECRET, params=ASKED)

    assert answer.status_code == 401
    assert "Invalid audience" in answer.json()["error"]["message"]
    assert "www-authenticate" in answer.headers


def test_a_token_for_a_vault_does_not_open_graph(plain: httpx.Client) -> None:
    assert plain.get("/v1.0/organization").status_code == 401


def test_a_token_ends(server: Server, plain: httpx.Client) -> None:
    server.advance(timedelta(hours=2))

    answer = plain.get(SECRET, params=ASKED)

    assert answer.status_code == 401
    assert "expired" in answer.json()["error"]["message"]


def test_a_forged_token_is_refused(server: Server, client_of: ClientOf) -> None:
    answer = client_of(server, authorization="Bearer a.b.c").get(SECRET, params=ASKED)

    assert answer.status_code == 401


def test_the_challenge_names_the_tenant_that_is_served(start_server: StartServer) -> None:
    server = start_server(name="other")

    with closing(client_for(server, "kv-one", server.operator("other"))) as vault:
        vault.set_secret("db", "x")

        assert vault.get_secret("db").value == "x"


def test_two_tenants_do_not_see_into_each_others_vaults(
    server: Server, client_of: ClientOf, ask_token: AskToken, plain: httpx.Client
) -> None:
    other = server.operator("other")
    token = ask_token(
        scope=f"{RESOURCE}/.default",
        tenant=other["tenantId"],
        client_id=other["clientId"],
        client_secret=other["clientSecret"],
    ).json()["access_token"]
    theirs = client_of(server, authorization=f"Bearer {token}")

    put = theirs.put(SECRET, params=ASKED, json={"value": "theirs"})

    assert put.status_code == 200
    assert plain.get(SECRET, params=ASKED).status_code == 404
    challenge = client_of(server).get(SECRET, params=ASKED).headers["www-authenticate"]
    assert other["tenantId"] in challenge  # the only one that has put something into it


# --- a secret's life


def test_a_value_comes_back_with_what_was_said_about_it(vault: SecretClient) -> None:
    until = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    vault.set_secret("db", "one", tags={"a": "b"}, content_type="text/plain", expires_on=until)

    held = vault.get_secret("db")

    assert (held.value, held.name) == ("one", "db")
    assert held.properties.tags == {"a": "b"}
    assert held.properties.content_type == "text/plain"
    assert held.properties.expires_on == until
    assert (held.properties.enabled, held.properties.recoverable_days) == (True, 90)
    assert held.properties.vault_url == "https://kv-one.vault.azure.net"


def test_each_value_is_a_version_and_the_newest_is_meant(vault: SecretClient) -> None:
    first = vault.set_secret("db", "one").properties.version
    vault.set_secret("db", "two")

    assert vault.get_secret("db").value == "two"
    assert vault.get_secret("db", first).value == "one"
    assert len(list(vault.list_properties_of_secret_versions("db"))) == 2


def test_names_mean_the_same_whatever_their_case(vault: SecretClient) -> None:
    vault.set_secret("Db", "one")
    vault.set_secret("dB", "two")

    assert [each.name for each in vault.list_properties_of_secrets()] == ["Db"]


def test_a_disabled_version_is_not_given_out(vault: SecretClient) -> None:
    old = vault.set_secret("db", "one").properties.version
    vault.set_secret("db", "two")

    vault.update_secret_properties("db", old, enabled=False)

    with pytest.raises(HttpResponseError) as refused:
        vault.get_secret("db", old)
    assert refused.value.status_code == 403
    assert inner_of(refused.value) == "SecretDisabled"
    assert vault.get_secret("db").value == "two"


def test_a_disabled_newest_version_hides_the_secret(vault: SecretClient) -> None:
    """As in the service: nothing falls back to an older version."""
    vault.set_secret("db", "one")
    vault.set_secret("db", "two", enabled=False)

    with pytest.raises(HttpResponseError) as refused:
        vault.get_secret("db")

    assert inner_of(refused.value) == "SecretDisabled"


def test_a_change_leaves_what_it_does_not_name(vault: SecretClient) -> None:
    until = datetime(2031, 5, 6, tzinfo=UTC)
    vault.set_secret("db", "one", tags={"a": "b"}, content_type="x")

    shown = vault.update_secret_properties("db", expires_on=until)

    assert (shown.tags, shown.content_type, shown.expires_on) == ({"a": "b"}, "x", until)
    assert vault.get_secret("db").value == "one"


def test_a_value_outlives_its_expiry_date(server: Server, vault: SecretClient) -> None:
    """Key Vault warns of it, and gives the value out nevertheless."""
    vault.set_secret("db", "one", expires_on=datetime.now(UTC) + timedelta(days=1))
    server.advance(timedelta(days=2))

    with closing(client_for(server, "kv-one")) as later:
        assert later.get_secret("db").value == "one"


def test_a_list_has_pages(vault: SecretClient) -> None:
    names = [f"s{number:02}" for number in range(28)]
    for name in names:
        vault.set_secret(name, "v")

    pages = [list(page) for page in vault.list_properties_of_secrets().by_page()]

    assert [len(page) for page in pages] == [25, 3]
    assert [each.name for page in pages for each in page] == names


def test_a_deleted_secret_can_be_recovered(vault: SecretClient) -> None:
    vault.set_secret("db", "one")

    gone = vault.begin_delete_secret("db").result()

    with pytest.raises(ResourceNotFoundError):
        vault.get_secret("db")
    assert gone.recovery_id == "https://kv-one.vault.azure.net/deletedsecrets/db"
    assert gone.deleted_date
    assert gone.scheduled_purge_date
    assert gone.scheduled_purge_date - gone.deleted_date == timedelta(days=90)
    assert vault.get_deleted_secret("db").name == "db"
    assert [each.name for each in vault.list_deleted_secrets()] == ["db"]
    assert list(vault.list_properties_of_secrets()) == []
    vault.begin_recover_deleted_secret("db").wait()
    assert vault.get_secret("db").value == "one"


def test_a_deleted_secrets_name_is_taken_until_it_is_purged(vault: SecretClient) -> None:
    vault.set_secret("db", "one")
    vault.begin_delete_secret("db")

    with pytest.raises(ResourceExistsError) as refused:
        vault.set_secret("db", "two")
    vault.purge_deleted_secret("db")
    vault.set_secret("db", "three")

    assert inner_of(refused.value) == "ObjectIsDeletedButRecoverable"
    assert len(list(vault.list_properties_of_secret_versions("db"))) == 1


def test_a_deleted_secret_is_purged_after_ninety_days(server: Server, vault: SecretClient) -> None:
    vault.set_secret("db", "one")
    vault.begin_delete_secret("db")

    server.advance(timedelta(days=91))

    with closing(client_for(server, "kv-one")) as later:
        assert list(later.list_deleted_secrets()) == []
    assert list((server.folder / "vault").rglob("db.json")) == []


# --- refusals


@pytest.mark.parametrize("method", ["get_secret", "get_deleted_secret", "purge_deleted_secret"])
def test_what_is_not_there_is_not_found(vault: SecretClient, method: str) -> None:
    with pytest.raises(ResourceNotFoundError) as missing:
        getattr(vault, method)("none")

    assert error_of(missing.value)["code"] == "SecretNotFound"


def test_a_version_that_never_was_is_not_found(vault: SecretClient) -> None:
    vault.set_secret("db", "one")

    with pytest.raises(ResourceNotFoundError):
        vault.get_secret("db", "0" * 32)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("db", {}),
        ("db", {"value": 5}),
        ("db", {"value": "x" * (25 * 1024 + 1)}),
        ("d_b", {"value": "x"}),
        ("d" * 128, {"value": "x"}),
        ("db", {"value": "x", "tags": {str(number): "x" for number in range(16)}}),
        ("db", {"value": "x", "tags": {"a": "x" * 257}}),
        ("db", {"value": "x", "tags": {"a": 1}}),
        ("db", {"value": "x", "attributes": {"exp": "soon"}}),
        ("db", []),
    ],
)
def test_what_the_service_does_not_take_is_refused(
    plain: httpx.Client, path: str, body: object
) -> None:
    answer = plain.put(f"/vaults/kv-one/secrets/{path}", params=ASKED, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")


def test_a_body_that_is_no_json_is_refused(plain: httpx.Client) -> None:
    answer = plain.put(SECRET, params=ASKED, content=b'{"value": ')

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")


def test_the_largest_value_fits(plain: httpx.Client) -> None:
    answer = plain.put(SECRET, params=ASKED, json={"value": "x" * 25 * 1024})

    assert answer.status_code == 200


@pytest.mark.parametrize("params", [{}, {"api-version": "1.0"}])
def test_a_request_names_the_version_of_the_interface(
    plain: httpx.Client, params: dict[str, str]
) -> None:
    assert plain.get(SECRET, params=params).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", SECRET, 405),
        ("GET", "/vaults/kv-one/keys", 404),
        ("GET", "/vaults/k/secrets", 400),
        ("GET", "/vaults/1kv/secrets", 400),
        ("GET", "/vaults/kv--one/secrets", 400),
        ("GET", "/vaults/kv-one/secrets?maxresults=26", 400),
        ("GET", "/vaults/kv-one/secrets?$skiptoken=%C3%BC", 400),
    ],
)
def test_an_address_that_means_nothing_is_refused(
    plain: httpx.Client, method: str, path: str, status: int
) -> None:
    address = httpx.URL(path).copy_merge_params(ASKED)

    assert plain.request(method, address).status_code == status


# --- what the sandbox does to every request


def test_a_vault_can_be_made_to_refuse(server: Server, plain: httpx.Client) -> None:
    server.faults.add(
        Fault(do="status", path="/vaults/", nth=1, status=429, retry_after=7),
        Fault(do="status", path="/vaults/", nth=2, status=503),
        Fault(do="status", path="/vaults/", nth=3, status=403, code="ForbiddenByFirewall"),
        Fault(do="lag404", path="/vaults/", nth=4),
    )

    answers = [plain.get("/vaults/kv-one/secrets", params=ASKED) for _ in range(5)]

    assert [each.status_code for each in answers] == [429, 503, 403, 404, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json()["error"]["code"] == "Throttled"
    assert answers[2].json()["error"]["innererror"] == {"code": "ForbiddenByFirewall"}


def test_an_answer_can_be_lost_after_it_took_effect(server: Server, plain: httpx.Client) -> None:
    server.faults.add(Fault(do="status_after", method="PUT", path="/vaults/", status=503))

    lost = plain.put(SECRET, params=ASKED, json={"value": "x"})

    assert lost.status_code == 503
    assert plain.get(SECRET, params=ASKED).json()["value"] == "x"


def test_the_date_of_an_answer_is_the_tenants(server: Server, plain: httpx.Client) -> None:
    server.advance(timedelta(minutes=30))

    answer = plain.put(SECRET, params=ASKED, json={"value": "x"})

    told = datetime.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S GMT")
    assert told.replace(tzinfo=UTC) - datetime.now(UTC) > timedelta(minutes=29)
    assert abs(answer.json()["attributes"]["created"] - told.replace(tzinfo=UTC).timestamp()) < 2


def test_the_journal_has_the_requests(server: Server, plain: httpx.Client) -> None:
    server.requests.clear()

    plain.put(SECRET, params=ASKED, json={"value": "x"})

    assert [(each.method, each.path, each.status, each.applied) for each in server.requests] == [
        ("PUT", f"{SECRET}?api-version=7.4", 200, True)
    ]
