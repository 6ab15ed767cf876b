"""A simulated tenant in which a plan's steps take effect: for properties that hold at every moment of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from provision.compare import nested
from provision.entitlements import ROLES, SCOPES, entries
from provision.model import (
    AppRole,
    AppRoleAssignment,
    Desired,
    FederatedIdentityCredential,
    OAuth2PermissionGrant,
    Observed,
    ObservedApplication,
    ServicePrincipal,
)
from provision.ownership import federated_mark
from provision.plan import (
    MAKES,
    AddCertificate,
    AddFederated,
    AddOwner,
    AddSecret,
    AuthorizeClients,
    Change,
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    Plan,
    RecordStored,
    RemoveCertificate,
    RemoveFederated,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    RevokeScopes,
    Step,
    UpdateApplication,
    UpdateFederated,
    UpdateServicePrincipal,
    WithdrawPermissions,
)
from tests.altered import (
    accesses,
    app_id_of,
    app_of,
    id_of,
    patched,
    principal_of,
    put,
    resource_id_of,
    with_principal,
)
from tests.build import NOW, registered
from tests.simulated_secrets import issued, recorded, removed


def perform(plan: Plan, wanted: Desired, seen: Observed, *, now: datetime = NOW) -> Observed:
    """The tenant and the stores after all steps of a plan."""
    return list(moments(plan, wanted, seen, now=now))[-1]


def moments(
    plan: Plan, wanted: Desired, seen: Observed, *, now: datetime = NOW
) -> Iterator[Observed]:
    """The tenant and the stores at every moment at which a run may be killed, first and last included.

    A step that refers to another application waits until that one's making is over, as a run does.
    """
    current = seen
    yield current
    for step in sorted(plan.steps, key=lambda step: not isinstance(step, MAKES)):
        for after in _effects(step, wanted, current, now):
            current = after
            yield current


def _effects(step: Step, wanted: Desired, seen: Observed, now: datetime) -> Iterator[Observed]:
    match step:
        case AddSecret() | AddCertificate():
            yield from issued(step, wanted, seen, now)
        case RecordStored():
            yield recorded(seen, step.app, step.credential, step.key_id, now)
        case RemoveSecret() | RemoveCertificate():
            yield from removed(step, seen)
        case _:
            yield EFFECTS[type(step)](step, wanted, seen)


def _created(step: CreateApplication, wanted: Desired, seen: Observed) -> Observed:
    assert step.app not in seen.applications
    made = registered(
        step.app,
        requested=accesses(step.requested, seen),
        tags=step.tags,
        owner=None,
        properties=nested(step.properties),
        principal=False,
    )
    return put(seen, step.app, made)


def _restored(step: RestoreApplication, wanted: Desired, seen: Observed) -> Observed:
    back = ObservedApplication(
        application=seen.deleted[step.app].application, service_principal=None
    )
    gone = {key: each for key, each in seen.deleted.items() if key != step.app}
    return put(replace(seen, deleted=gone), step.app, back)


def _deleted(step: DeleteApplication, wanted: Desired, seen: Observed) -> Observed:
    left = tuple(stray for stray in seen.strays if stray.id != step.application_id)
    assert len(left) == len(seen.strays) - 1
    return replace(seen, strays=left)


def _updated(step: UpdateApplication, wanted: Desired, seen: Observed) -> Observed:
    app = app_of(seen, step.app)
    after = {change.property: change.after for change in step.changes}
    tags = frozenset(after.pop("tags", app.tags))
    known = {
        entry["id"]: entry["isEnabled"]
        for where in (ROLES, SCOPES)
        for entry in entries(app, where)
    }
    for where in {ROLES, SCOPES} & after.keys():
        left = {entry["id"]: entry for entry in after[where]}
        for before in entries(app, where):  # Graph refuses to change or lose what is enabled
            assert not known[before["id"]] or {**left[before["id"]], "isEnabled": True} == before
    if "identifierUris" in after:
        after["identifierUris"] = [
            uri.replace("{appId}", app.app_id) for uri in after["identifierUris"]
        ]
    return patched(seen, step.app, properties=_merged(app.properties, nested(after)), tags=tags)


def _merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for name, value in after.items():
        inner = merged.get(name)
        merged[name] = _merged(inner or {}, value) if name in {"web", "spa", "api"} else value
    return merged


def _disabled(step: DisableEntitlements, wanted: Desired, seen: Observed) -> Observed:
    app = app_of(seen, step.app)
    body = {
        where: [
            {**each, "isEnabled": each["isEnabled"] and each["value"] not in step.values}
            for each in entries(app, where)
        ]
        for where in (ROLES, SCOPES)
        if entries(app, where)
    }
    return patched(seen, step.app, properties=_merged(app.properties, nested(body)))


def _authorized(step: AuthorizeClients, wanted: Desired, seen: Observed) -> Observed:
    body: dict[str, Any] = {}
    if step.pre_authorized is not None:
        body["api.preAuthorizedApplications"] = [
            {
                "appId": app_id_of(each.client, seen),
                "delegatedPermissionIds": [scope.id for scope in each.scopes],
            }
            for each in step.pre_authorized
        ]
    if step.known is not None:
        body["api.knownClientApplications"] = [app_id_of(each, seen) for each in step.known]
    app = app_of(seen, step.app)
    return patched(seen, step.app, properties=_merged(app.properties, nested(body)))


def _requested(step: RequestPermissions, wanted: Desired, seen: Observed) -> Observed:
    access = app_of(seen, step.app).required_resource_access | accesses(step.permissions, seen)
    return patched(seen, step.app, required_resource_access=access)


def _withdrawn(step: WithdrawPermissions, wanted: Desired, seen: Observed) -> Observed:
    access = app_of(seen, step.app).required_resource_access - accesses(step.permissions, seen)
    return patched(seen, step.app, required_resource_access=access)


def _resource(step: CreateResourcePrincipal, wanted: Desired, seen: Observed) -> Observed:
    there = seen.resources[step.resource]
    assert there.id is None
    offered = there.app_roles or frozenset(
        {AppRole(resource=step.resource, id="do", value="Do")}
    )  # of what nobody knew
    made = replace(there, id=f"sp-of-{step.resource}", app_roles=offered)
    return replace(seen, resources={**seen.resources, step.resource: made})


def _principal(step: CreateServicePrincipal, wanted: Desired, seen: Observed) -> Observed:
    assert seen.applications[step.app].service_principal is None
    made = ServicePrincipal(
        id=f"sp-{step.app}", app_id=f"app-{step.app}", grants=(), tags=app_of(seen, step.app).tags
    )
    return put(seen, step.app, replace(seen.applications[step.app], service_principal=made))


def _principal_back(step: RestoreServicePrincipal, wanted: Desired, seen: Observed) -> Observed:
    """Its consents come back with it."""
    found = seen.applications[step.app]
    roles = {
        role.id: resource for resource in seen.resources.values() for role in resource.app_roles
    }
    grants = [
        AppRoleAssignment(
            id=f"grant-{access.id}",
            app_role_id=access.id,
            principal_id=f"sp-{step.app}",
            resource_id=str(roles[access.id].id),
        )
        for access in sorted(found.application.required_resource_access)
        if access.type == "Role" and access.id in roles
    ]
    made = ServicePrincipal(
        id=f"sp-{step.app}",
        app_id=f"app-{step.app}",
        app_role_assignments=tuple(grants),
        grants=(),
        tags=found.application.tags,
    )
    return put(seen, step.app, replace(found, service_principal=made))


def _principal_changed(step: UpdateServicePrincipal, wanted: Desired, seen: Observed) -> Observed:
    after = {change.property: change.after for change in step.changes}
    principal = principal_of(seen, step.app)
    return with_principal(
        seen,
        step.app,
        enabled=after.get("accountEnabled", principal.enabled),
        assignment_required=after.get("appRoleAssignmentRequired", principal.assignment_required),
        tags=frozenset(after.get("tags", principal.tags)),
    )


def _owned(step: AddOwner, wanted: Desired, seen: Observed) -> Observed:
    found = seen.applications[step.app]
    if step.of == "application":
        return put(seen, step.app, replace(found, owners=found.owners | {step.owner.id}))
    owners = found.principal_owners | {step.owner.id}
    return put(seen, step.app, replace(found, principal_owners=owners))


def _granted(step: GrantAppRole, wanted: Desired, seen: Observed) -> Observed:
    principal = seen.identities.get(step.app) or principal_of(seen, step.app)
    new = AppRoleAssignment(
        id=f"grant-{id_of(step.role, seen)}",
        app_role_id=id_of(step.role, seen),
        principal_id=principal.id,
        resource_id=resource_id_of(step.role.resource, seen),
    )
    assignments = (*principal.app_role_assignments, new)
    if step.app in seen.identities:
        identity = replace(principal, app_role_assignments=assignments)
        return replace(seen, identities={**seen.identities, step.app: identity})
    return with_principal(seen, step.app, app_role_assignments=assignments)


def _revoked(step: RevokeAppRole, wanted: Desired, seen: Observed) -> Observed:
    there = principal_of(seen, step.app).app_role_assignments
    left = tuple(each for each in there if each.id != step.assignment_id)
    assert len(left) == len(there) - 1
    return with_principal(seen, step.app, app_role_assignments=left)


def _scopes_granted(step: GrantScopes, wanted: Desired, seen: Observed) -> Observed:
    principal = principal_of(seen, step.app)
    resource = resource_id_of(step.scopes[0].resource, seen)
    there = principal.grants or ()
    mine = next((g for g in there if g.resource_id == resource and g.principal_id is None), None)
    new = OAuth2PermissionGrant(
        id=mine.id if mine else f"consent-{resource}",
        client_id=principal.id,
        resource_id=resource,
        principal_id=None,
        scopes=frozenset(scope.value for scope in step.scopes) | (mine.scopes if mine else set()),
    )
    kept = tuple(each for each in there if each != mine)
    return with_principal(seen, step.app, grants=(*kept, new))


def _scopes_revoked(step: RevokeScopes, wanted: Desired, seen: Observed) -> Observed:
    gone = {scope.value for scope in step.scopes}
    assert step.grant_id in {each.id for each in principal_of(seen, step.app).grants or ()}
    grants = [
        replace(each, scopes=each.scopes - gone) if each.id == step.grant_id else each
        for each in principal_of(seen, step.app).grants or ()
    ]
    return with_principal(seen, step.app, grants=tuple(each for each in grants if each.scopes))


def _trusted(step: AddFederated, wanted: Desired, seen: Observed) -> Observed:
    new = FederatedIdentityCredential(
        id=f"fic-{step.credential}",
        name=step.credential,
        issuer=step.issuer,
        subject=step.subject,
        audiences=(step.audience,),
        description=federated_mark(wanted.owner, step.credential),
    )
    return patched(seen, step.app, federated=(*app_of(seen, step.app).federated, new))


def _trust_changed(step: UpdateFederated, wanted: Desired, seen: Observed) -> Observed:
    def changed(change: Change) -> Any:
        return tuple(change.after) if isinstance(change.after, list) else change.after

    after = {change.property: changed(change) for change in step.changes}
    there = app_of(seen, step.app).federated
    new = tuple(replace(e, **after) if e.name == step.credential else e for e in there)
    return patched(seen, step.app, federated=new)


def _trust_ended(step: RemoveFederated, wanted: Desired, seen: Observed) -> Observed:
    left = tuple(e for e in app_of(seen, step.app).federated if e.name != step.credential)
    return patched(seen, step.app, federated=left)


EFFECTS: Mapping[type, Callable[[Any, Desired, Observed], Observed]] = {
    AddFederated: _trusted,
    AddOwner: _owned,
    AuthorizeClients: _authorized,
    CreateApplication: _created,
    CreateResourcePrincipal: _resource,
    CreateServicePrincipal: _principal,
    DeleteApplication: _deleted,
    DisableEntitlements: _disabled,
    GrantAppRole: _granted,
    GrantScopes: _scopes_granted,
    RemoveFederated: _trust_ended,
    RequestPermissions: _requested,
    RestoreApplication: _restored,
    RestoreServicePrincipal: _principal_back,
    RevokeAppRole: _revoked,
    RevokeScopes: _scopes_revoked,
    UpdateApplication: _updated,
    UpdateFederated: _trust_changed,
    UpdateServicePrincipal: _principal_changed,
    WithdrawPermissions: _withdrawn,
}
