"""Brings an application and its service principal into being, by upsert or from the deleted items."""

from __future__ import annotations

from collections.abc import Iterable

from provision.change import update_principal
from provision.compare import nested, principal_changes
from provision.errors import (
    Conflict,
    DeletedNamesake,
    Forbidden,
    ForeignApplication,
    NotYetVisible,
)
from provision.graph import directory
from provision.model import Application, DeletedApplication, ServicePrincipal
from provision.ownership import owner_of
from provision.patch import required_resource_access
from provision.plan import CreateApplication, CreateServicePrincipal, Step, UpdateServicePrincipal
from provision.run import Outdated, Run, State
from provision.wait import until_accepted

NAMESAKE_PATIENCE = 60.0
"""Seconds that the list of deleted items may lag behind the refusal that names one."""
LOOKS = 3
"""How often a name is looked up before something is made of that name: an upsert replaces lists whole."""


async def look_again(run: Run, steps: Iterable[Step]) -> None:
    """Look once more for what is to be made, right before: a plan may be old, or have met a replica that was behind."""
    names = {step.unique_name: step.app for step in steps if isinstance(step, CreateApplication)}
    if names:
        met = await directory.applications_named(run.target.graph, names, looks=LOOKS)
        run.met |= {names[name]: application for name, application in met.items()}


async def create(step: CreateApplication, run: Run) -> str:
    """Upsert by uniqueName: a lost answer or a second runner never makes two. Answers with the appId."""
    met = run.met.pop(step.app, None)
    if met:
        _refuse_foreign(step, met, run)
        raise Outdated
    body = {
        **nested(step.properties),
        "tags": list(step.tags),
        "requiredResourceAccess": required_resource_access(run.accesses(step.requested)),
    }
    try:
        made = await directory.upsert_application(run.target.graph, step.unique_name, body)
    except Conflict as taken:
        if "uniqueName" not in taken.detail:
            raise  # another of its names is somebody else's, such as an identifier URI
        await _deleted_namesake(step, run, taken)
        raise Outdated from taken
    if made is None:
        await _met(step, run)
        raise Outdated
    run.states[step.app] = State.of(made, new=True)
    return made.app_id


async def _met(step: CreateApplication, run: Run) -> None:
    """204 where the plan said create: somebody was first. Read whose it is before any further write."""
    name = step.unique_name

    async def look() -> Application:
        found = (await directory.applications_named(run.target.graph, [name])).get(name)
        if found is None:
            raise NotYetVisible(f"The application {name} exists, but cannot be read yet")
        return found

    found = await until_accepted(look, run.target, app=step.app, what="application")
    _refuse_foreign(step, found, run)


def _refuse_foreign(step: CreateApplication, met: Application, run: Run) -> None:
    holder = owner_of(met.tags)
    if holder != run.desired.owner:
        raise ForeignApplication(step.unique_name, met.app_id, owner=holder)


async def _deleted_namesake(step: CreateApplication, run: Run, taken: Conflict) -> None:
    """Something deleted holds the name: ours will be restored, anybody else's stops us."""
    name = step.unique_name

    async def look() -> DeletedApplication:
        for deleted in await directory.deleted_applications(run.target.graph):
            if deleted.application.unique_name == name:
                return deleted
        raise NotYetVisible(f"A deleted application holds {name}, but is not listed yet")

    try:
        deleted = await until_accepted(
            look, run.target, app=step.app, what="deleted items", within=NAMESAKE_PATIENCE
        )
    except (Forbidden, NotYetVisible):
        raise DeletedNamesake(name, None) from taken
    if owner_of(deleted.application.tags) != run.desired.owner:
        raise DeletedNamesake(name, deleted.application.id) from taken


async def restore(run: Run, app: str, object_id: str) -> str:
    """Bring an application or a service principal back from the deleted items."""
    run.states[app].restored = True
    await until_accepted(
        lambda: directory.restore(run.target.graph, object_id),
        run.target,
        app=app,
        what="deleted items",
    )
    return "from the deleted items"


async def create_service_principal(step: CreateServicePrincipal, run: Run) -> str:
    """Give the application its service principal, or back the one that was deleted with it."""
    state = run.states[step.app]

    async def attempt() -> ServicePrincipal:
        if not state.new:  # restored by this run, or by one that was killed before it came here
            deleted = await directory.deleted_service_principal(run.target.graph, state.app_id)
            if deleted:
                await directory.restore(run.target.graph, deleted.id)
                run.revived.add(step.app)
                return deleted
        return await directory.create_service_principal(run.target.graph, state.app_id)

    made = await run.until_accepted(step.app, attempt, what="application")
    state.principal_id = made.id
    if step.app in run.revived:  # the plan took it for a new one, but it comes back as it was
        wanted = next(each for each in run.desired.applications if each.key == step.app)
        changes = tuple(principal_changes(wanted.principal, made))
        if changes:
            await update_principal(UpdateServicePrincipal(app=step.app, changes=changes), run)
    return made.id
