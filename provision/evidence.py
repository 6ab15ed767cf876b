"""What a fresh token shows, against what the manifest says its holder has: one token for each resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from auth.claims import Claims
from provision.compare import APP_ID
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    Permission,
    PermissionScope,
    Resource,
)
from provision.receipt import RoleProof
from provision.run import Run


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
class Audience:
    """A resource that tokens are asked for; `app_id` is empty where the tenant has no such application."""

    name: str
    shown: str
    app_id: str
    names: frozenset[str] = frozenset()

    @property
    def is_graph(self) -> bool:
        """Whether this is Microsoft Graph, whose tokens are asked for by the cloud's own scope."""
        return self.app_id == GRAPH_APP_ID

    def called(self, permission: str) -> str:
        """One of its permissions: Microsoft Graph's by its name alone, any other with whose it is."""
        return permission if self.is_graph else f"{permission} of {self.shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one request for a token came to.

    `wrong` ends the proof; `late` is a refusal that may end when the token service has heard of a consent.
    """

    audience: Audience
    carried: frozenset[str] = frozenset()
    token: str = field(default="", repr=False)
    wrong: str = ""
    late: str = ""
    hint: str = ""

    def shows(self, wanted: Iterable[AppRole]) -> bool:
        """Whether it leaves nothing to be asked again: all roles that are wanted of this resource."""
        values = {role.value for role in wanted if role.resource == self.audience.name}
        return not (self.wrong or self.late) and values <= self.carried


def audiences(wanted: Iterable[AppRole], known: Known) -> tuple[Audience, ...]:
    """Whom tokens are asked for: Microsoft Graph always, since what nobody declared weighs most there."""
    names = {role.resource for role in wanted} - {GRAPH_APP_ID}
    return tuple(known.audience(name) for name in (GRAPH_APP_ID, *sorted(names)))


def impostor(
    carried: Claims, audience: Audience, *, graph: str, tenant_id: str, app_id: str
) -> str:
    """Why the token proves nothing: it is another's, or for another; empty when it is neither.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#payload-claims
    """
    names = {audience.app_id, f"api://{audience.app_id}", *audience.names}
    names |= {graph} if audience.is_graph else set()
    if carried.aud.rstrip("/") not in {name.rstrip("/") for name in names}:
        return f"the token is for {carried.aud}, not for {audience.shown}"
    if carried.tid != tenant_id:
        return f"the token is of tenant {carried.tid}, not of {tenant_id}"
    if carried.app_id != app_id:
        return f"the token is of application {carried.app_id}, not of {app_id}"
    return ""


def roles_shown(
    wanted: Iterable[AppRole], evidence: Mapping[str, Evidence]
) -> tuple[RoleProof, ...]:
    """Each role that is wanted, and whether the token for its own resource carries it."""
    proofs = []
    for role in sorted(wanted, key=lambda role: (role.resource != GRAPH_APP_ID, role)):
        shown = evidence[role.resource]
        present = role.value in shown.carried
        proofs.append(RoleProof(resource=shown.audience.shown, value=role.value, present=present))
    return tuple(proofs)


def lacking(wanted: Iterable[AppRole], evidence: Mapping[str, Evidence]) -> frozenset[AppRole]:
    """The roles that are wanted and that no token carries."""
    return frozenset(role for role in wanted if role.value not in evidence[role.resource].carried)


def undeclared(wanted: Iterable[AppRole], evidence: Mapping[str, Evidence]) -> tuple[str, ...]:
    """What the tokens carry beyond what the manifest declares."""
    declared = {(role.resource, role.value) for role in wanted}
    return tuple(
        each.audience.called(value)
        for name, each in evidence.items()
        for value in sorted(each.carried)
        if (name, value) not in declared
    )


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
