"""The embedded tenant as a server for other clients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from provision.cli import operators, serve
from provision.cli.options import Options, takes_options
from provision.cli.output import look, say, show, telling_failures, wrong_usage
from provision.cli.session import duration_of

program = typer.Typer(
    help="The embedded tenant: serve it for other clients, look into it, move its clock.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


program.command()(serve.serve)


def sandbox_file(name: str) -> Path:
    """A file of the sandbox that commands run from here use."""
    from provision.connect import sandbox_folder

    return sandbox_folder(Path.cwd()) / name


@program.command()
@takes_options("json", "no_color")
def status(*, options: Options) -> None:
    """Show which tenants there are and what is in them: no secret is ever shown."""
    with telling_failures(options):
        import sys

        from provision.cli import inventory
        from provision.sandbox import folder as folders

        about = folders.status(sandbox_file(""))
        if options.json:
            show(
                json.dumps({"format": "provision/sandbox-status", "version": 1, **about}, indent=2)
            )
            return
        if not about["exists"]:
            say(
                f"There is no sandbox in {about['folder']} yet: any command with --tenant sandbox makes it."
            )
            return
        show(inventory.told(about, look(sys.stdout, options)))


@program.command()
@takes_options("json")
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tenant: Annotated[
        str | None,
        typer.Option(help="Only this tenant: sandbox or sandbox/NAME.", metavar="TENANT"),
    ] = None,
    *,
    options: Options,
) -> None:
    """Forget everything in the sandbox, or in one of its tenants, and begin with an empty one."""
    with telling_failures(options):
        import sys

        from provision.sandbox import folder as folders

        folder = sandbox_file("")
        name = None if tenant is None else _existing(folders.status(folder), tenant)
        what = f"the sandbox in {folder}" if tenant is None else f"the tenant {tenant} in {folder}"
        if not yes:
            if not sys.stdin.isatty():
                raise wrong_usage("There is no terminal to ask on", hint="Run it again with --yes.")
            typer.confirm(f"Forget {what}?", abort=True, err=True)
        about = folders.reset(folder, name)
        if options.json:
            show(
                json.dumps({"format": "provision/sandbox-status", "version": 1, **about}, indent=2)
            )
        else:
            say(f"{what[0].upper()}{what[1:]} is empty again.")


def _existing(about: dict[str, Any], tenant: str) -> str:
    """The name of a tenant that there is, as the folder knows it."""
    from provision.connect import sandbox_name

    name = sandbox_name(tenant) or tenant
    known = {each["name"]: _shown(each["name"]) for each in about["tenants"]}
    if name not in known:
        raise wrong_usage(
            f"There is no tenant {tenant} in this sandbox",
            hint=f"There is: {', '.join(known.values()) or 'none yet'}",
        )
    return name


def _shown(name: str) -> str:
    return "sandbox" if name == "default" else f"sandbox/{name}"


@program.command()
@takes_options("json")
def advance(
    by: Annotated[str, typer.Argument(metavar="DURATION", help="For example 31d or 12h.")],
    *,
    options: Options,
) -> None:
    """Move the sandbox's clock forward: secrets age, deleted items are purged."""
    with telling_failures(options):
        from provision.sandbox import folder as folders

        now = folders.advance(sandbox_file(""), duration_of("DURATION", by))
        if options.json:
            show(
                json.dumps(
                    {"format": "provision/sandbox-clock", "version": 1, "now": now.isoformat()}
                )
            )
        else:
            say(f"In the sandbox it is now {now:%Y-%m-%d %H:%M:%S} UTC.")


program.command()(operators.token)
program.command()(operators.trust)
program.add_typer(operators.program, name="operator")
program.add_typer(operators.identities, name="identity")
