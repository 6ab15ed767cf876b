"""Performs a plan: steps of one application in order, applications side by side, one writer each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import assert_never

from auth.errors import AuthError
from provision import change, credentials, federate, grant
from provision.create import create, create_service_principal, look_again, restore
from provision.destroy import delete
from provision.errors import Forbidden, Interrupted, NotYetVisible, ProvisionError
from provision.graph.client import recording
from provision.model import Observed
from provision.patch import request
from provision.plan import (
    CONSENT,
    MAKES,
    AddCertificate,
    AddFederated,
    AddOwner,
    AddSecret,
    AuthorizeClients,
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    Plan,
    RecordStored,
    RemoveCertificate,
    RemoveFederated,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    RevokeScopes,
    Shaping,
    Step,
    UpdateApplication,
    UpdateFederated,
    UpdateServicePrincipal,
    WithdrawPermissions,
    references,
)
from provision.receipt import Done, Failed, Receipt
from provision.run import Outdated, Run
from provision.wait import pause
from provision.wording import words

Replan = Callable[[str], Awaitable[tuple[Observed, Sequence[Step]]]]
REPLANS = 6
REFUSABLE = (*CONSENT, AddOwner)
"""Steps that others may have to take: what follows does not need them, and is done all the same."""


async def apply(plan: Plan, run: Run, replan: Replan) -> Receipt:
    """Carry out the steps; what fails stops its own application only. Deletions come last."""
    deletions: list[Step] = [step for step in plan.steps if isinstance(step, DeleteApplication)]
    others: list[Step] = [step for step in plan.steps if not isinstance(step, DeleteApplication)]
    groups = [(app, list(steps)) for app, steps in groupby(others, key=lambda step: step.app)]
    for made in (name for app, steps in groups for name in _makes(app, steps)):
        run.making[made] = asyncio.Event()
    await look_again(run, others)
    parts = list(await asyncio.gather(*(_worked(run, app, steps, replan) for app, steps in groups)))
    if any(part.failed or part.left for part in parts):
        parts.append(Receipt(left=tuple(deletions)))
    else:
        for step in deletions:
            parts.append(await _application(run, step.app, [step], replan))
    return Receipt(
        done=tuple(done for part in parts for done in part.done),
        failed=tuple(failed for part in parts for failed in part.failed),
        left=tuple(step for part in parts for step in part.left),
    )


def _makes(app: str, steps: Sequence[Step]) -> set[str]:
    """What these steps bring into being, so that others may wait for it: the application, and resources."""
    made = {step.resource for step in steps if isinstance(step, CreateResourcePrincipal)}
    return made | ({app} if any(isinstance(step, MAKES) for step in steps) else set())


async def _worked(run: Run, app: str, steps: list[Step], replan: Replan) -> Receipt:
    """One application's steps; whatever others still wait for when they end will not come."""
    try:
        return await _application(run, app, steps, replan)
    finally:
        for name in _makes(app, steps):
            if not run.making[name].is_set():
                run.broken.add(name)
                run.making[name].set()


def _announce(run: Run, app: str, step: Step, left: Sequence[Step]) -> None:
    """Tell those who wait that something is there now."""
    if isinstance(step, CreateResourcePrincipal):
        run.announce(step.resource)
    if not any(isinstance(each, MAKES) for each in left):
        run.announce(app)


async def _application(run: Run, app: str, steps: list[Step], replan: Replan) -> Receipt:
    """One application's steps; a refused consent, or owner, lets the others go on, any other failure ends it."""
    done: list[Done] = []
    failed: list[Failed] = []
    queue = steps
    replans = 0
    while queue:
        step, *rest = queue
        run.target.progress.start(app, words(step))
        try:
            try:
                with recording() as request_ids:
                    detail = await perform(step, run)
            except (Outdated, NotYetVisible) as surprise:
                replans += 1
                queue = await _planned_again(run, app, replan, surprise, replans)
                continue
        except Interrupted:
            return Receipt(done=tuple(done), failed=tuple(failed), left=tuple(queue))
        except (ProvisionError, AuthError) as error:
            run.target.progress.failed(app, words(step))
            failed.append(Failed(app=app, step=step, error=error))
            if not (isinstance(step, REFUSABLE) and isinstance(error, Forbidden)):
                return Receipt(done=tuple(done), failed=tuple(failed), left=tuple(rest))
            rest = _without_forgetting(step, rest)
        else:
            run.target.progress.done(app, words(step), detail)
            done.append(Done(step=step, detail=detail, request_ids=tuple(request_ids)))
            _announce(run, app, step, rest)
        queue = rest
    return Receipt(done=tuple(done), failed=tuple(failed))


def _without_forgetting(refused: Step, rest: list[Step]) -> list[Step]:
    """What was not revoked stays requested: else its consent would pass for somebody else's from now on."""
    if not isinstance(refused, RevokeAppRole | RevokeScopes):
        return rest
    return [step for step in rest if not isinstance(step, WithdrawPermissions)]


async def _planned_again(
    run: Run, app: str, replan: Replan, surprise: Outdated | NotYetVisible, times: int
) -> list[Step]:
    """The steps that are left by a second look: the tenant is not as it was observed, or a read was stale."""
    if isinstance(surprise, NotYetVisible) and (run.made(app) or times > REPLANS):
        raise surprise
    if times > REPLANS:
        raise ProvisionError(
            f"{app} keeps changing while it is applied",
            hint="Another run may be at work on it. Run the same command again.",
        ) from surprise
    await pause(run.target, min(2.0**times, 15.0))  # replicas flip: give them time
    observed, steps = await replan(app)
    run.learn(observed, app=app)
    for resource in observed.resources.values():
        if resource.id:  # what this application was to make is there: nobody needs to wait for it
            run.announce(resource.app_id)
    await look_again(run, steps)
    if not any(isinstance(step, MAKES) for step in steps):
        run.announce(app)
    return list(steps)


async def perform(step: Step, run: Run) -> str:
    """One step; answers with a detail that people want to know, never a secret."""
    if run.target.stopping.is_set():
        raise Interrupted
    await run.until_made(references(step) - {step.app})
    match step:
        case AddSecret() | AddCertificate():
            return await credentials.issue(step, run)
        case RecordStored():
            return await credentials.record(step, run)
        case RemoveSecret() | RemoveCertificate():
            return await credentials.remove(step, run)
        case AddFederated():
            return await federate.add(step, run)
        case UpdateFederated():
            return await federate.update(step, run)
        case RemoveFederated():
            return await federate.remove(step, run)
        case GrantAppRole():
            return await grant.grant_role(step, run)
        case RevokeAppRole():
            return await grant.revoke_role(step, run)
        case GrantScopes():
            return await grant.grant_scopes(step, run)
        case RevokeScopes():
            return await grant.revoke_scopes(step, run)
        case CreateResourcePrincipal():
            return await grant.create_resource(step, run)
        case _:
            return await _shape(step, run)


async def _shape(step: Shaping, run: Run) -> str:
    """A step about the application itself, or its service principal."""
    match step:
        case CreateApplication():
            return await create(step, run)
        case RestoreApplication():
            return await restore(run, step.app, step.application_id)
        case UpdateApplication():
            return await change.update(step, run)
        case DisableEntitlements():
            return await change.disable(step, run)
        case AuthorizeClients():
            return await change.authorize(step, run)
        case UpdateServicePrincipal():
            return await change.update_principal(step, run)
        case AddOwner():
            return await change.add_owner(step, run)
        case RequestPermissions():
            await request(run, step.app, add=run.accesses(step.permissions))
            return ""
        case WithdrawPermissions():
            return await grant.withdraw(step, run)
        case CreateServicePrincipal():
            return await create_service_principal(step, run)
        case RestoreServicePrincipal():
            run.states[step.app].principal_id = step.service_principal_id
            return await restore(run, step.app, step.service_principal_id)
        case DeleteApplication():
            await delete(step, run.target)
            return "can be restored for 30 days"
        case _:
            assert_never(step)
