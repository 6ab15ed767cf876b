"""Changes to an application that Graph replaces whole: re-read right before, so that nothing of others is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provision.errors import NotYetVisible
from provision.graph import directory
from provision.graph.operations import UPDATE_APPLICATION
from provision.graph.refusals import Operation
from provision.model import Application, KeyCredential, PasswordCredential, ResourceAccess
from provision.ownership import others_records
from provision.plan import Change
from provision.run import Run
from provision.target import Target


async def patch(
    run: Run, app: str, body: Mapping[str, Any], *, operation: Operation = UPDATE_APPLICATION
) -> None:
    """PATCH an application, waiting until the directory knows it."""
    state = run.states[app]
    await run.until_accepted(
        app,
        lambda: directory.update_application(run.target.graph, state.id, body, operation=operation),
        what="application",
    )


async def retag(run: Run, app: str, *, add: frozenset[str], drop: str | None = None) -> None:
    """Add tags of ours, and remove those of ours that begin with `drop`."""
    listed = await _refresh(run, app)
    state = run.states[app]
    dropped = frozenset(tag for tag in state.tags if drop and tag.startswith(drop))
    dropped -= others_records(run.desired.owner, dropped, listed)
    state.removed = (state.removed | dropped) - add
    state.tags = (state.tags | add) - state.removed
    await patch(run, app, {"tags": sorted(state.tags)})


def left_of(there: frozenset[str], change: Change) -> list[str]:
    """The tags of something, without those that a change takes off: what others have added since stays."""
    gone = {*change.before} - {*change.after}
    return sorted((there | {*change.after}) - gone)


async def untag(target: Target, application_id: str, change: Change) -> None:
    """Take tags off an application that this run may not even own; it is read again right before."""
    found = await directory.application(target.graph, application_id)
    if found is None:
        raise NotYetVisible(f"The application {application_id} cannot be read yet")
    body = {"tags": left_of(found.tags, change)}
    await directory.update_application(target.graph, application_id, body)


async def request(
    run: Run,
    app: str,
    *,
    add: Iterable[ResourceAccess] = (),
    remove: Iterable[ResourceAccess] = (),
) -> None:
    """Change what is asked for; entries of others go back untouched."""
    await _refresh(run, app)
    state = run.states[app]
    state.withdrawn = (state.withdrawn | set(remove)) - set(add)
    state.required = (state.required | set(add)) - state.withdrawn
    body = {"requiredResourceAccess": required_resource_access(state.required)}
    await patch(run, app, body)


async def _refresh(run: Run, app: str) -> tuple[PasswordCredential | KeyCredential, ...]:
    """Take what others wrote since; a read that lags cannot bring back or lose what this run wrote.

    Answers with the secrets and certificates that it has, none where this run made it.
    """
    state = run.states[app]
    if state.new:
        return ()
    found = await read(run, app)
    state.tags |= found.tags - state.removed
    state.required |= found.required_resource_access - state.withdrawn
    return (*found.password_credentials, *found.key_credentials)


async def read(run: Run, app: str) -> Application:
    """The application as a replica shows it now, waiting until one does."""
    state = run.states[app]

    async def look() -> Application:
        found = await directory.application(run.target.graph, state.id)
        if found is None:
            raise NotYetVisible(f"The application {state.app_id} cannot be read yet")
        return found

    return await run.until_accepted(app, look, what="application")


def required_resource_access(accesses: Iterable[ResourceAccess]) -> list[dict[str, Any]]:
    """Graph's JSON of requiredResourceAccess, each resource once, in a stable order."""
    by_resource: dict[str, list[dict[str, str]]] = {}
    for access in sorted(set(accesses)):
        by_resource.setdefault(access.resource_app_id, []).append(
            {"id": access.id, "type": access.type}
        )
    return [
        {"resourceAppId": app_id, "resourceAccess": entries}
        for app_id, entries in by_resource.items()
    ]
