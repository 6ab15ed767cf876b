"""Reads a token's payload: who it is for, whose it is, and what it may do."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from auth.errors import AuthError


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says about itself; empty strings where it says nothing."""

    aud: str
    tid: str
    app_id: str
    object_id: str
    roles: frozenset[str]
    scopes: frozenset[str]
    wids: frozenset[str]
    expires: datetime
    version: str
    raw: Mapping[str, Any]


def read(token: str) -> Claims:
    """What the token says, without verifying it: nobody but Graph can verify Graph's tokens.

    They carry a nonce in the header that Graph replaces before it checks the signature, so the
    proof of a token is the service that takes it. Never decide whom to trust by this.
    https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
    """
    payload = _payload(token)
    return Claims(
        aud=_text(payload, "aud"),
        tid=_text(payload, "tid"),
        app_id=_text(payload, "appid") or _text(payload, "azp"),
        object_id=_text(payload, "oid"),
        roles=_names(payload, "roles"),
        scopes=frozenset(_text(payload, "scp").split()),
        wids=_names(payload, "wids"),
        expires=_moment(payload),
        version=_text(payload, "ver"),
        raw=MappingProxyType(payload),
    )


def payload(token: str) -> Mapping[str, Any]:
    """All claims of a token of whatever issuer, without verifying it."""
    return MappingProxyType(_payload(token))


def _payload(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise _unreadable("it has no three parts")
    try:
        # validate: by default base64 drops foreign characters and reads what is left.
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        payload = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        raise _unreadable("its payload is not encoded JSON") from None
    if not isinstance(payload, dict):
        raise _unreadable("its payload is not a JSON object")
    return payload


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name, "")
    if not isinstance(value, str):
        raise _unreadable(f'its claim "{name}" is not a text')
    return value


def _names(payload: Mapping[str, Any], name: str) -> frozenset[str]:
    value = payload.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _unreadable(f'its claim "{name}" is not a list of texts')
    return frozenset(value)


def _moment(payload: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(float(payload["exp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise _unreadable("it does not say when it expires") from None


def _unreadable(why: str) -> AuthError:
    return AuthError(
        f"The token cannot be read: {why}",
        hint="Expected an access token of Microsoft Entra ID. Was it cut, or is it another kind?",
    )
