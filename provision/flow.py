"""READ FIRST: the verbs. Each is the straight line manifest → desired, observed → plan → receipt → findings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provision import adopt, consent, forget, imported, placing, saved
from provision import apply as executor
from provision import destroy as destruction
from provision.desired import resolve
from provision.diff import diff
from provision.errors import Interrupted, PlanError, StoreError, UnsafePlan, UsageError
from provision.lookup import app_id_of
from provision.manifest.narrow import only
from provision.manifest.spec import Manifest
from provision.model import GRAPH_APP_ID, Desired, Observed
from provision.observe import observe, read_stores
from provision.plan import (
    ADDS,
    KEEPING,
    AddCertificate,
    CreateApplication,
    DeleteApplication,
    Note,
    Plan,
    RestoreApplication,
    Step,
)
from provision.receipt import Finding, Receipt, Result
from provision.renewal import Rotation
from provision.run import PROVE_OVER, Run
from provision.scene import Known, Patience
from provision.status import Standing, standing
from provision.stores import Belongs
from provision.target import Target
from provision.verify import verify

AFTER_APPLY = Patience(roles=600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan together with what it was made from."""

    plan: Plan
    desired: Desired
    observed: Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far an apply may go: consents alone, or no further than the steps of a plan that was reviewed."""

    consent_only: bool = False
    reviewed: Sequence[Mapping[str, Any]] | None = None

    def within(self, plan: Plan, observed: Observed, desired: Desired) -> Plan:
        """What of a plan may be done; raises OutdatedPlan where it holds what nobody reviewed."""
        if self.consent_only:
            plan = consent.possible(consent.only_consent(plan, observed), observed)
        if self.reviewed is not None:
            saved.refuse_beyond(self.reviewed, plan.steps, desired)
        return plan


ALL = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What apply did, and what the proof found afterwards."""

    receipt: Receipt
    findings: tuple[Finding, ...] = ()
    proved: bool = False


async def plan(manifest: Manifest, target: Target, *, rotation: Rotation | None = None) -> Planned:
    """What it would take for the tenant to match the manifest."""
    observed = await look(manifest, target)
    desired = resolve(manifest, observed)
    steps = diff(desired, observed, now=target.clock.now(), rotation=rotation)
    return Planned(plan=steps, desired=desired, observed=observed)


async def plan_consent(manifest: Manifest, target: Target) -> Planned:
    """The part of a plan that an administrator consents to; `request` in the manifest counts as wanted."""
    planned = await plan(consent.granting(manifest), target)
    return replace(planned, plan=consent.only_consent(planned.plan, planned.observed))


async def look(manifest: Manifest, target: Target) -> Observed:
    """What is there; an operator who is one of the workloads is refused before and after looking."""
    await asyncio.to_thread(_refuse_stored_workload, manifest, target)
    observed = await observe(target, manifest)
    refuse_as_workload(target, observed)
    return observed


async def apply(
    manifest: Manifest,
    planned: Planned,
    target: Target,
    *,
    skip_verify: bool = False,
    limits: Limits = ALL,
) -> Applied:
    """Make the tenant match, as far as the limits allow, then prove it."""
    allowed = limits.within(planned.plan, planned.observed, planned.desired)
    wanted = consent.granting(manifest) if limits.consent_only else manifest
    return await _carry_out(
        wanted, replace(planned, plan=allowed), target, skip_verify=skip_verify, limits=limits
    )


async def plan_rotation(manifest: Manifest, target: Target, rotation: Rotation) -> Planned:
    """The part of a plan that is about secrets and certificates, with what the operator asks beyond what is due."""
    planned = await plan(manifest, target, rotation=rotation)
    return replace(planned, plan=only_stored(planned.plan, rotation))


def rotation_of(
    manifest: Manifest, targets: Sequence[str], *, now: bool, overlap: bool
) -> Rotation:
    """What `rotate` asks for; `--target APP/CREDENTIAL` narrows it to that credential."""
    chosen = frozenset(
        (spec.key, each.name)
        for spec in manifest.applications
        for each in spec.stored
        if not targets or spec.key in targets or f"{spec.key}/{each.name}" in targets
    )
    return Rotation(forced=chosen if now else frozenset(), chosen=chosen, overlap=overlap)


async def rotate(
    manifest: Manifest,
    planned: Planned,
    target: Target,
    *,
    rotation: Rotation,
    prove_over: float = PROVE_OVER,
) -> Applied:
    """Renew what is due or asked for; nothing else of the manifest is touched."""
    return await _carry_out(
        manifest,
        planned,
        target,
        rotation=rotation,
        prove_over=prove_over,
    )


def only_stored(plan: Plan, rotation: Rotation) -> Plan:
    """The part of a plan that is about chosen credentials of applications that exist."""
    absent = {s.app for s in plan.steps if isinstance(s, CreateApplication | RestoreApplication)}
    chosen = tuple(
        step
        for step in plan.steps
        if isinstance(step, KEEPING)
        and step.app not in absent
        and (step.app, step.credential) in rotation.chosen
    )
    missing = tuple(
        Note(app=app, says="does not exist in this tenant yet: run provision apply first")
        for app in sorted(absent)
    )
    return replace(plan, steps=chosen, notes=plan.notes + missing)


async def _carry_out(
    manifest: Manifest,
    planned: Planned,
    target: Target,
    *,
    rotation: Rotation | None = None,
    prove_over: float = PROVE_OVER,
    skip_verify: bool = False,
    limits: Limits = ALL,
) -> Applied:
    for warning in await asyncio.to_thread(_probe_stores, planned, target):
        target.tell(f"Warning: {warning}")
    run = Run.starting(target, planned.desired, planned.observed, prove_over=prove_over)

    async def replan(app: str) -> tuple[Observed, Sequence[Step]]:
        narrow = only(manifest, {app})
        observed = await observe(target, narrow)
        desired = resolve(narrow, observed)
        left = rotation and replace(rotation, forced=rotation.forced - run.issued)
        again = diff(desired, observed, now=target.clock.now(), rotation=left)
        again = only_stored(again, left) if left else again
        return observed, limits.within(again, observed, desired).steps

    receipt = await executor.apply(planned.plan, run, replan)
    findings: tuple[Finding, ...] = ()
    whole = _whole(planned, receipt, limits)
    worth = bool(
        whole.applications or whole.identities or not (receipt.failed or limits.consent_only)
    )
    proved = not skip_verify and not target.stopping.is_set() and worth
    if proved:
        try:
            findings = await _proof(manifest, whole, target, Known.of(run, planned.desired))
        except Interrupted:
            proved = False  # the receipt of what was done must still be shown
    return Applied(receipt=receipt, findings=findings, proved=proved)


def _whole(planned: Planned, receipt: Receipt, limits: Limits) -> Desired:
    """What was completed; what failed half-way is in the receipt, what waits for a developer in the notes."""
    desired = planned.desired
    left_out = {failed.app for failed in receipt.failed}
    if limits.consent_only:
        left_out |= {note.app for note in planned.plan.notes}
        there = planned.observed.applications
        left_out |= {app.key for app in desired.applications if app.key not in there}
    return replace(
        desired,
        applications=tuple(each for each in desired.applications if each.key not in left_out),
        identities=tuple(each for each in desired.identities if each.key not in left_out),
    )


async def _proof(
    manifest: Manifest, completed: Desired, target: Target, known: Known
) -> tuple[Finding, ...]:
    stored = await asyncio.to_thread(read_stores, target, manifest)
    return await verify(completed, known, stored, target, patience=AFTER_APPLY)


def refuse_unsafe(plan: Plan, *, allow_destroy: bool) -> None:
    """Deletion is a word of its own: what left the manifest goes only when somebody allowed it."""
    doomed = [step.display_name for step in plan.steps if isinstance(step, DeleteApplication)]
    if doomed and not allow_destroy:
        raise UnsafePlan(doomed)


def _probe_stores(planned: Planned, target: Target) -> list[str]:
    """Try every store that a step will write before the first write to the tenant; answers with warnings."""
    warnings: list[str] = []
    places = {
        (wanted.key, each.name): each.store
        for wanted in planned.desired.applications
        for each in wanted.stored
    }
    if any(isinstance(step, ADDS) for step in planned.plan.steps):
        spots = {f"{app}/{name}": target.place_of(spot) for (app, name), spot in places.items()}
        placing.refuse_shared(spots)
    for step in planned.plan.steps:
        if isinstance(step, ADDS):
            seen = planned.observed
            found = seen.applications.get(step.app) or seen.deleted.get(step.app)
            client_id = found.application.app_id if found else None
            place = target.place_of(places[step.app, step.credential])
            owner = Belongs(
                tenant_id=target.tenant_id,
                client_id=client_id,
                certificate=isinstance(step, AddCertificate),
            )
            warnings.extend(target.open_store(place).probe(owner))
    return sorted(set(warnings))


async def check(manifest: Manifest, target: Target, *, patience: Patience) -> tuple[Finding, ...]:
    """Only the proof: nothing is written."""
    observed = await look(manifest, target)
    desired = resolve(manifest, observed)
    stored = await asyncio.to_thread(read_stores, target, manifest)
    known = Known.of(Run.starting(target, desired, observed), desired)
    return await verify(desired, known, stored, target, patience=patience)


def disproved(
    findings: Sequence[Finding], *, strict: bool = False, require_proof: bool = False
) -> bool:
    """Whether a proof ends a command with 1; what cannot be proven here does so only on request."""
    bad = {Result.FAILED, Result.PENDING} | ({Result.UNPROVABLE} if require_proof else set())
    return any(finding.result in bad or (strict and finding.extra) for finding in findings)


def unfinished(applied: Applied, manifest: Manifest) -> bool:
    """Whether apply ends with 1; a consent that is only requested may be pending, as declared."""
    requested = {spec.key for spec in manifest.applications if not spec.grant}
    findings = [
        finding
        for finding in applied.findings
        if not (finding.result is Result.PENDING and finding.app in requested)
    ]
    return bool(applied.receipt.failed or applied.receipt.left) or disproved(findings)


async def token(
    manifest: Manifest, app: str, target: Target, *, resource: str | None = None
) -> str:
    """A fresh token as a workload, with the first secret or certificate that a store here can give.

    It is for Microsoft Graph, or for the resource that is named as the manifest would.
    """
    specs = [spec for spec in manifest.applications if spec.key == app]
    if not specs:
        known = ", ".join(spec.key for spec in manifest.applications)
        raise UsageError(f'There is no application "{app}" here', hint=f"Choose from: {known}")
    stored = await asyncio.to_thread(read_stores, target, manifest)
    for value in stored.get(app, {}).values():
        if value is None or value.secret is None:
            continue
        client_id = value.client_id if value.tenant_id == target.tenant_id else None
        if value.certificate:  # a PEM file does not say whose it is: the manifest does
            client_id = await app_id_of(target, manifest, app)
        if client_id:
            return await target.token_of(
                client_id, value.secret, await _resource(manifest, resource, target)
            )
    if not all(target.may_read(each.store) for each in specs[0].stored):
        raise StoreError(
            f"The store of {app} is outside the manifest's folder or a program, and a command that only looks "
            "opens neither",
            hint="Keep the store below the manifest's folder; provision apply proves a secret anywhere.",
        )
    raise StoreError(
        f"No store on this machine holds a secret or a private key of {app} for this tenant",
        hint="Run provision apply first, or provision rotate --now for a new secret here.",
    )


async def _resource(manifest: Manifest, name: str | None, target: Target) -> str | None:
    app_id = await app_id_of(target, manifest, name) if name else GRAPH_APP_ID
    return None if app_id == GRAPH_APP_ID else app_id


async def import_existing(
    wish: adopt.Wish, target: Target
) -> tuple[adopt.Gathered, imported.Imported]:
    """A manifest of what exists in the tenant, which then plans empty; nothing is written."""
    gathered = await adopt.gather(target, wish)
    return gathered, imported.write(gathered.source, now=target.clock.now())


async def plan_forget(manifest: Manifest, target: Target) -> tuple[Plan, Observed]:
    """Which marks of ours would be taken off."""
    observed = await look(manifest, target)
    return forget.plan_forget(manifest, observed), observed


async def give_up(plan: Plan, observed: Observed, target: Target) -> Receipt:
    """Take our marks off; nothing is deleted."""
    return await forget.forget(plan, observed, target)


def _refuse_stored_workload(manifest: Manifest, target: Target) -> None:
    """A workload may read little, so this is said before its reads fail."""
    for app, stored in read_stores(target, manifest).items():
        for value in stored.values():
            if value and value.client_id == target.operator.client_id:
                raise _as_workload(app)


def refuse_as_workload(target: Target, observed: Observed) -> None:
    """An operator who is an application of the manifest would change itself."""
    for app, found in observed.applications.items():
        if found.application.app_id == target.operator.client_id:
            raise _as_workload(app)


def _as_workload(app: str) -> PlanError:
    return PlanError(
        f"You are signed in as the workload {app} itself (AZURE_CLIENT_ID)",
        hint="Sign in as somebody who administers it; with the Azure CLI: --auth cli",
    )


async def plan_destroy(manifest: Manifest, target: Target, *, purge: bool) -> tuple[Plan, Observed]:
    """What destroy would delete."""
    await asyncio.to_thread(_refuse_stored_workload, manifest, target)
    plan, observed = await destruction.plan_destroy(manifest, target, purge=purge)
    refuse_as_workload(target, observed)
    return plan, observed


async def destroy(manifest: Manifest, plan: Plan, observed: Observed, target: Target) -> Receipt:
    """Take away what the manifest owns."""
    return await destruction.destroy(manifest, plan, observed, target)


async def status(manifest: Manifest, target: Target) -> tuple[Standing, Planned]:
    """How every credential, consent and application stands; nothing is written."""
    planned = await plan(manifest, target)
    now = target.clock.now()
    return standing(planned.desired, planned.observed, planned.plan, now), planned
