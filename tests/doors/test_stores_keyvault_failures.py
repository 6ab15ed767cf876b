"""Vaults that refuse, throttle or do not answer: what is said about it, and that no value is in it."""

from __future__ import annotations

import builtins
import logging
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from keyvault_build import (
    CANARY,
    CLIENT,
    OTHER,
    OURS,
    PATH,
    PLACE,
    a_private_key,
    a_store,
    an_entry,
    forget_challenges,
    looking,
    only_may,
    signed_in,
)
from token_endpoint import Authority

from provision.errors import StoreError, Unconfirmed, Unreadable
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server
from provision.secret import PrivateKey
from provision.stores.keyvault import KeyVault

DEEDS: dict[str, Callable[[KeyVault], object]] = {
    "probe": lambda store: store.probe(OURS),
    "read": lambda store: store.read(),
    "write": lambda store: store.write(an_entry()),
    "remove": lambda store: store.remove(CLIENT),
    "retire": lambda store: store.retire("key-0"),
}


@pytest.fixture
def filled(server: Server) -> Server:
    """A sandbox with two versions of our secret."""
    a_store(server).write(an_entry("old", key_id="key-0"))
    a_store(server).write(an_entry())
    return server


# --- rights


@pytest.mark.parametrize(
    ("deed", "rights", "missing"),
    [
        ("probe", ["get", "list"], "set"),
        ("read", ["set", "list"], "get"),
        ("write", ["get", "list"], "set"),
        ("remove", ["get", "set"], "delete"),
        ("retire", ["get", "set"], "list"),
        ("retire", ["get", "list"], "set"),
    ],
)
def test_a_missing_right_is_named(
    filled: Server, deed: str, rights: list[str], missing: str
) -> None:
    only_may(filled, *rights)

    with pytest.raises(StoreError) as refused:
        DEEDS[deed](a_store(filled))

    assert str(refused.value) == f"The operator may not {missing} secrets of Key Vault kv-one"
    assert f"the secret permissions {missing}, " in refused.value.hint
    assert isinstance(refused.value, Unreadable) is (deed == "read")


def test_a_vault_behind_a_firewall_says_so(filled: Server) -> None:
    filled.faults.add(Fault(do="status", path=PATH, status=403, code="ForbiddenByFirewall"))

    with pytest.raises(StoreError, match="lets nobody in from this network") as refused:
        a_store(filled).write(an_entry())
    with pytest.raises(Unreadable):
        a_store(filled).read()

    assert "network settings" in refused.value.hint


def test_a_vault_of_another_tenant_says_so(server: Server) -> None:
    store = a_store(server, credential=_Wrong())

    with pytest.raises(StoreError, match="does not accept the operator's sign-in") as refused:
        store.read()

    assert "another tenant" in refused.value.hint


class _Wrong:
    """A credential whose tokens are somebody else's."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("a.b.c", 2**33)


# --- names that are taken


def test_a_deleted_secret_stands_in_the_way_until_it_is_recovered_or_purged(
    filled: Server,
) -> None:
    with looking(filled) as seen:
        seen.update_secret_properties(PLACE.name, tags={"clientId": OTHER})
        seen.begin_delete_secret(PLACE.name)

    with pytest.raises(StoreError, match="A deleted secret still occupies the name") as probed:
        a_store(filled).probe(OURS)
    with pytest.raises(StoreError, match="A deleted secret still occupies the name"):
        a_store(filled).write(an_entry())

    assert "az keyvault secret recover --vault-name kv-one --name app-secret" in probed.value.hint
    assert "az keyvault secret purge --vault-name kv-one --name app-secret" in probed.value.hint


@pytest.mark.parametrize(
    "rights", [["get", "set", "list", "delete"], ["set", "recover"]], ids=["recover", "get"]
)
def test_a_deleted_secret_stays_deleted_where_it_may_not_be_recovered(
    filled: Server, rights: list[str]
) -> None:
    a_store(filled).remove(CLIENT)
    only_may(filled, *rights)

    with pytest.raises(StoreError, match="A deleted secret still occupies the name"):
        a_store(filled).probe(OURS)


def test_a_secret_that_is_being_changed_is_waited_for(filled: Server) -> None:
    filled.faults.add(
        Fault(
            do="status", method="PUT", path=PATH, nth=1, status=409, code="ObjectIsBeingRecovered"
        )
    )
    naps: list[float] = []

    a_store(filled, naps=naps).write(an_entry("new", key_id="key-2"))

    assert len(naps) == 1
    held = a_store(filled).read()
    assert held is not None
    assert held.key_id == "key-2"


def test_a_secret_that_is_being_changed_for_long_is_given_up(filled: Server) -> None:
    filled.faults.add(Fault(do="status", method="PUT", path=PATH, status=409))

    with pytest.raises(StoreError, match="is being changed by somebody else"):
        a_store(filled).write(an_entry())


# --- vaults that are busy


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_vault_is_asked_again(filled: Server, deed: str, status: int) -> None:
    filled.faults.add(Fault(do="status", path=PATH, nth=1, status=status, retry_after=2))
    naps: list[float] = []

    DEEDS[deed](a_store(filled, naps=naps))

    assert naps == [2.0]


@pytest.mark.parametrize("deed", DEEDS)
def test_a_vault_that_stays_busy_is_given_up(filled: Server, deed: str) -> None:
    filled.faults.add(Fault(do="status", path=PATH, status=503))
    naps: list[float] = []

    with pytest.raises(StoreError, match="just now") as refused:
        DEEDS[deed](a_store(filled, naps=naps, patience=6))

    assert 0 < sum(naps) <= 6
    assert "in a minute" in refused.value.hint


def test_nobody_waits_for_an_hour(filled: Server) -> None:
    filled.faults.add(Fault(do="status", path=PATH, status=429, retry_after=3600))
    naps: list[float] = []

    with pytest.raises(StoreError, match=r"could not read app-secret just now \(Throttled\)"):
        a_store(filled, naps=naps).read()

    assert naps == []


def test_an_answer_that_got_lost_does_no_harm(filled: Server) -> None:
    """The value is there twice, under one key: both versions retire together."""
    filled.faults.add(Fault(do="drop_after", method="PUT", path=PATH, nth=1))

    a_store(filled).write(an_entry("new", key_id="key-2"))
    a_store(filled).write(an_entry("newer", key_id="key-3"))
    a_store(filled).retire("key-2")

    with looking(filled) as seen:
        versions = list(seen.list_properties_of_secret_versions(PLACE.name))
    of_key = [each.enabled for each in versions if (each.tags or {}).get("keyId") == "key-2"]
    assert of_key == [False, False]


# --- vaults that are not there


def test_a_vault_that_does_not_answer_is_a_failure_of_the_store(
    server: Server, unused_port: int
) -> None:
    store = KeyVault(PLACE, f"https://127.0.0.1:{unused_port}", signed_in(server))

    with pytest.raises(StoreError, match="Key Vault kv-one does not answer") as refused:
        store.probe(OURS)
    with pytest.raises(StoreError) as unwritten:
        store.write(an_entry())

    assert not isinstance(unwritten.value, Unconfirmed)
    assert "Check the vault's name" in refused.value.hint


def test_something_else_in_the_vaults_place_is_found_out(
    authority: Authority, server: Server
) -> None:
    """Such as a proxy's page that asks for a password."""
    forget_challenges()
    authority.answers.append((200, b"<html>Sign in, please</html>"))

    store = KeyVault(
        PLACE, authority.url, signed_in(server), ca_bundle=authority.ca_bundle, sleep=[].append
    )

    with pytest.raises(StoreError, match="Key Vault kv-one does not answer"):
        store.read()


def test_a_challenge_for_another_service_gets_no_token(server: Server) -> None:
    """In Microsoft's clouds the client insists that the token is for the vault's own domain."""
    forget_challenges()
    credential = _Counting(server)
    url = f"{server.url}/vaults/kv-one"
    store = KeyVault(PLACE, url, credential, ca_bundle=server.ca_bundle)

    with pytest.raises(StoreError, match="does not answer as a vault of this cloud does"):
        store.read()

    assert credential.asked == 0


class _Counting:
    def __init__(self, server: Server) -> None:
        self.asked = 0
        self._inner = signed_in(server)

    def get_token(self, *scopes: str, **options: Any) -> Any:
        self.asked += 1
        return self._inner.get_token(*scopes, **options)


def test_the_extra_is_named_where_it_is_missing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def without_vaults(name: str, *rest: Any) -> Any:
        if name.startswith("azure.keyvault"):
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    store = a_store(server)
    monkeypatch.setattr(builtins, "__import__", without_vaults)

    with pytest.raises(StoreError, match="Key Vault stores need an extra") as missing:
        store.read()

    assert missing.value.hint == "pip install 'entra-provision[keyvault]'"


# --- no value anywhere


@pytest.mark.parametrize(
    "fault",
    [
        Fault(do="status", method="PUT", path=PATH, status=403),
        Fault(do="status", method="PUT", path=PATH, status=400, message=f"bad {CANARY}"),
        Fault(do="status", method="PUT", path=PATH, status=500),
        Fault(do="status_after", method="PUT", path=PATH, status=503),
        Fault(do="drop_after", method="PUT", path=PATH),
    ],
)
def test_no_failure_holds_a_value(
    filled: Server, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor do the failures behind it: the client's own one holds the request."""
    _listen(caplog)
    filled.faults.add(fault)

    with pytest.raises(StoreError) as refused:
        a_store(filled).write(an_entry())

    told = "".join(traceback.format_exception(refused.value))
    assert CANARY not in told + refused.value.hint + repr(refused.value) + caplog.text
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_no_log_and_no_database_has_a_value(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    _listen(caplog)
    key = a_private_key()
    store = a_store(server)

    store.probe(OURS)
    store.write(an_entry(key.reveal(), kind=PrivateKey))
    held = store.read()
    store.retire("key-1")
    store.remove(CLIENT)

    assert held is not None
    assert "/vaults/kv-one/secrets/app-secret" in caplog.text
    assert CANARY not in caplog.text
    assert CANARY not in repr((store, held, vars(store)))
    assert _found_in(server.folder) == ["app-secret.json"]


def _listen(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "azure", "azure.core", "azure.identity", "urllib3", "requests", "msal"):
        caplog.set_level(logging.DEBUG, logger=name or None)


def _found_in(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "sandbox.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if CANARY.encode() in path.read_bytes()]
