"""Tokens of a principal that was disabled or deleted meanwhile: https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation-workload"""

from __future__ import annotations

import base64
import json
from datetime import datetime

from provision.sandbox.call import Caller
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import Tenant

_REVOKED = (
    "Continuous access evaluation resulted in challenge with result: InteractionRequired and code:"
    " TokenIssuedBeforeRevocationTimestamp"
)


def check_alive(caller: Caller, tenant: Tenant) -> None:
    """Refuse the token of an application that has ended, once the replica has heard of it."""
    if caller.is_user:
        return
    if tenant.has("servicePrincipals", caller.object_id, without='"accountEnabled":false'):
        return
    known = tenant.get("servicePrincipals", caller.object_id, tenant.seen("token_roles"))
    if known is None or not _is_alive(known):
        raise Refusal(401, "InvalidAuthenticationToken", _REVOKED)


def challenge(refusal: Refusal, now: datetime) -> str:
    """What a client that knows continuous access evaluation sends along for its next token."""
    if refusal.message != _REVOKED:
        return ""
    claims = {"access_token": {"nbf": {"essential": True, "value": str(int(now.timestamp()))}}}
    encoded = base64.b64encode(json.dumps(claims).encode()).decode()
    return f', error="insufficient_claims", claims="{encoded}"'


def _is_alive(principal: dict[str, object]) -> bool:
    return principal.get("deletedDateTime") is None and principal.get("accountEnabled") is not False
