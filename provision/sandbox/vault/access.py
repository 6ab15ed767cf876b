"""Who may do what in a vault: the sandbox's operator everything, everybody else what was granted."""

from __future__ import annotations

from collections.abc import Collection

from provision.sandbox.call import Caller
from provision.sandbox.furnish import OPERATOR_NAME
from provision.sandbox.tenant import Seen, Tenant
from provision.sandbox.vault.cabinet import Cabinet

# https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-access-control
RIGHTS = ("get", "set", "list", "delete", "recover", "purge")
ANY_VAULT = "*"


def allow(
    cabinet: Cabinet, tenant: str, principal: str, rights: Collection[str], vault: str
) -> None:
    """Give a principal (by appId or object id) these rights, instead of those that it had there."""
    unknown = [right for right in rights if right not in RIGHTS]
    if unknown:
        raise ValueError(f"there is no right called {unknown[0]}; known: {', '.join(RIGHTS)}")
    whose = {"tenant": tenant, "principal": principal.lower(), "vault": vault.lower()}
    others = [each for each in cabinet.access() if not whose.items() <= each.items()]
    cabinet.keep_access([*others, {**whose, "may": sorted(set(rights))}])


def may(cabinet: Cabinet, tenant: Tenant, caller: Caller, right: str, vault: str) -> bool:
    """Whether this caller has the right; what was granted by name counts, also to the operator."""
    for place in (vault, ANY_VAULT):
        granted = [
            each["may"]
            for each in cabinet.access()
            if each["tenant"] == tenant.id
            and each["vault"] == place
            and each["principal"] in (caller.app_id, caller.object_id)
        ]
        if granted:
            return any(right in rights for rights in granted)
    operator = tenant.find("applications", "uniqueName", OPERATOR_NAME, Seen.truth())
    return operator is not None and operator["appId"] == caller.app_id
