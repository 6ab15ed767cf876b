"""One run of apply: what it works on, and what it has learnt of each application on the way."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from provision.errors import ProvisionError
from provision.model import (
    Application,
    Desired,
    DesiredSecret,
    Observed,
    ResourceAccess,
)
from provision.target import Target
from provision.wait import PATIENCE, until_accepted

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
    secrets that may exist because the answer to their request was lost.
    """

    id: str
    app_id: str
    required: frozenset[ResourceAccess]
    tags: frozenset[str]
    principal_id: str | None = None
    new: bool = False
    restored: bool = False
    removed: frozenset[str] = frozenset()
    withdrawn: frozenset[ResourceAccess] = frozenset()
    lost: set[str] = field(default_factory=set)

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
            principal_id=principal_id,
            new=new,
        )


@dataclass(slots=True, kw_only=True)
class Run:
    """Lives as long as one apply; `nonce` marks the secrets that this run issued."""

    target: Target
    desired: Desired
    observed: Observed
    prove_over: float = PROVE_OVER
    nonce: str = field(default_factory=lambda: secrets.token_hex(4))
    states: dict[str, State] = field(default_factory=dict)
    issued: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def starting(
        cls, target: Target, desired: Desired, observed: Observed, *, prove_over: float = PROVE_OVER
    ) -> Run:
        """A run that knows what was observed."""
        run = cls(target=target, desired=desired, observed=observed, prove_over=prove_over)
        run.learn(observed)
        return run

    def learn(self, observed: Observed) -> None:
        """Take the ids of what was observed; called again after a second look."""
        for key, deleted in observed.deleted.items():
            self.states[key] = State.of(deleted.application)
        for key, found in observed.applications.items():
            principal = found.service_principal
            self.states[key] = State.of(found.application, principal.id if principal else None)

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

    def principal_of(self, app: str) -> str:
        """The object id of an application's service principal, which an earlier step made or found."""
        principal = self.states[app].principal_id
        if principal is None:
            raise ProvisionError(
                f"{app} has no service principal yet", hint="Run the same command again."
            )
        return principal

    def secret_of(self, app: str, credential: str) -> DesiredSecret:
        """A secret as the manifest wants it."""
        wanted = next(a for a in self.desired.applications if a.key == app)
        return next(secret for secret in wanted.secrets if secret.name == credential)
