"""The way from a tenant's name to a vault: the sandbox's, as its operator, in whatever thread the stores run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from keyvault_build import CANARY, PLACE, an_entry

from provision.connect import Wishes, connect
from provision.places import KeyVaultStore
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


def _has(path: Path) -> bool:
    return CANARY.encode() in path.read_bytes()
