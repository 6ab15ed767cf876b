"""The pure heart: what is wanted against what is there, as the steps that make them one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from provision.errors import DeletedNamesake, ForeignApplication
from provision.life import Rotation, diff_secrets
from provision.model import (
    Application,
    AppRole,
    AppRoleAssignment,
    DeletedApplication,
    Desired,
    DesiredApplication,
    Observed,
    ObservedApplication,
    Resource,
    ResourceAccess,
)
from provision.ownership import owner_of
from provision.plan import (
    Change,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    GrantAppRole,
    Note,
    Plan,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    Step,
    UpdateApplication,
    WithdrawPermissions,
)


def diff(
    desired: Desired, observed: Observed, *, now: datetime, rotation: Rotation | None = None
) -> Plan:
    """The steps that make the tenant match; raises PlanError where somebody else's object is in the way."""
    entries: list[Step | Note] = []
    for application in desired.applications:
        entries.extend(_one(application, observed, desired.owner, now, rotation or Rotation()))
    entries.extend(
        DeleteApplication(
            app=(stray.unique_name or stray.id).removeprefix(f"{desired.owner}."),
            application_id=stray.id,
            display_name=stray.display_name,
        )
        for stray in sorted(observed.strays, key=lambda stray: stray.unique_name or stray.id)
        if owner_of(stray.tags) == desired.owner
    )
    return Plan(
        owner=desired.owner,
        steps=tuple(entry for entry in entries if not isinstance(entry, Note)),
        notes=tuple(entry for entry in entries if isinstance(entry, Note)),
    )


def _one(
    wanted: DesiredApplication,
    observed: Observed,
    owner: str,
    now: datetime,
    rotation: Rotation,
) -> Iterator[Step | Note]:
    found = observed.applications.get(wanted.key)
    deleted = observed.deleted.get(wanted.key)
    if found:
        _refuse_foreign(wanted, found.application, owner)
        yield from _existing(wanted, found, observed.resources)
        secrets = diff_secrets(wanted, found, owner=owner, now=now, rotation=rotation)
        yield from _around(secrets, _revokes(wanted, found, observed.resources))
        yield from _withdraw(wanted, found.application, observed.resources)
    elif deleted:
        yield from _restored(wanted, deleted, observed.resources, owner, now)
    else:
        yield from _created(wanted, owner, now)


def _around(secrets: Iterable[Step | Note], revokes: Iterable[Step]) -> Iterator[Step | Note]:
    """New secrets, then revocations, then old secrets: what takes away waits for all that gives."""
    removals: list[Step] = []
    for entry in secrets:
        if isinstance(entry, RemoveSecret):
            removals.append(entry)
        else:
            yield entry
    yield from revokes
    yield from removals


def _refuse_foreign(wanted: DesiredApplication, found: Application, owner: str) -> None:
    holder = owner_of(found.tags)
    if holder != owner:
        raise ForeignApplication(wanted.unique_name, found.app_id, owner=holder)


def _created(wanted: DesiredApplication, owner: str, now: datetime) -> Iterator[Step | Note]:
    yield CreateApplication(
        app=wanted.key,
        unique_name=wanted.unique_name,
        properties=wanted.properties,
        tags=tuple(sorted(wanted.tags)),
        requested=tuple(sorted(wanted.app_roles)),
    )
    yield CreateServicePrincipal(app=wanted.key)
    yield from _grants(wanted, frozenset())
    yield from diff_secrets(wanted, None, owner=owner, now=now, rotation=Rotation())


def _restored(
    wanted: DesiredApplication,
    deleted: DeletedApplication,
    resources: Mapping[str, Resource],
    owner: str,
    now: datetime,
) -> Iterator[Step | Note]:
    if owner_of(deleted.application.tags) != owner:
        raise DeletedNamesake(wanted.unique_name, deleted.application.id)
    yield RestoreApplication(app=wanted.key, application_id=deleted.application.id)
    if deleted.service_principal_id:
        yield RestoreServicePrincipal(
            app=wanted.key, service_principal_id=deleted.service_principal_id
        )
    else:
        yield CreateServicePrincipal(app=wanted.key)
    as_found = ObservedApplication(application=deleted.application, service_principal=None)
    for step in _existing(wanted, as_found, resources):
        if not isinstance(step, CreateServicePrincipal):
            yield step
    restored = Rotation(restored=True)
    secrets = diff_secrets(wanted, as_found, owner=owner, now=now, rotation=restored)
    yield from _around(secrets, ())
    # Its consents come back with the service principal and cannot be read before: withdrawing the
    # request now would make them look like somebody else's.
    for step in _withdraw(wanted, deleted.application, resources):
        names = ", ".join(role.value for role in step.permissions)
        yield Note(
            app=wanted.key,
            says=f"no longer wanted, but not seen before the restore: {names}. Apply again to take back",
        )


def _existing(
    wanted: DesiredApplication, found: ObservedApplication, resources: Mapping[str, Resource]
) -> Iterator[Step | Note]:
    changes = tuple(_changes(wanted, found.application))
    if changes:
        yield UpdateApplication(app=wanted.key, changes=changes)
    requested = _requested(found.application, resources)
    missing = wanted.app_roles - requested
    if missing:
        yield RequestPermissions(app=wanted.key, permissions=tuple(sorted(missing)))
    if found.service_principal is None:
        yield CreateServicePrincipal(app=wanted.key)
    granted = _granted(found, resources)
    yield from _grants(wanted, frozenset(granted))
    for role in sorted(granted.keys() - requested - wanted.app_roles):
        yield Note(
            app=wanted.key,
            says=f"{role.value} is granted, but was not requested here: somebody else's decision, left as it is",
        )


def _grants(wanted: DesiredApplication, granted: frozenset[AppRole]) -> Iterator[Step | Note]:
    missing = sorted(wanted.app_roles - granted)
    if wanted.grant:
        for role in missing:
            yield GrantAppRole(app=wanted.key, role=role)
    elif missing:
        names = ", ".join(role.value for role in missing)
        yield Note(
            app=wanted.key,
            says=f"waits for an administrator's consent, as declared (consent: request): {names}",
        )


def _revokes(
    wanted: DesiredApplication, found: ObservedApplication, resources: Mapping[str, Resource]
) -> Iterator[Step]:
    """Take back what we once requested and no longer want; what nobody here requested is not ours."""
    granted = _granted(found, resources)
    ours = granted.keys() & _requested(found.application, resources)
    for role in sorted(ours - wanted.app_roles):
        yield RevokeAppRole(app=wanted.key, role=role, assignment_id=granted[role].id)


def _withdraw(
    wanted: DesiredApplication, found: Application, resources: Mapping[str, Resource]
) -> Iterator[WithdrawPermissions]:
    """Shrink last: until a consent is revoked, requiredResourceAccess remembers that it is ours.

    What was requested of a resource that was not read stays: its consents cannot be revoked here.
    """
    left = _requested(found, resources) - wanted.app_roles
    known = sorted(role for role in left if role.resource in resources)
    if known:
        yield WithdrawPermissions(app=wanted.key, permissions=tuple(known))


def _changes(wanted: DesiredApplication, found: Application) -> Iterator[Change]:
    for name, value in sorted(wanted.properties.items()):
        before = found.properties.get(name)
        if before != value:
            yield Change(property=name, before=before, after=value)
    if wanted.tags - found.tags:
        yield Change(
            property="tags", before=sorted(found.tags), after=sorted(found.tags | wanted.tags)
        )


def _requested(found: Application, resources: Mapping[str, Resource]) -> frozenset[AppRole]:
    return frozenset(
        _role(access.resource_app_id, access.id, resources)
        for access in found.required_resource_access
        if access.type == "Role"
    )


def _granted(
    found: ObservedApplication, resources: Mapping[str, Resource]
) -> dict[AppRole, AppRoleAssignment]:
    if found.service_principal is None:
        return {}
    app_ids = {resource.id: resource.app_id for resource in resources.values()}
    return {
        _role(app_ids[assignment.resource_id], assignment.app_role_id, resources): assignment
        for assignment in found.service_principal.app_role_assignments
        if assignment.resource_id in app_ids
    }


def _role(app_id: str, role_id: str, resources: Mapping[str, Resource]) -> AppRole:
    """The resource's own role; one that it offers no longer keeps its id for a name."""
    known = resources[app_id].app_roles if app_id in resources else frozenset()
    return next(
        (role for role in known if role.id == role_id),
        AppRole(resource=app_id, id=role_id, value=role_id),
    )


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
