"""What the directory refuses to those who write too soon after a write: all of it passes by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.sandbox import edm
from provision.sandbox.call import Call
from provision.sandbox.refusal import Refusal

_GUARDED = frozenset({"applications", "servicePrincipals"})


def check_settled(call: Call, kind: edm.Kind, row: Mapping[str, Any]) -> None:
    """A second write of one object in quick succession may meet the first one."""
    if kind.collection not in _GUARDED:
        return
    if call.tenant.is_busy(kind.collection, row["id"]):
        raise Refusal(
            409,
            "Directory_ConcurrencyViolation",
            "Error due to concurrent requests being made to the tenant. Please wait briefly and"
            " retry.",
        )
    if _is_personal(row) and kind.collection == "applications":
        seen = call.tenant.seen("reference")
        known = call.tenant.get(kind.collection, row["id"], seen)
        if known is None or not _is_personal(known):
            raise Refusal(
                409,
                "Error_MsaAppDoesNotExist",
                "The corresponding MSA application does not exist.",
            )


def as_known(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    """The application as a replica knows it that has to agree to a change of its entitlements."""
    seen = call.tenant.seen("reference")
    return call.tenant.get("applications", row["id"], seen) or row


def knows_owner(call: Call, row: Mapping[str, Any]) -> bool:
    """Whether the replica that decides has heard that the caller owns this object."""
    if "id" not in row:
        return True
    seen = call.tenant.seen("reference")
    for collection in _GUARDED:
        known = call.tenant.get(collection, row["id"], seen)
        if known is not None:
            return call.caller.object_id in known.get("_owners", ())
    return True


def _is_personal(row: Mapping[str, Any]) -> bool:
    return "Personal" in str(row.get("signInAudience"))
