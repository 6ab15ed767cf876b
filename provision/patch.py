"""Changes to an application that Graph replaces whole: re-read right before, so that nothing of others is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.errors import NotYetVisible
from provision.graph import directory
from provision.model import Application
from provision.run import Run
from provision.wait import until_accepted


async def patch(run: Run, app: str, body: Mapping[str, Any]) -> None:
    """PATCH an application, waiting until the directory knows it."""
    state = run.states[app]
    await until_accepted(
        lambda: directory.update_application(run.target.graph, state.id, body),
        run.target,
        app=app,
        what="application",
    )


async def retag(
    run: Run, app: str, *, add: frozenset[str], remove: frozenset[str] = frozenset()
) -> None:
    """Add and remove tags of ours; a read that lags cannot bring back or lose what this run wrote."""
    state = run.states[app]
    if not state.new:
        state.tags |= (await read(run, app)).tags - state.removed
    state.removed = (state.removed | remove) - add
    state.tags = (state.tags | add) - state.removed
    await patch(run, app, {"tags": sorted(state.tags)})


async def read(run: Run, app: str) -> Application:
    """The application as a replica shows it now, waiting until one does."""
    state = run.states[app]

    async def look() -> Application:
        found = await directory.application(run.target.graph, state.id)
        if found is None:
            raise NotYetVisible(f"The application {state.app_id} cannot be read yet")
        return found

    return await until_accepted(look, run.target, app=app, what="application")
