"""The way from a tenant's name to a vault: the sandbox's, as its operator, in whatever thread the stores run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from keyvault_build import CANARY, PLACE, an_entry, looking, operator_of

from auth import clouds
from auth.cached import CachedCredential
from provision import vault
from provision.connect import Wishes, connect
from provision.errors import StoreError
from provision.places import KeyVaultStore
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server
from provision.stores import Stored

WISHES = Wishes(environ={"PROVISION_SANDBOX_PROFILE": "strong"}, tenant="sandbox", real_stores=True)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_sandboxs_vault_keeps_a_value_from_one_run_to_the_next(workplace: Path) -> None:
    async def written() -> None:
        async with connect(None, WISHES, tell=lambda _: None) as target:
            store = target.open_store(PLACE)
            await asyncio.to_thread(store.write, an_entry(tenant_id=target.tenant_id))

    async def read() -> tuple[Stored | None, str]:
        async with connect(None, WISHES, tell=lambda _: None) as target:
            return await asyncio.to_thread(target.open_store(PLACE).read), target.tenant_id

    asyncio.run(written())
    held, tenant_id = asyncio.run(read())

    assert held is not None
    assert held.secret is not None
    assert (held.tenant_id, held.secret.reveal()) == (tenant_id, CANARY)
    found = [path for path in workplace.rglob("*") if path.is_file() and _has(path)]
    assert [path.parent.parent.parent.name for path in found] == ["vault"]


def test_many_stores_write_at_once(workplace: Path) -> None:
    names = [f"secret-{number}" for number in range(6)]

    async def written() -> list[str]:
        async with connect(None, WISHES, tell=lambda _: None) as target:
            stores = [target.open_store(KeyVaultStore(vault="kv-one", name=name)) for name in names]
            await asyncio.gather(
                *(
                    asyncio.to_thread(store.write, an_entry(store_name))
                    for store, store_name in zip(stores, names, strict=True)
                )
            )
            held = [await asyncio.to_thread(store.read) for store in stores]
            return [each.secret.reveal() for each in held if each and each.secret]

    assert asyncio.run(written()) == names


def test_a_vault_of_another_sandbox_tenant_is_another_vault(workplace: Path) -> None:
    async def held(tenant: str) -> Stored | None:
        wishes = Wishes(environ=WISHES.environ, tenant=tenant, real_stores=True)
        async with connect(None, wishes, tell=lambda _: None) as target:
            store = target.open_store(PLACE)
            before = await asyncio.to_thread(store.read)
            await asyncio.to_thread(store.write, an_entry())
            return before

    assert asyncio.run(held("sandbox")) is None
    assert asyncio.run(held("sandbox/other")) is None


def test_a_vault_is_opened_by_its_name_alone(server: Server) -> None:
    credential = CachedCredential(operator_of(server))
    cloud = _cloud(server)

    store = vault.opener(credential, cloud, replace=False)(PLACE)
    store.write(an_entry())

    with looking(server) as seen:
        assert seen.get_secret(PLACE.name).value == CANARY


@pytest.mark.parametrize("name", ["evil.example.org/", "a", "x" * 25, "1kv", "kv--a", "kv@b.org#"])
def test_a_name_that_is_an_address_opens_nothing(server: Server, name: str) -> None:
    opened = vault.opener(CachedCredential(operator_of(server)), _cloud(server), replace=False)

    with pytest.raises(StoreError, match="cannot be the name of a Key Vault"):
        opened(KeyVaultStore(vault=name, name="x"))


def test_a_cloud_of_ones_own_has_no_vaults_that_are_known(server: Server) -> None:
    cloud = clouds.custom(server.url, server.url, server.ca_bundle)
    opened = vault.opener(CachedCredential(operator_of(server)), cloud, replace=False)

    with pytest.raises(StoreError, match="no Key Vault that is known here") as refused:
        opened(PLACE)

    assert "another store" in refused.value.hint


def test_a_sign_in_that_fails_is_a_failure_of_the_store(server: Server) -> None:
    """Else a credential whose value was not stored would not be taken back."""
    server.faults.add(Fault(do="status", path="/oauth2/", status=400, code="invalid_grant"))
    opened = vault.opener(CachedCredential(operator_of(server)), _cloud(server), replace=False)

    with pytest.raises(StoreError, match="The operator gets no token for Key Vault"):
        opened(PLACE).write(an_entry())


def _cloud(server: Server) -> clouds.Cloud:
    return replace(
        clouds.custom(server.url, server.url, server.ca_bundle),
        vaults=f"{server.url}/vaults/{{name}}",
        vault_resource="https://vault.azure.net",
    )


def _has(path: Path) -> bool:
    return CANARY.encode() in path.read_bytes()
