"""How things stand: every credential with what becomes of it, every consent, and how much has drifted.

What is due is what a plan of the same moment would do about a credential, and what only its users can renew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from provision import allowed, roster
from provision.model import (
    AppRole,
    Desired,
    DesiredApplication,
    Observed,
    ObservedApplication,
    Permission,
    PermissionScope,
    ServicePrincipal,
)
from provision.plan import (
    ADDS,
    REMOVES,
    AddFederated,
    DeleteApplication,
    Plan,
    RemoveFederated,
    Step,
    UpdateFederated,
)
from provision.roster import Case, Row

FEDERATED = (AddFederated, UpdateFederated, RemoveFederated)

ABSENT = "does not exist in this tenant: run provision apply"
DELETED = "is soft-deleted: provision apply restores it"
DISABLED = "its service principal is disabled, as declared"
STRAY = "is no longer in the manifest: provision apply --allow-destroy deletes it"


class Granted(StrEnum):
    """How far an application has got what it asks for."""

    NOTHING_ASKED = "nothing asked"
    GRANTED = "granted"
    MISSING = "missing"
    PENDING = "pending"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How many of the permissions asked for are granted; `missing` is empty where nobody could read it."""

    state: Granted
    granted: int
    asked: int
    missing: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One application or managed identity as a whole; `changes` counts the steps of a plan that no row tells."""

    app: str
    kind: Literal["application", "managedIdentity"]
    exists: bool
    changes: int
    consent: Consent | None = None
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a manifest and its tenant stand at one moment."""

    owner: str
    at: datetime
    applications: tuple[Whole, ...]
    rows: tuple[Row, ...]

    @property
    def due(self) -> tuple[Row, ...]:
        """The credentials that somebody has to do something about."""
        return tuple(row for row in self.rows if row.due)

    def by_app(self) -> dict[str, list[Row]]:
        """The credentials of each application that has any."""
        grouped: dict[str, list[Row]] = {}
        for row in self.rows:
            grouped.setdefault(row.app, []).append(row)
        return grouped


def standing(desired: Desired, observed: Observed, plan: Plan, now: datetime) -> Standing:
    """Every credential that is declared or listed, and each application as a whole."""
    names = allowed.known(desired, observed)
    steps: dict[str, list[Step]] = {}
    for step in plan.steps:
        steps.setdefault(step.app, []).append(step)
    rows: list[Row] = []
    wholes: list[Whole] = []
    for wanted in desired.applications:
        found = observed.applications.get(wanted.key)
        ours = steps.get(wanted.key, [])
        told = [*roster.rows(_case(wanted, found, ours, owner=desired.owner, now=now))]
        rows += told
        principal = found.service_principal if found else None
        wholes.append(
            Whole(
                app=wanted.key,
                kind="application",
                exists=found is not None,
                changes=_changes(ours, told),
                consent=_consent(allowed.asked(wanted), principal, names, grant=wanted.grant),
                says=_presence(wanted, observed),
            )
        )
    for identity in desired.identities:
        principal = observed.identities.get(identity.key)
        wholes.append(
            Whole(
                app=identity.key,
                kind="managedIdentity",
                exists=principal is not None,
                changes=_changes(steps.get(identity.key, []), ()),
                consent=_consent(identity.app_roles, principal, names, grant=True),
            )
        )
    strays = tuple(_strays(plan))
    return Standing(owner=desired.owner, at=now, applications=(*wholes, *strays), rows=tuple(rows))


def _presence(wanted: DesiredApplication, observed: Observed) -> str:
    if wanted.key in observed.applications:
        return DISABLED if wanted.principal.enabled is False else ""
    return DELETED if wanted.key in observed.deleted else ABSENT


def _strays(plan: Plan) -> Iterator[Whole]:
    for step in plan.steps:
        if isinstance(step, DeleteApplication):
            yield Whole(app=step.app, kind="application", exists=True, changes=1, says=STRAY)


def _case(
    wanted: DesiredApplication,
    found: ObservedApplication | None,
    steps: Sequence[Step],
    *,
    owner: str,
    now: datetime,
) -> Case:
    return Case(
        wanted=wanted,
        found=found,
        owner=owner,
        now=now,
        adds={step.credential: step.reason for step in steps if isinstance(step, ADDS)},
        removes=frozenset(step.key_id for step in steps if isinstance(step, REMOVES)),
        trusts=frozenset(step.credential for step in steps if isinstance(step, FEDERATED)),
    )


def _changes(steps: Sequence[Step], told: Iterable[Row]) -> int:
    keys = {row.key_id for row in told}
    return sum(not _is_told(step, keys) for step in steps)


def _is_told(step: Step, keys: set[str | None]) -> bool:
    """Whether a row says what the step does."""
    if isinstance(step, REMOVES):
        return step.key_id in keys
    return isinstance(step, (*ADDS, *FEDERATED))


def _consent(
    asked: frozenset[Permission],
    principal: ServicePrincipal | None,
    names: allowed.Known,
    *,
    grant: bool,
) -> Consent:
    granted: set[Permission] = {*allowed.roles_of(principal, names)}
    granted |= {*allowed.scopes_of(principal, names)}
    missing = allowed.ordered(asked - granted)
    if not asked:
        state = Granted.NOTHING_ASKED
    elif principal and _unread(asked, principal):
        state, missing = Granted.UNREADABLE, ()
    elif not missing:
        state = Granted.GRANTED
    else:
        state = Granted.MISSING if grant else Granted.PENDING
    return Consent(state=state, granted=len(asked & granted), asked=len(asked), missing=missing)


def _unread(asked: frozenset[Permission], principal: ServicePrincipal) -> bool:
    """Whether the operator may not read what would tell: each kind of consent has its own right."""
    roles = any(isinstance(each, AppRole) for each in asked)
    scopes = any(isinstance(each, PermissionScope) for each in asked)
    return (roles and allowed.hides_roles(principal)) or (scopes and principal.grants is None)
