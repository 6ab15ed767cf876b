"""One run of apply: what it works on, and what it has learnt of each application on the way."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from provision.errors import NotMade, PlanError, ProvisionError
from provision.model import (
    Application,
    AppRole,
    Desired,
    DesiredApplication,
    DesiredStored,
    Observed,
    Permission,
    Resource,
    ResourceAccess,
    ServicePrincipal,
)
from provision.places import StorePlace
from provision.target import Target
from provision.wait import PATIENCE, either, remove, until_accepted

T = TypeVar("T")

PROVE_OVER = 20.0
"""Seconds over which a rotated secret must be accepted: replicas of the token service differ."""

LOOK_AGAIN = 60.0
"""Seconds after which an application that was read, but refuses writes as if it were not there, is read again."""


class Outdated(Exception):
    """The tenant is not as it was observed: another runner was first, or a read was stale. Plan again."""


@dataclass(slots=True, kw_only=True)
class State:
    """An application's ids, and the lists that Graph replaces whole, as last written or read.

    `removed` and `withdrawn` are what this run took out of them: a stale read must not bring it back. `lost` names
    secrets that may exist because the answer to their request was lost; `consented` are the scopes that this run granted,
    by the resource's service principal, which a stale read may lack. `keys` and `dropped` are the certificates that this run
    added, in full, and those that it removed. A managed identity has no `id`.
    """

    id: str
    app_id: str
    required: frozenset[ResourceAccess] = frozenset()
    tags: frozenset[str] = frozenset()
    properties: Mapping[str, Any] = field(default_factory=dict)
    principal_id: str | None = None
    new: bool = False
    restored: bool = False
    removed: frozenset[str] = frozenset()
    withdrawn: frozenset[ResourceAccess] = frozenset()
    lost: set[str] = field(default_factory=set)
    consented: dict[str, set[str]] = field(default_factory=dict)
    keys: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls, application: Application, principal_id: str | None = None, *, new: bool = False
    ) -> State:
        """The state of an application as it was read; `new` when this run made it."""
        return cls(
            id=application.id,
            app_id=application.app_id,
            required=application.required_resource_access,
            tags=application.tags,
            properties=application.properties,
            principal_id=principal_id,
            new=new,
        )


@dataclass(slots=True, kw_only=True)
class Run:
    """Lives as long as one apply; `nonce` marks the secrets that this run issued.

    `making` has an event for every application, and every resource, that this run brings into being: set when it is
    there, or `broken` when it will not be. `met` are applications that were to be made and turned out to exist;
    `revived` those whose service principal came back from the deleted items, with consents that do not show yet;
    `revoked` names what was taken back, by application, resource, and role id or scope.
    """

    target: Target
    desired: Desired
    observed: Observed
    prove_over: float = PROVE_OVER
    nonce: str = field(default_factory=lambda: secrets.token_hex(4))
    states: dict[str, State] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    issued: set[tuple[str, str]] = field(default_factory=set)
    making: dict[str, asyncio.Event] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    met: dict[str, Application] = field(default_factory=dict)
    revived: set[str] = field(default_factory=set)
    revoked: set[tuple[str, str, str]] = field(default_factory=set)

    @classmethod
    def starting(
        cls, target: Target, desired: Desired, observed: Observed, *, prove_over: float = PROVE_OVER
    ) -> Run:
        """A run that knows what was observed."""
        run = cls(target=target, desired=desired, observed=observed, prove_over=prove_over)
        run.learn(observed)
        return run

    def learn(self, observed: Observed, *, app: str | None = None) -> None:
        """Take the ids of what was observed; after a second look at one application, of that one only.

        What this run knows of the others may be newer than what was read on the way.
        """
        for app_id, resource in observed.resources.items():
            if resource.id or app_id not in self.resources:
                self.resources[app_id] = resource
        fresh: dict[str, State] = {
            key: State.of(deleted.application) for key, deleted in observed.deleted.items()
        }
        for key, found in observed.applications.items():
            principal = found.service_principal
            fresh[key] = State.of(found.application, principal.id if principal else None)
        for key, identity in observed.identities.items():
            fresh[key] = State(id="", app_id=identity.app_id, principal_id=identity.id)
        for key, state in fresh.items():
            if app in (None, key) or key not in self.states:
                if known := self.states.get(key):
                    state.consented = known.consented
                    state.keys, state.dropped = known.keys, known.dropped
                self.states[key] = state

    def made(self, app: str) -> bool:
        """Whether this run registered the application, so that nothing but lag can hide it."""
        return app in self.states and self.states[app].new

    async def until_accepted(
        self, app: str, attempt: Callable[[], Awaitable[T]], *, what: str
    ) -> T:
        """Wait for the directory: for long after what this run did itself, else soon look again.

        An application that was read and now answers 404 may have been deleted meanwhile.
        """
        state = self.states.get(app)
        own = state is None or state.new or state.restored
        within = PATIENCE if own else LOOK_AGAIN
        return await until_accepted(attempt, self.target, app=app, what=what, within=within)

    async def until_removed(
        self,
        app: str,
        removing: Callable[[], Awaitable[bool]],
        shown: Callable[[], Awaitable[bool]],
        *,
        what: str,
    ) -> None:
        """Wait likewise for a removal; what seems to be gone already is looked for."""
        await self.until_accepted(app, lambda: remove(removing, shown, self.target), what=what)

    async def until_made(self, refs: Iterable[str]) -> None:
        """Wait until what a step refers to has been brought into being by this run; raises NotMade if it fails."""
        for ref in refs:
            if ref in self.making:
                await either(self.making[ref].wait(), self.target)
            known = ref in self.states or ref in self.resources or ref not in self._keys()
            if ref in self.broken or not known:
                raise NotMade(ref)

    def announce(self, name: str) -> None:
        """An application, or a resource, is there: whoever waits for it may go on."""
        if name in self.making:
            self.making[name].set()

    def _keys(self) -> set[str]:
        return {wanted.key for wanted in self.desired.applications} | self.desired.others

    def principal_of(self, app: str) -> str:
        """The object id of an application's service principal, which an earlier step made or found."""
        principal = self.states[app].principal_id
        if principal is None:
            raise ProvisionError(
                f"{app} has no service principal yet", hint="Run the same command again."
            )
        return principal

    def app_id_of(self, name: str) -> str:
        """The appId of a resource or client: an application of the manifest is known by its key."""
        return self.states[name].app_id if name in self.states else name

    def known_resource(self, name: str) -> str | None:
        """The object id of a resource's service principal, if there is one."""
        if name in self.states:
            return self.states[name].principal_id
        found = self.resources.get(name)
        return found.id if found else None

    def resource_id_of(self, name: str) -> str:
        """The object id of a resource's service principal, which consent needs; raises NotMade without one."""
        found = self.known_resource(name)
        if found is None:
            raise NotMade(name)
        return found

    def resolved(self, permission: Permission) -> Permission:
        """The permission with its id, where only the resource's new service principal could tell it."""
        if permission.id:
            return permission
        resource = self.resources[permission.resource]
        is_role = isinstance(permission, AppRole)
        found = resource.role(permission.value) if is_role else resource.scope(permission.value)
        if found is None:
            kind = "application" if is_role else "delegated"
            raise PlanError(
                f'{resource.display_name} offers no {kind} permission "{permission.value}"',
                hint="Correct its name in the manifest, or the resource's appId.",
            )
        return found

    def accesses(self, permissions: Iterable[Permission]) -> list[ResourceAccess]:
        """Permissions as entries of requiredResourceAccess."""
        return [
            ResourceAccess(
                resource_app_id=self.app_id_of(each.resource),
                id=self.resolved(each).id,
                type="Role" if isinstance(each, AppRole) else "Scope",
            )
            for each in permissions
        ]

    def observed_principal(self, app: str) -> ServicePrincipal | None:
        """An application's service principal as it was observed before the run."""
        found = self.observed.applications.get(app)
        return found.service_principal if found else None

    def awake(self, app: str) -> bool:
        """Whether the manifest says that its service principal is enabled: it may be so since a moment ago."""
        return bool(self._wanted(app).principal.enabled)

    def _wanted(self, app: str) -> DesiredApplication:
        return next(each for each in self.desired.applications if each.key == app)

    def stored_of(self, app: str, credential: str) -> DesiredStored:
        """A secret or certificate as the manifest wants it."""
        return next(each for each in self._wanted(app).stored if each.name == credential)

    def places_of(self, app: str, credential: str) -> list[StorePlace]:
        """Where a credential is kept; one that the manifest names no longer may be kept where any of its others are."""
        stored = [
            each
            for wanted in self.desired.applications
            if wanted.key == app
            for each in wanted.stored
        ]
        named = [each for each in stored if each.name == credential]
        return [self.target.place_of(each.store) for each in named or stored]
