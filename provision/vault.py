"""Opens Key Vaults of the cloud as the operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from auth.errors import AuthError
from provision.errors import StoreError
from provision.places import KeyVaultStore
from provision.stores import Store

if TYPE_CHECKING:
    from auth.cached import CachedCredential
    from auth.clouds import Cloud


def opener(
    credential: CachedCredential, cloud: Cloud, *, replace: bool
) -> Callable[[KeyVaultStore], Store]:
    """Opens vaults of this cloud, and of no other: the operator's token for them goes nowhere else."""
    signed_in = credential.blocking(cloud.vault_scope, otherwise=_no_token)

    def opened(place: KeyVaultStore) -> Store:
        from provision.stores.keyvault import KeyVault

        try:
            url = cloud.vault(place.vault)
        except AuthError as unknown:
            raise StoreError(str(unknown), hint=unknown.hint) from unknown
        return KeyVault(
            place,
            url,
            signed_in,
            replace=replace,
            ca_bundle=cloud.ca_bundle,
            checks_resource=not cloud.custom,
        )

    return opened


def _no_token(refused: AuthError) -> Exception:
    """Whoever stores a value must hear that it could not be stored, whatever the reason."""
    return StoreError(f"The operator gets no token for Key Vault: {refused}", hint=refused.hint)
