"""Takes our marks off applications: from then on they are nobody's, and nothing of them is deleted."""

from __future__ import annotations

from collections.abc import Iterator

from auth.errors import AuthError
from provision.errors import Interrupted, ProvisionError
from provision.graph import directory
from provision.graph.client import recording
from provision.manifest.spec import ApplicationSpec, Manifest
from provision.model import Observed, ObservedApplication, ServicePrincipal
from provision.ownership import PRESERVE, STORED, credential_of, own_tags, owner_of, owner_tag
from provision.patch import left_of, untag
from provision.plan import (
    Change,
    Note,
    Plan,
    Step,
    UpdateApplication,
    UpdateFederated,
    UpdateServicePrincipal,
)
from provision.receipt import Done, Failed, Receipt
from provision.target import Target
from provision.trust import ours
from provision.wait import until_accepted
from provision.wording import words


def plan_forget(manifest: Manifest, observed: Observed) -> Plan:
    """The marks to take off: owner, records of stores, preserve, and those of federated credentials."""
    steps: list[Step] = []
    notes: list[Note] = []
    for spec in manifest.applications:
        found = observed.applications.get(spec.key)
        holder = owner_of(found.application.tags) if found else None
        if found is None:
            says = "does not exist in this tenant, so there is nothing to forget"
            if spec.key in observed.deleted:
                says = "is deleted: restore it before, or it keeps its marks until it is purged"
            notes.append(Note(app=spec.key, says=says))
        elif holder not in (None, manifest.owner):
            notes.append(Note(app=spec.key, says=f"belongs to {holder}: left as it is"))
        else:
            marks = list(_marks(spec.key, found, manifest.owner))
            steps += marks
            notes += _notes(spec, found, manifest.owner) if marks else [_none(spec.key)]
    return Plan(owner=manifest.owner, steps=tuple(steps), notes=tuple(notes))


def _marks(app: str, found: ObservedApplication, owner: str) -> Iterator[Step]:
    """The owner tag goes last: until then an interrupted run can be repeated."""
    for each in found.application.federated:
        if ours(each, owner):
            change = Change(property="description", before=each.description, after="")
            yield UpdateFederated(app=app, credential=each.name, changes=(change,))
    principal = found.service_principal
    theirs = found.application.tags - own_tags(owner, found.application)
    if principal and (changed := _without(principal.tags, owner, theirs)):
        yield UpdateServicePrincipal(app=app, changes=(changed,))
    if changed := _without(found.application.tags, owner, theirs):
        yield UpdateApplication(app=app, changes=(changed,))


def _without(tags: frozenset[str], owner: str, theirs: frozenset[str]) -> Change | None:
    left = {tag for tag in tags if tag in theirs or not _ours(tag, owner)}
    if left == tags:
        return None
    return Change(property="tags", before=sorted(tags), after=sorted(left))


def _ours(tag: str, owner: str) -> bool:
    return tag in (owner_tag(owner), PRESERVE) or tag.startswith(STORED)


def _none(app: str) -> Note:
    return Note(app=app, says="bears no mark of this manifest: nothing to do")


def _notes(spec: ApplicationSpec, found: ObservedApplication, owner: str) -> Iterator[Note]:
    application = found.application
    stays = ["its permissions, secrets and values in stores stay as they are"]
    ours_among = (
        ("secrets", application.password_credentials),
        ("certificates", application.key_credentials),
    )
    named = [
        noun
        for noun, listed in ours_among
        if any(credential_of(owner, each.display_name) for each in listed)
    ]
    if named:
        stays.append(f"its {' and '.join(named)} keep their names")
    if application.unique_name:
        stays.append(f"its uniqueName {application.unique_name} cannot change")
    yield Note(app=spec.key, says="; ".join(stays))
    if not spec.adopt:
        says = (
            "take it out of the manifest: a later apply refuses it, unless it says "
            f"adopt: {{appId: {application.app_id}}}"
        )
        yield Note(app=spec.key, says=says)


async def forget(plan: Plan, observed: Observed, target: Target) -> Receipt:
    """Take the marks off, one application after the other."""
    done: list[Done] = []
    failed: list[Failed] = []
    for index, step in enumerate(plan.steps):
        if any(each.app == step.app for each in failed):
            continue  # the owner tag must not go before the rest
        target.progress.start(step.app, words(step))
        try:
            with recording() as request_ids:
                await _take_off(step, observed, target)
        except Interrupted:
            return Receipt(done=tuple(done), failed=tuple(failed), left=plan.steps[index:])
        except (ProvisionError, AuthError) as error:
            target.progress.failed(step.app, words(step))
            failed.append(Failed(app=step.app, step=step, error=error))
        else:
            target.progress.done(step.app, words(step), "")
            done.append(Done(step=step, detail="", request_ids=tuple(request_ids)))
    return Receipt(done=tuple(done), failed=tuple(failed))


async def _take_off(step: Step, observed: Observed, target: Target) -> None:
    if target.stopping.is_set():
        raise Interrupted
    found = observed.applications[step.app]

    async def attempt() -> None:
        match step:
            case UpdateFederated():
                await directory.update_federated(
                    target.graph, found.application.id, step.credential, _body(step.changes)
                )
            case UpdateServicePrincipal() if found.service_principal:
                for change in step.changes:
                    await _untag_principal(found.service_principal, change, target)
            case UpdateApplication():
                for change in step.changes:
                    await untag(target, found.application.id, change)

    await until_accepted(attempt, target, app=step.app, what="application")


async def _untag_principal(seen: ServicePrincipal, change: Change, target: Target) -> None:
    app_id = seen.app_id
    there = (await directory.service_principals(target.graph, [app_id])).get(app_id)
    body = {"tags": left_of(there.tags if there else frozenset(), change)}
    await directory.update_service_principal(target.graph, seen.id, body)


def _body(changes: tuple[Change, ...]) -> dict[str, object]:
    return {change.property: change.after for change in changes}
