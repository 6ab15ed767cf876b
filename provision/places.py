"""Where a value goes: the places that a manifest can name, as data. `stores/` opens them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

_PLACE = re.compile(r"\{\{([A-Za-z]+)\}\}|\{([A-Za-z]+)\}")
"""`{name}` is filled in, `{{name}}` stands for a literal `{name}`; any other brace is itself."""


def places_in(text: str) -> tuple[str, ...]:
    """The names that are filled in in a text of a command."""
    return tuple(found[2] for found in _PLACE.finditer(text) if found[2])


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its places filled in; what has no value is filled with nothing."""
    return _PLACE.sub(
        lambda found: values.get(found[2], "") if found[2] else f"{{{found[1]}}}", text
    )


def holes(text: str) -> re.Pattern[str]:
    """What a filled-in text looks like, with a group for each name: how it is read back."""
    pattern, end, seen = "", 0, set[str]()
    for found in _PLACE.finditer(text):
        pattern += re.escape(text[end : found.start()])
        name, end = found[2], found.end()
        if name is None:
            pattern += re.escape(f"{{{found[1]}}}")
        else:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
            seen.add(name)
    return re.compile(pattern + re.escape(text[end:]), re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class DotenvStore:
    """Keys with one prefix in a dotenv file; `written` is its path as the manifest has it."""

    path: Path
    prefix: str
    written: str = field(default="", compare=False)

    @property
    def address(self) -> str:
        """As a plan shows it: the same on every machine, and nobody is misled about the folder."""
        return f"{self.written or self.path.name} ({self.prefix}*)"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonStore:
    """A JSON file, or the object below one `key` of it; `written` is its path as the manifest has it."""

    path: Path
    key: str = ""
    written: str = field(default="", compare=False)

    @property
    def address(self) -> str:
        """As a plan shows it."""
        name = self.written or self.path.name
        return f"{name} ({self.key})" if self.key else name


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVaultStore:
    """A secret of Azure Key Vault, by the names of the vault and of the secret: never by an address."""

    vault: str
    name: str

    @property
    def address(self) -> str:
        """As a plan shows it."""
        return f"Key Vault {self.vault}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStore:
    """Programs that keep the value; they run in `folder`, and get what `input` says on standard input.

    `input` is `value`, `json`, `env`, or a JSON document whose texts have places to fill in: `{clientSecret}` or
    `{clientCertificate}`, `{tenantId}`, `{clientId}`, `{keyId}`, `{expires}`. Of these, the arguments may have all but
    the value, which a list of processes would show. `folder` is the manifest's.
    """

    write: tuple[str, ...]
    read: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    input: str | Mapping[str, Any] = "value"
    timeout: timedelta = timedelta(seconds=30)
    folder: Path = Path()

    @property
    def address(self) -> str:
        """As a plan shows it: what will be run."""
        return f"command {' '.join(self.write)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PemFile:
    """A certificate that its users keep up themselves: read here, never written."""

    path: Path
    written: str = field(default="", compare=False)

    @property
    def address(self) -> str:
        """As a plan shows it."""
        return self.written or self.path.name


StorePlace = DotenvStore | JsonStore | KeyVaultStore | CommandStore | PemFile
"""Where a value is kept."""
