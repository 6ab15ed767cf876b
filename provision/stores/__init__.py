"""Where secret values go, and the only place where they stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from provision.model import Certificate
from provision.places import KeyVaultStore, StorePlace
from provision.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongs:
    """Whose value a store is to hold; no `client_id` while the application does not exist yet."""

    tenant_id: str
    client_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A value on its way into a store, with what a workload needs to sign in with it.

    `secret` is a PrivateKey where the credential is a certificate.
    """

    tenant_id: str
    client_id: str
    secret: Secret
    key_id: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a store holds; people edit stores, so any part may be missing.

    `secret` is a PrivateKey where the store holds a certificate. `certificate` is what a PEM file has, which says neither
    tenant nor application.
    """

    tenant_id: str | None
    client_id: str | None
    secret: Secret | None
    key_id: str | None
    expires: datetime | None
    certificate: Certificate | None = None


class Store(Protocol):
    """A place for one secret of one application of one tenant; every failure is a StoreError."""

    def probe(self, owner: Belongs) -> tuple[str, ...]:
        """Prove that the owner's value can be written, before there is one; says warnings."""

    def read(self) -> Stored | None:
        """What is there, or None when nothing is; raises Unreadable where it cannot be read from here."""

    def write(self, entry: Entry) -> None:
        """Store the entry: it is there in full, or what was there before is untouched."""

    def remove(self, app_id: str) -> bool:
        """Remove this application's value; false when the store holds none of it."""

    def retire(self, key_id: str) -> None:
        """A credential is about to be removed: make the copies of it unusable that the store keeps of old values."""


def where(place: StorePlace) -> str:
    """The place as a person finds it: from the current folder where it lies below, else in full."""
    try:
        path = place.path.relative_to(Path.cwd())
    except ValueError:
        path = place.path
    return f"{path} ({place.prefix}*)"


def open_store(
    place: StorePlace,
    *,
    replace: bool = False,
    vault: Callable[[KeyVaultStore], Store] | None = None,
) -> Store:
    """The store at that place; with `replace` it writes over anybody's value. `vault` opens vaults."""
    if isinstance(place, KeyVaultStore) and vault is not None:
        return vault(place)
    from provision.stores.dotenv import Dotenv

    return Dotenv(place.path, prefix=place.prefix, replace=replace)
