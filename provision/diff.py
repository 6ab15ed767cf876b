"""The pure heart: what is wanted against what is there, as the steps that make them one.

Steps that make an application come first, and need nobody else; what refers to other applications of the manifest
follows; what takes away comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from provision import allowed, compare, policy, trust
from provision.allowed import Known, known
from provision.errors import AdoptedMissing, DeletedNamesake, ForeignApplication, PlanError
from provision.life import listed_in
from provision.model import (
    Application,
    DeletedApplication,
    Desired,
    DesiredApplication,
    DesiredPrincipal,
    Observed,
    ObservedApplication,
    Permission,
)
from provision.ownership import PRESERVE, credential_of, owner_of, owner_tag
from provision.plan import (
    ADDS,
    REMOVES,
    AddOwner,
    AuthorizeClients,
    Change,
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    Note,
    Plan,
    RemoveFederated,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    Step,
    UpdateApplication,
    UpdateServicePrincipal,
)
from provision.renewal import Rotation, diff_stored

Entry = Step | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What every part of one comparison looks at."""

    desired: Desired
    observed: Observed
    names: Known
    now: datetime
    rotation: Rotation

    @property
    def owner(self) -> str:
        return self.desired.owner


def diff(
    desired: Desired, observed: Observed, *, now: datetime, rotation: Rotation | None = None
) -> Plan:
    """The steps that make the tenant match; raises PlanError where somebody else's object is in the way."""
    scene = Scene(
        desired=desired,
        observed=observed,
        names=known(desired, observed),
        now=now,
        rotation=rotation or Rotation(),
    )
    _refuse_two_writers(observed)
    resources = _resource_principals(scene)
    entries: list[Entry] = []
    for application in desired.applications:
        entries.extend(resources.get(application.key, ()))
        entries.extend(_one(application, scene))
        entries.extend(_forbidden(application, scene))
    for identity in desired.identities:
        entries.extend(resources.get(identity.key, ()))
        principal = observed.identities[identity.key]
        entries.extend(allowed.of_identity(identity, principal, scene.names))
    entries.extend(_strays(scene))
    return Plan(
        owner=desired.owner,
        steps=tuple(entry for entry in entries if not isinstance(entry, Note)),
        notes=tuple(entry for entry in entries if isinstance(entry, Note)),
    )


def _resource_principals(scene: Scene) -> Mapping[str, list[CreateResourcePrincipal]]:
    """Resources that the tenant lacks are made by the first application that needs them."""
    steps: dict[str, list[CreateResourcePrincipal]] = {}
    done: set[str] = set()
    needs: list[tuple[str, Iterable[Permission]]] = [
        *((each.key, allowed.asked(each)) for each in scene.desired.applications),
        *((each.key, each.app_roles) for each in scene.desired.identities),
    ]
    for key, permissions in needs:
        for app_id in sorted({each.resource for each in permissions} - done):
            resource = scene.observed.resources.get(app_id)
            if resource is not None and resource.id is None:
                done.add(app_id)
                step = CreateResourcePrincipal(app=key, resource=app_id, name=resource.display_name)
                steps.setdefault(key, []).append(step)
    return steps


def _one(wanted: DesiredApplication, scene: Scene) -> Iterator[Entry]:
    found = scene.observed.applications.get(wanted.key)
    deleted = scene.observed.deleted.get(wanted.key)
    if found:
        _refuse_foreign(wanted, found.application, scene.owner)
        yield from _existing(wanted, found, scene)
    elif wanted.adopt:
        raise AdoptedMissing(wanted.key, wanted.adopt)
    elif deleted:
        yield from _restored(wanted, deleted, scene)
    else:
        yield from _created(wanted, scene)


def _forbidden(wanted: DesiredApplication, scene: Scene) -> Iterator[Note]:
    """What the tenant will refuse, said before anybody asks for it; nothing where no policy could be read."""
    default = scene.observed.policy
    if default is None:
        return
    found = scene.observed.applications.get(wanted.key)
    deleted = scene.observed.deleted.get(wanted.key)
    application = found.application if found else deleted.application if deleted else None
    rules = policy.applying(default, found.policy if found else None)
    made = application.created if application else scene.now
    for says in policy.complaints(wanted, rules, made, found.held if found else None):
        yield Note(app=wanted.key, says=says)


def _created(wanted: DesiredApplication, scene: Scene) -> Iterator[Entry]:
    """What refers to the application itself, or to others of the manifest, waits until those exist."""
    properties = compare.wanted_properties(wanted)
    later = {
        name: properties[name]
        for name in sorted(properties)
        if compare.needs_app_id(properties[name])
    }
    asked = allowed.ordered(allowed.asked(wanted))
    yield CreateApplication(
        app=wanted.key,
        unique_name=wanted.unique_name,
        properties={name: properties[name] for name in sorted(properties) if name not in later},
        tags=tuple(sorted(wanted.tags)),
        requested=tuple(each for each in asked if each.resource not in scene.names.own),
    )
    if later:
        changes = (Change(property=name, before=None, after=later[name]) for name in later)
        yield UpdateApplication(app=wanted.key, changes=tuple(changes))
    yield CreateServicePrincipal(app=wanted.key)
    principal = tuple(compare.principal_changes(wanted.principal, None, wanted.tags))
    if principal:
        yield UpdateServicePrincipal(app=wanted.key, changes=principal)
    yield from _owners(wanted, None)
    yield from _clients(wanted, None, scene.names)
    own = tuple(each for each in asked if each.resource in scene.names.own)
    if own:
        yield RequestPermissions(app=wanted.key, permissions=own)
    yield from allowed.grants(wanted, None, scene.names)
    yield from trust.added(wanted, None, scene.owner)
    yield from _stored(wanted, None, scene, Rotation())


def _existing(
    wanted: DesiredApplication, found: ObservedApplication, scene: Scene
) -> Iterator[Entry]:
    yield from _updated(wanted, found.application)
    if found.service_principal is None and _needs_principal(wanted, scene.desired):
        yield CreateServicePrincipal(app=wanted.key)
    yield from _principal(wanted, found)
    yield from _referring(wanted, found, scene)
    stored = _stored(wanted, found, scene, scene.rotation)
    removals = trust.removed(wanted, found, scene.owner)
    revokes = allowed.revokes(wanted, found, scene.names)
    yield from _around([*stored, *removals], revokes)
    yield from allowed.withdrawals(wanted, found, scene.names)


def _needs_principal(wanted: DesiredApplication, desired: Desired) -> bool:
    """An adopted application may do without one until something in the manifest cannot."""
    if not wanted.adopt or wanted.stored or wanted.federated:
        return True
    said = wanted.principal
    if said != DesiredPrincipal() or (wanted.grant and allowed.asked(wanted)):
        return True
    granting = [allowed.asked(each) for each in desired.applications if each.grant]
    granting += [each.app_roles for each in desired.identities]
    return any(each.resource == wanted.key for some in granting for each in some)


def _updated(wanted: DesiredApplication, found: Application) -> Iterator[Step]:
    changes = tuple(compare.changes(wanted, found))
    doomed = compare.to_disable(changes)
    if doomed:
        yield DisableEntitlements(app=wanted.key, values=doomed)
    if changes:
        yield UpdateApplication(app=wanted.key, changes=changes)


def _principal(wanted: DesiredApplication, found: ObservedApplication) -> Iterator[Step]:
    inherited = found.application.tags | wanted.tags
    changes = tuple(compare.principal_changes(wanted.principal, found.service_principal, inherited))
    if changes:
        yield UpdateServicePrincipal(app=wanted.key, changes=changes)


def _referring(
    wanted: DesiredApplication, found: ObservedApplication, scene: Scene
) -> Iterator[Entry]:
    """What may name other applications of the manifest: clients, permissions, and what follows from them."""
    yield from _owners(wanted, found)
    yield from _clients(wanted, found.application, scene.names)
    yield from allowed.requests(wanted, found.application, scene.names)
    yield from allowed.grants(wanted, found, scene.names)
    yield from allowed.others(wanted, found, scene.names)
    yield from trust.added(wanted, found, scene.owner)


def _restored(
    wanted: DesiredApplication, deleted: DeletedApplication, scene: Scene
) -> Iterator[Entry]:
    application = deleted.application
    if owner_of(application.tags) != scene.owner:
        raise DeletedNamesake(wanted.unique_name, application.id)
    yield RestoreApplication(app=wanted.key, application_id=application.id)
    as_found = ObservedApplication(application=application, service_principal=None)
    buried = deleted.service_principal
    if buried:
        yield RestoreServicePrincipal(app=wanted.key, service_principal_id=buried.id)
    else:
        yield CreateServicePrincipal(app=wanted.key)
    yield from _updated(wanted, application)
    yield from _principal(wanted, replace(as_found, service_principal=buried))
    yield from _referring(wanted, as_found, scene)
    stored = _stored(wanted, as_found, scene, Rotation(restored=True))
    yield from _around(stored, ())
    # Its consents come back with the service principal and cannot be read before: withdrawing the
    # request now would make them look like somebody else's.
    for step in allowed.withdrawals(wanted, as_found, scene.names):
        values = ", ".join(each.value for each in step.permissions)
        yield Note(
            app=wanted.key,
            says=f"no longer wanted, but not seen before the restore: {values}. Apply again to take back",
        )


def _stored(
    wanted: DesiredApplication, found: ObservedApplication | None, scene: Scene, rotation: Rotation
) -> list[Entry]:
    """What becomes of secrets and certificates; none is made that could not be proven, nor one removed in its favour."""
    entries = [*diff_stored(wanted, found, owner=scene.owner, now=scene.now, rotation=rotation)]
    if wanted.principal.enabled is not False:
        return entries
    waiting = {entry.credential: entry for entry in entries if isinstance(entry, ADDS)}
    kept: list[Entry] = [
        entry
        for entry in entries
        if not (isinstance(entry, (*ADDS, *REMOVES)) and entry.credential in waiting)
    ]
    return kept + [
        Note(
            app=wanted.key,
            says=f"{name}: none is issued while the service principal is disabled ({entry.reason})",
        )
        for name, entry in waiting.items()
    ]


def _around(stored: Iterable[Entry], revokes: Iterable[Step]) -> Iterator[Entry]:
    """New secrets and certificates, then revocations, then old ones: what takes away waits for all that gives."""
    removals: list[Step] = []
    for entry in stored:
        if isinstance(entry, (*REMOVES, RemoveFederated)):
            removals.append(entry)
        else:
            yield entry
    yield from revokes
    yield from removals


def _owners(wanted: DesiredApplication, found: ObservedApplication | None) -> Iterator[AddOwner]:
    """Owners are added and never removed: whoever made the application may have good reasons."""
    there = found.owners if found else frozenset()
    for owner in sorted(wanted.owners):
        if owner.id not in there:
            yield AddOwner(app=wanted.key, of="application", owner=owner)
    there = found.principal_owners if found else frozenset()
    for owner in sorted(wanted.principal.owners):
        if owner.id not in there:
            yield AddOwner(app=wanted.key, of="servicePrincipal", owner=owner)


def _clients(
    wanted: DesiredApplication, found: Application | None, names: Known
) -> Iterator[AuthorizeClients]:
    """Compared by name, since a client of the manifest may not exist yet."""
    api = (found.properties.get("api") or {}) if found else {}
    pre_authorized = known_clients = None
    if wanted.pre_authorized is not None:
        there = {
            (names.by_app_id.get(each["appId"], each["appId"]), id)
            for each in api.get("preAuthorizedApplications") or ()
            for id in each.get("delegatedPermissionIds") or ()
        }
        new = {(each.client, scope.id) for each in wanted.pre_authorized for scope in each.scopes}
        if {(_key(client, names), id) for client, id in new} != there:
            pre_authorized = wanted.pre_authorized
    if wanted.known_clients is not None:
        listed = {names.by_app_id.get(id, id) for id in api.get("knownClientApplications") or ()}
        if {_key(client, names) for client in wanted.known_clients} != listed:
            known_clients = tuple(sorted(wanted.known_clients))
    if pre_authorized is not None or known_clients is not None:
        yield AuthorizeClients(app=wanted.key, pre_authorized=pre_authorized, known=known_clients)


def _key(client: str, names: Known) -> str:
    """A client of the manifest may be named by its appId too."""
    return names.by_app_id.get(client, client)


def _strays(scene: Scene) -> Iterator[Entry]:
    for stray in sorted(scene.observed.strays, key=lambda stray: stray.unique_name or stray.id):
        if owner_of(stray.tags) != scene.owner:
            continue
        app = (stray.unique_name or stray.id).removeprefix(f"{scene.owner}.")
        if PRESERVE in stray.tags:
            says = f"{stray.display_name} is no longer in the manifest, and kept: it was marked preserve"
            yield Note(app=app, says=says)
        else:
            yield DeleteApplication(
                app=app, application_id=stray.id, display_name=stray.display_name
            )


def _refuse_two_writers(observed: Observed) -> None:
    """An application that one key made and another adopts would be changed back by each of them in turn."""
    keys: dict[str, str] = {}
    for key, found in sorted(observed.applications.items()):
        other = keys.setdefault(found.application.id, key)
        if other != key:
            raise PlanError(
                f"{other} and {key} are one application of this tenant: {found.application.app_id}",
                hint="Leave only one of them in the manifest; for another key, the one that adopts it.",
            )


def _refuse_foreign(wanted: DesiredApplication, found: Application, owner: str) -> None:
    """What bears our name must bear our mark; what we adopt must not bear another's."""
    holder = owner_of(found.tags)
    if holder != owner and not (wanted.adopt and holder is None):
        marked = any(credential_of(owner, each.display_name) for each in listed_in(found).values())
        lost = owner_tag(owner) if marked and holder is None else None
        raise ForeignApplication(wanted.unique_name, found.app_id, owner=holder, lost=lost)
