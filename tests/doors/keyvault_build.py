"""Builders for the tests of the Key Vault store: a place, a store on a sandbox's vault, and the vault seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets._shared import http_challenge_cache

from auth.cached import BlockingCredential, CachedCredential
from provision.places import KeyVaultStore
from provision.sandbox.server import Server
from provision.secret import PrivateKey, Secret
from provision.stores import Belongs, Entry
from provision.stores.keyvault import KeyVault

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
OTHER = "99999999-9999-9999-9999-999999999999"
CANARY = "aB3.8Q~canary-Canary_canary.canary~0123"
OURS = Belongs(tenant_id=TENANT, client_id=CLIENT)
PLACE = KeyVaultStore(vault="kv-one", name="app-secret")
PATH = "/vaults/kv-one/"
UNTIL = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)


def operator_of(server: Server) -> ClientSecretCredential:
    operator = server.operator()
    return ClientSecretCredential(
        operator["tenantId"],
        operator["clientId"],
        operator["clientSecret"],
        authority=server.url,
        disable_instance_discovery=True,
        connection_verify=str(server.ca_bundle),
    )


def signed_in(server: Server) -> BlockingCredential:
    """The operator as stores know it."""
    return CachedCredential(operator_of(server)).blocking("https://vault.azure.net/.default")


def a_store(
    server: Server,
    *,
    place: KeyVaultStore = PLACE,
    credential: Any = None,
    naps: list[float] | None = None,
    **options: Any,
) -> KeyVault:
    """A store on a vault of the sandbox; `naps` collects its pauses instead of making them."""
    return KeyVault(
        place,
        f"{server.url}/vaults/{place.vault}",
        credential or signed_in(server),
        ca_bundle=server.ca_bundle,
        checks_resource=False,
        sleep=([] if naps is None else naps).append,
        **options,
    )


@contextmanager
def looking(server: Server) -> Iterator[SecretClient]:
    """The vault as its readers see it: through Microsoft's client alone."""
    http_challenge_cache.clear()
    with SecretClient(
        f"{server.url}/vaults/{PLACE.vault}",
        operator_of(server),
        verify_challenge_resource=False,
        connection_verify=str(server.ca_bundle),
    ) as client:
        yield client


def an_entry(
    value: str = CANARY,
    *,
    key_id: str = "key-1",
    client_id: str = CLIENT,
    tenant_id: str = TENANT,
    kind: Callable[[str], Secret] = Secret,
) -> Entry:
    return Entry(
        tenant_id=tenant_id, client_id=client_id, secret=kind(value), key_id=key_id, expires=UNTIL
    )


def a_private_key() -> PrivateKey:
    return PrivateKey(f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n")


def only_may(server: Server, *rights: str) -> None:
    """From now on the operator has these rights and no others."""
    server.vaults.allow(server.operator()["clientId"], rights)


def forget_challenges() -> None:
    http_challenge_cache.clear()
