"""Text → tree → variables → shape and rules → Manifest, or all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from provision.errors import ManifestError, Problem
from provision.manifest import marks, mistakes, rules, values, variables
from provision.manifest.marks import Node
from provision.manifest.shape import ApplicationShape, ManifestShape, SecretShape
from provision.manifest.spec import (
    ApplicationSpec,
    Manifest,
    Mark,
    PermissionSpec,
    SecretSpec,
)
from provision.model import DotenvStore


def read(text: str, *, file: str, folder: Path, find: variables.Lookup) -> Manifest:
    """The manifest that a text means."""
    problems: list[Problem] = []
    source = marks.compose(text, problems)
    if source is None:
        raise ManifestError(file, problems)
    root = variables.fill(source, find, problems)
    later: list[Problem] = []
    shape = _shape(root, later)
    later.extend(rules.broken(root, folder))
    doubts = sorted(set(rules.unknown_permissions(root)))
    if shape is None or problems or later:
        raise ManifestError(file, {*problems, *_own_causes([*later, *doubts], problems)})
    return Manifest(
        file=file,
        folder=folder,
        name=shape.name,
        owner=shape.name,
        tenant=shape.tenant or None,
        cloud=shape.cloud or None,
        applications=tuple(_applications(shape, root, folder)),
        warnings=tuple(ManifestError(file, doubts).lines()),
    )


def _own_causes(later: list[Problem], earlier: list[Problem]) -> Iterator[Problem]:
    """What is not merely the consequence of an earlier mistake in the same place."""
    places = {(each.line, each.column) for each in earlier}
    return (each for each in later if (each.line, each.column) not in places)


def _shape(root: Node, problems: list[Problem]) -> ManifestShape | None:
    if not isinstance(root.value, dict):
        message = "a manifest is a mapping that begins with version: 1"
        problems.append(Problem(line=root.mark.line, column=root.mark.column, message=message))
        return None
    try:
        return ManifestShape.model_validate(_plain(root))
    except ValidationError as error:
        problems.extend(mistakes.found_in(error, root))
        return None


def _plain(node: Node) -> Any:
    match node.value:
        case dict():
            return {key: _plain(child) for key, child in node.value.items()}
        case tuple():
            return [_plain(child) for child in node.value]
        case _:
            return node.value


def _applications(shape: ManifestShape, root: Node, folder: Path) -> Iterator[ApplicationSpec]:
    node = _child(root, "applications")
    for key, application in shape.applications.items():
        yield _application(
            application, _child(node, key), key=key, mark=node.keys[key], folder=folder
        )


def _application(
    shape: ApplicationShape, node: Node, *, key: str, mark: Mark, folder: Path
) -> ApplicationSpec:
    return ApplicationSpec(
        key=key,
        properties=_properties(shape),
        tags=frozenset(shape.tags),
        permissions=tuple(
            PermissionSpec(resource=values.GRAPH, value=str(each.value), mark=each.mark)
            for each in rules.permission_nodes(node)
        ),
        grant=shape.consent == "grant",
        secrets=tuple(_secrets(shape, node, folder)),
        calls=tuple(values.call(each) for each in shape.verify.calls),
        mark=mark,
    )


def _properties(shape: ApplicationShape) -> Mapping[str, Any]:
    """Graph's own names, and only what the manifest mentions: the rest stays as it is."""
    return shape.model_dump(
        by_alias=True,
        exclude_unset=True,
        include={"display_name", "description", "sign_in_audience"},
    )


def _secrets(shape: ApplicationShape, node: Node, folder: Path) -> Iterator[SecretSpec]:
    for name, credential in shape.credentials.items():
        mark = _child(node, "credentials").keys[name]
        yield _secret(credential.secret, name=name, mark=mark, folder=folder)


def _secret(shape: SecretShape, *, name: str, mark: Mark, folder: Path) -> SecretSpec:
    return SecretSpec(
        name=name,
        lifetime=values.duration(shape.lifetime),
        renew_before=values.duration(shape.renew_before),
        overlap=values.duration(shape.overlap),
        store=DotenvStore(
            path=rules.dotenv_path(folder, shape.store.dotenv), prefix=shape.store.prefix
        ),
        mark=mark,
    )


def _child(node: Node, key: str) -> Node:
    """A value that validation has shown to be there."""
    entries = node.value
    return entries[key] if isinstance(entries, dict) else node
