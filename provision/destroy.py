"""Takes away what a manifest owns: its applications, and the values it wrote into stores that can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from auth.errors import AuthError
from provision.errors import GraphError, Interrupted, NotYetVisible, ProvisionError
from provision.graph import directory
from provision.manifest.spec import Manifest
from provision.model import Application, Observed
from provision.observe import observe
from provision.ownership import STORED, owner_of
from provision.plan import DeleteApplication, Note, Plan
from provision.receipt import Done, Failed, Receipt
from provision.target import Target
from provision.wait import until_accepted
from provision.wording import words

RECORDS_PATIENCE = 60.0
"""Seconds that taking the records off may wait; what is gone has none."""
SETTLING, LOOKS, FEW = 60.0, 8, 20
"""Seconds that a deletion may take to show everywhere, looks in a row that must not find it, and at how many."""


async def plan_destroy(
    manifest: Manifest, target: Target, *, purge: bool = False
) -> tuple[Plan, Observed]:
    """What destroy would delete: every application that carries this manifest's owner tag."""
    observed = await observe(target, manifest)
    found: list[tuple[str, Application]] = [
        (key, seen.application) for key, seen in sorted(observed.applications.items())
    ]
    found += [
        ((stray.unique_name or stray.id).removeprefix(f"{manifest.owner}."), stray)
        for stray in observed.strays
    ]
    steps = tuple(
        DeleteApplication(
            app=key, application_id=app.id, display_name=app.display_name, purge=purge
        )
        for key, app in found
        if owner_of(app.tags) == manifest.owner
    )
    notes = tuple(
        Note(app=key, says=f"{app.display_name} is not ours: left as it is")
        for key, app in found
        if owner_of(app.tags) != manifest.owner
    )
    return Plan(owner=manifest.owner, steps=steps, notes=notes), observed


async def destroy(
    manifest: Manifest, plan: Plan, observed: Observed, target: Target, *, purge: bool
) -> Receipt:
    """Delete, softly or for good; then clean the stores of what signs in no longer."""
    done: list[Done] = []
    failed: list[Failed] = []
    seen = (*(found.application for found in observed.applications.values()), *observed.strays)
    tags = {application.id: application.tags for application in seen}
    steps = [step for step in plan.steps if isinstance(step, DeleteApplication)]
    for index, step in enumerate(steps):
        target.progress.start(step.app, words(step))
        try:
            detail = await _delete(step, tags.get(step.application_id, frozenset()), target)
        except Interrupted:
            return Receipt(done=tuple(done), failed=tuple(failed), left=tuple(steps[index:]))
        except (ProvisionError, AuthError) as error:
            target.progress.failed(step.app, words(step))
            failed.append(Failed(app=step.app, step=step, error=error))
        else:
            target.progress.done(step.app, words(step), detail)
            done.append(Done(step=step, detail=detail))
    if purge:
        for deleted in observed.deleted.values():
            if owner_of(deleted.application.tags) == manifest.owner:
                await _purge(deleted.application.id, manifest.owner, target)
    kept = {failure.app for failure in failed}
    await asyncio.to_thread(_clean_stores, manifest, observed, target, kept)
    await _until_gone(done, target)
    return Receipt(done=tuple(done), failed=tuple(failed))


async def _until_gone(done: Sequence[Done], target: Target) -> None:
    """Wait until no replica shows what was deleted: the next apply would believe it, and do nothing.

    One look may meet a replica that knows, several in a row rarely all do. Waiting is a courtesy: it fails nothing.
    """
    steps = [each.step for each in done if isinstance(each.step, DeleteApplication)][:FEW]

    async def look() -> None:
        ids = [step.application_id for step in steps]
        if await directory.applications_by_id(target.graph, ids, looks=LOOKS):
            raise NotYetVisible("The directory still shows what was deleted")

    for step in steps[:1]:
        with suppress(Interrupted, GraphError, AuthError):
            await until_accepted(look, target, app=step.app, what="deletion", within=SETTLING)


async def _delete(step: DeleteApplication, tags: frozenset[str], target: Target) -> str:
    """The records go first: stores are emptied, and a restored application must not claim otherwise."""
    if target.stopping.is_set():
        raise Interrupted
    kept = sorted(tag for tag in tags if not tag.startswith(STORED))
    if len(kept) < len(tags):
        with suppress(NotYetVisible):  # a stale read may have shown what is deleted already
            await until_accepted(
                lambda: directory.update_application(
                    target.graph, step.application_id, {"tags": kept}
                ),
                target,
                app=step.app,
                what="application",
                within=RECORDS_PATIENCE,
            )
    await until_accepted(
        lambda: directory.delete_application(target.graph, step.application_id),
        target,
        app=step.app,
        what="application",
    )
    if not step.purge:
        return "can be restored for 30 days"
    await _purge(step.application_id, step.app, target)
    return "for good"


async def _purge(object_id: str, app: str, target: Target) -> None:
    await until_accepted(
        lambda: directory.purge(target.graph, object_id), target, app=app, what="deleted items"
    )


def _clean_stores(manifest: Manifest, observed: Observed, target: Target, kept: set[str]) -> None:
    """Only values of this tenant, and only of applications that are known to be gone."""
    for spec in manifest.applications:
        for secret in spec.secrets if spec.key not in kept else ():
            store = target.open_store(target.place_of(secret.store))
            stored = store.read()
            found = observed.applications.get(spec.key) or observed.deleted.get(spec.key)
            if (
                stored
                and found
                and stored.tenant_id == target.tenant_id
                and stored.client_id == found.application.app_id
            ):
                store.remove(found.application.app_id)
