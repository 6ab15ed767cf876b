"""Carries out consent: application permissions one by one, delegated ones as one list per client and resource."""

from __future__ import annotations

from collections.abc import Iterable

from provision.errors import NotYetVisible
from provision.graph import directory
from provision.graph.operations import CREATE_RESOURCE_PRINCIPAL
from provision.model import AppRole, OAuth2PermissionGrant, ServicePrincipal
from provision.patch import request
from provision.plan import (
    CreateResourcePrincipal,
    GrantAppRole,
    GrantScopes,
    RevokeAppRole,
    RevokeScopes,
    WithdrawPermissions,
)
from provision.run import Outdated, Run
from provision.wait import LOOKS, pause, remove


async def create_resource(step: CreateResourcePrincipal, run: Run) -> str:
    """Bring a resource into the tenant, and learn what it offers."""
    graph = run.target.graph
    made = await directory.create_service_principal(
        graph, step.resource, operation=CREATE_RESOURCE_PRINCIPAL
    )

    async def look() -> None:
        found = await directory.resource(graph, step.resource)
        if found is None:
            raise NotYetVisible(f"The service principal of {step.name} cannot be read yet")
        run.resources[step.resource] = found

    await run.until_accepted(step.app, look, what="service principal")
    return made.id


async def grant_role(step: GrantAppRole, run: Run) -> str:
    """Consent to an application permission; granted already is as good."""
    role = run.resolved(step.role)
    await run.until_accepted(
        step.app,
        lambda: directory.grant_app_role(
            run.target.graph,
            principal_id=run.principal_of(step.app),
            resource_id=run.resource_id_of(role.resource),
            app_role_id=role.id,
        ),
        what="service principal",
    )
    return ""


async def revoke_role(step: RevokeAppRole, run: Run) -> str:
    """Take an application permission back; what seems to be gone already is looked for."""
    graph, state, principal = run.target.graph, run.states[step.app], run.principal_of(step.app)

    async def listed() -> bool:
        found = (await directory.service_principals(graph, [state.app_id])).get(state.app_id)
        assignments = found.app_role_assignments if found else ()
        return any(each.id == step.assignment_id for each in assignments)

    async def removing() -> bool:
        return await directory.revoke_app_role(
            graph, principal_id=principal, assignment_id=step.assignment_id
        )

    await run.until_removed(step.app, removing, listed, what="permission")
    run.revoked.add((step.app, step.role.resource, step.role.id))
    return ""


async def grant_scopes(step: GrantScopes, run: Run) -> str:
    """Consent to delegated permissions for every user, beside what was consented to before."""
    graph = run.target.graph
    client, resource = run.principal_of(step.app), run.resource_id_of(step.scopes[0].resource)
    wanted = {run.resolved(scope).value for scope in step.scopes}

    async def attempt() -> None:
        there = _for_everybody(await directory.grants_of(graph, client), resource)
        if there is None:
            if not await directory.grant_scopes(
                graph, client_id=client, resource_id=resource, scopes=sorted(wanted)
            ):
                raise NotYetVisible("A consent to this resource exists, but cannot be read yet")
        elif wanted - there.scopes:
            await directory.set_scopes(graph, there.id, sorted(there.scopes | wanted))

    await run.until_accepted(step.app, attempt, what="service principal")
    run.states[step.app].consented.setdefault(resource, set()).update(wanted)
    return ""


async def revoke_scopes(step: RevokeScopes, run: Run) -> str:
    """Take delegated permissions back; the rest of the consent stays, and an empty one goes."""
    graph, client = run.target.graph, run.principal_of(step.app)
    doomed = {scope.value for scope in step.scopes}

    async def found() -> OAuth2PermissionGrant | None:
        return _called(await directory.grants_of(graph, client), step.grant_id)

    async def listed() -> bool:
        there = await found()
        return there is not None and bool(there.scopes & doomed)

    async def attempt() -> None:
        observed = run.observed_principal(step.app)
        there = await found() or _called((observed.grants or ()) if observed else (), step.grant_id)
        new = run.states[step.app].consented.get(there.resource_id, set()) if there else set()
        left = sorted((there.scopes | new) - doomed) if there else []
        if left:
            await directory.set_scopes(graph, step.grant_id, left)
        else:
            await remove(lambda: directory.delete_grant(graph, step.grant_id), listed, run.target)

    await run.until_accepted(step.app, attempt, what="permission")
    resource = run.known_resource(step.scopes[0].resource)
    run.states[step.app].consented.get(resource or "", set()).difference_update(doomed)
    run.revoked.update((step.app, scope.resource, scope.value) for scope in step.scopes)
    return ""


async def withdraw(step: WithdrawPermissions, run: Run) -> str:
    """Ask for less, once nobody shows a consent to it any more: what is not asked for is not remembered as ours.

    Not where the service principal was deleted until now: its consents came back with it, and may show only later.
    """
    if step.app in run.revived:
        return "not yet: consents may have come back with the service principal. Apply again"
    graph, state = run.target.graph, run.states[step.app]
    resources = {run.known_resource(each.resource): each.resource for each in step.permissions}
    left = {
        (each.resource, each.id if isinstance(each, AppRole) else each.value)
        for each in step.permissions
    }
    # What this run revoked itself is gone, whatever a replica still shows.
    left -= {(resource, what) for app, resource, what in run.revoked if app == step.app}
    for look in range(LOOKS if state.principal_id else 0):
        read = await directory.service_principals(graph, [state.app_id], delegated=[state.app_id])
        there = read.get(state.app_id)
        granted = _granted(there) if there else set()
        if any((resources.get(id), what) in left for id, what in granted):
            raise Outdated  # a replica that was behind hid it from the plan
        if look < LOOKS - 1:
            await pause(run.target, 0.5)
    await request(run, step.app, remove=run.accesses(step.permissions))
    return ""


def _granted(principal: ServicePrincipal) -> set[tuple[str, str]]:
    roles = {(each.resource_id, each.app_role_id) for each in principal.app_role_assignments}
    consents = (each for each in principal.grants or () if each.principal_id is None)
    return roles | {(each.resource_id, scope) for each in consents for scope in each.scopes}


def _for_everybody(
    grants: Iterable[OAuth2PermissionGrant], resource: str
) -> OAuth2PermissionGrant | None:
    mine = (each for each in grants if each.resource_id == resource and each.principal_id is None)
    return next(mine, None)


def _called(grants: Iterable[OAuth2PermissionGrant], id: str) -> OAuth2PermissionGrant | None:
    return next((each for each in grants if each.id == id), None)
