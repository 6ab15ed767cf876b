"""Manifests as text, for tests of reading: what is read, or what is refused with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.errors import ManifestError
from provision.manifest import parse
from provision.manifest.spec import ApplicationSpec, Manifest

FOLDER = Path("/manifests")
HEAD = "version: 1\nname: abc\n"


def read(
    text: str,
    environ: Mapping[str, str] | None = None,
    *,
    env: str | None = None,
    given: Mapping[str, str] | None = None,
) -> Manifest:
    """The manifest that a text means."""
    return parse(
        text,
        file="m.yaml",
        folder=FOLDER,
        environ=environ or {},
        variables=given or {},
        environment=env,
    )


def refusals(
    text: str,
    environ: Mapping[str, str] | None = None,
    *,
    env: str | None = None,
    given: Mapping[str, str] | None = None,
) -> list[str]:
    """All mistakes, each beginning with its line and column."""
    with pytest.raises(ManifestError) as refused:
        read(text, environ, env=env, given=given)
    return [line.removeprefix("m.yaml:") for line in refused.value.lines()]


def with_application(lines: str) -> str:
    """A manifest with one application, to which lines are added: the first is line 6."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"{HEAD}applications:\n  app:\n    displayName: x\n{indented}"


def application(lines: str) -> ApplicationSpec:
    """The application that lines describe."""
    (found,) = read(with_application(lines)).applications
    return found


def warnings(text: str) -> list[str]:
    """What is doubted, each beginning with its line and column."""
    return [line.removeprefix("m.yaml:") for line in read(text).warnings]
