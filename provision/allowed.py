"""Permissions: what is asked for, what was granted, and whose decision that was.

What we granted is remembered by the application's own requiredResourceAccess, where it is ours: a consent to something
that was never asked for is somebody else's. So it is written first and shrunk last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from provision.entitlements import ROLES, SCOPES, entries, scope_id
from provision.model import (
    Application,
    AppRole,
    AppRoleAssignment,
    Desired,
    DesiredApplication,
    DesiredIdentity,
    OAuth2PermissionGrant,
    Observed,
    ObservedApplication,
    Permission,
    PermissionScope,
    Resource,
    ServicePrincipal,
)
from provision.plan import (
    GrantAppRole,
    GrantScopes,
    Note,
    RequestPermissions,
    RevokeAppRole,
    RevokeScopes,
    Step,
    WithdrawPermissions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How the tenant's ids are called: resources by appId and by their service principals' ids, permissions by id.

    A resource that is an application of the manifest is called by its key.
    """

    by_app_id: Mapping[str, str]
    by_principal: Mapping[str, str]
    roles: Mapping[tuple[str, str], AppRole]
    scopes: Mapping[tuple[str, str], PermissionScope]
    own: frozenset[str]

    def role(self, resource: str, id: str) -> AppRole:
        """A role by its id; one that the resource offers no longer keeps its id for a name."""
        return self.roles.get((resource, id)) or AppRole(resource=resource, id=id, value=id)

    def scope(self, resource: str, id: str) -> PermissionScope:
        """A scope by its id, likewise."""
        found = self.scopes.get((resource, id))
        return found or PermissionScope(resource=resource, id=id, value=id)

    def scope_called(self, resource: str, value: str) -> PermissionScope:
        """A scope by its value, which is how consents name it."""
        called = (
            scope
            for (where, _), scope in self.scopes.items()
            if where == resource and scope.value == value
        )
        return next(called, PermissionScope(resource=resource, id="", value=value))


def known(desired: Desired, observed: Observed) -> Known:
    """Everything that can be called by a name in this tenant."""
    keys = dict(observed.applications)
    by_app_id = {resource.app_id: resource.app_id for resource in observed.resources.values()}
    by_app_id |= {found.application.app_id: key for key, found in keys.items()}
    by_principal = {
        resource.id: resource.app_id for resource in observed.resources.values() if resource.id
    }
    by_principal |= {
        found.service_principal.id: key for key, found in keys.items() if found.service_principal
    }
    offered = [*observed.resources.values(), *_own(desired, observed)]
    scopes = {(each.resource, each.id): each for some in offered for each in some.scopes}
    named = {(scope.resource, scope.value) for scope in scopes.values()}
    scopes |= {
        (each.resource, each.id): each
        for each in _former(desired, observed, by_principal)
        if (each.resource, each.value) not in named
    }
    return Known(
        by_app_id=by_app_id,
        by_principal=by_principal,
        roles={(each.resource, each.id): each for some in offered for each in some.app_roles},
        scopes=scopes,
        own=frozenset({*keys, *(wanted.key for wanted in desired.applications), *desired.others}),
    )


def _own(desired: Desired, observed: Observed) -> Iterator[Resource]:
    """What applications of the manifest offer, or did until now."""
    lists = [
        (key, entries(found.application, ROLES), entries(found.application, SCOPES))
        for key, found in observed.applications.items()
    ]
    lists += [
        (wanted.key, wanted.offered_roles or (), wanted.offered_scopes or ())
        for wanted in desired.applications
    ]
    for key, roles, scopes in lists:
        yield Resource(
            id=None,
            app_id=key,
            display_name=key,
            app_roles=frozenset(
                AppRole(resource=key, id=str(each["id"]), value=str(each["value"]))
                for each in roles
                if each.get("value")
            ),
            scopes=frozenset(
                PermissionScope(resource=key, id=str(each["id"]), value=str(each["value"]))
                for each in scopes
                if each.get("value")
            ),
        )


def _former(
    desired: Desired, observed: Observed, by_principal: Mapping[str, str]
) -> Iterator[PermissionScope]:
    """Scopes of our own APIs as consents name them, by value: the API may have stopped to offer them meanwhile."""
    for found in observed.applications.values():
        principal = found.service_principal
        for grant in (principal.grants or ()) if principal else ():
            key = by_principal.get(grant.resource_id, "")
            for value in grant.scopes if key in observed.applications else ():
                id = scope_id(desired.owner, key, value)
                yield PermissionScope(resource=key, id=id, value=value)


def ordered(permissions: Iterable[Permission]) -> tuple[Permission, ...]:
    """Always the same order: by resource, roles before scopes, by name."""
    return tuple(
        sorted(permissions, key=lambda each: (each.resource, type(each).__name__, each.value))
    )


def asked(wanted: DesiredApplication) -> frozenset[Permission]:
    """Everything that an application is to ask for."""
    return wanted.app_roles | wanted.scopes


def requested(found: Application, names: Known) -> frozenset[Permission]:
    """What an application asks for."""
    return frozenset(
        names.role(resource, access.id)
        if access.type == "Role"
        else names.scope(resource, access.id)
        for access in found.required_resource_access
        for resource in [names.by_app_id.get(access.resource_app_id, access.resource_app_id)]
    )


def requests(wanted: DesiredApplication, found: Application | None, names: Known) -> Iterator[Step]:
    """Ask for what is missing, before it is granted."""
    missing = asked(wanted) - (requested(found, names) if found else frozenset())
    if missing:
        yield RequestPermissions(app=wanted.key, permissions=ordered(missing))


def grants(
    wanted: DesiredApplication, found: ObservedApplication | None, names: Known
) -> Iterator[Step | Note]:
    """Consent to what is missing, or say that it waits for somebody else."""
    principal = found.service_principal if found else None
    granted = roles_of(principal, names)
    missing: list[Permission] = sorted(wanted.app_roles - granted.keys())
    unread = principal is not None and principal.grants is None and bool(wanted.scopes)
    if unread:
        yield Note(app=wanted.key, says=UNREAD)
    else:
        missing += ordered(wanted.scopes - scopes_of(principal, names).keys())
    if not wanted.grant:
        if missing:
            values = ", ".join(each.value for each in missing)
            says = f"waits for an administrator's consent, as declared (consent: request): {values}"
            yield Note(app=wanted.key, says=says)
        return
    for role in missing:
        if isinstance(role, AppRole):
            yield GrantAppRole(app=wanted.key, role=role)
    scopes = [each for each in missing if isinstance(each, PermissionScope)]
    for _, some in groupby(scopes, key=lambda scope: scope.resource):
        yield GrantScopes(app=wanted.key, scopes=tuple(some))


UNREAD = (
    "its delegated consents cannot be read by this operator (Directory.Read.All would do), "
    "so none is granted or revoked"
)


def revokes(wanted: DesiredApplication, found: ObservedApplication, names: Known) -> Iterator[Step]:
    """Take back what we once asked for and no longer want; what nobody here asked for is not ours."""
    if wanted.adopt:
        return
    ours = requested(found.application, names)
    granted = roles_of(found.service_principal, names)
    for role in sorted(granted.keys() & ours - wanted.app_roles):
        yield RevokeAppRole(app=wanted.key, role=role, assignment_id=granted[role].id)
    consented = scopes_of(found.service_principal, names)
    doomed = sorted(consented.keys() & ours - wanted.scopes)
    for _, some in groupby(doomed, key=lambda scope: scope.resource):
        scopes = tuple(some)
        yield RevokeScopes(app=wanted.key, scopes=scopes, grant_id=consented[scopes[0]].id)


def withdrawals(
    wanted: DesiredApplication, found: ObservedApplication, names: Known
) -> Iterator[WithdrawPermissions]:
    """Shrink last: until a consent is revoked, requiredResourceAccess remembers that it is ours.

    What was asked of a resource that was not read stays: its consents cannot be revoked here.
    """
    if wanted.adopt:
        return
    readable = {*names.by_principal.values(), *names.own}
    principal = found.service_principal
    unread = principal is not None and principal.grants is None
    left = [
        each
        for each in ordered(requested(found.application, names) - asked(wanted))
        if each.resource in readable and not (unread and isinstance(each, PermissionScope))
    ]
    if left:
        yield WithdrawPermissions(app=wanted.key, permissions=tuple(left))


def others(wanted: DesiredApplication, found: ObservedApplication, names: Known) -> Iterator[Note]:
    """What was granted without having been asked for here."""
    ours = requested(found.application, names)
    granted: set[Permission] = {*roles_of(found.service_principal, names)}
    granted |= scopes_of(found.service_principal, names).keys()
    if wanted.adopt:
        for each in ordered(granted & ours - asked(wanted)):
            says = f"{each.value} is granted, but not in the manifest: adopted, so left as it is"
            yield Note(app=wanted.key, says=says)
    for each in ordered(granted - ours - asked(wanted)):
        yield Note(
            app=wanted.key,
            says=f"{each.value} is granted, but was not requested here: somebody else's decision, left as it is",
        )


def of_identity(
    wanted: DesiredIdentity, principal: ServicePrincipal, names: Known
) -> Iterator[Step | Note]:
    """Grants of a managed identity: nothing remembers whose the others are, so none is revoked."""
    granted = roles_of(principal, names)
    for role in sorted(wanted.app_roles - granted.keys()):
        yield GrantAppRole(app=wanted.key, role=role)
    for role in sorted(granted.keys() - wanted.app_roles):
        says = f"{role.value} is granted, but not in the manifest: left as it is"
        yield Note(app=wanted.key, says=says)


def roles_of(principal: ServicePrincipal | None, names: Known) -> dict[AppRole, AppRoleAssignment]:
    """The application permissions that a service principal was granted, as far as resources were read."""
    return {
        names.role(names.by_principal[each.resource_id], each.app_role_id): each
        for each in (principal.app_role_assignments if principal else ())
        if each.resource_id in names.by_principal
    }


def scopes_of(
    principal: ServicePrincipal | None, names: Known
) -> dict[PermissionScope, OAuth2PermissionGrant]:
    """The delegated permissions that it was granted for every user."""
    return {
        names.scope_called(names.by_principal[each.resource_id], value): each
        for each in ((principal.grants or ()) if principal else ())
        if each.principal_id is None and each.resource_id in names.by_principal
        for value in sorted(each.scopes)
    }
