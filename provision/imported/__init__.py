"""Writes the manifest of what exists already: commented, and tried before it is shown - it plans empty.

The text is read and compared with the tenant as `plan` would do it. What a manifest cannot say, or what would change
something, is left out with a comment, so that it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any

from provision.desired import resolve
from provision.diff import diff
from provision.errors import ManifestError, ProvisionError
from provision.imported import asked, beside, content
from provision.imported.source import Existing, Source
from provision.imported.units import Unit, pruned, unit_of, units_of
from provision.imported.yamltext import Line, Path, key, printable, rendered, scalar, written
from provision.manifest import parse

ROUNDS = 40
"""Each one leaves something out; a text that is still wrong then is a bug."""

_HEAD = """\
# What exists in the tenant, as a manifest that changes nothing yet: provision plan FILE says so.
# The applications are adopted: they are never deleted, nothing of theirs that is not named here is removed, and
# what they were granted is not revoked. Lines of comment say what stays beside.
version: 1

# Marks what is made from now on as this manifest's own. Choose a name that no other manifest has.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The manifest's text; `left` says what of each key a manifest could not say."""

    text: str
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A text, and of each of its lines which application and which of its keys it is about."""

    text: str
    places: tuple[tuple[str, Path] | None, ...]


Without = dict[str, dict[Unit, str]]


def write(source: Source, *, now: datetime) -> Imported:
    """The manifest of what was read; what it leaves out stays as it is."""
    without: Without = {
        source.keys[each.application.app_id]: dict(content.unnameable(each.application))
        for each in source.applications
    }
    offered = asked.offered_in(source)
    for _ in range(ROUNDS):
        draft = _draft(source, offered, without)
        found = list(_wrong(draft, source, now))
        if not found:
            return Imported(text=draft.text, left=_left(without))
        for app, unit, reason in found:
            without[app].setdefault(unit, reason)
    raise ProvisionError(
        "No manifest of these applications could be written that changes nothing",
        hint="Import them one by one to see which of them it is, and report it.",
    )


def _wrong(draft: _Draft, source: Source, now: datetime) -> Iterator[tuple[str, Unit, str]]:
    """What of a draft cannot be read, is not known in the tenant, or would change something."""
    try:
        manifest = parse(draft.text, file="manifest", folder=FilePath(), environ={}, variables={})
        desired = resolve(manifest, source.observed())
    except ManifestError as error:
        places = [draft.places[problem.line - 1] for problem in error.problems]
        if not all(places):
            raise
        for place, problem in zip(places, error.problems, strict=True):
            app, path = place or ("", ())
            yield app, unit_of(path), problem.message
        return
    for step in diff(desired, source.observed(), now=now).steps:
        for unit in units_of(step, source.calls):
            yield step.app, unit, "a manifest would change it"


def _draft(source: Source, offered: asked.Offered, without: Without) -> _Draft:
    lines = [Line(text=text, path=()) for text in _HEAD.splitlines()]
    lines.append(Line(text=f"name: {scalar(source.name)}", path=()))
    lines.append(Line(text=f"tenant: {scalar(source.tenant)}", path=()))
    if source.cloud:
        lines.append(Line(text=f"cloud: {scalar(source.cloud)}", path=()))
    lines.append(Line(text="", path=()))
    lines.append(Line(text="applications:" if source.applications else "applications: {}", path=()))
    texts: list[str] = rendered(lines)
    places: list[tuple[str, Path] | None] = [None] * len(texts)
    for number, existing in enumerate(source.applications):
        app = source.keys[existing.application.app_id]
        wanted = asked.asked_of(existing, source, offered)
        block = list(_application(existing, wanted, source, without[app]))
        if number:
            block.insert(0, Line(text="", path=()))
        texts += rendered(block)
        places += [(app, line.path) for line in block]
    return _Draft(text="\n".join(texts) + "\n", places=tuple(places))


def _application(
    existing: Existing, wanted: asked.Asked, source: Source, without: Mapping[Unit, str]
) -> Iterator[Line]:
    app = source.keys[existing.application.app_id]
    if () in without:
        name = printable(existing.application.display_name)
        says = f"{name} ({existing.application.app_id}) is left as it is: {without[()]}"
        yield _comment(says, depth=1)
        return
    said: dict[str, Any] = pruned({**content.content_of(existing, source), **wanted.said}, without)
    notes = {**content.people_beside(existing, source), **wanted.beside}
    safe = {path: printable(note).strip() for path, note in notes.items() if note}
    yield Line(text=f"  {key(app)}:", path=())
    yield from written(said, safe, depth=2)
    below = [
        *wanted.below,
        *(f"left as it is: {_told(unit, why)}" for unit, why in without.items()),
        *(f"left as it is: {each}" for each in beside.settings_of(existing)),
    ]
    yield from (_comment(each, depth=2) for each in below)
    yield from (_comment(each, depth=2) for each in beside.credentials_of(existing, app))


def _told(unit: Unit, why: str) -> str:
    return f"{'.'.join(unit)}: {why}"


def _comment(text: str, *, depth: int) -> Line:
    return Line(text=f"{'  ' * depth}# {printable(text, 400)}", path=())


def _left(without: Without) -> dict[str, tuple[str, ...]]:
    return {
        app: tuple(_told(unit, why) for unit, why in units.items())
        for app, units in without.items()
        if units
    }
