"""Text → tree → environment, variables, defaults → shape and rules → Manifest, or all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from provision.errors import ManifestError, Problem
from provision.manifest import (
    environments,
    federation_doubts,
    marks,
    mistakes,
    permission_rules,
    rules,
    source,
    specs,
    variables,
)
from provision.manifest.application_shapes import DefaultsShape
from provision.manifest.manifest_shape import ManifestShape
from provision.manifest.marks import Node
from provision.manifest.shape import mentions
from provision.manifest.spec import Manifest


def read(
    text: str,
    *,
    file: str,
    folder: Path,
    environ: Mapping[str, str],
    given: Mapping[str, str],
    environment: str | None,
) -> Manifest:
    """The manifest that a text means; `given` are the variables of the command line."""
    problems: list[Problem] = []
    written = marks.compose(text, problems)
    if written is None:
        raise ManifestError(file, problems)
    if unchosen := environments.unchosen(written, environment):
        raise ManifestError(file, {*problems, unchosen})
    filled = environments.filled(written, environment, problems, environ=environ, variables=given)
    return _manifest(filled, problems, file=file, folder=folder, environment=environment)


def read_source(value: object, *, file: str, folder: Path, environment: str | None) -> Manifest:
    """The manifest whose `source` this is; its doubts were told when it was made."""
    problems: list[Problem] = []
    written = source.tree(value, problems)
    if written is None:
        raise ManifestError(file, problems)
    checked = variables.fill(written, None, problems)
    return _manifest(
        checked, problems, file=file, folder=folder, environment=environment, doubting=False
    )


def _manifest(
    filled: Node,
    problems: list[Problem],
    *,
    file: str,
    folder: Path,
    environment: str | None,
    doubting: bool = True,
) -> Manifest:
    root = environments.merged(filled, problems)
    if root is None:
        raise ManifestError(file, problems)
    later: list[Problem] = []
    shape = _shape(root, later)
    broken = rules.broken(root, folder, environment)
    doubts = sorted(set(permission_rules.doubts(root))) if doubting else []
    later.extend(list(_own_causes(broken, later)))
    if shape is None or problems or later:
        doubted = _own_causes(doubts, later)
        raise ManifestError(file, {*problems, *_own_causes([*later, *doubted], problems)})
    if doubting:
        doubts = sorted({*doubts, *federation_doubts.doubts(root, environment)})
    head = [shape.environments[environment]] if environment in shape.environments else []
    tenant, cloud = (
        next((str(getattr(each, name)) for each in [*head, shape] if mentions(each, name)), None)
        for name in ("tenant", "cloud")
    )
    return Manifest(
        file=file,
        folder=folder,
        name=shape.name,
        owner=shape.name if environment is None else f"{shape.name}.{environment}",
        tenant=tenant,
        cloud=cloud,
        applications=tuple(
            specs.application(shape.applications[key], node, key=key, mark=mark, folder=folder)
            for key, node, mark in specs.marked(root, "applications")
        ),
        identities=tuple(
            specs.identity(shape.identities[key], node, key=key, mark=mark)
            for key, node, mark in specs.marked(root, "identities")
        ),
        environment=environment,
        warnings=tuple(ManifestError(file, doubts).lines()),
        source=source.resolved(root, tenant=tenant, cloud=cloud),
    )


def _own_causes(later: Iterable[Problem], earlier: list[Problem]) -> Iterator[Problem]:
    """What is not merely the consequence of an earlier mistake in the same place."""
    places = {(each.line, each.column) for each in earlier}
    return (each for each in later if (each.line, each.column) not in places)


def _shape(root: Node, problems: list[Problem]) -> ManifestShape | None:
    if not isinstance(root.value, dict):
        message = "a manifest is a mapping that begins with version: 1"
        problems.append(Problem(line=root.mark.line, column=root.mark.column, message=message))
        return None
    rest = {name: node for name, node in root.value.items() if name != "defaults"}
    whole = source.plain(replace(root, value=rest))
    shape, details = mistakes.validated(ManifestShape, whole)
    if "defaults" in root.value:
        below = source.plain(root.value["defaults"])
        _, found = mistakes.validated(DefaultsShape, below, "defaults")
        # What is missing may be what the applications add.
        details = [*(each for each in found if each["type"] != "missing"), *details]
    problems.extend(mistakes.found_in(details, root))
    return shape
