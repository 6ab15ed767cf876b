"""Builders for the tests of the dotenv store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provision.places import DotenvStore
from provision.secret import Secret
from provision.stores import Belongs, Entry, Store, open_store

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
OTHER = "99999999-9999-9999-9999-999999999999"
VALUE = "aB3.8Q~canary-Canary_canary.canary~0123"
OURS = Belongs(tenant_id=TENANT, client_id=CLIENT)


def a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a file may be written, in a folder of its own; locks stay below the test's folder too."""
    temporary, project = tmp_path / "temporary", tmp_path / "project"
    temporary.mkdir()
    project.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return project / ".env"


def a_store(file: Path, *, prefix: str = "AZURE_", replace: bool = False) -> Store:
    return open_store(DotenvStore(path=file, prefix=prefix), replace=replace)


def an_entry(*, client_id: str = CLIENT, tenant_id: str = TENANT, value: str = VALUE) -> Entry:
    return Entry(
        tenant_id=tenant_id,
        client_id=client_id,
        secret=Secret(value),
        key_id="key-1",
        expires=datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    )


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail
