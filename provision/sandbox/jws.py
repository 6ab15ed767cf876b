"""Signed tokens of others: taken apart, their signatures and times checked."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.tenant import Tenant, format_time

_SKEW = timedelta(minutes=5)
_END_OF_TIME = 253402300800


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A token taken apart; nothing in it is believed yet."""

    text: str = field(repr=False)
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def claim(self, name: str) -> str:
        """A claim that is text, empty where it is missing."""
        value = self.claims.get(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return value if isinstance(value, str) else ""


def parsed(text: str) -> Assertion:
    """The parts of an assertion, if it has the form of one."""
    parts = text.split(".")
    header, claims = (_object(part) for part in [*parts, "", ""][:2])
    if len(parts) != 3 or not header or not claims:
        raise malformed()
    return Assertion(text=text, header=header, claims=claims)


def verified(assertion: Assertion, key: Any, algorithms: tuple[str, ...]) -> bool:
    """Whether this key signed it."""
    import jwt

    try:
        jwt.PyJWS().decode(assertion.text, key, algorithms=list(algorithms))
    except jwt.InvalidSignatureError:
        return False
    except (jwt.InvalidTokenError, TypeError, ValueError) as unreadable:
        raise malformed() from unreadable
    return True


def check_times(assertion: Assertion, tenant: Tenant) -> None:
    """Assertions are made by other machines' clocks, which `sandbox advance` cannot move."""
    start = _moment(assertion.claims.get("nbf", assertion.claims.get("iat", 0)))
    end = _moment(assertion.claims.get("exp"))
    moments = (tenant.clock.now(), datetime.now(UTC))
    if any(start - _SKEW <= now < end for now in moments):
        return
    raise invalid_client(
        700024,
        "Client assertion is not within its valid time range. Current time:"
        f" {format_time(moments[0])}, assertion valid from {format_time(start)}, expiry time of"
        f" assertion {format_time(end)}. Review the documentation at https://docs.microsoft.com"
        "/azure/active-directory/develop/active-directory-certificate-credentials .",
    )


def malformed() -> TokenRefusal:
    """It is no JWT, or not one that this service can read."""
    return TokenRefusal(400, "invalid_request", 50027, "JWT token is invalid or malformed.")


def invalid_client(aadsts: int, text: str) -> TokenRefusal:
    """The client is not who it says it is."""
    return TokenRefusal(401, "invalid_client", aadsts, text)


def from_base64(text: str) -> bytes:
    """base64url; some clients pad it, though a JWT is not padded."""
    bare = text.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)


def _object(part: str) -> dict[str, Any]:
    try:
        content = json.loads(from_base64(part))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _moment(seconds: Any) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise malformed()
    if not math.isfinite(seconds) or not 0 <= seconds < _END_OF_TIME:
        raise malformed()
    return datetime.fromtimestamp(seconds, UTC)
