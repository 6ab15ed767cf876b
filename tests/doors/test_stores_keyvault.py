"""The Key Vault store against a vault of the sandbox: what is written, what is read, and whose it is."""

from __future__ import annotations

import pytest
from keyvault_build import (
    CANARY,
    CLIENT,
    OTHER,
    OURS,
    PLACE,
    TENANT,
    UNTIL,
    a_private_key,
    a_store,
    an_entry,
    looking,
    only_may,
)

from provision.errors import StoreError, Unreadable
from provision.sandbox.server import Server
from provision.secret import PrivateKey
from provision.stores import Belongs

NAME = PLACE.name


# --- a value in and out


def test_a_value_is_read_back_with_whose_it_is(server: Server) -> None:
    store = a_store(server)

    store.write(an_entry())
    held = store.read()

    assert held is not None
    assert held.secret is not None
    assert held.secret.reveal() == CANARY
    assert not isinstance(held.secret, PrivateKey)
    assert (held.tenant_id, held.client_id, held.key_id) == (TENANT, CLIENT, "key-1")
    assert held.expires == UNTIL


def test_readers_find_the_value_its_type_its_expiry_and_its_tags(server: Server) -> None:
    a_store(server).write(an_entry())

    with looking(server) as vault:
        held = vault.get_secret(NAME)

    assert held.value == CANARY
    assert held.properties.content_type == "text/plain"
    assert held.properties.expires_on == UNTIL
    assert held.properties.tags == {
        "tenantId": TENANT,
        "clientId": CLIENT,
        "keyId": "key-1",
        "managedBy": "entra-provision",
    }


def test_a_private_key_is_kept_as_pem(server: Server) -> None:
    store = a_store(server)
    key = a_private_key()

    store.write(an_entry(key.reveal(), kind=PrivateKey))

    held = store.read()
    assert held is not None
    assert isinstance(held.secret, PrivateKey)
    assert held.secret.reveal() == key.reveal()
    with looking(server) as vault:
        assert vault.get_secret(NAME).properties.content_type == "application/x-pem-file"


def test_nothing_is_there_at_first(server: Server) -> None:
    assert a_store(server).read() is None


def test_a_second_value_is_a_second_version(server: Server) -> None:
    store = a_store(server)

    store.write(an_entry("one", key_id="key-1"))
    store.write(an_entry("two", key_id="key-2"))

    with looking(server) as vault:
        versions = list(vault.list_properties_of_secret_versions(NAME))
        assert vault.get_secret(NAME).value == "two"
    assert {(each.tags or {})["keyId"] for each in versions} == {"key-1", "key-2"}
    assert all(each.enabled for each in versions)


def test_what_people_tagged_stays_on_the_next_version(server: Server) -> None:
    store = a_store(server)
    store.write(an_entry("one"))
    with looking(server) as vault:
        tags = dict(vault.get_secret(NAME).properties.tags or {})
        vault.update_secret_properties(NAME, tags={**tags, "costCentre": "42"})

    store.write(an_entry("two", key_id="key-2"))

    with looking(server) as vault:
        found = vault.get_secret(NAME).properties.tags or {}
    assert (found["costCentre"], found["keyId"]) == ("42", "key-2")


def test_there_is_room_for_our_tags_whatever_people_tagged(server: Server) -> None:
    store = a_store(server)
    store.write(an_entry("one"))
    with looking(server) as vault:
        tags = dict(vault.get_secret(NAME).properties.tags or {})
        many = {f"tag{number:02}": "x" for number in range(11)}
        vault.update_secret_properties(NAME, tags={**tags, **many})

    store.write(an_entry("two"))

    with looking(server) as vault:
        assert vault.get_secret(NAME).properties.tags == {**tags, **many}


# --- the probe


def test_a_probe_of_a_new_name_leaves_nothing_that_can_be_read(server: Server) -> None:
    store = a_store(server)

    assert store.probe(OURS) == ()

    assert store.read() is None
    with looking(server) as vault:
        [version] = vault.list_properties_of_secret_versions(NAME)
    assert version.enabled is False


def test_a_probe_twice_makes_one_version(server: Server) -> None:
    store = a_store(server)
    store.probe(OURS)

    store.probe(OURS)

    with looking(server) as vault:
        assert len(list(vault.list_properties_of_secret_versions(NAME))) == 1


def test_a_probe_of_our_secret_changes_nothing_that_readers_see(server: Server) -> None:
    store = a_store(server)
    store.write(an_entry())
    with looking(server) as vault:
        before = vault.get_secret(NAME)

    store.probe(OURS)

    with looking(server) as vault:
        after = vault.get_secret(NAME)
        assert len(list(vault.list_properties_of_secret_versions(NAME))) == 1
    assert (after.id, after.value) == (before.id, before.value)
    assert after.properties.tags == before.properties.tags
    assert after.properties.expires_on == before.properties.expires_on
    assert after.properties.enabled


def test_a_rehearsal_is_nobodys_value(server: Server) -> None:
    """Whoever was killed after it must not stand in the way of the next application."""
    a_store(server).probe(Belongs(tenant_id=OTHER, client_id=OTHER))

    a_store(server).probe(OURS)
    a_store(server).write(an_entry())

    held = a_store(server).read()
    assert held is not None
    assert held.client_id == CLIENT


@pytest.mark.parametrize("there", [False, True])
def test_a_probe_fails_where_nothing_may_be_written(server: Server, there: bool) -> None:
    if there:
        a_store(server).write(an_entry())
    only_may(server, "get", "list")

    with pytest.raises(StoreError, match="may not set secrets of Key Vault kv-one") as refused:
        a_store(server).probe(OURS)

    assert "Key Vault Secrets Officer" in refused.value.hint
    assert "set, get, list, delete" in refused.value.hint


def test_who_may_only_write_can_write(server: Server) -> None:
    """A pipeline that must not read secrets is a good pipeline."""
    only_may(server, "set")
    store = a_store(server)

    store.probe(OURS)
    store.write(an_entry())

    with pytest.raises(Unreadable, match="may not get secrets of Key Vault kv-one"):
        store.read()
    store.probe(OURS)
    with pytest.raises(StoreError, match="it was not touched"):
        store.write(an_entry(client_id=OTHER))


# --- a newest version that is disabled


def test_a_disabled_newest_version_has_no_value_for_anybody(server: Server) -> None:
    """An older version may have one, but whoever reads the secret does not get it."""
    store = a_store(server)
    store.write(an_entry("one", key_id="key-1"))
    store.write(an_entry("two", key_id="key-2"))
    with looking(server) as vault:
        vault.update_secret_properties(NAME, enabled=False)

    held = store.read()

    assert held is not None
    assert (held.client_id, held.secret, held.key_id) == (CLIENT, None, None)


def test_a_disabled_newest_version_is_unreadable_where_nothing_may_be_listed(
    server: Server,
) -> None:
    store = a_store(server)
    store.write(an_entry())
    with looking(server) as vault:
        vault.update_secret_properties(NAME, enabled=False)
    only_may(server, "get", "set")

    with pytest.raises(Unreadable, match="newest version of Key Vault kv-one/app-secret is disabl"):
        store.read()


def test_the_next_value_supersedes_a_disabled_one_of_ours(server: Server) -> None:
    store = a_store(server)
    store.write(an_entry("one"))
    with looking(server) as vault:
        vault.update_secret_properties(NAME, enabled=False)

    store.probe(OURS)
    store.write(an_entry("two"))

    with looking(server) as vault:
        assert vault.get_secret(NAME).value == "two"


def test_a_disabled_version_of_somebody_else_is_theirs(server: Server) -> None:
    with looking(server) as vault:
        vault.set_secret(NAME, "theirs", enabled=False)

    with pytest.raises(StoreError, match="it was not touched"):
        a_store(server).probe(OURS)
