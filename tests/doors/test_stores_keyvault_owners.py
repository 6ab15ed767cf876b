"""Whose value a vault holds, what is done to others' values, and the end of a credential or of an application."""

from __future__ import annotations

import pytest
from keyvault_build import (
    CANARY,
    CLIENT,
    OTHER,
    OURS,
    PLACE,
    TENANT,
    a_store,
    an_entry,
    looking,
)

from provision.errors import StoreError
from provision.places import KeyVaultStore
from provision.sandbox.server import Server
from provision.stores import Belongs

NAME = PLACE.name


# --- whose value it is


@pytest.mark.parametrize(
    "tags",
    [
        None,
        {},
        {"costCentre": "42"},
        {"tenantId": TENANT},
        {"tenantId": TENANT, "clientId": OTHER},
        {"tenantId": OTHER, "clientId": CLIENT},
        {"clientId": CLIENT},
    ],
)
def test_somebody_elses_value_is_never_superseded(
    server: Server, tags: dict[str, str] | None
) -> None:
    with looking(server) as vault:
        theirs = vault.set_secret(NAME, "theirs", tags=tags)
    store = a_store(server)

    with pytest.raises(StoreError, match="Key Vault kv-one/app-secret holds a value of") as probed:
        store.probe(OURS)
    with pytest.raises(StoreError, match="it was not touched"):
        store.write(an_entry())

    assert "--replace-store" in probed.value.hint
    with looking(server) as vault:
        now = vault.get_secret(NAME)
    assert (now.id, now.value, now.properties.updated_on) == (
        theirs.id,
        "theirs",
        theirs.properties.updated_on,
    )


def test_a_value_of_an_application_that_does_not_exist_yet_is_nobodys(server: Server) -> None:
    a_store(server).write(an_entry())

    with pytest.raises(StoreError, match=f"a value of application {CLIENT} of tenant {TENANT}"):
        a_store(server).probe(Belongs(tenant_id=TENANT, client_id=None))


def test_somebody_elses_value_is_superseded_when_that_was_asked_for(server: Server) -> None:
    with looking(server) as vault:
        vault.set_secret(NAME, "theirs", tags={"costCentre": "42"})
    store = a_store(server, replace=True)

    store.probe(OURS)
    store.write(an_entry())

    with looking(server) as vault:
        assert vault.get_secret(NAME).value == CANARY
        assert "costCentre" not in (vault.get_secret(NAME).properties.tags or {})


def test_somebody_elses_value_is_read_as_theirs(server: Server) -> None:
    with looking(server) as vault:
        vault.set_secret(NAME, "theirs")

    held = a_store(server).read()

    assert held is not None
    assert (held.tenant_id, held.client_id, held.key_id) == (None, None, None)


# --- the end of a credential, and of an application


def test_the_old_version_is_disabled_when_its_credential_retires(server: Server) -> None:
    store = a_store(server)
    store.write(an_entry("one", key_id="key-1"))
    store.write(an_entry("two", key_id="key-2"))

    store.retire("KEY-1")

    with looking(server) as vault:
        enabled = {
            (each.tags or {})["keyId"]: each.enabled
            for each in vault.list_properties_of_secret_versions(NAME)
        }
        assert vault.get_secret(NAME).value == "two"
    assert enabled == {"key-1": False, "key-2": True}


def test_the_newest_version_is_never_disabled(server: Server) -> None:
    store = a_store(server)
    store.write(an_entry("one", key_id="key-1"))
    store.write(an_entry("two", key_id="key-1"))

    store.retire("key-1")

    with looking(server) as vault:
        enabled = [each.enabled for each in vault.list_properties_of_secret_versions(NAME)]
        assert vault.get_secret(NAME).value == "two"
    assert sorted(map(bool, enabled)) == [False, True]


def test_retiring_what_the_vault_does_not_have_is_nothing(server: Server) -> None:
    store = a_store(server)
    store.retire("key-9")
    store.write(an_entry())

    store.retire("key-9")

    assert store.read() is not None


def test_our_secret_is_removed_and_can_be_recovered(server: Server) -> None:
    store = a_store(server)
    store.write(an_entry())

    assert store.remove(CLIENT.upper()) is True

    assert store.read() is None
    assert store.remove(CLIENT) is False
    with looking(server) as vault:
        assert vault.get_deleted_secret(NAME).scheduled_purge_date


@pytest.mark.parametrize("tags", [None, {"clientId": OTHER}])
def test_somebody_elses_secret_is_not_removed(server: Server, tags: dict[str, str] | None) -> None:
    with looking(server) as vault:
        vault.set_secret(NAME, "theirs", tags=tags)

    assert a_store(server).remove(CLIENT) is False

    with looking(server) as vault:
        assert vault.get_secret(NAME).value == "theirs"


def test_our_deleted_secret_comes_back_with_its_application(server: Server) -> None:
    """Who destroys, and applies again to restore, finds the secret where it was."""
    store = a_store(server)
    store.write(an_entry("one"))
    store.remove(CLIENT)

    told = store.probe(OURS)
    store.write(an_entry("two", key_id="key-2"))

    assert told == ("Key Vault kv-one/app-secret had been deleted, and was recovered",)
    with looking(server) as vault:
        assert vault.get_secret(NAME).value == "two"
        assert len(list(vault.list_properties_of_secret_versions(NAME))) == 2


def test_somebody_elses_deleted_secret_comes_back_only_to_be_written_over(server: Server) -> None:
    with looking(server) as vault:
        vault.set_secret(NAME, "theirs")
        vault.begin_delete_secret(NAME)

    with pytest.raises(StoreError, match="A deleted secret still occupies the name"):
        a_store(server).probe(OURS)
    with looking(server) as vault:
        assert vault.get_deleted_secret(NAME).name == NAME
    a_store(server, replace=True).probe(OURS)
    a_store(server, replace=True).write(an_entry())

    with looking(server) as vault:
        assert vault.get_secret(NAME).value == CANARY


def test_two_secrets_of_one_vault_are_two_stores(server: Server) -> None:
    other = KeyVaultStore(vault=PLACE.vault, name="other-secret")

    a_store(server).write(an_entry("one"))
    a_store(server, place=other).write(an_entry("two", client_id=OTHER))

    held = a_store(server, place=other).read()
    assert held is not None
    assert held.client_id == OTHER
