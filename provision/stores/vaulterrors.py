"""Why a Key Vault did not do what was asked, in words for whoever can do something about it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from provision.errors import StoreError
from provision.places import KeyVaultStore

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

_AKV = re.compile(r"AKV\d+")
_NETWORK = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection", "ForbiddenByTrustedService"})
_PASSES = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_WORD = 300
_VERBS = {"get": "read", "set": "write"}
_DELETED = ("", "ObjectIsDeletedButRecoverable")


class Refused(StoreError):
    """A vault said no, or nothing; `inner` is the service's finer code, `passes` says that it may not say so again.

    `unclear` says that it may have done all the same what was asked: no answer of its own tells that it has not.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        status: int = 0,
        inner: str = "",
        passes: bool = False,
        unclear: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.inner = inner
        self.passes = passes
        self.unclear = unclear
        self.retry_after = retry_after

    @property
    def deleted(self) -> bool:
        """Whether the name is taken by a secret that was deleted."""
        return self.status == 409 and self.inner in _DELETED


def explained(error: Exception, place: KeyVaultStore, right: str) -> Refused:
    """The client's failure in our words: of what the service says only its codes, and nothing of the request."""
    from azure.core.exceptions import AzureError, HttpResponseError, ServiceResponseError

    if isinstance(error, HttpResponseError) and error.response is not None:
        return _answered(error, place, right)
    if isinstance(error, AzureError):
        return Refused(
            f"Key Vault {place.vault} does not answer: {str(error)[:_LONGEST_WORD]}",
            hint="Check the vault's name, the cloud and the network. "
            "A deleted vault has no address either.",
            passes=isinstance(error, ServiceResponseError),
            unclear=isinstance(error, ServiceResponseError),
        )
    return _no_vault(place)


def _no_vault(place: KeyVaultStore, *, unclear: bool = False) -> Refused:
    return Refused(
        f"Key Vault {place.vault} does not answer as a vault of this cloud does",
        hint="Check the cloud, and whether a proxy answers in the vault's place.",
        unclear=unclear,
    )


def _answered(error: HttpResponseError, place: KeyVaultStore, right: str) -> Refused:
    status, said = error.status_code or 0, _said(error)
    if status < 400:
        return _no_vault(place, unclear=True)  # an answer that is no JSON
    inner = str((said.get("innererror") or {}).get("code") or "")
    code = inner or str(said.get("code") or status)
    if status == 403:
        return _forbidden(place, right, inner)
    if status == 409:
        return _conflict(place, inner)
    if status == 401:
        named = _AKV.search(str(said.get("message")))
        return Refused(
            f"Key Vault {place.vault} does not accept the operator's sign-in"
            f" ({named[0] if named else code})",
            hint="It probably belongs to another tenant: name a vault of the operator's own.",
            status=401,
        )
    if status in _PASSES:
        return Refused(
            f"Key Vault {place.vault} could not {_VERBS.get(right, right)} {place.name} just now ({code})",
            hint="Run the same command again in a minute.",
            status=status,
            passes=True,
            unclear=True,
            retry_after=_seconds(error),
        )
    return Refused(
        f"Key Vault {place.vault} refused to {_VERBS.get(right, right)} {place.name} ({code})",
        hint="Compare the names of the vault and of the secret in the manifest with those in Azure.",
        status=status,
        inner=inner,
    )


def _forbidden(place: KeyVaultStore, right: str, inner: str) -> Refused:
    if inner in _NETWORK:
        return Refused(
            f"Key Vault {place.vault} lets nobody in from this network ({inner})",
            hint="Allow this machine's address in the vault's network settings, "
            "or run this in a network that it trusts.",
            status=403,
            inner=inner,
        )
    if inner == "SecretDisabled":
        return Refused(
            f"The newest version of {place.address} is disabled",
            hint="Enable it, or issue a new credential with `provision rotate --now`.",
            status=403,
            inner=inner,
        )
    return Refused(
        f"The operator may not {right} secrets of Key Vault {place.vault}",
        hint='Give it the role "Key Vault Secrets Officer" for that vault, or the secret permissions '
        f"{_all_with(right)} in its access policies. A new role takes effect within minutes.",
        status=403,
        inner=inner,
    )


def _all_with(right: str) -> str:
    """What our stores need, the right that was missing first."""
    return ", ".join(
        [right, *(other for other in ("get", "set", "list", "delete") if other != right)]
    )


def _conflict(place: KeyVaultStore, inner: str) -> Refused:
    if inner in _DELETED:
        named = f"--vault-name {place.vault} --name {place.name}"
        return Refused(
            f"A deleted secret still occupies the name {place.address}",
            hint=f"Recover it (az keyvault secret recover {named}), purge it "
            f"(az keyvault secret purge {named}), or give this credential another name in the manifest.",
            status=409,
            inner=inner,
        )
    return Refused(
        f"{place.address} is being changed by somebody else ({inner})",
        hint="Run the same command again in a minute.",
        status=409,
        inner=inner,
        passes=True,
    )


def _said(error: HttpResponseError) -> dict[str, Any]:
    """The error in the body; whatever else answers in the service's place says nothing."""
    try:
        said = json.loads(error.response.text())["error"] if error.response else {}
    except (ValueError, KeyError, TypeError):
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(error: HttpResponseError) -> float:
    told = str(getattr(error.response, "headers", {}).get("Retry-After", ""))
    return float(told) if told.isdecimal() else 0.0
