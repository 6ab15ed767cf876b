"""The commands, in the order in which a newcomer meets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from provision.cli import existing, manifests, sandbox, standing, tenant, workload

USAGE = 64
"""sysexits.h: wrong usage. 2, which typer would take, says that a plan has changes."""
UsageError: type[Exception] = typer.BadParameter.__bases__[0]


class Program(TyperGroup):
    """The command with an exit code of its own for a command line that cannot be read."""

    def make_context(self, *args: Any, **named: Any) -> Any:
        """Read the program's own options."""
        with _wrong_usage():
            return super().make_context(*args, **named)

    def invoke(self, ctx: Any) -> Any:
        """Read a command's options and run it."""
        with _wrong_usage():
            return super().invoke(ctx)


@contextmanager
def _wrong_usage() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        vars(error)["exit_code"] = USAGE
        raise


program = typer.Typer(
    name="provision",
    cls=Program,
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
program.command()(standing.status)
program.command()(tenant.rotate)
program.command()(workload.output)
program.command()(workload.token)
program.command()(tenant.destroy)
program.command()(existing.forget)
program.command("import")(existing.import_existing)
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
