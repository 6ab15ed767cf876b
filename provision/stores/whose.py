"""Whose value a store holds: a value that may be somebody else's is never written over."""

from __future__ import annotations

from provision.errors import StoreError
from provision.stores import Belongs, Stored


def refuse_others(held: Stored | None, owner: Belongs, *, place: str, other: str) -> None:
    """Refuse a place that holds another's value; `other` says what would be another place."""
    if held is None or _ours(held, owner):
        return
    raise StoreError(
        f"{place} holds a value of {_name(held)}: it was not touched",
        hint=f"Give this credential {other} in the manifest, "
        "or write over that value with --replace-store.",
    )


def same(one: str | None, other: str | None) -> bool:
    """Whether two ids are the same one."""
    return one is not None and other is not None and one.casefold() == other.casefold()


def _ours(held: Stored, owner: Belongs) -> bool:
    tenant = held.tenant_id is None or same(held.tenant_id, owner.tenant_id)
    if held.client_id is None and held.secret is None and held.key_id is None:
        return tenant  # a place that somebody prepared
    return same(held.client_id, owner.client_id) and tenant


def _name(held: Stored) -> str:
    if held.client_id is None:
        return (
            f"tenant {held.tenant_id}" if held.tenant_id else "an application that it does not name"
        )
    where = f" of tenant {held.tenant_id}" if held.tenant_id else ""
    return f"application {held.client_id}{where}"
