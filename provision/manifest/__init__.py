"""YAML text → Manifest, with every mistake in one run; pydantic and yaml wait for the first use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provision.manifest.spec import Manifest


def load(
    path: Path,
    *,
    environ: Mapping[str, str],
    variables: Mapping[str, str],
    environment: str | None = None,
) -> Manifest:
    """The manifest in a file; relative paths in it start from the file's folder."""
    from provision.manifest.file import read

    return parse(
        read(path),
        file=str(path),
        folder=Path(os.path.abspath(path)).parent,
        environ=environ,
        variables=variables,
        environment=environment,
    )


def parse(
    text: str,
    *,
    file: str,
    folder: Path,
    environ: Mapping[str, str],
    variables: Mapping[str, str],
    environment: str | None = None,
) -> Manifest:
    """The manifest that a text means; `file` is only told in messages."""
    from provision.manifest.reading import read

    return read(
        text, file=file, folder=folder, environ=environ, given=variables, environment=environment
    )


def parse_source(source: object, *, file: str, folder: Path, environment: str | None) -> Manifest:
    """The manifest that a `Manifest.source` came from: nothing is left to fill in."""
    from provision.manifest.reading import read_source

    return read_source(source, file=file, folder=folder, environment=environment)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a manifest, for editors."""
    from copy import deepcopy

    from provision.manifest.manifest_shape import json_schema as schema

    return deepcopy(schema())
