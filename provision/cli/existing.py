"""Commands about what exists already: a manifest of it, and giving up what a manifest took over or made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli import review
from provision.cli.options import Options, takes_options
from provision.cli.output import say, show, telling_failures, wrong_usage
from provision.cli.session import Stop, read_manifest, stopping, wishes_of, work

if TYPE_CHECKING:
    from provision.adopt import Gathered, Wish
    from provision.imported import Imported
    from provision.manifest.spec import Manifest
    from provision.receipt import Receipt
    from provision.target import Target


@takes_options()
def import_existing(
    app_id: Annotated[
        list[str] | None,
        typer.Argument(metavar="APP_ID...", help="Applications by appId (client id)."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All applications that stand in no manifest yet.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the manifest: [a-z0-9-], 3 to 30 characters.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there, not on stdout.")
    ] = None,
    *,
    options: Options,
) -> None:
    """Print a manifest of applications that exist, which then plans empty; nothing is written to the tenant."""
    with telling_failures(options):
        from provision import flow
        from provision.connect import choose_tenant
        from provision.render import jsonout

        _check(app_id, name, out, every=every)
        tenant = choose_tenant(wishes_of(options), None).tenant
        wish = _wish(app_id or [], name, tenant, options)

        async def verb(target: Target) -> tuple[Gathered, Imported]:
            return await flow.import_existing(wish, target)

        gathered, imported = work(_nothing(), options, verb, looking=True)
        _tell(gathered, imported)
        if out:
            _write(out, imported.text)
        if options.json:
            keys = {key: app for app, key in gathered.source.keys.items()}
            show(jsonout.import_json(imported.text, keys, left=imported.left))
        elif not out:
            show(imported.text)


def _check(app_ids: list[str] | None, name: str | None, out: Path | None, *, every: bool) -> None:
    from provision.manifest import values

    if bool(app_ids) == every:
        raise wrong_usage(
            "Say which applications: their appIds, or --all, and not both",
            hint="For example: provision import --all --tenant sandbox",
        )
    for each in app_ids or ():
        if not values.is_guid(each):
            raise wrong_usage(
                f'"{each}" is no appId', hint="Write it as 00000000-0000-0000-0000-000000000000."
            )
    try:
        values.name(name if name is not None else "imported")
    except ValueError as error:
        raise wrong_usage(
            f'--name "{name}" is no manifest name', hint="3 to 30 of a-z, 0-9 and -"
        ) from error
    if out and out.exists():
        raise wrong_usage(f"{out} exists already", hint="Name another file with --out.")


def _wish(app_ids: list[str], name: str | None, tenant: str, options: Options) -> Wish:
    from provision.adopt import Wish

    return Wish(app_ids=tuple(app_ids), name=name, tenant=tenant, cloud=options.cloud)


def _nothing() -> Manifest:
    """A manifest that wants nothing: there is none yet."""
    from provision.manifest.spec import Manifest

    return Manifest(
        file="", folder=Path.cwd(), name="", owner="", tenant=None, cloud=None, applications=()
    )


def _tell(gathered: Gathered, imported: Imported) -> None:
    count = len(gathered.source.applications)
    say(f"Imported {count} application{'s' if count != 1 else ''}.")
    for owner, number in sorted(gathered.owned.items()):
        of = "1 application" if number == 1 else f"{number} applications"
        say(f"Left out {of} of the manifest {owner}.")
    if gathered.operator:
        say("Left out the application that you are signed in as.")
    for app, left in sorted(imported.left.items()):
        for each in left:
            say(f"{app}: left as it is: {each}")


def _write(out: Path, text: str) -> None:
    from provision.errors import ProvisionError

    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise ProvisionError(
            f"{out} cannot be written: {error.strerror}", hint="Name another file with --out."
        ) from error
    say(f"Wrote {out}: provision plan {out}")


@takes_options()
def forget(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The manifest.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    *,
    options: Options,
) -> None:
    """Take this manifest's marks off what --target names; nothing is deleted."""
    with telling_failures(options):
        from provision import flow

        if not options.target:
            raise wrong_usage(
                "Say which application is to be given up",
                hint=f"provision forget {file} --target APP",
            )
        manifest, stop = read_manifest(file, options), Stop()
        if not manifest.applications or any("/" in each for each in options.target):
            raise wrong_usage(
                "Only whole applications can be given up",
                hint="Name an application with --target, not a credential or an identity.",
            )

        async def verb(target: Target) -> tuple[str, Receipt | None]:
            with review.alone(manifest, target):
                plan, observed = await flow.plan_forget(manifest, target)
                review.show_doomed(plan, options)
                if plan.steps and not yes:
                    question = "Give up what is listed here? Nothing is deleted."
                    if not review.agreed_to(question, target):
                        return target.tenant_id, None
                with stopping(target, stop):
                    return target.tenant_id, await flow.give_up(plan, observed, target)

        tenant_id, receipt = work(manifest, options, verb, looking=True)
        if receipt is None:
            say("Nothing was changed.")
            raise typer.Exit(1)
        review.show_receipt(receipt, tenant_id, manifest, options)
        if stop.code or receipt.failed or receipt.left:
            raise typer.Exit(stop.code or 1)
