"""Valid shapes of stores → the places that they name."""

from __future__ import annotations

from pathlib import Path

from provision.manifest import values
from provision.manifest.shape import mentions
from provision.manifest.store_rules import file_path
from provision.manifest.store_shapes import CommandShape, StoreShape
from provision.places import CommandStore, DotenvStore, JsonStore, KeyVaultStore, StorePlace


def place(shape: StoreShape, folder: Path) -> StorePlace:
    """The place that a store names; `folder` is the manifest's."""
    if mentions(shape, "json_"):
        return JsonStore(
            path=file_path(folder, shape.json_), key=shape.key or "", written=shape.json_
        )
    if mentions(shape, "key_vault"):
        return KeyVaultStore(vault=shape.key_vault, name=shape.name)
    if mentions(shape, "command"):
        return _command(shape.command, folder)
    return DotenvStore(
        path=file_path(folder, shape.dotenv), prefix=shape.prefix, written=shape.dotenv
    )


def _command(shape: CommandShape, folder: Path) -> CommandStore:
    return CommandStore(
        write=tuple(shape.write),
        read=tuple(shape.read or ()),
        remove=tuple(shape.remove or ()),
        input=shape.input,
        timeout=values.duration(shape.timeout),
        folder=folder,
    )
