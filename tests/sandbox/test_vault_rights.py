"""Who may do what in a vault, and where its values are kept."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import SecretClient
from vaults import AskToken, ClientOf, StartServer, client_for, error_of, inner_of

from provision.sandbox import folder as folders
from provision.sandbox import operators
from provision.sandbox.server import Server

CANARY = "CaNaRy-in-a-vault"
ClientFor = Callable[..., SecretClient]


@pytest.fixture
def operator(server: Server) -> Iterator[SecretClient]:
    with closing(client_for(server, "kv-one")) as client:
        yield client


@pytest.fixture
def somebody(server: Server) -> dict[str, str]:
    """Another application of the tenant, with a secret and no rights at all."""
    made = operators.add_application(server.tenant(), name="somebody")
    return {
        "tenantId": made.tenant_id,
        "clientId": made.client_id,
        "clientSecret": made.client_secret,
    }


@pytest.fixture
def theirs(server: Server, somebody: dict[str, str]) -> Iterator[SecretClient]:
    with closing(client_for(server, "kv-one", somebody)) as client:
        yield client


DEEDS: dict[str, Callable[[SecretClient], object]] = {
    "get": lambda client: client.get_secret("db"),
    "set": lambda client: client.set_secret("db", "x"),
    "list": lambda client: list(client.list_properties_of_secrets()),
    "delete": lambda client: client.begin_delete_secret("db"),
    "recover": lambda client: client.begin_recover_deleted_secret("db"),
    "purge": lambda client: client.purge_deleted_secret("db"),
}
ACTIONS = {
    "get": "secrets/getSecret/action",
    "set": "secrets/setSecret/action",
    "list": "secrets/readMetadata/action",
    "delete": "secrets/delete",
    "recover": "secrets/recover/action",
    "purge": "secrets/purge/action",
}


@pytest.mark.parametrize("right", DEEDS)
def test_who_has_no_rights_does_nothing(
    operator: SecretClient, theirs: SecretClient, somebody: dict[str, str], right: str
) -> None:
    operator.set_secret("db", "one")

    with pytest.raises(HttpResponseError) as refused:
        DEEDS[right](theirs)

    said = error_of(refused.value)
    assert (refused.value.status_code, said["code"]) == (403, "Forbidden")
    assert inner_of(refused.value) == "ForbiddenByRbac"
    assert f"appid={somebody['clientId']}" in said["message"]
    assert f"Microsoft.KeyVault/vaults/{ACTIONS[right]}'" in said["message"]
    assert operator.get_secret("db").value == "one"


def test_a_right_is_for_what_it_names(
    server: Server, theirs: SecretClient, somebody: dict[str, str]
) -> None:
    server.vaults.allow(somebody["clientId"], ["set"])

    theirs.set_secret("db", "one")

    with pytest.raises(HttpResponseError) as refused:
        theirs.get_secret("db")
    assert inner_of(refused.value) == "ForbiddenByRbac"


def test_a_right_is_for_the_vault_that_it_names(server: Server, somebody: dict[str, str]) -> None:
    server.vaults.allow(somebody["clientId"], ["get", "set"], vault="kv-two")

    with closing(client_for(server, "kv-two", somebody)) as two:
        two.set_secret("db", "one")
    with (
        closing(client_for(server, "kv-one", somebody)) as one,
        pytest.raises(HttpResponseError),
    ):
        one.set_secret("db", "one")


def test_rights_are_given_anew_each_time(
    server: Server, theirs: SecretClient, somebody: dict[str, str]
) -> None:
    server.vaults.allow(somebody["clientId"], ["get", "set"])
    theirs.set_secret("db", "one")

    server.vaults.allow(somebody["clientId"], ["get"])

    assert theirs.get_secret("db").value == "one"
    with pytest.raises(HttpResponseError):
        theirs.set_secret("db", "two")


def test_the_operator_can_be_held_back(server: Server, operator: SecretClient) -> None:
    server.vaults.allow(server.operator()["clientId"], ["set"])

    operator.set_secret("db", "one")

    with pytest.raises(HttpResponseError):
        operator.get_secret("db")


def test_an_unknown_right_or_tenant_is_an_error(server: Server) -> None:
    with pytest.raises(ValueError, match="no right called fly; known: get, set, list"):
        server.vaults.allow("x", ["fly"])
    with pytest.raises(ValueError, match="no tenant called none"):
        server.vaults.allow("x", ["get"], name="none")


def test_rights_are_given_over_the_control_route(
    start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(control="t0ken")
    control = client_of(server, authorization="Bearer t0ken")
    operator = server.operator()["clientId"]

    given = control.post("/sandbox/vaults", json={"principal": operator, "may": ["set"]})
    wrong = [
        control.post("/sandbox/vaults", json=body)
        for body in ({}, {"principal": operator}, {"principal": operator, "may": ["fly"]})
    ]

    assert given.json() == {"principal": operator, "vault": "*", "may": ["set"]}
    assert [each.status_code for each in wrong] == [400, 400, 400]
    with closing(client_for(server, "kv-one")) as vault:
        vault.set_secret("db", "one")
        with pytest.raises(HttpResponseError):
            vault.get_secret("db")


# --- where values are


def test_values_are_kept_in_files_for_their_owner_alone(
    server: Server, operator: SecretClient
) -> None:
    operator.set_secret("db", CANARY)

    files = [path for path in (server.folder / "vault").rglob("*") if path.is_file()]
    folders_made = [path for path in (server.folder / "vault").rglob("*") if path.is_dir()]

    assert len(files) == 1
    assert CANARY in files[0].read_text(encoding="utf-8")
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {
        stat.S_IMODE(path.stat().st_mode) for path in (server.folder / "vault", *folders_made)
    } == {0o700}


def test_no_value_is_in_the_database(server: Server, operator: SecretClient) -> None:
    operator.set_secret("db", CANARY)
    operator.set_secret("db", f"{CANARY}-2")
    operator.begin_delete_secret("db")

    with closing(sqlite3.connect(server.folder / folders.DATABASE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    for path in server.folder.glob(f"{folders.DATABASE}*"):
        assert CANARY.encode() not in path.read_bytes()


def test_no_value_is_logged_or_journalled(
    server: Server, operator: SecretClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("azure", "uvicorn", "provision"):
        caplog.set_level(logging.DEBUG, logger=name)

    operator.set_secret("db", CANARY)
    operator.get_secret("db")

    assert "/vaults/kv-one/secrets/db" in caplog.text
    assert CANARY not in caplog.text
    assert CANARY not in repr(list(server.requests))


def test_values_outlive_the_server(start_server: StartServer) -> None:
    with closing(client_for(first := start_server(), "kv-one")) as vault:
        vault.set_secret("db", "one")
    copy = first.folder.parent / "copy"
    shutil.copytree(first.folder, copy)

    from provision.sandbox.server import serve

    with serve(copy, profile="strong") as again, closing(client_for(again, "kv-one")) as vault:
        assert vault.get_secret("db").value == "one"


def test_a_reset_throws_the_values_and_the_rights_away(
    server: Server, operator: SecretClient
) -> None:
    operator.set_secret("db", CANARY)
    server.vaults.allow(server.operator()["clientId"], ["set"])

    folders.reset(server.folder)

    left = [path for path in (server.folder / "vault").rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["access.json"]
    assert left[0].read_text(encoding="utf-8") == '{"granted": []}'


def test_a_reset_of_one_tenant_leaves_the_others_vaults(
    server: Server, operator: SecretClient
) -> None:
    operator.set_secret("db", "one")
    folders.operator(server.folder, "other")

    folders.reset(server.folder, "other")

    assert operator.get_secret("db").value == "one"


def test_key_vault_is_in_the_tenant_once_it_was_asked_for(
    graph: httpx.Client, ask_token: AskToken
) -> None:
    ask_token(scope="https://vault.azure.net/.default")

    found = graph.get(
        "/v1.0/servicePrincipals(appId='cfa8b339-82a2-471a-a3c9-0fc0be7a4093')"
    ).json()

    assert found["displayName"] == "Azure Key Vault"
    assert "https://vault.azure.net" in found["servicePrincipalNames"]


def test_a_person_has_rights_by_their_object_id(
    server: Server, operator: SecretClient, ask_token: AskToken, client_of: ClientOf
) -> None:
    operator.set_secret("db", "one")
    person = operators.add_person(server.store, server.tenant(), name="Ada")
    token = ask_token(
        grant_type="password",
        client_id=person.client_id,
        client_secret="",
        username=person.username,
        password=person.password,
        scope="https://vault.azure.net/.default",
    ).json()["access_token"]
    theirs = client_of(server, authorization=f"Bearer {token}")
    where = "/vaults/kv-one/secrets/db?api-version=7.4"

    before = theirs.get(where)
    server.vaults.allow(person.user_id, ["get"])

    assert before.status_code == 403
    assert f"oid={person.user_id}" in before.json()["error"]["message"]
    assert theirs.get(where).json()["value"] == "one"
