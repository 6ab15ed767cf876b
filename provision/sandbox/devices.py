"""Device codes: asked for by a client that has no browser, approved by a person elsewhere."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.store import Store
from provision.sandbox.tenant import Seen, Tenant

LIFE = timedelta(minutes=15)
_INTERVAL = 5
_CODE = 9
_SETTING = "device_codes"


def begin(store: Store, tenant: Tenant, app_id: str, scope: str, *, base: str) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"""
    user_code = tenant.new_guid().replace("-", "")[:_CODE].upper()
    device_code = f"{user_code}{tenant.new_secret_text()}"
    page = f"{base}/common/oauth2/deviceauth"
    waiting = {
        "client": app_id,
        "expires": (tenant.clock.now() + LIFE).timestamp(),
        "hash": tenant.hash_secret(device_code),
        "polls": 0,
        "scope": scope,
        "tenant": tenant.id,
        "user": None,
    }
    with store.writing():
        now = tenant.clock.now().timestamp()
        kept = {code: each for code, each in _waiting(store).items() if each["expires"] > now}
        _keep(store, {**kept, user_code: waiting})
    return {
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": page,
        "expires_in": int(LIFE.total_seconds()),
        "interval": max(1, round(_INTERVAL / store.lag.scale)),
        "message": "To sign in, use a web browser to open the page"
        f" {page} and enter the code {user_code} to authenticate. (This is a sandbox: run"
        f" `provision sandbox operator approve {user_code}` instead.)",
    }


def approve(store: Store, user_code: str, name: str | None = None) -> str:
    """Sign a person in at a waiting client; without a name, the person added last.

    The answer is the user principal name.
    """
    with store.writing():
        waiting = _waiting(store)
        entry = waiting.get(user_code.upper())
        if entry is None:
            raise ValueError(f"no client waits for the code {user_code}")
        tenant = store.tenant_known_as(entry["tenant"])
        user = None if tenant is None else _person(store, tenant, name)
        if user is None:
            raise ValueError(
                f"there is no person {name} in this tenant" if name else "nobody was added yet"
            )
        entry["user"] = user["id"]
        _keep(store, waiting)
        return str(user["userPrincipalName"])


def signed_in(store: Store, tenant: Tenant, app_id: str, device_code: str) -> tuple[str, str]:
    """Whom a device code speaks for, and the scope that was asked; refused until approved."""
    user_code = device_code[:_CODE]
    with store.writing():
        waiting = _waiting(store)
        entry = waiting.get(user_code)
        if entry is None or not tenant.check_secret(device_code, entry["hash"]):
            raise _refused("invalid_grant", 70018, "Invalid verification code.")
        if entry["client"] != app_id or entry["tenant"] != tenant.id:
            raise _refused("invalid_grant", 70018, "Invalid verification code.")
        if entry["expires"] <= tenant.clock.now().timestamp():
            raise _refused("expired_token", 70019, "Verification code expired.")
        entry["polls"] += 1
        if entry["user"] is None and entry["polls"] > 1:
            # Whoever runs a sandbox has nobody else to ask: the person added last says yes.
            entry["user"] = (_person(store, tenant, None) or {}).get("id")
        if entry["user"] is not None:
            del waiting[user_code]
        _keep(store, waiting)
    if entry["user"] is None:
        raise Pending
    return str(entry["user"]), str(entry["scope"])


class Pending(TokenRefusal):
    """Nobody has approved the code yet."""

    def __init__(self) -> None:
        super().__init__(
            400,
            "authorization_pending",
            70016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )


def remember_person(store: Store, tenant: Tenant, user_id: str) -> None:
    """Who approves where nobody is named."""
    store.keep_setting(f"person/{tenant.id}", user_id)


def _person(store: Store, tenant: Tenant, name: str | None) -> dict[str, Any] | None:
    if name is None:
        last = store.setting(f"person/{tenant.id}")
        return tenant.get("users", str(last), Seen.truth()) if last else None
    return tenant.find("users", "userPrincipalName", name, Seen.truth())


def _waiting(store: Store) -> dict[str, dict[str, Any]]:
    text = store.setting(_SETTING)
    content: dict[str, dict[str, Any]] = json.loads(str(text)) if text else {}
    return content


def _keep(store: Store, waiting: dict[str, dict[str, Any]]) -> None:
    store.keep_setting(_SETTING, json.dumps(waiting))


def _refused(error: str, aadsts: int, text: str) -> TokenRefusal:
    return TokenRefusal(400, error, aadsts, text)
