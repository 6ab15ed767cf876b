"""The ways in which Key Vault says no: https://learn.microsoft.com/azure/key-vault/general/rest-error-codes"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from provision.sandbox.call import Caller
from provision.sandbox.faults import Fault

_HELP = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
# What the service calls each right of its access policies among the data actions of its roles.
_ACTIONS = MappingProxyType(
    {
        "get": "secrets/getSecret/action",
        "set": "secrets/setSecret/action",
        "list": "secrets/readMetadata/action",
        "delete": "secrets/delete",
        "recover": "secrets/recover/action",
        "purge": "secrets/purge/action",
    }
)
_USUAL_WORDS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        403: ("Forbidden", "Caller is not authorized to perform action on resource."),
        409: ("Conflict", "The secret is being changed."),
        404: ("SecretNotFound", "The secret was not found in this key vault."),
        429: (
            "Throttled",
            "Request was not processed because too many requests were received."
            " Reason: VaultRequestTypeLimitReached",
        ),
        503: ("ServiceUnavailable", "The service is temporarily unavailable. Try again later."),
    }
)


_FINER = MappingProxyType({403: "ForbiddenByRbac", 409: "ObjectIsBeingDeleted"})


class VaultRefusal(Exception):
    """Key Vault says no; `inner` is the finer code that some refusals have."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The error envelope of Key Vault."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        return {"error": error | ({"innererror": {"code": self.inner}} if self.inner else {})}


def unauthorized(message: str, *, login: str, resource: str) -> VaultRefusal:
    """The challenge: where to sign in, and what the token must be for.

    https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
    """
    challenge = f'Bearer authorization="{login}", resource="{resource}"'
    return VaultRefusal(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})


def forbidden(caller: Caller, right: str, vault: str, name: str) -> VaultRefusal:
    """https://learn.microsoft.com/azure/key-vault/general/rbac-guide"""
    place = f"/subscriptions/{caller.tenant_id}/resourcegroups/sandbox/providers"
    secret = f"/secrets/{name}" if name else ""
    lines = (
        "Caller is not authorized to perform action on resource.",
        "If role assignments, deny assignments or role definitions were changed recently, please"
        " observe propagation time.",
        f"Caller: appid={caller.app_id};oid={caller.object_id};"
        f"iss=https://sts.windows.net/{caller.tenant_id}/",
        f"Action: 'Microsoft.KeyVault/vaults/{_ACTIONS[right]}'",
        f"Resource: '{place}/microsoft.keyvault/vaults/{vault}{secret}'",
        "Assignment: (not found)",
        "DenyAssignmentId: null",
        "DecisionReason: null ",
        f"Vault: {vault};location=sandbox",
        "",
    )
    return VaultRefusal(403, "Forbidden", "\r\n".join(lines), inner="ForbiddenByRbac")


def not_found(name: str, version: str = "") -> VaultRefusal:
    """There is no such secret, or it is in the bin."""
    what = f"{name}/{version}" if version else name
    return VaultRefusal(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {what} was not found in this key vault. If you recently deleted"
        f" this secret you may be able to recover it using the correct recovery command. {_HELP}",
    )


def deleted_not_found(name: str) -> VaultRefusal:
    """There is no such secret in the bin."""
    return VaultRefusal(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def disabled() -> VaultRefusal:
    """A version that somebody switched off is not given out."""
    return VaultRefusal(
        403,
        "Forbidden",
        "Operation get is not allowed on a disabled secret.",
        inner="SecretDisabled",
    )


def in_the_bin(name: str) -> VaultRefusal:
    """The name of a deleted secret is taken until it is purged."""
    return VaultRefusal(
        409,
        "Conflict",
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be"
        " reused; in this state, the secret can only be recovered or purged.",
        inner="ObjectIsDeletedButRecoverable",
    )


def bad(message: str) -> VaultRefusal:
    """The request cannot be understood."""
    return VaultRefusal(400, "BadParameter", message)


def of_fault(fault: Fault) -> VaultRefusal:
    """What a request hears that this rule answers; the code of a 403 or 409 is the finer one."""
    status = 404 if fault.do == "lag404" else fault.status
    code, message = _USUAL_WORDS.get(status, ("InternalServerError", "Internal error."))
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if status in _FINER:
        inner = fault.code or _FINER[status]
        return VaultRefusal(status, code, fault.message or message, inner=inner, headers=headers)
    return VaultRefusal(status, fault.code or code, fault.message or message, headers=headers)
