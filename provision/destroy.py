"""Takes away what a manifest owns: its applications, and the values it wrote into stores that can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from auth.errors import AuthError
from provision.errors import Interrupted, ProvisionError
from provision.graph import directory
from provision.manifest.spec import Manifest
from provision.model import Application, Observed
from provision.observe import observe
from provision.ownership import owner_of
from provision.plan import DeleteApplication, Note, Plan
from provision.receipt import Done, Failed, Receipt
from provision.target import Target
from provision.wait import until_accepted
from provision.wording import words


async def plan_destroy(manifest: Manifest, target: Target) -> tuple[Plan, Observed]:
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
        DeleteApplication(app=key, application_id=app.id, display_name=app.display_name)
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
    manifest: Manifest, plan: Plan, observed: Observed, target: Target, *, purge: bool = False
) -> Receipt:
    """Delete, softly or for good; then clean the stores of what signs in no longer."""
    done: list[Done] = []
    failed: list[Failed] = []
    steps = [step for step in plan.steps if isinstance(step, DeleteApplication)]
    for index, step in enumerate(steps):
        target.progress.start(step.app, words(step))
        try:
            detail = await _delete(step, target, purge=purge)
        except Interrupted:
            return Receipt(done=tuple(done), failed=tuple(failed), left=tuple(steps[index:]))
        except (ProvisionError, AuthError) as error:
            target.progress.failed(step.app, words(step))
            failed.append(Failed(app=step.app, step=step, error=error))
        else:
            target.progress.done(step.app, words(step), detail)
            done.append(Done(step=step, detail=detail))
    if purge:
        await _purge_deleted(observed, manifest.owner, target)
    kept = {failure.app for failure in failed}
    await asyncio.to_thread(_clean_stores, manifest, observed, target, kept)
    return Receipt(done=tuple(done), failed=tuple(failed))


async def _delete(step: DeleteApplication, target: Target, *, purge: bool) -> str:
    if target.stopping.is_set():
        raise Interrupted
    await until_accepted(
        lambda: directory.delete_application(target.graph, step.application_id),
        target,
        app=step.app,
        what="application",
    )
    if not purge:
        return "can be restored for 30 days"
    await until_accepted(
        lambda: directory.purge(target.graph, step.application_id),
        target,
        app=step.app,
        what="deleted items",
    )
    return "for good"


async def _purge_deleted(observed: Observed, owner: str, target: Target) -> None:
    """Those of ours that an earlier destroy left in the deleted items."""
    for deleted in observed.deleted.values():
        if owner_of(deleted.application.tags) == owner:
            await directory.purge(target.graph, deleted.application.id)


def _clean_stores(
    manifest: Manifest, observed: Observed, target: Target, kept: Sequence[str] | set[str]
) -> None:
    """Only values of this tenant, and only of applications that are gone."""
    for spec in manifest.applications:
        for secret in spec.secrets if spec.key not in kept else ():
            store = target.open_store(target.place_of(secret.store))
            stored = store.read()
            found = observed.applications.get(spec.key)
            expected = found.application.app_id if found else stored and stored.client_id
            if (
                stored
                and stored.tenant_id == target.tenant_id
                and stored.client_id
                and stored.client_id == expected
            ):
                store.remove(stored.client_id)
