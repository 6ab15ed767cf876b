"""Performs a plan: steps of one application in order, applications side by side, one writer each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import assert_never

from auth.errors import AuthError
from provision import credentials
from provision.create import accesses, create, create_service_principal, restore
from provision.errors import Forbidden, Interrupted, NotYetVisible, ProvisionError
from provision.graph import directory
from provision.model import Observed
from provision.patch import patch, request, retag
from provision.plan import (
    AddSecret,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    GrantAppRole,
    Plan,
    RecordStored,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    Step,
    UpdateApplication,
    WithdrawPermissions,
)
from provision.receipt import Done, Failed, Receipt
from provision.run import Outdated, Run
from provision.wait import pause
from provision.wording import words

Replan = Callable[[str], Awaitable[tuple[Observed, Sequence[Step]]]]
REPLANS = 6


async def apply(plan: Plan, run: Run, replan: Replan) -> Receipt:
    """Carry out the steps; what fails stops its own application only. Deletions come last."""
    deletions: list[Step] = [step for step in plan.steps if isinstance(step, DeleteApplication)]
    others: list[Step] = [step for step in plan.steps if not isinstance(step, DeleteApplication)]
    groups = [(app, list(steps)) for app, steps in groupby(others, key=lambda step: step.app)]
    parts = list(
        await asyncio.gather(*(_application(run, app, steps, replan) for app, steps in groups))
    )
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


async def _application(run: Run, app: str, steps: list[Step], replan: Replan) -> Receipt:
    """One application's steps; a refused consent lets the others go on, any other failure ends it."""
    done: list[Done] = []
    failed: list[Failed] = []
    queue = steps
    replans = 0
    while queue:
        step, *rest = queue
        run.target.progress.start(app, words(step))
        try:
            try:
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
            if not (isinstance(step, GrantAppRole) and isinstance(error, Forbidden)):
                return Receipt(done=tuple(done), failed=tuple(failed), left=tuple(rest))
        else:
            run.target.progress.done(app, words(step), detail)
            done.append(Done(step=step, detail=detail))
        queue = rest
    return Receipt(done=tuple(done), failed=tuple(failed))


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
    run.learn(observed)
    return list(steps)


async def perform(step: Step, run: Run) -> str:
    """One step; answers with a detail that people want to know, never a secret."""
    if run.target.stopping.is_set():
        raise Interrupted
    match step:
        case CreateApplication():
            return await create(step, run)
        case RestoreApplication():
            return await restore(run, step.app, step.application_id)
        case UpdateApplication():
            return await _update(step, run)
        case RequestPermissions():
            await request(run, step.app, add=accesses(step.permissions))
            return ""
        case WithdrawPermissions():
            await request(run, step.app, remove=accesses(step.permissions))
            return ""
        case CreateServicePrincipal():
            return await create_service_principal(step, run)
        case RestoreServicePrincipal():
            run.states[step.app].principal_id = step.service_principal_id
            return await restore(run, step.app, step.service_principal_id)
        case GrantAppRole():
            return await _grant(step, run)
        case RevokeAppRole():
            return await _revoke(step, run)
        case AddSecret():
            return await credentials.issue(step, run)
        case RecordStored():
            return await credentials.record(step, run)
        case RemoveSecret():
            return await credentials.remove(step, run)
        case DeleteApplication():
            return await _delete(step, run)
        case _:
            assert_never(step)


async def _grant(step: GrantAppRole, run: Run) -> str:
    resource = run.observed.resources[step.role.resource]
    await run.until_accepted(
        step.app,
        lambda: directory.grant_app_role(
            run.target.graph,
            principal_id=run.principal_of(step.app),
            resource_id=resource.id,
            app_role_id=step.role.id,
        ),
        what="service principal",
    )
    return ""


async def _revoke(step: RevokeAppRole, run: Run) -> str:
    await run.until_accepted(
        step.app,
        lambda: directory.revoke_app_role(
            run.target.graph,
            principal_id=run.principal_of(step.app),
            assignment_id=step.assignment_id,
        ),
        what="permission",
    )
    return ""


async def _delete(step: DeleteApplication, run: Run) -> str:
    await run.until_accepted(
        step.app,
        lambda: directory.delete_application(run.target.graph, step.application_id),
        what="application",
    )
    return "can be restored for 30 days"


async def _update(step: UpdateApplication, run: Run) -> str:
    body = {change.property: change.after for change in step.changes}
    wanted = body.pop("tags", None)
    if body:
        await patch(run, step.app, body)
    if wanted:
        await retag(run, step.app, add=frozenset(wanted))
    return ""
