"""Where the vaults' secrets are kept: files for their owner's eyes alone, one for each secret.

A vault must give a value back, so no hash will do; and the tenant's database never holds a value. So each secret, with its
versions, is one file in the folder `vault/` beside the database, and a reset throws it away.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provision.sandbox.authority import write_private

FOLDER = "vault"
_OWNER_ONLY = 0o700
_ACCESS = "access.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One value of a secret, with what is said about it; times are whole seconds, as the service tells them."""

    id: str
    value: str = field(repr=False)
    created: int
    updated: int
    enabled: bool = True
    content_type: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    not_before: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A secret: its versions, oldest first, and when it was deleted, if it was."""

    name: str
    versions: tuple[Version, ...]
    deleted: int | None = None
    purged: int | None = None

    @property
    def latest(self) -> Version:
        """The version that is meant where none is named."""
        return self.versions[-1]


class Cabinet:
    """The secrets of all vaults of a sandbox, by tenant, vault and name; names differ by more than case."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def get(self, tenant: str, vault: str, name: str) -> Kept | None:
        """A secret, deleted or not."""
        content = _read(self._file(tenant, vault, name))
        if content is None:
            return None
        versions = tuple(Version(**each) for each in content.pop("versions"))
        return Kept(versions=versions, **content)

    def put(self, tenant: str, vault: str, kept: Kept) -> None:
        """Keep a secret, in one step."""
        file = self._file(tenant, vault, kept.name)
        for folder in (self._folder, file.parent.parent, file.parent):
            folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)
        content = {slot: getattr(kept, slot) for slot in ("name", "deleted", "purged")}
        versions = [{slot: getattr(v, slot) for slot in Version.__slots__} for v in kept.versions]
        write_private(file, json.dumps({**content, "versions": versions}).encode())

    def drop(self, tenant: str, vault: str, name: str) -> None:
        """Forget a secret for good."""
        self._file(tenant, vault, name).unlink(missing_ok=True)

    def names(self, tenant: str, vault: str) -> Iterator[str]:
        """The names of the secrets of a vault, deleted ones included, in order."""
        return iter(sorted(file.stem for file in (self._folder / tenant / vault).glob("*.json")))

    def owners(self, vault: str) -> list[str]:
        """The tenants that have put something into a vault of this name."""
        return [folder.parent.name for folder in self._folder.glob(f"*/{vault}")]

    def access(self) -> list[dict[str, Any]]:
        """Who may do what, as it was granted."""
        return list((_read(self._folder / _ACCESS) or {}).get("granted", []))

    def keep_access(self, granted: list[dict[str, Any]]) -> None:
        """Remember who may do what."""
        self._folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)
        write_private(self._folder / _ACCESS, json.dumps({"granted": granted}).encode())

    def forget_all_but(self, tenants: Collection[str]) -> None:
        """Throw away what belongs to tenants that are no more."""
        if not self._folder.is_dir():
            return
        for entry in self._folder.iterdir():
            if entry.is_dir() and entry.name not in tenants:
                shutil.rmtree(entry)
        left = [each for each in self.access() if each["tenant"] in tenants]
        if left != self.access():
            self.keep_access(left)

    def _file(self, tenant: str, vault: str, name: str) -> Path:
        return self._folder / tenant / vault / f"{name.lower()}.json"


def _read(file: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content
