"""Between plan and apply: show it, ask for agreement, and afterwards say what became of it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from provision.cli.options import Options
from provision.cli.output import look, say, show, tell, wrong_usage

if TYPE_CHECKING:
    from provision.flow import Applied, Planned
    from provision.manifest.spec import Manifest
    from provision.model import Permission
    from provision.plan import Plan
    from provision.receipt import Finding, Receipt
    from provision.render.planned import Rating
    from provision.target import Target


class Form(StrEnum):
    """How `plan` is written."""

    TEXT = "text"
    MARKDOWN = "markdown"


def explain(role: Permission) -> str | None:
    """A permission's effect in plain words, as the shipped catalogue tells it."""
    from provision import permissions
    from provision.model import GRAPH_APP_ID, AppRole

    kind: permissions.Kind = "application" if isinstance(role, AppRole) else "delegated"
    known = permissions.find(role.value, kind=kind) if role.resource == GRAPH_APP_ID else None
    return known.display_name if known else None


def risk(role: Permission) -> Rating | None:
    """How much power a permission gives and why; None where nobody rated it."""
    from provision import permissions
    from provision import risk as ratings
    from provision.model import GRAPH_APP_ID, AppRole
    from provision.render.planned import Rating

    if role.resource != GRAPH_APP_ID:
        return None
    kind: permissions.Kind = "application" if isinstance(role, AppRole) else "delegated"
    found = ratings.tier(role.value, kind)
    return Rating(tier="tier 0" if found.tier == 0 else found.tier, reason=found.reason)


def plan_text(planned: Planned, *, stream_is_stdout: bool, options: Options) -> str:
    """The plan, fit for the screen that it goes to."""
    from provision.render import text

    stream = sys.stdout if stream_is_stdout else sys.stderr
    return text.plan_text(
        planned.plan, planned.desired, explain=explain, risk=risk, look=look(stream, options)
    )


def show_plan(
    planned: Planned, body: Mapping[str, Any], options: Options, *, form: Form = Form.TEXT
) -> None:
    """The plan as the command's result, with the digest by which apply can be held to it."""
    from provision.document import SHOWN
    from provision.render import jsonout, markdown

    warnings = planned.observed.warnings
    for warning in warnings:
        say(f"Warning: {warning}", options=options)
    if options.json:
        show(jsonout.plan_json(planned.plan, planned.desired, body=body))
    elif form is Form.MARKDOWN:
        show(
            markdown.plan_markdown(
                planned.plan,
                planned.desired,
                body=body,
                explain=explain,
                risk=risk,
                warnings=warnings,
            )
        )
    else:
        show(plan_text(planned, stream_is_stdout=True, options=options))
        if planned.plan.steps:
            show(f"Digest: {body['digest'][:SHOWN]}")


def tell_plan(planned: Planned, options: Options) -> None:
    """The plan as an announcement of what is about to be done: with --json, stdout is kept for the receipt."""
    for warning in planned.observed.warnings:
        say(f"Warning: {warning}", options=options)
    text = plan_text(planned, stream_is_stdout=not options.json, options=options)
    (tell if options.json else show)(text)


def agreed(planned: Planned, target: Target, options: Options, *, yes: bool) -> bool:
    """Whether to go on: nothing to do needs no answer, and no terminal cannot give one."""
    return yes or not planned.plan.steps or agreed_to("Apply this plan?", target)


def agreed_to(question: str, target: Target) -> bool:
    """The answer to a question; without a terminal there can be none."""
    target.progress.close()
    if not _terminal():
        raise wrong_usage(
            "There is no terminal to ask on", hint="Read the plan, then run it again with --yes."
        )
    with interruptible():
        return bool(typer.confirm(question, default=False, err=True))


def confirm_by_name(manifest: Manifest, target: Target) -> None:
    """Destruction is confirmed by typing the manifest's name."""
    target.progress.close()
    if not _terminal():
        raise wrong_usage(
            "There is no terminal to ask on",
            hint=f"Read what would be deleted, then run it again with --yes (manifest {manifest.name}).",
        )
    with interruptible():
        answer = typer.prompt(
            f"Type the manifest's name ({manifest.name}) to delete this", err=True
        )
    if str(answer).strip() != manifest.name:
        raise wrong_usage(f'"{answer}" is not "{manifest.name}": nothing was deleted', hint="")


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def interruptible() -> Iterator[None]:
    """While a question or a wait is open, one Ctrl-C ends the command: asyncio would only note it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except typer.Abort:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


def show_applied(applied: Applied, target_id: str, manifest: Manifest, options: Options) -> None:
    """The receipt and the proof."""
    from provision.render import jsonout, text

    proven = applied.findings if applied.proved else None
    if options.json:
        show(jsonout.apply_json(applied.receipt, proven, tenant_id=target_id, owner=manifest.owner))
        return
    seen = look(sys.stdout, options)
    if applied.receipt.done or applied.receipt.failed:
        show(text.receipt_text(applied.receipt, seen, request_ids=options.debug))
    if proven or (proven is not None and not applied.receipt.failed):
        show(text.findings_text(proven, seen))


def show_receipt(receipt: Receipt, target_id: str, manifest: Manifest, options: Options) -> None:
    """What was taken away."""
    from provision.render import jsonout, text

    if options.json:
        show(jsonout.apply_json(receipt, None, tenant_id=target_id, owner=manifest.owner))
    else:
        seen = look(sys.stdout, options)
        show(text.receipt_text(receipt, seen, request_ids=options.debug))


def show_doomed(plan: Plan, options: Options) -> None:
    """What destroy is about to delete."""
    from provision.render import text

    stream = sys.stderr if options.json else sys.stdout
    rendered = text.plan_text(plan, None, explain=explain, risk=risk, look=look(stream, options))
    (tell if options.json else show)(rendered)


def show_findings(
    findings: tuple[Finding, ...], target_id: str, manifest: Manifest, options: Options
) -> None:
    """The proof alone."""
    from provision.render import jsonout, text

    if options.json:
        show(jsonout.verify_json(findings, tenant_id=target_id, owner=manifest.owner))
    else:
        show(text.findings_text(findings, look(sys.stdout, options)))


@contextmanager
def alone(manifest: Manifest, target: Target) -> Iterator[None]:
    """One run per manifest and tenant on this machine; Ctrl-C ends the waiting for another one."""
    from provision.lock import one_at_a_time

    with ExitStack() as stack:
        with interruptible():
            stack.enter_context(one_at_a_time(target.tenant_id, manifest.owner, say))
        yield
