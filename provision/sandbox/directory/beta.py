"""Where /beta spells the model differently from /v1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LIST = "preAuthorizedApplications"
_V1, _BETA = "delegatedPermissionIds", "permissionIds"


def as_v1(body: Mapping[str, Any], version: str) -> dict[str, Any]:
    """An application as /beta sends it, in the words of /v1.0."""
    return _renamed(body, _BETA, _V1) if version == "beta" else dict(body)


def as_shown(body: Mapping[str, Any], version: str) -> dict[str, Any]:
    """An application in the words of the version that asked."""
    return _renamed(body, _V1, _BETA) if version == "beta" else dict(body)


def _renamed(body: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    api = body.get("api")
    entries = api.get(_LIST) if isinstance(api, dict) else None
    if not isinstance(api, dict) or not isinstance(entries, list):
        return dict(body)
    renamed = [
        {new if name == old else name: value for name, value in entry.items()}
        if isinstance(entry, dict)
        else entry
        for entry in entries
    ]
    return {**body, "api": {**api, _LIST: renamed}}
