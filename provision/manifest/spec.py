"""What a manifest says, as data: every mark points back to the line that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from provision.model import Call, StorePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in a manifest; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSpec:
    """One application permission by name, as asked of one resource."""

    resource: str
    value: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """A client secret that the workload signs in with; overlap < renew_before < lifetime."""

    name: str
    lifetime: timedelta
    renew_before: timedelta
    overlap: timedelta
    store: StorePlace
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSpec:
    """One application; `properties` has Graph's names and only what the manifest mentions."""

    key: str
    properties: Mapping[str, Any]
    tags: frozenset[str]
    permissions: tuple[PermissionSpec, ...]
    grant: bool
    secrets: tuple[SecretSpec, ...]
    calls: tuple[Call, ...]
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that was read without a mistake, variables filled in.

    `owner` is the name that marks what is made, `file` the path as the user wrote it, `folder` the
    absolute folder that relative paths start from. `partial` when --target chose some applications only:
    then nothing is concluded from the absence of the others.
    """

    file: str
    folder: Path
    name: str
    owner: str
    tenant: str | None
    cloud: str | None
    applications: tuple[ApplicationSpec, ...]
    warnings: tuple[str, ...] = ()
    partial: bool = False
