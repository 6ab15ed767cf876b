"""From a refusal of Microsoft Graph to our own failure: in words, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import (
    Conflict,
    Forbidden,
    GraphError,
    NotFound,
    NotYetVisible,
    Throttled,
    Unreachable,
)
from provision.graph.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A refusal that means something else: status, and what code, details or message contain.

    `repeated` limits it to answers after a lost one: then the first attempt had succeeded.
    """

    status: int
    says: str = ""
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a kind of request needs, and which of its refusals mean something of their own.

    `done`: it is so already. `not_yet`: the directory has not caught up. `taken`: a name is in use.
    `hints`: what to do about other refusals, or about a name in use.
    """

    needs: str
    done: tuple[Sign, ...] = ()
    not_yet: tuple[Sign, ...] = ()
    taken: tuple[Sign, ...] = ()
    hints: tuple[tuple[Sign, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an answer gives as its reasons."""

    code: str
    message: str
    details: tuple[str, ...]

    def contains(self, words: str) -> bool:
        """Whether code, message or a detail says so, in whatever case."""
        wanted = words.casefold()
        return any(wanted in text.casefold() for text in (self.code, self.message, *self.details))


ALWAYS_NOT_YET = (
    Sign(status=409, says="Directory_ConcurrencyViolation"),
    Sign(status=409, says="Error_MsaAppDoesNotExist"),
)
"""Refusals that mean "not yet" whatever was asked."""

LAG = "The directory replicates: this usually passes within a minute. Run the same command again."

GONE = "Somebody may have deleted it meanwhile: run the same command again."
UNFORESEEN = (
    "Correct in the manifest what Graph objects to. If that is not it, report it with the request id "
    "and what --debug shows."
)

TAKEN = (
    "A deleted application keeps its name until it is purged: restore it, purge it, or choose "
    "another name. An application made a moment ago shows up within a minute."
)

EXEMPT = (
    "have a Cloud Application Administrator exempt the application: Entra admin center > "
    "Enterprise apps > Application policies"
)
POLICIES: Mapping[str, tuple[str, str]] = {
    "CredentialInvalidLifetimeAsPerAppPolicy": (
        "the tenant's app management policy does not let a credential live that long",
        "Lower its `lifetime` in the manifest to what the policy allows (to whoever holds "
        f"Policy.Read.All, `plan` says how long that is), or {EXEMPT}.",
    ),
    "CredentialTypeNotAllowedAsPerAppPolicy": (
        "the tenant's app management policy forbids new client secrets",
        f"Use a certificate or a federated credential in its place, or {EXEMPT}.",
    ),
}
"""What the tenant's app management policy forbids, and the ways out, by Graph's code.

https://learn.microsoft.com/entra/identity/enterprise-apps/configure-app-management-policies
"""

HINTS: Mapping[str, str] = {
    "Directory_QuotaExceeded": "The tenant, or whoever signed in, owns as many objects as it "
    "may: purge deleted applications or ask an administrator to raise the quota.",
    "Directory_ResourceSizeExceeded": "The application holds too many credentials or permissions: "
    "remove some that are no longer used.",
}
"""What to do about refusals that have a reason of their own, by Graph's code."""


def said(reply: Reply) -> Said:
    """The reasons in an error body, in any of the shapes that it comes in."""
    error = (reply.body or {}).get("error")
    if not isinstance(error, dict):
        return Said(code=error if isinstance(error, str) else "", message="", details=())
    details = error.get("details")
    listed = details if isinstance(details, list) else [details]
    return Said(
        code=_text(error.get("code")),
        message=_text(error.get("message")),
        details=tuple(
            _text(detail.get(key))
            for detail in listed
            if isinstance(detail, dict)
            for key in ("code", "message")
        ),
    )


def failure(reply: Reply, *, action: str, operation: Operation) -> GraphError:
    """The failure that a refusal is, in our words; Graph's own are its `code` and `detail`."""
    told = said(reply)
    kind, message, hint = _verdict(reply, told, action=action, operation=operation)
    return kind(
        message,
        hint=hint,
        status=reply.status,
        code=told.code,
        request_id=reply.request_id,
        detail=told.message,
    )


def is_done(reply: Reply, operation: Operation) -> bool:
    """Whether a refusal only says that what was asked for is so already."""
    return _shows(reply, operation.done)


def is_not_yet(reply: Reply, operation: Operation) -> bool:
    """Whether a refusal only says that the directory has not caught up."""
    return _shows(reply, (*operation.not_yet, *ALWAYS_NOT_YET))


def _shows(reply: Reply, signs: tuple[Sign, ...]) -> bool:
    told = said(reply)
    return any(
        reply.status == sign.status
        and told.contains(sign.says)
        and (reply.attempts > 1 or not sign.repeated)
        for sign in signs
    )


def _verdict(
    reply: Reply, told: Said, *, action: str, operation: Operation
) -> tuple[type[GraphError], str, str]:
    refused = f"Microsoft Graph refused to {action}"
    if is_not_yet(reply, operation):
        return NotYetVisible, f"The directory is not ready to {action}", _lag_hint(reply, operation)
    own = next((hint for sign, hint in operation.hints if _shows(reply, (sign,))), "")
    if _shows(reply, operation.taken):
        return Conflict, f"{refused}{_because(told)}", own or TAKEN
    if own:
        return GraphError, f"{refused}{_because(told)}", own
    if told.code in POLICIES:
        reason, way_out = POLICIES[told.code]
        return GraphError, f"{refused}: {reason}", way_out
    if told.code in HINTS:
        return GraphError, refused, HINTS[told.code]
    match reply.status:
        case 401:
            return Forbidden, f"{refused}: it does not accept the sign-in", "Sign in again."
        case 403:
            return Forbidden, refused, _permission_hint(operation)
        case 404:
            return NotFound, f"Microsoft Graph could not {action}: it is not there", GONE
        case 409:
            return Conflict, refused, "Somebody else holds the name, or writes at the same time."
        case 429:
            hint = "Wait a few minutes, or lower --parallelism."
            return Throttled, f"Microsoft Graph is too busy to {action}", hint
        case status if status >= 500:
            hint = "That is the service's failure: run the same command again."
            return GraphError, f"Microsoft Graph failed to {action} (HTTP {status})", hint
    if 300 <= reply.status < 400:
        hint = "Check the cloud's Graph address: the answer points to another one."
        return GraphError, f"Microsoft Graph did not {action} (HTTP {reply.status})", hint
    return GraphError, f"{refused}{_because(told)}", UNFORESEEN


def unreachable(action: str, *, reason: str, request_id: str = "") -> Unreachable:
    """The failure of a request that found nobody to answer it."""
    return Unreachable(
        f"Microsoft Graph could not be reached to {action}: {reason}",
        hint="Check the network, the proxy and the cloud's Graph address; "
        "behind a private certificate authority name it with --ca-bundle.",
        request_id=request_id,
    )


def unreadable(reply: Reply, action: str) -> GraphError:
    """The failure of an answer that claims success in words that are not Graph's."""
    kind = reply.headers.get("content-type") or "without a content type"
    return GraphError(
        f"The answer to the request to {action} was not Microsoft Graph's ({kind})",
        hint="A proxy or a sign-in page of the network may stand in between: check with a browser.",
        status=reply.status,
        request_id=reply.request_id,
    )


def _permission_hint(operation: Operation) -> str:
    return f"Sign in as someone who holds {operation.needs}, or ask an administrator to grant it."


def _lag_hint(reply: Reply, operation: Operation) -> str:
    if reply.status != 403:
        return LAG
    return f"{LAG} If it stays, the permission is missing: {operation.needs}."


def _because(told: Said) -> str:
    return f": {told.message.rstrip('.')}" if told.message else ""


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    return value if isinstance(value, str) else ""
