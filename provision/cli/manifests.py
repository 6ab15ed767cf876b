"""Commands about the file alone: no tenant, no network, no SDK."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.options import Options, takes_options
from provision.cli.output import look, say, show, tell, telling_failures, wrong_usage

if TYPE_CHECKING:
    from provision.manifest.spec import Manifest

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Manifests.")]
IGNORED = (".env", ".provision/")


@takes_options("tenant")
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path(
        "provision.yaml"
    ),
    name: Annotated[
        str | None, typer.Option(help="Owner of what will be made: [a-z0-9-], 3 to 30 characters.")
    ] = None,
    app: Annotated[str | None, typer.Option(help="Key of the first application.")] = None,
    permission: Annotated[
        list[str] | None,
        typer.Option(help="Application permission of Microsoft Graph; repeatable."),
    ] = None,
    store: Annotated[str | None, typer.Option(help="dotenv file for the secret.")] = None,
    *,
    options: Options,
) -> None:
    """Write a commented manifest; asks for what no option says, on a terminal."""
    with telling_failures(options):
        if file.exists():
            raise wrong_usage(
                f"{file} exists already", hint="Name another file: provision init OTHER.yaml"
            )
        asking = sys.stdin.isatty() and sys.stderr.isatty()
        default = _slug(Path.cwd().name)
        if name is None and not asking:
            raise wrong_usage(
                "There is no terminal to ask on, and no --name",
                hint=f"For example: --name {default}",
            )
        from provision.init import manifest_text

        name = name or _ask("Name of the owner", default)
        app = app or (_ask("First application", "my-workload") if asking else "my-workload")
        granted = permission or (_asked_permissions() if asking else ["User.Read.All"])
        place = store or (_ask("dotenv file for its secret", ".env") if asking else ".env")
        text = manifest_text(name, app, granted, store=place, tenant=options.tenant or "sandbox")
        _doubt(granted)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        added = ignore(file.parent, place)
        say(f"Wrote {file}." + (f" Added {', '.join(added)} to .gitignore." if added else ""))
        say(f"Next: provision plan {file}")


def _ask(question: str, default: str) -> str:
    return str(typer.prompt(question, default=default, err=True))


def _asked_permissions() -> list[str]:
    text = _ask("Permissions of Microsoft Graph, comma-separated", "User.Read.All")
    return [part.strip() for part in text.split(",") if part.strip()]


def _doubt(permissions: list[str]) -> None:
    """Say at once what validate would warn of: a permission that the shipped catalogue does not know."""
    from provision.permissions import find, suggest

    for value in permissions:
        if find(value) is None:
            close = suggest(value)
            hint = f': did you mean "{close}"?' if close else ""
            say(f'Warning: "{value}" is no known application permission of Microsoft Graph{hint}')


def _slug(text: str) -> str:
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower()).strip("-")
    return kept[:30] if len(kept) >= 3 else "my-team"


def ignore(folder: Path, store: str) -> list[str]:
    """Keep what must not be committed out of git: answers with the lines that were added."""
    path, place = folder / ".gitignore", Path(store)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    inside = not place.is_absolute() and ".." not in place.parts
    entries = dict.fromkeys([*IGNORED, *([place.as_posix()] if inside else [])])
    missing = [entry for entry in entries if entry not in text.splitlines()]
    if missing:
        start = text if not text or text.endswith("\n") else text + "\n"
        path.write_text(start + "\n".join(missing) + "\n", encoding="utf-8", newline="\n")
    return missing


@takes_options("env", "var", "json")
def validate(files: Files, *, options: Options) -> None:
    """Check manifests offline: every mistake with file, line and column."""
    with telling_failures(options):
        from provision.cli.session import variables_of
        from provision.errors import ManifestError
        from provision.manifest import load
        from provision.render import jsonout
        from provision.render.failure import failure_text

        problems, warnings = {}, {}
        for path in files:
            try:
                manifest = load(
                    path,
                    environ=os.environ,
                    variables=variables_of(options),
                    environment=options.env,
                )
            except ManifestError as error:
                problems[str(path)] = error.problems
                if not options.json:
                    tell(failure_text(error, look(sys.stderr, options)))
            else:
                warnings[str(path)] = manifest.warnings
                for warning in manifest.warnings:
                    say(f"Warning: {warning}")
                if not options.json:
                    show(f"{path}: valid, {_counted(manifest)}")
        if options.json:
            show(jsonout.validate_json(problems, warnings))
        if problems:
            raise typer.Exit(1)


def _counted(manifest: Manifest) -> str:
    applications, identities = len(manifest.applications), len(manifest.identities)
    said = f"{applications} application{'s' if applications != 1 else ''}"
    if identities:
        said += f", {identities} managed identit{'ies' if identities != 1 else 'y'}"
    return said


class Drawn(StrEnum):
    """What has a JSON Schema."""

    MANIFEST = "manifest"
    PLAN = "plan"
    SAVED_PLAN = "saved-plan"
    APPLY = "apply"
    STATUS = "status"


@takes_options("json")
def schema(
    of: Annotated[
        Drawn, typer.Option(help="A manifest, what --json prints, or what plan --out saves.")
    ] = Drawn.MANIFEST,
    *,
    options: Options,
) -> None:
    """Print a JSON Schema: of a manifest for editors, or of what other programs read."""
    with telling_failures(options):
        import json

        from provision.manifest import json_schema
        from provision.schemas import SCHEMAS

        draw = SCHEMAS.get(of.value, json_schema)
        show(json.dumps(draw(), indent=2))
