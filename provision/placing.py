"""Where stores really are, and which of them a command may open that only looks."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from provision.errors import StoreError
from provision.manifest.spec import Manifest
from provision.places import (
    CommandStore,
    DotenvStore,
    JsonStore,
    KeyVaultStore,
    PemFile,
    StorePlace,
)

_OURS = ("outside", "inside", "keyvault", "command")
"""Folders of the rehearsal; a manifest's own folder of such a name moves one further down."""


def places(rehearsal: Path | None, manifest: Manifest | None) -> Callable[[StorePlace], StorePlace]:
    """Where stores really are: below `rehearsal`, if there is one, each is a file of its own."""
    if rehearsal is None or manifest is None:
        return lambda spot: spot
    under, folder = rehearsal / manifest.owner, manifest.folder
    return lambda spot: rehearse(spot, under, folder)


def readable(
    rehearsal: Path | None, manifest: Manifest | None, *, looking: bool
) -> Callable[[StorePlace], bool]:
    """A manifest may be a stranger's: a command that only looks reads no file outside its folder, and runs nothing."""
    if not looking or manifest is None:
        return lambda _: True
    folder, real = os.path.realpath(manifest.folder), places(rehearsal, manifest)

    def may_read(spot: StorePlace) -> bool:
        match spot:
            case PemFile():
                return _within(spot.path, folder)
            case _ if rehearsal is not None:
                # The rehearsal may have come with a stranger's manifest, with links to anywhere in it.
                place = real(spot)
                return isinstance(place, DotenvStore | JsonStore) and _within(
                    place.path, os.path.realpath(rehearsal)
                )
            case DotenvStore() | JsonStore():
                return _within(spot.path, folder)
            case KeyVaultStore():
                return True
            case CommandStore():
                return False
            case _:
                assert_never(spot)

    return may_read


def _within(path: Path, folder: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)


def refuse_shared(spots: Mapping[str, StorePlace]) -> None:
    """Refuse two credentials whose values would be in one place by two names, such as a link: each would undo the other."""
    first: dict[tuple[str, str], str] = {}
    for whose, spot in spots.items():
        if isinstance(spot, DotenvStore | JsonStore):
            part = spot.prefix if isinstance(spot, DotenvStore) else spot.key
            other = first.setdefault((os.path.realpath(spot.path), part), whose)
            if other != whose:
                raise StoreError(
                    f"{spot.address} of {whose} is, by another name, the store of {other} too",
                    hint="Choose another file, prefix or key for one of the two.",
                )


def rehearse(spot: StorePlace, under: Path, folder: Path) -> StorePlace:
    """The file that stands in for a place; two places never share one.

    What its users keep up is read where it is: nothing is written there.
    """
    match spot:
        case DotenvStore() | JsonStore():
            return replace(spot, path=under / _mirrored(spot.path, folder))
        case KeyVaultStore():
            name = f"{spot.name.lower()}.json"
            return JsonStore(path=under / "keyvault" / spot.vault.lower() / name)
        case CommandStore():
            digest = hashlib.sha256(json.dumps(spot.write).encode()).hexdigest()[:12]
            readable = re.sub(r"[^\w.-]+", "-", Path(spot.write[0]).name)[:40].strip("-.")
            return JsonStore(path=under / "command" / f"{readable or 'command'}-{digest}.json")
        case PemFile():
            return spot
        case _:
            assert_never(spot)


def _mirrored(path: Path, folder: Path) -> Path:
    try:
        inside = path.relative_to(folder)
    except ValueError:
        return Path("outside", *filter(None, [path.drive.strip(":\\/")]), *path.parts[1:])
    first = next(iter(inside.parts), "")
    return Path("inside", inside) if first.casefold() in _OURS else inside
