"""What the directory shows as granted: read where no token can tell, or where one lacks a role."""

from __future__ import annotations

from dataclasses import dataclass

from provision.clock import backoff
from provision.graph import directory
from provision.model import (
    AppRole,
    DesiredApplication,
    DesiredIdentity,
    PermissionScope,
    ServicePrincipal,
)
from provision.scene import Known, named
from provision.target import Target
from provision.trust import changes_of
from provision.wait import pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds permissions: an application, or a managed identity, which is a service principal alone."""

    key: str
    roles: frozenset[AppRole]
    scopes: frozenset[PermissionScope]
    grant: bool
    app_id: str = ""
    principal_id: str = ""

    @classmethod
    def application(cls, wanted: DesiredApplication, app_id: str) -> Holder:
        """An application of the manifest."""
        return cls(
            key=wanted.key,
            roles=wanted.app_roles,
            scopes=wanted.scopes,
            grant=wanted.grant,
            app_id=app_id,
        )

    @classmethod
    def identity(cls, wanted: DesiredIdentity) -> Holder:
        """A managed identity: what is asked for it is always granted."""
        return cls(
            key=wanted.key,
            roles=wanted.app_roles,
            scopes=frozenset(),
            grant=True,
            principal_id=wanted.principal_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is wanted and not granted; `scopes` is None where the operator may not read delegated consents."""

    roles: frozenset[AppRole]
    scopes: frozenset[PermissionScope] | None = frozenset()

    def waited_for(self, *, grant: bool) -> frozenset[AppRole | PermissionScope]:
        """What keeps the workload waiting; delegated permissions only where they are to be granted for all."""
        return self.roles | ((self.scopes or frozenset()) if grant else frozenset())


def missing(holder: Holder, principal: ServicePrincipal | None, known: Known) -> Missing:
    """What is wanted against what a service principal was granted: two resources may use equal ids."""
    assigned = principal.app_role_assignments if principal else ()
    held = {(each.resource_id, each.app_role_id) for each in assigned}
    roles = frozenset(
        role
        for role in holder.roles
        if (known.resource_id(role.resource), known.id_of(role)) not in held
    )
    if principal is None or not holder.scopes:
        return Missing(roles=roles, scopes=holder.scopes)
    if principal.grants is None:
        return Missing(roles=roles, scopes=None)
    consented = {
        (each.resource_id, value)
        for each in principal.grants
        if each.principal_id is None
        for value in each.scopes
    }
    scopes = frozenset(
        scope
        for scope in holder.scopes
        if (known.resource_id(scope.resource), scope.value) not in consented
    )
    return Missing(roles=roles, scopes=scopes)


async def read(target: Target, holder: Holder, known: Known) -> Missing:
    """One look at what the holder was granted."""
    if holder.principal_id:
        found = await directory.service_principal_by_id(target.graph, holder.principal_id)
        return missing(holder, found, known)
    delegated = [holder.app_id] if holder.scopes else []
    principals = await directory.service_principals(
        target.graph, [holder.app_id], delegated=delegated
    )
    return missing(holder, principals.get(holder.app_id), known)


async def settled(target: Target, holder: Holder, known: Known, *, within: float) -> Missing:
    """What is missing once a consent has had `within` seconds to be seen, or to come."""
    began = target.clock.monotonic()
    for seconds in backoff(1.0):
        left = await read(target, holder, known)
        waited = target.clock.monotonic() - began
        waiting_for = left.waited_for(grant=holder.grant)
        if not waiting_for or waited + seconds > within:
            return left
        what = f"the directory: consent to {named(waiting_for, known)}"
        target.progress.waiting(holder.key, what, waited, within)
        await pause(target, seconds)
    raise AssertionError("backoff never ends")


async def untrusted(
    target: Target, known: Known, wanted: DesiredApplication, *, within: float
) -> frozenset[str]:
    """The federated credentials that the directory does not have as declared; one just made may take a while."""
    if not wanted.federated:
        return frozenset()
    object_id = known.object_ids[wanted.key]
    began = target.clock.monotonic()
    for seconds in backoff(1.0):
        there = await directory.federated_credentials(target.graph, [object_id])
        present = {each.name: each for each in there.get(object_id, ())}
        left = frozenset(
            each.name
            for each in wanted.federated
            if each.name not in present or any(changes_of(each, present[each.name]))
        )
        waited = target.clock.monotonic() - began
        if not left or waited + seconds > within:
            return left
        what = f"the directory: federated credential {', '.join(sorted(left))}"
        target.progress.waiting(wanted.key, what, waited, within)
        await pause(target, seconds)
    raise AssertionError("backoff never ends")


def delegated(left: Missing, known: Known) -> str:
    """What can be said of delegated consents that hold nobody up."""
    if left.scopes is None:
        return "delegated consents cannot be read by this operator"
    if left.scopes:
        return f"not consented to for everybody: {named(left.scopes, known)}"
    return "delegated consents are granted: a token with them needs a signed-in user"


def hint(*, grant: bool) -> str:
    """What to do about a consent that is missing."""
    if grant:
        return "An administrator runs: provision apply --only consent"
    return (
        "As declared (consent: request): an administrator runs provision apply --only consent, "
        "then run provision verify again."
    )
