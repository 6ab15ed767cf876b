"""The database of a sandbox: what it keeps, what it forgets, and what survives."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provision.sandbox.lag import Lag
from provision.sandbox.store import Store, usable_name
from provision.sandbox.tenant import Seen, Tenant, format_time, parse_time

TRUTH = Seen.truth()
SECRET = re.compile(r"^[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}$")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "sandbox.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def tenant(store: Store) -> Tenant:
    return store.add_tenant("default")


def an_object(id: str, **properties: object) -> dict[str, object]:
    return {"id": id, "deletedDateTime": None, **properties}


def deleted(id: str, at: datetime, **properties: object) -> dict[str, object]:
    return {"id": id, "deletedDateTime": format_time(at), **properties}


def test_a_failed_transaction_leaves_nothing(tenant: Tenant) -> None:
    def fail() -> None:
        with tenant.writing():
            tenant.put("users", an_object("u"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert tenant.get("users", "u", TRUTH) is None


def test_a_transaction_inside_another_is_part_of_it(tenant: Tenant) -> None:
    def fail() -> None:
        with tenant.writing():
            with tenant.writing():
                tenant.put("users", an_object("u"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert tenant.get("users", "u", TRUTH) is None


def test_objects_are_listed_by_id_whatever_came_first(tenant: Tenant) -> None:
    for id in ("c", "a", "b"):
        tenant.put("users", an_object(id))

    assert [user["id"] for user in tenant.scan("users", TRUTH)] == ["a", "b", "c"]


def test_a_listing_can_begin_behind_an_object(tenant: Tenant) -> None:
    for id in ("c", "a", "b"):
        tenant.put("users", an_object(id))

    assert [user["id"] for user in tenant.scan("users", TRUTH, after="a")] == ["b", "c"]


def test_a_long_listing_shows_each_object_once_while_others_write(tenant: Tenant) -> None:
    with tenant.writing():
        for number in range(300):
            tenant.put("users", an_object(f"{number:04}"))

    listed = []
    for user in tenant.scan("users", TRUTH):
        listed.append(user["id"])
        tenant.put("users", {**user, "seen": True})

    assert listed == [f"{number:04}" for number in range(300)]


def test_many_objects_with_one_value_are_all_found(tenant: Tenant) -> None:
    with tenant.writing():
        for number in range(300):
            tenant.put("appRoleAssignments", an_object(f"{number:04}", principalId="p"))
        tenant.put("appRoleAssignments", an_object("other", principalId="q"))

    found = tenant.find_all("appRoleAssignments", "principalId", "p", TRUTH, after="0009")

    assert [each["id"] for each in found] == [f"{number:04}" for number in range(10, 300)]


def test_an_object_is_not_found_by_a_value_that_it_no_longer_has(tenant: Tenant) -> None:
    tenant.put("applications", an_object("a", tags=["old", "kept"]))

    tenant.put("applications", an_object("a", tags=["new", "kept"]))

    found = [
        tag for tag in ("old", "kept", "new") if tenant.find("applications", "tags", tag, TRUTH)
    ]
    assert found == ["kept", "new"]


def test_a_property_without_index_is_refused(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="not indexed by notes"):
        tenant.find("applications", "notes", "x", TRUTH)


@pytest.mark.parametrize(("asked", "shown"), [(False, []), (True, ["a"]), (None, ["a"])])
def test_a_deleted_object_is_shown_to_those_who_ask_for_it(
    tenant: Tenant, asked: bool | None, shown: list[str]
) -> None:
    tenant.put("applications", deleted("a", tenant.clock.now(), uniqueName="n"), lag="delete")

    listed = [each["id"] for each in tenant.scan("applications", TRUTH, deleted=asked)]
    found = tenant.find("applications", "uniqueName", "n", TRUTH, deleted=asked)

    assert (listed, found is not None) == (shown, bool(shown))


def test_a_deleted_object_is_forgotten_after_thirty_days(tenant: Tenant) -> None:
    tenant.put("applications", deleted("a", tenant.clock.now()), lag="delete")

    tenant.clock.advance(timedelta(days=30))
    tenant.purge_expired()

    assert tenant.get("applications", "a", TRUTH, deleted=None) is None


def test_a_deleted_object_is_kept_for_thirty_days(tenant: Tenant) -> None:
    tenant.put("applications", deleted("a", tenant.clock.now()), lag="delete")

    tenant.clock.advance(timedelta(days=29, hours=23))
    tenant.purge_expired()

    assert tenant.get("applications", "a", TRUTH, deleted=True) is not None


def test_a_restored_object_is_not_forgotten(tenant: Tenant) -> None:
    tenant.put("applications", deleted("a", tenant.clock.now()), lag="delete")
    tenant.put("applications", an_object("a"))

    tenant.clock.advance(timedelta(days=31))
    tenant.purge_expired()

    assert tenant.get("applications", "a", TRUTH) is not None


def test_what_names_a_principal_goes_with_it(tenant: Tenant) -> None:
    tenant.put("servicePrincipals", an_object("p"))
    tenant.put("appRoleAssignments", an_object("held", principalId="p", resourceId="r"))
    tenant.put("oauth2PermissionGrants", an_object("given", clientId="c", resourceId="p"))
    tenant.put("appRoleAssignments", an_object("else", principalId="q", resourceId="r"))

    tenant.purge("servicePrincipals", "p")

    assert tenant.counts() == {"appRoleAssignments": 1}


def test_tenants_do_not_see_each_other(store: Store, tenant: Tenant) -> None:
    other = store.add_tenant("other")

    tenant.put("users", an_object("u", userPrincipalName="ada"))

    assert other.get("users", "u", TRUTH) is None
    assert other.find("users", "userPrincipalName", "ada", TRUTH) is None


@pytest.mark.parametrize("identifier", ["id", "domain"])
def test_a_tenant_is_known_by_its_id_and_its_domain(
    store: Store, tenant: Tenant, identifier: str
) -> None:
    store.add_tenant("other")

    known = store.tenant_known_as(getattr(tenant, identifier).upper())

    assert known is not None
    assert known.name == "default"


def test_a_moved_clock_stays_moved(store: Store, tenant: Tenant, tmp_path: Path) -> None:
    store.clock.advance(timedelta(days=31))
    store.close()

    reopened = Store(tmp_path / "sandbox.sqlite")

    assert reopened.clock.now() - datetime.now(UTC) > timedelta(days=30)
    reopened.close()


def test_identity_and_objects_outlive_the_process(
    store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    tenant.put("users", an_object("u"))
    store.close()

    reopened = Store(tmp_path / "sandbox.sqlite")

    again = reopened.tenant("default")
    assert again is not None
    assert (again.id, again.get("users", "u", TRUTH)) == (tenant.id, an_object("u"))
    reopened.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from provision.sandbox.store import Store
tenant = Store(Path(sys.argv[1])).add_tenant("default")
for number in range(int(sys.argv[2])):
    tenant.put("users", {"id": f"{number:04}"})
sys.stdout.write(f"{number:04}")
sys.stdout.flush()
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


@pytest.mark.parametrize("writes", [1, 50])
def test_a_write_survives_the_death_of_its_process(tmp_path: Path, writes: int) -> None:
    file = tmp_path / "sandbox.sqlite"

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(file), str(writes)], capture_output=True, text=True
    )

    store = Store(file)
    tenant = store.tenant("default")
    assert tenant is not None
    assert tenant.get("users", killed.stdout, TRUTH) == {"id": killed.stdout}
    assert tenant.counts() == {"users": writes}
    store.close()


def test_secrets_have_the_shape_of_the_service(tenant: Tenant) -> None:
    secrets = {tenant.new_secret_text() for _ in range(50)}

    assert len(secrets) == 50
    assert all(SECRET.match(secret) and len(secret) == 40 for secret in secrets)


def test_secrets_carry_the_canary_of_a_test(tmp_path: Path) -> None:
    store = Store(tmp_path / "canary.sqlite", canary="CaNaRy")

    secret = store.new_secret_text()

    assert "CaNaRy" in secret
    assert SECRET.match(secret)
    store.close()


@pytest.mark.parametrize("canary", ["with space", "x" * 21])
def test_a_canary_that_no_secret_could_contain_is_refused(tmp_path: Path, canary: str) -> None:
    with pytest.raises(ValueError, match="canary"):
        Store(tmp_path / "canary.sqlite", canary=canary)


def test_only_the_right_secret_matches_its_hash(tenant: Tenant) -> None:
    digest = tenant.hash_secret("right")

    assert [tenant.check_secret(text, digest) for text in ("right", "wrong", "")] == [
        True,
        False,
        False,
    ]


def test_tenants_hash_the_same_secret_differently(store: Store, tenant: Tenant) -> None:
    assert store.add_tenant("other").hash_secret("x") != tenant.hash_secret("x")


def test_identifiers_can_be_repeated_for_a_test(tmp_path: Path) -> None:
    def made(file: str, seed: int) -> list[str]:
        store = Store(tmp_path / file, lag=Lag(seed=seed), predictable=True)
        ids = [store.new_guid(), store.new_secret_text()]
        store.close()
        return ids

    assert made("one", 1) == made("two", 1) != made("three", 2)


def test_identifiers_are_random_by_default(tmp_path: Path) -> None:
    first = Store(tmp_path / "one", lag=Lag(seed=1))
    second = Store(tmp_path / "two", lag=Lag(seed=1))

    assert first.new_guid() != second.new_guid()
    first.close()
    second.close()


def test_a_large_object_is_protected_from_changes_of_its_readers(tenant: Tenant) -> None:
    tenant.put("servicePrincipals", an_object("p", name="kept", padding="x" * 200_000))
    shown = tenant.get("servicePrincipals", "p", TRUTH) or {}

    shown["name"] = "spoiled"

    assert (tenant.get("servicePrincipals", "p", TRUTH) or {})["name"] == "kept"


@pytest.mark.parametrize(
    ("name", "usable"),
    [
        ("default", True),
        ("dev-1", True),
        *((name, False) for name in ("sandbox", "", "A", "a.b", "-a", "x" * 28)),
    ],
)
def test_a_tenant_name_must_fit_into_a_domain(name: str, usable: bool) -> None:
    assert usable_name(name) is usable


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.1234567Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_timestamps_are_read_in_every_form(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


def test_timestamps_are_written_as_graph_writes_them() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC)

    assert format_time(moment) == "2026-01-02T03:04:05.0000600Z"
    assert format_time(moment, fraction=False) == "2026-01-02T03:04:05Z"


def test_the_database_is_one_file_when_nobody_has_it_open(tmp_path: Path) -> None:
    store = Store(tmp_path / "alone.sqlite")
    store.add_tenant("default")

    store.close()

    assert [path.name for path in tmp_path.glob("alone*")] == ["alone.sqlite"]
