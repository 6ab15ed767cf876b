"""What a fresh token shows, against what the manifest says its holder has: one token for each resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from auth.claims import Claims
from provision.model import GRAPH_APP_ID, AppRole
from provision.receipt import RoleProof


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
        for name, each in sorted(
            evidence.items(), key=lambda pair: (pair[0] != GRAPH_APP_ID, pair[0])
        )
        for value in sorted(each.carried)
        if (name, value) not in declared
    )
