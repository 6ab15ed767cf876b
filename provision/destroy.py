"""Takes away what a manifest owns: applications, what it added to others, and values in stores that can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby

from auth.errors import AuthError
from provision import federate, grant, issuing, keys, trust
from provision.entitlements import ROLES, entries
from provision.errors import (
    GraphError,
    Interrupted,
    NotYetVisible,
    ProvisionError,
    StoreError,
    Unreadable,
)
from provision.graph import directory
from provision.graph.client import recording
from provision.life import listed_in
from provision.manifest.spec import ApplicationSpec, Manifest, PermissionSpec
from provision.model import Application, AppRole, Desired, Observed
from provision.observe import observe
from provision.ownership import PRESERVE, STORED, credential_of, own_tags, owner_of
from provision.patch import untag
from provision.plan import (
    Change,
    DeleteApplication,
    Note,
    Plan,
    RemoveCertificate,
    RemoveFederated,
    RemoveSecret,
    RevokeAppRole,
    Step,
    UpdateApplication,
)
from provision.receipt import Done, Failed, Receipt
from provision.renewal import removal
from provision.run import Run
from provision.stores import Store
from provision.target import Target
from provision.wait import remove, until_accepted
from provision.wording import words

RECORDS_PATIENCE = 60.0
"""Seconds that taking the records off may wait; what is gone has none."""
SETTLING, LOOKS, FEW = 180.0, 16, 5
"""Seconds that a deletion may take to show everywhere, looks in a row that must not find it, and at how many."""


async def plan_destroy(
    manifest: Manifest, target: Target, *, purge: bool = False
) -> tuple[Plan, Observed]:
    """What destroy would take away: applications of ours, and of what stays, what this manifest gave it.

    To purge takes what was deleted before, too: it is shown like the rest, for there is no way back.
    """
    observed = await observe(target, manifest)
    doomed: list[Step | Note] = list(_revocations(manifest, observed))
    specs = {spec.key: spec for spec in manifest.applications}
    for key, spec in sorted(specs.items()):
        if found := observed.applications.get(key):
            doomed += _doomed(key, found.application, spec, manifest.owner, purge=purge)
        elif purge and (deleted := observed.deleted.get(key)):
            doomed += _doomed(key, deleted.application, spec, manifest.owner, purge=purge)
    for stray in observed.strays:
        key = (stray.unique_name or stray.id).removeprefix(f"{manifest.owner}.")
        doomed += _doomed(key, stray, None, manifest.owner, purge=purge)
    steps = tuple(entry for entry in doomed if not isinstance(entry, Note))
    notes = tuple(entry for entry in doomed if isinstance(entry, Note))
    return Plan(owner=manifest.owner, steps=steps, notes=notes), observed


def _doomed(
    key: str, app: Application, spec: ApplicationSpec | None, owner: str, *, purge: bool
) -> Iterator[Step | Note]:
    """Ours goes, unless it is marked; from what was adopted goes what we added to it."""
    name, holder = app.display_name, owner_of(app.tags)
    if holder == owner and (PRESERVE in app.tags or (spec and spec.preserve)):
        says = f"{name} is marked preserve: left as it is, with its secrets"
        yield Note(app=key, says=says)
    elif holder == owner:
        yield DeleteApplication(app=key, application_id=app.id, display_name=name, purge=purge)
    elif holder is None and spec and spec.adopt:
        yield from _added(key, app, owner)
        says = f"{name} was adopted: it stays, and of it only the credentials that this manifest added go"
        yield Note(app=key, says=says)
    else:
        yield Note(app=key, says=f"{name} is not ours: left as it is")


def _added(key: str, app: Application, owner: str) -> Iterator[Step]:
    """The records go first: what no record names is found again by its own name."""
    kept = app.tags - {tag for tag in own_tags(owner, app) if tag.startswith(STORED)}
    if kept != app.tags:
        change = Change(property="tags", before=sorted(app.tags), after=sorted(kept))
        yield UpdateApplication(app=key, changes=(change,))
    for each in listed_in(app).values():
        if named := credential_of(owner, each.display_name):
            yield removal(key, named[0], each, "this manifest added it")
    for trusted in sorted(app.federated, key=lambda trusted: trusted.name):
        if trust.ours(trusted, owner):
            yield RemoveFederated(app=key, credential=trusted.name, subject=trusted.subject)


def _revocations(manifest: Manifest, observed: Observed) -> Iterator[RevokeAppRole]:
    """What managed identities were granted: nothing but the manifest remembers that it was for it."""
    for spec in manifest.identities:
        principal = observed.identities.get(spec.key)
        for permission in spec.permissions if principal else ():
            resource_id, role = _granted(permission, observed)
            for each in principal.app_role_assignments if principal and role else ():
                if role and (each.resource_id, each.app_role_id) == (resource_id, role.id):
                    yield RevokeAppRole(app=spec.key, role=role, assignment_id=each.id)


def _granted(permission: PermissionSpec, observed: Observed) -> tuple[str | None, AppRole | None]:
    """The resource's service principal, and the role as it knows it."""
    own = observed.applications.get(permission.resource)
    if own and own.service_principal:
        offered = (
            AppRole(resource=permission.resource, id=str(each["id"]), value=permission.value)
            for each in entries(own.application, ROLES)
            if each.get("value") == permission.value
        )
        return own.service_principal.id, next(offered, None)
    resource = observed.resources.get(observed.names.get(permission.resource, ""))
    return (resource.id, resource.role(permission.value)) if resource else (None, None)


async def destroy(manifest: Manifest, plan: Plan, observed: Observed, target: Target) -> Receipt:
    """Take away, softly or for good, applications side by side; then clean the stores of what signs in no longer."""
    groups = [list(steps) for _, steps in groupby(plan.steps, key=lambda step: step.app)]
    run = Run.starting(target, Desired(owner=manifest.owner, applications=()), observed)
    parts = await asyncio.gather(*(_taken(steps, run) for steps in groups))
    receipt = Receipt(
        done=tuple(done for part in parts for done in part.done),
        failed=tuple(failed for part in parts for failed in part.failed),
        left=tuple(step for part in parts for step in part.left),
    )
    if receipt.left:
        return receipt
    kept = {failure.app for failure in receipt.failed} | _staying(manifest, plan, observed)
    await asyncio.to_thread(_clean_stores, manifest, observed, target, kept)
    await _until_gone(receipt.done, observed, target)
    return receipt


async def _taken(steps: Sequence[Step], run: Run) -> Receipt:
    """One application's steps; what fails does not keep the others from going."""
    target = run.target
    done: list[Done] = []
    failed: list[Failed] = []
    for index, step in enumerate(steps):
        target.progress.start(step.app, words(step))
        try:
            with recording() as request_ids:
                detail = await _carry_out(step, run)
        except Interrupted:
            return Receipt(done=tuple(done), failed=tuple(failed), left=tuple(steps[index:]))
        except (ProvisionError, AuthError) as error:
            target.progress.failed(step.app, words(step))
            failed.append(Failed(app=step.app, step=step, error=error))
        else:
            target.progress.done(step.app, words(step), detail)
            done.append(Done(step=step, detail=detail, request_ids=tuple(request_ids)))
    return Receipt(done=tuple(done), failed=tuple(failed))


def _staying(manifest: Manifest, plan: Plan, observed: Observed) -> set[str]:
    """Applications that still sign in with what the stores hold."""
    gone = {step.app for step in plan.steps if isinstance(step, DeleteApplication)}
    return {
        spec.key
        for spec in manifest.applications
        if spec.key in observed.applications and spec.key not in gone and not spec.adopt
    }


async def _carry_out(step: Step, run: Run) -> str:
    observed, target = run.observed, run.target
    if target.stopping.is_set():
        raise Interrupted
    if isinstance(step, DeleteApplication):
        tags = {application.id: application.tags for application in _seen(observed)}
        return await _delete(step, tags.get(step.application_id, frozenset()), target)
    match step:
        case RevokeAppRole():
            await grant.revoke_role(step, run)
        case RemoveSecret():
            await issuing.remove_secret(run, step.app, step.key_id, what="secret")
        case RemoveCertificate():
            await keys.remove(run, step.app, step.key_id, what="certificate")
        case RemoveFederated():
            await federate.remove(step, run)
        case UpdateApplication():
            for change in step.changes:
                await _untagged(step, change, run)
        case _:
            raise AssertionError(step)
    return ""


def _seen(observed: Observed) -> tuple[Application, ...]:
    return (*(found.application for found in observed.applications.values()), *observed.strays)


async def _untagged(step: UpdateApplication, change: Change, run: Run) -> None:
    await until_accepted(
        lambda: untag(run.target, run.states[step.app].id, change),
        run.target,
        app=step.app,
        what="application",
    )


async def _until_gone(done: Sequence[Done], observed: Observed, target: Target) -> None:
    """Wait until no replica shows what was deleted: the next apply would believe it, and do nothing.

    One look may meet a replica that knows, several in a row rarely all do. Waiting is a courtesy: it fails nothing.
    """
    steps = [each.step for each in done if isinstance(each.step, DeleteApplication)][:FEW]
    ids = {step.application_id for step in steps}
    app_ids = [each.app_id for each in _seen(observed) if each.id in ids]

    async def look() -> None:
        if await directory.still_there(target.graph, ids, app_ids, looks=LOOKS):
            raise NotYetVisible("The directory still shows what was deleted")

    for step in steps[:1]:
        try:
            await until_accepted(look, target, app=step.app, what="deletion", within=SETTLING)
        except NotYetVisible as late:
            target.tell(f"Note: {late}. An apply within the next minutes may meet that.")
        except (Interrupted, GraphError, AuthError):
            pass


async def _delete(step: DeleteApplication, tags: frozenset[str], target: Target) -> str:
    """The records go first: stores are emptied, and a restored application must not claim otherwise."""
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
    await delete(step, target)
    if not step.purge:
        return "can be restored for 30 days"
    await _purge(step.application_id, step.app, target)
    return "for good"


async def delete(step: DeleteApplication, target: Target) -> None:
    """Delete an application softly; what seems to be gone already is looked for."""

    async def removing() -> bool:
        return await directory.delete_application(target.graph, step.application_id)

    async def shown() -> bool:
        return await directory.still_there(target.graph, [step.application_id])

    await until_accepted(
        lambda: remove(removing, shown, target), target, app=step.app, what="application"
    )


async def _purge(object_id: str, app: str, target: Target) -> None:
    await until_accepted(
        lambda: directory.purge(target.graph, object_id), target, app=app, what="deleted items"
    )


def _clean_stores(manifest: Manifest, observed: Observed, target: Target, kept: set[str]) -> None:
    """Only values of this tenant, and only of applications that are known to be gone.

    A store that cannot be cleaned keeps nobody from the others, nor from the receipt of what is deleted by now.
    """
    for spec in manifest.applications:
        found = observed.applications.get(spec.key) or observed.deleted.get(spec.key)
        for each in spec.stored if found and spec.key not in kept else ():
            try:
                store = target.open_store(target.place_of(each.store))
                if found and _holds(store, found.application.app_id, target):
                    store.remove(found.application.app_id)
            except StoreError as error:
                where = each.store.address
                target.tell(f"Warning: {spec.key}/{each.name} stays in {where}: {error}")


def _holds(store: Store, app_id: str, target: Target) -> bool:
    """Whether a store holds a value of that application; one that cannot be read was told to, as far as is known."""
    try:
        stored = store.read()
    except Unreadable:
        return True
    return bool(stored and stored.tenant_id == target.tenant_id and stored.client_id == app_id)
