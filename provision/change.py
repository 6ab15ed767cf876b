"""Carries out changes to an application and its service principal: properties, what it offers, clients, owners."""

from __future__ import annotations

from typing import Any

from provision.compare import called, filled, nested
from provision.entitlements import ROLES, SCOPES, entries
from provision.graph import directory
from provision.graph.operations import UPDATE_APPLICATION, UPDATE_ENTITLEMENTS
from provision.model import PreAuthorized
from provision.ownership import PRESERVE
from provision.patch import patch, read, retag
from provision.plan import (
    AddOwner,
    AuthorizeClients,
    DisableEntitlements,
    UpdateApplication,
    UpdateServicePrincipal,
)
from provision.run import Run


async def update(step: UpdateApplication, run: Run) -> str:
    """Change properties; tags are added to what others have put there."""
    state = run.states[step.app]
    wanted = {
        change.property: filled(change.after, state.app_id)
        for change in step.changes
        if change.property != "tags"
    }
    if SCOPES in wanted:
        wanted |= _without_removed(run, step.app, wanted[SCOPES])
    if wanted:
        offering = {ROLES, SCOPES} & wanted.keys()
        operation = UPDATE_ENTITLEMENTS if offering else UPDATE_APPLICATION
        await patch(run, step.app, nested(wanted), operation=operation)
    for change in step.changes:
        if change.property == "tags":
            over = PRESERVE if PRESERVE in {*change.before} - {*change.after} else None
            await retag(run, step.app, add=frozenset(change.after), drop=over)
    return ""


async def disable(step: DisableEntitlements, run: Run) -> str:
    """Switch app roles and scopes off, everything else of them as it is."""
    found = await read(run, step.app)
    body: dict[str, Any] = {}
    for where in (ROLES, SCOPES):
        listed = entries(found, where)
        if any(called(each) in step.values and each.get("isEnabled") for each in listed):
            body[where] = [
                {
                    **each,
                    "isEnabled": bool(each.get("isEnabled")) and called(each) not in step.values,
                }
                for each in listed
            ]
    if body:
        await patch(run, step.app, nested(body), operation=UPDATE_ENTITLEMENTS)
    return ""


async def authorize(step: AuthorizeClients, run: Run) -> str:
    """Write the lists of clients; those of the manifest have their appIds by now."""
    body: dict[str, Any] = {}
    if step.pre_authorized is not None:
        body["api.preAuthorizedApplications"] = _pre_authorized(step.pre_authorized, run)
    if step.known is not None:
        body["api.knownClientApplications"] = sorted(run.app_id_of(each) for each in step.known)
    await patch(run, step.app, nested(body), operation=UPDATE_ENTITLEMENTS)
    return ""


async def update_principal(step: UpdateServicePrincipal, run: Run) -> str:
    """Change a service principal; its tags are read again, and added to."""
    graph, state = run.target.graph, run.states[step.app]
    body = {change.property: change.after for change in step.changes}
    if "tags" in body:
        there = (await directory.service_principals(graph, [state.app_id])).get(state.app_id)
        body["tags"] = sorted({*body["tags"], *(there.tags if there else ())})
    principal = run.principal_of(step.app)
    await run.until_accepted(
        step.app,
        lambda: directory.update_service_principal(graph, principal, body),
        what="service principal",
    )
    return ""


async def add_owner(step: AddOwner, run: Run) -> str:
    """Make somebody an owner; one who is an owner already stays one."""
    of_application = step.of == "application"
    object_id = run.states[step.app].id if of_application else run.principal_of(step.app)
    await run.until_accepted(
        step.app,
        lambda: directory.add_owner(run.target.graph, object_id, step.owner.id, of=step.of),
        what="application" if of_application else "service principal",
    )
    return ""


def _pre_authorized(clients: tuple[PreAuthorized, ...], run: Run) -> list[dict[str, Any]]:
    scopes: dict[str, set[str]] = {}
    for each in clients:
        ids = scopes.setdefault(run.app_id_of(each.client), set())
        ids.update(scope.id for scope in each.scopes)
    return [{"appId": id, "delegatedPermissionIds": sorted(scopes[id])} for id in sorted(scopes)]


def _without_removed(run: Run, app: str, left: list[dict[str, Any]]) -> dict[str, Any]:
    """A scope that goes must not be anybody's: the list of pre-authorized clients loses it in the same request."""
    ids = {scope["id"] for scope in left}
    api = run.states[app].properties.get("api") or {}
    listed = api.get("preAuthorizedApplications") or []
    kept = [
        {
            **each,
            "delegatedPermissionIds": [id for id in each["delegatedPermissionIds"] if id in ids],
        }
        for each in listed
    ]
    if kept == listed:
        return {}
    return {"api.preAuthorizedApplications": [e for e in kept if e["delegatedPermissionIds"]]}
