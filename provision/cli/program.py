"""The commands, in the order in which a newcomer meets them."""

from __future__ import annotations

from typing import Annotated

import typer

from provision.cli import manifests, sandbox, tenant, workload

program = typer.Typer(
    name="provision",
    help="Workload identities in Microsoft Entra ID from one YAML file: planned, applied, proven, rotated, torn down.",
    epilog="First steps: provision init --tenant sandbox, then provision apply provision.yaml",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
program.command()(manifests.init)
program.command()(manifests.validate)
program.command()(tenant.plan)
program.command()(tenant.apply)
program.command()(tenant.verify)
program.command()(tenant.rotate)
program.command()(workload.output)
program.command()(workload.token)
program.command()(tenant.destroy)
program.command()(manifests.schema)
program.add_typer(sandbox.program, name="sandbox")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"provision {version('entra-provision')}")
        raise typer.Exit


@program.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    """Carries the options of the program itself."""
