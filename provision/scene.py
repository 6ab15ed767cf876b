"""Where a proof takes place: the tenant, what is known of it, and the time there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provision.compare import APP_ID
from provision.evidence import Audience
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    Permission,
    PermissionScope,
    Resource,
)
from provision.run import Run
from provision.target import Target

READS = 300.0
"""Seconds that a consent may be unseen by a replica of the directory; tokens take longer to show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the tenant when a proof begins.

    `app_ids`, `object_ids` and `principals`, the object ids of service principals, are by key; `resources` by appId;
    `addresses` are the identifier URIs that the manifest gives its own applications, by key.
    """

    app_ids: Mapping[str, str]
    object_ids: Mapping[str, str] = field(default_factory=dict)
    principals: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, desired: Desired) -> Known:
        """What a run observed, and what it has made since; an application that is deleted is not there."""
        deleted = run.observed.deleted.keys()
        there = {
            key: state
            for key, state in run.states.items()
            if key not in deleted or state.restored or state.new
        }
        return cls(
            app_ids={key: state.app_id for key, state in there.items()},
            object_ids={key: state.id for key, state in there.items()},
            principals={k: state.principal_id for k, state in there.items() if state.principal_id},
            resources=dict(run.resources),
            addresses={
                wanted.key: frozenset(
                    str(uri).replace(APP_ID, there[wanted.key].app_id)
                    for uri in wanted.properties.get("identifierUris") or ()
                )
                for wanted in desired.applications
                if wanted.key in there
            },
        )

    def resource_id(self, name: str) -> str | None:
        """The object id of a resource's service principal, if the tenant has one."""
        if name in self.principals:
            return self.principals[name]
        found = self.resources.get(name)
        return found.id if found else None

    def id_of(self, permission: Permission) -> str:
        """The permission's id, which only the resource's new service principal may have told; else empty."""
        found = self.resources.get(permission.resource)
        if permission.id or found is None:
            return permission.id
        told = (
            found.role(permission.value)
            if isinstance(permission, AppRole)
            else found.scope(permission.value)
        )
        return told.id if told else ""

    def audience(self, name: str) -> Audience:
        """A resource by the name that permissions bear: its appId, or its key in the manifest."""
        found = self.resources.get(name)
        if found:
            return Audience(
                name=name,
                shown="Microsoft Graph" if name == GRAPH_APP_ID else found.display_name,
                app_id=name,
                names=found.names,
            )
        if name in self.app_ids:
            app_id, names = self.app_ids[name], self.addresses.get(name, frozenset())
            return Audience(name=name, shown=name, app_id=app_id, names=names)
        shown, app_id = ("Microsoft Graph", name) if name == GRAPH_APP_ID else (name, "")
        return Audience(name=name, shown=shown, app_id=app_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, in seconds: for roles that were granted, and for a consent still to come."""

    roles: float = 60.0
    consent: float = 0.0

    def for_tokens(self, *, grant: bool) -> float:
        """For a consent to show in tokens; one that is only requested may not come at all."""
        return max(self.consent, self.roles if grant else 0.0)

    def for_reads(self, *, grant: bool) -> float:
        """For a consent to show in the directory."""
        return min(self.for_tokens(grant=grant), max(self.consent, READS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a proof takes place: the tenant, what is known of it, and the time there is."""

    target: Target
    known: Known
    patience: Patience


def audiences(wanted: Iterable[AppRole], known: Known) -> tuple[Audience, ...]:
    """Whom tokens are asked for: Microsoft Graph always, since what nobody declared weighs most there."""
    names = {role.resource for role in wanted} - {GRAPH_APP_ID}
    return tuple(known.audience(name) for name in (GRAPH_APP_ID, *sorted(names)))


def named(permissions: Iterable[Permission], known: Known) -> str:
    """Permissions in a sentence, each with its resource where that is not Microsoft Graph."""
    ordered = sorted(
        permissions, key=lambda each: (each.resource != GRAPH_APP_ID, each.resource, each.value)
    )
    return ", ".join(
        known.audience(each.resource).called(each.value)
        + (" (delegated)" if isinstance(each, PermissionScope) else "")
        for each in ordered
    )
