"""The command that looks at what is there and at the calendar: credentials, expiry, consent, drift."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.options import Options, takes_options
from provision.cli.output import look, say, show, telling_failures
from provision.cli.session import read_manifest, work
from provision.cli.tenant import File

if TYPE_CHECKING:
    from provision.flow import Planned
    from provision.status import Standing
    from provision.target import Target

DUE = 2


@takes_options()
def status(
    file: File,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 when a credential is due."),
    ] = False,
    *,
    options: Options,
) -> None:
    """Show credentials and their dates, consents and drift; nothing is written."""
    with telling_failures(options):
        from provision import flow
        from provision.render import jsonout
        from provision.render.standing import standing_text

        manifest = read_manifest(file, options)

        async def verb(target: Target) -> tuple[str, tuple[Standing, Planned]]:
            return target.tenant_id, await flow.status(manifest, target)

        tenant_id, (standing, planned) = work(manifest, options, verb, looking=True)
        for warning in planned.observed.warnings:
            say(f"Warning: {warning}", options=options)
        if options.json:
            show(jsonout.status_json(standing, tenant_id=tenant_id))
        else:
            show(standing_text(standing, look(sys.stdout, options)))
        if detailed_exitcode and standing.due:
            raise typer.Exit(DUE)
