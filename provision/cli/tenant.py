"""Commands that compare a manifest with its tenant, and change it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli import review, saving
from provision.cli.options import Options, takes_options
from provision.cli.output import say, telling_failures, wrong_usage
from provision.cli.review import Form
from provision.cli.session import Stop, duration_of, read_manifest, stopping, work

if TYPE_CHECKING:
    from provision.flow import Applied, Limits, Planned
    from provision.manifest.spec import Manifest
    from provision.receipt import Finding, Receipt
    from provision.target import Target

File = Annotated[Path, typer.Argument(metavar="FILE", help="The manifest.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ReplaceStore = Annotated[
    bool,
    typer.Option(
        "--replace-store", help="Write over a value that a store holds for somebody else."
    ),
]
OnlyConsent = Annotated[
    saving.Only | None,
    typer.Option("--only", help="Only what an administrator has to consent to."),
]
Parallelism = Annotated[int, typer.Option(min=1, max=64, help="Requests in flight at most.")]
CHANGES = 2


@takes_options()
def plan(
    file: File,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when something would change.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the plan, for apply to do just that."),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="Markdown is for a pull request.")
    ] = Form.TEXT,
    only: OnlyConsent = None,
    *,
    options: Options,
) -> None:
    """Show what apply would do; nothing is written to the tenant or to a store."""
    with telling_failures(options):
        from provision import flow

        manifest = read_manifest(file, options)

        async def verb(target: Target) -> tuple[str, Planned]:
            look = flow.plan_consent if only else flow.plan
            return target.tenant_id, await look(manifest, target)

        tenant_id, planned = work(manifest, options, verb, looking=True)
        body = saving.body_of(planned, manifest, tenant_id, consent_only=bool(only))
        review.show_plan(planned, body, options, form=form)
        if out:
            saving.write(out, body, manifest)
        if detailed_exitcode and planned.plan.steps:
            raise typer.Exit(CHANGES)


@takes_options()
def apply(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The manifest, or a plan saved by plan --out.")
    ],
    yes: Yes = False,
    allow_destroy: Annotated[
        bool, typer.Option("--allow-destroy", help="Delete what left the manifest.")
    ] = False,
    skip_verify: Annotated[
        bool, typer.Option("--skip-verify", help="Leave out the proof by token.")
    ] = False,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="DIGEST", help="Only if the plan has this digest."),
    ] = None,
    only: OnlyConsent = None,
    replace_store: ReplaceStore = False,
    parallelism: Parallelism = 16,
    *,
    options: Options,
) -> None:
    """Make the tenant match the manifest, then prove it."""
    with telling_failures(options):
        from provision import flow

        source, stop = saving.opened(file, options, only, demanded=digest), Stop()
        manifest = source.manifest

        async def verb(target: Target) -> tuple[str, Applied | None]:
            with review.alone(manifest, target):
                planned, limits = await _reviewed(source, target, options, digest)
                flow.refuse_unsafe(planned.plan, allow_destroy=allow_destroy)
                if not review.agreed(planned, target, options, yes=yes):
                    return target.tenant_id, None
                with stopping(target, stop):
                    applied = await flow.apply(
                        manifest, planned, target, skip_verify=skip_verify, limits=limits
                    )
                return target.tenant_id, _explained(applied, manifest, planned, target)

        tenant_id, applied = work(
            manifest,
            options,
            verb,
            looking=source.consent_only,  # consents keep no value, and their digest says nothing of stores
            replace_store=replace_store,
            parallel=parallelism,
        )
        _finish(applied, tenant_id, manifest, options, stop)


async def _reviewed(
    source: saving.Source, target: Target, options: Options, digest: str | None
) -> tuple[Planned, Limits]:
    """The plan of this moment, shown, and how far to go: no further than what was saved or demanded."""
    from provision import flow

    look = flow.plan_consent if source.consent_only else flow.plan
    planned = await look(source.manifest, target)
    review.tell_plan(planned, options)
    body = saving.body_of(
        planned, source.manifest, target.tenant_id, consent_only=source.consent_only
    )
    source.check(body, digest)
    limits = source.limits(body["steps"] if digest else None)
    limits.within(planned.plan, planned.observed, planned.desired)
    return planned, limits


@takes_options()
def rotate(
    file: File,
    now: Annotated[bool, typer.Option("--now", help="Renew even what is not due.")] = False,
    no_overlap: Annotated[
        bool,
        typer.Option("--no-overlap", help="Remove the old one once the new one is stored."),
    ] = False,
    prove: Annotated[
        str,
        typer.Option(help="How long the new one must be accepted before it counts; 20s at least."),
    ] = "20s",
    replace_store: ReplaceStore = False,
    *,
    options: Options,
) -> None:
    """Renew secrets and certificates that are due: add, prove, store, and only later remove the old one."""
    with telling_failures(options):
        from provision import flow
        from provision.run import PROVE_OVER

        manifest, stop = read_manifest(file, options), Stop()
        over = duration_of("--prove", prove).total_seconds()
        if over < PROVE_OVER:
            raise wrong_usage(
                f"--prove {prove} is too short: replicas of the token service differ for longer",
                hint=f"Give {PROVE_OVER:.0f}s or more.",
            )
        rotation = flow.rotation_of(manifest, options.target, now=now, overlap=not no_overlap)

        async def verb(target: Target) -> tuple[str, Applied]:
            with review.alone(manifest, target):
                planned = await flow.plan_rotation(manifest, target, rotation)
                review.tell_plan(planned, options)
                with stopping(target, stop):
                    applied = await flow.rotate(
                        manifest, planned, target, rotation=rotation, prove_over=over
                    )
                return target.tenant_id, _explained(applied, manifest, planned, target)

        tenant_id, applied = work(manifest, options, verb, replace_store=replace_store)
        _finish(applied, tenant_id, manifest, options, stop)


@takes_options()
def verify(
    file: File,
    wait: Annotated[
        str, typer.Option(help="Keep trying for so long, for example until consent: 2h.")
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="A role that the manifest does not declare fails.")
    ] = False,
    require_proof: Annotated[
        bool, typer.Option("--require-proof", help="Not provable here fails too.")
    ] = False,
    *,
    options: Options,
) -> None:
    """Prove it: a fresh token per credential, its roles against the manifest."""
    with telling_failures(options):
        from provision import flow
        from provision.scene import Patience

        manifest = read_manifest(file, options)
        patience = (
            Patience(consent=duration_of("--wait", wait).total_seconds()) if wait else Patience()
        )

        async def verb(target: Target) -> tuple[str, tuple[Finding, ...]]:
            return target.tenant_id, await flow.check(manifest, target, patience=patience)

        tenant_id, findings = work(manifest, options, verb, looking=True)
        review.show_findings(findings, tenant_id, manifest, options)
        if flow.disproved(findings, strict=strict, require_proof=require_proof):
            raise typer.Exit(1)


@takes_options()
def destroy(
    file: File,
    yes: Yes = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Also from the deleted items: no way back.")
    ] = False,
    *,
    options: Options,
) -> None:
    """Remove what the manifest owns, and its values from stores that can be read."""
    with telling_failures(options):
        from provision import explain, flow

        manifest, stop = read_manifest(file, options), Stop()

        async def verb(target: Target) -> tuple[str, Receipt]:
            with review.alone(manifest, target):
                doomed, observed = await flow.plan_destroy(manifest, target, purge=purge)
                review.show_doomed(doomed, options)
                if doomed.steps and not yes:
                    review.confirm_by_name(manifest, target)
                with stopping(target, stop):
                    receipt = await flow.destroy(manifest, doomed, observed, target)
                return target.tenant_id, explain.refusals(receipt, manifest, observed, target)

        tenant_id, receipt = work(manifest, options, verb)
        review.show_receipt(receipt, tenant_id, manifest, options)
        _exit(stop, failed=bool(receipt.failed or receipt.left))


def _explained(applied: Applied, manifest: Manifest, planned: Planned, target: Target) -> Applied:
    """What was done, with what the operator was refused in the manifest's words."""
    from provision import explain

    told = explain.refusals(applied.receipt, manifest, planned.observed, target)
    return replace(applied, receipt=told)


def _finish(
    applied: Applied | None, tenant_id: str, manifest: Manifest, options: Options, stop: Stop
) -> None:
    """Say what became of it, and end with the exit code that it deserves."""
    from provision import flow

    if applied is None:
        say("Not applied: nothing was changed.")
        raise typer.Exit(1)
    review.show_applied(applied, tenant_id, manifest, options)
    _exit(stop, failed=flow.unfinished(applied, manifest))


def _exit(stop: Stop, *, failed: bool) -> None:
    if stop.code:
        raise typer.Exit(stop.code)
    if failed:
        raise typer.Exit(1)
