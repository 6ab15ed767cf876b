"""Carries out trust: federated credentials, which hold no secret and need no store."""

from __future__ import annotations

from provision.errors import ForeignCredential, NotYetVisible
from provision.graph import directory
from provision.ownership import federated_mark
from provision.plan import AddFederated, RemoveFederated, UpdateFederated
from provision.run import Run
from provision.trust import ours


async def add(step: AddFederated, run: Run) -> str:
    """Add a trust by its name; one of ours that was there already is set right, another's is left alone."""
    graph, state = run.target.graph, run.states[step.app]
    body = {
        "issuer": step.issuer,
        "subject": step.subject,
        "audiences": [step.audience],
        "description": federated_mark(run.desired.owner, step.credential),
    }

    async def attempt() -> None:
        listed = await directory.federated_credentials(graph, [state.id])
        there = next((e for e in listed.get(state.id, ()) if e.name == step.credential), None)
        if there and not ours(there, run.desired.owner):
            raise ForeignCredential(step.app, step.credential)
        if there:
            await directory.update_federated(graph, state.id, step.credential, body)
        elif state.id not in listed:
            raise NotYetVisible("The application's federated credentials cannot be read yet")
        else:
            await directory.upsert_federated(graph, state.id, step.credential, body)

    await run.until_accepted(step.app, attempt, what="application")
    return step.subject


async def update(step: UpdateFederated, run: Run) -> str:
    """Change whose tokens are trusted."""
    body = {change.property: change.after for change in step.changes}
    await run.until_accepted(
        step.app,
        lambda: directory.update_federated(
            run.target.graph, run.states[step.app].id, step.credential, body
        ),
        what="federated credential",
    )
    return ""


async def remove(step: RemoveFederated, run: Run) -> str:
    """Trust no longer; what seems to be gone already is looked for."""
    graph, object_id = run.target.graph, run.states[step.app].id

    async def shown() -> bool:
        listed = await directory.federated_credentials(graph, [object_id])
        return any(each.name == step.credential for each in listed.get(object_id, ()))

    async def removing() -> bool:
        return await directory.remove_federated(graph, object_id, step.credential)

    await run.until_removed(step.app, removing, shown, what="federated credential")
    return ""
