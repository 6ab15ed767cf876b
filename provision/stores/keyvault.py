"""Keeps a secret, or a private key with its certificate, in Azure Key Vault: each value is a version of one secret there.

A version is tagged with whose it is: `tenantId`, `clientId`, `keyId` and `managedBy`. Its expiry date is the credential's. Its
content type is `text/plain`, and `application/x-pem-file` for a private key with its certificate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from provision.clock import backoff
from provision.errors import StoreError, Unconfirmed, Unreadable
from provision.places import KeyVaultStore
from provision.secret import PrivateKey, Secret
from provision.stores import Belongs, Entry, Stored, vaulterrors
from provision.stores.vaulterrors import Refused

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.keyvault.secrets import KeyVaultSecret, SecretClient, SecretProperties

T = TypeVar("T")

PATIENCE = 10.0
"""For so many seconds a vault that is busy is asked again."""

_API = "7.4"  # every cloud has it, and every release of the client since 2023
_TEXT, _PEM = "text/plain", "application/x-pem-file"
_TENANT, _CLIENT, _KEY, _MAKER = "tenantId", "clientId", "keyId", "managedBy"
_US = "entra-provision"
_REHEARSAL = f"{_US} rehearsal"
_OURS = (_TENANT, _CLIENT, _KEY, _MAKER)
_MOST_TAGS = 15


class KeyVault:
    """One secret of one vault; every operation opens connections of its own, in whatever thread."""

    def __init__(
        self,
        place: KeyVaultStore,
        url: str,
        credential: TokenCredential,
        *,
        replace: bool = False,
        ca_bundle: Path | None = None,
        checks_resource: bool = True,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place, self._url, self._credential = place, url, credential
        self._replace = replace
        self._ca_bundle = ca_bundle
        self._checks_resource = checks_resource
        self._patience, self._sleep = patience, sleep

    def probe(self, owner: Belongs) -> tuple[str, ...]:
        """Prove that the owner's value can be written, before there is one; says warnings.

        Nothing that readers use changes. Where there is a secret, a change of its properties that changes none needs the
        right to set. A name that is still free takes a disabled version without a value, which the real one supersedes.
        What was deleted with our application, and comes back with it, is recovered.
        """
        latest = self._latest()
        if latest is not None:
            self._refuse_others(latest, owner)
            self._touched(enabled=latest.enabled)
            return ()
        try:
            self._set("no value yet", enabled=False, tags={_MAKER: _REHEARSAL})
        except Refused as refusal:
            if not refusal.deleted or not self._recovered(owner):
                raise
            self._touched()
            return (f"{self._place.address} had been deleted, and was recovered",)
        return ()

    def read(self) -> Stored | None:
        """What readers of the newest version get, and whose it is; None when there is none.

        A newest version that is disabled keeps its value from everybody: what is stored then has no value, although an older
        version may have one, since no reader would get that.
        """
        try:
            held = self._ask("get", lambda client: client.get_secret(self._place.name))
        except Refused as refusal:
            if refusal.status == 404:
                return None
            if refusal.inner == "SecretDisabled":
                return self._disabled()
            if refusal.status == 403:
                raise Unreadable(str(refusal), hint=refusal.hint) from None
            raise
        return None if _is_rehearsal(held.properties) else _stored(held)

    def write(self, entry: Entry) -> None:
        """Make a version with this value; what was there stays, as an older version.

        Raises Unconfirmed where the vault may have made it all the same: an answer was lost, or told of a failure inside.
        """
        owner = Belongs(tenant_id=entry.tenant_id, client_id=entry.client_id)
        latest = None if self._replace else self._latest()
        if latest is not None:
            self._refuse_others(latest, owner)
        tags = {
            **_others_tags(latest),
            _TENANT: entry.tenant_id,
            _CLIENT: entry.client_id,
            _KEY: entry.key_id,
            _MAKER: _US,
        }
        unclear: Refused | None = None
        try:
            self._set(
                entry.secret.reveal(),
                tags=tags,
                content_type=_PEM if isinstance(entry.secret, PrivateKey) else _TEXT,
                expires_on=entry.expires,
            )
        except Refused as refusal:
            if not refusal.unclear:
                raise
            unclear = refusal
        if unclear:  # outside of `except`: the frames behind the refusal hold the value
            raise Unconfirmed(str(unclear), hint=unclear.hint)

    def remove(self, app_id: str) -> bool:
        """Delete the secret, with all its versions, if the newest is this application's.

        Where the vault keeps deleted secrets, as all new ones do, it can be recovered; until then its name is taken. Its
        versions are disabled first, so that what no longer works does not come back with it.
        """
        latest = self._latest()
        if latest is None or not _same(_tags(latest).get(_CLIENT), app_id):
            return False
        with suppress(Refused):  # it is the deletion that counts
            for each in self._versions():
                if each.enabled:
                    self._disable(each.version)
        self._ask("delete", lambda client: client.begin_delete_secret(self._place.name))
        return True

    def retire(self, key_id: str) -> None:
        """Disable the versions with the value of this credential; never the newest, which readers use."""
        old = [each for each in self._versions() if _same(_tags(each).get(_KEY), key_id)]
        enabled = [each.version for each in old if each.enabled]
        latest = self._latest() if enabled else None
        for version in enabled:
            if latest is not None and version != latest.version:
                self._disable(version)

    def _latest(self) -> SecretProperties | None:
        """What is said about the newest version: by reading it, else by the right to set."""
        try:
            return self._ask("get", lambda client: client.get_secret(self._place.name)).properties
        except Refused as refusal:
            if refusal.status == 404:
                return None
            if refusal.status != 403:
                raise
        return self._touched()

    def _touched(self, *, enabled: bool | None = None) -> SecretProperties | None:
        """The properties of the newest version, changed into what they are."""
        try:
            return self._ask(
                "set",
                lambda client: client.update_secret_properties(self._place.name, enabled=enabled),
            )
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def _recovered(self, owner: Belongs) -> bool:
        """Bring back what was deleted, if it is the owner's; false where it is not, or may not be brought back."""
        name = self._place.name
        try:
            gone = self._ask("get", lambda client: client.get_deleted_secret(name)).properties
            if not self._may_supersede(gone, owner):
                return False
            self._ask(
                "recover",
                lambda client: client.begin_recover_deleted_secret(name).wait(self._patience),
            )
        except Refused:
            return False
        return True

    def _disabled(self) -> Stored | None:
        """Whose the newest version is, which is disabled."""
        try:
            versions = self._versions()
        except Refused as refusal:
            raise Unreadable(
                f"The newest version of {self._place.address} is disabled",
                hint="Enable it, or issue a new credential with `provision rotate --now`.",
            ) from refusal
        newest = max(versions, key=lambda each: (each.created_on is not None, each.created_on))
        if _is_rehearsal(newest):
            return None
        tags = _tags(newest)
        return Stored(
            tenant_id=tags.get(_TENANT),
            client_id=tags.get(_CLIENT),
            secret=None,
            key_id=None,
            expires=None,
        )

    def _versions(self) -> list[SecretProperties]:
        return self._ask(
            "list",
            lambda client: list(client.list_properties_of_secret_versions(self._place.name)),
        )

    def _disable(self, version: str | None) -> None:
        name = self._place.name
        self._ask(
            "set", lambda client: client.update_secret_properties(name, version, enabled=False)
        )

    def _set(self, value: str, **said: object) -> None:
        name = self._place.name
        self._ask("set", lambda client: client.set_secret(name, value, **said))  # type: ignore[arg-type]

    def _refuse_others(self, latest: SecretProperties, owner: Belongs) -> None:
        """A value that may be somebody else's is never superseded unless that was asked for."""
        if not self._may_supersede(latest, owner):
            raise StoreError(
                f"{self._place.address} holds a value of {_whose(_tags(latest))}: it was not touched",
                hint="Give this credential another secret name or vault in the manifest, "
                "or write over that value with --replace-store.",
            )

    def _may_supersede(self, latest: SecretProperties, owner: Belongs) -> bool:
        if self._replace or _is_rehearsal(latest):
            return True
        tags = _tags(latest)
        return _same(tags.get(_CLIENT), owner.client_id) and _same(
            tags.get(_TENANT), owner.tenant_id
        )

    def _ask(self, right: str, act: Callable[[SecretClient], T]) -> T:
        """Let the client do it; a vault that is busy is asked again for a while."""
        from azure.core.exceptions import AzureError

        waited, pauses, unclear = 0.0, backoff(longest=4.0), False
        with self._client() as client:
            while True:
                try:
                    return act(client)
                except (AzureError, ValueError) as error:
                    refusal = vaulterrors.explained(error, self._place, right)
                # Outside of `except`: the client's error holds the request, and that the value.
                unclear = refusal.unclear = unclear or refusal.unclear
                pause = max(next(pauses), refusal.retry_after)
                if not refusal.passes or waited + pause > self._patience:
                    raise refusal
                self._sleep(pause)
                waited += pause

    @contextmanager
    def _client(self) -> Iterator[SecretClient]:
        try:
            from azure.keyvault.secrets import SecretClient
        except ImportError as missing:
            raise StoreError(
                "Key Vault stores need an extra",
                hint="pip install 'entra-provision[keyvault]'",
            ) from missing
        trusted = {"connection_verify": str(self._ca_bundle)} if self._ca_bundle else {}
        with SecretClient(
            self._url,
            self._credential,
            api_version=_API,
            verify_challenge_resource=self._checks_resource,
            retry_total=0,  # it would sleep as long as the vault says, an hour if need be
            connection_timeout=10,
            read_timeout=30,
            **trusted,
        ) as client:
            yield client


def _tags(properties: SecretProperties) -> Mapping[str, str]:
    return properties.tags or {}


def _is_rehearsal(properties: SecretProperties) -> bool:
    return _tags(properties).get(_MAKER) == _REHEARSAL


def _others_tags(latest: SecretProperties | None) -> dict[str, str]:
    """What people wrote on the version before: it is true of the next one, as far as there is room."""
    kept = [] if latest is None else sorted(_tags(latest).items())
    others = [(name, text) for name, text in kept if name not in _OURS]
    return dict(others[: _MOST_TAGS - len(_OURS)])


def _stored(held: KeyVaultSecret) -> Stored:
    tags, value = _tags(held.properties), held.value
    kind = PrivateKey if held.properties.content_type == _PEM else Secret
    return Stored(
        tenant_id=tags.get(_TENANT),
        client_id=tags.get(_CLIENT),
        secret=kind(value) if value else None,
        key_id=tags.get(_KEY),
        expires=held.properties.expires_on,
    )


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.casefold() == other.casefold()


def _whose(tags: Mapping[str, str]) -> str:
    client_id, tenant_id = tags.get(_CLIENT), tags.get(_TENANT)
    if client_id is None:
        return f"tenant {tenant_id}" if tenant_id else "an application that it does not name"
    return f"application {client_id}{f' of tenant {tenant_id}' if tenant_id else ''}"
