"""Microsoft Graph's permissions as shipped: look one up, or find the name that was meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["application", "delegated"]

_KINDS: dict[str, Kind] = {"Role": "application", "Scope": "delegated"}
_CLOSE_ENOUGH = 0.8
_LONGEST_NAME = 120
"""Graph's own limit for a permission's name; nothing longer can be a misspelling of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A permission of Microsoft Graph; `admin` says that only an administrator may consent."""

    id: str
    value: str
    kind: Kind
    display_name: str
    description: str
    admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All permissions by name; the same name may exist in both kinds."""

    application: Mapping[str, Permission]
    delegated: Mapping[str, Permission]


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The shipped catalogue; it ages, so the tenant's own resource has the last word."""
    source = resources.files("provision") / "data" / "graph-permissions.json"
    entries = json.loads(source.read_text(encoding="utf-8"))["permissions"]
    found = [_permission(entry) for entry in entries]
    return Catalogue(
        application=_by_value(found, "application"), delegated=_by_value(found, "delegated")
    )


def find(value: str, *, kind: Kind = "application") -> Permission | None:
    """The permission of exactly that name."""
    known = catalogue()
    return (known.application if kind == "application" else known.delegated).get(value)


def suggest(value: str) -> str | None:
    """The application permission that was probably meant by a name that is none."""
    if len(value) > _LONGEST_NAME:
        return None
    spelled = _by_bare_name()
    if exact := spelled.get(_bare(value)):
        return exact
    if find(value, kind="delegated") and (wider := spelled.get(_bare(value + ".All"))):
        return wider
    close = difflib.get_close_matches(_bare(value), spelled, n=1, cutoff=_CLOSE_ENOUGH)
    return spelled[close[0]] if close else None


@lru_cache(maxsize=1)
def _by_bare_name() -> dict[str, str]:
    return {_bare(value): value for value in catalogue().application}


def _bare(value: str) -> str:
    """What is left when spelling does not count: case, dots, dashes and spaces."""
    return "".join(character for character in value.lower() if character.isalnum())


def _by_value(permissions: list[Permission], kind: Kind) -> Mapping[str, Permission]:
    return MappingProxyType({each.value: each for each in permissions if each.kind == kind})


def _permission(entry: dict[str, Any]) -> Permission:
    return Permission(
        id=entry["id"],
        value=entry["value"],
        kind=_KINDS[entry["type"]],
        display_name=entry["displayName"],
        description=entry["description"],
        admin=entry["adminConsentRequired"],
    )
