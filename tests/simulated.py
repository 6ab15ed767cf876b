"""A simulated tenant in which a plan's steps take effect: for properties that hold at every moment of a run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from provision.compare import nested
from provision.entitlements import ROLES, SCOPES, entries
from provision.model import (
    Application,
    AppRole,
    AppRoleAssignment,
    Desired,
    FederatedIdentityCredential,
    Held,
    OAuth2PermissionGrant,
    Observed,
    ObservedApplication,
    PasswordCredential,
    Permission,
    ResourceAccess,
    ServicePrincipal,
)
from provision.ownership import STORED, display_name, federated_mark
from provision.plan import (
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
from tests.build import NOW, a_record, registered

_serial = itertools.count()


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
    for step in sorted(plan.steps, key=lambda step: not isinstance(step, MAKING)):
        for after in _effects(step, wanted, current, now):
            current = after
            yield current


MAKING = (
    CreateResourcePrincipal,
    CreateApplication,
    RestoreApplication,
    DisableEntitlements,
    UpdateApplication,
    CreateServicePrincipal,
    RestoreServicePrincipal,
    UpdateServicePrincipal,
)


def _effects(step: Step, wanted: Desired, seen: Observed, now: datetime) -> Iterator[Observed]:
    match step:
        case AddSecret():
            yield from _issued(step, wanted, seen, now)
        case RecordStored():
            yield _recorded(seen, step.app, step.credential, step.key_id, now)
        case RemoveSecret():
            yield from _removed(step, seen)
        case _:
            yield EFFECTS[type(step)](step, wanted, seen)


def _created(step: CreateApplication, wanted: Desired, seen: Observed) -> Observed:
    assert step.app not in seen.applications
    made = registered(
        step.app,
        requested=_accesses(step.requested, seen),
        tags=step.tags,
        owner=None,
        properties=nested(step.properties),
        principal=False,
    )
    return _put(seen, step.app, made)


def _restored(step: RestoreApplication, wanted: Desired, seen: Observed) -> Observed:
    back = ObservedApplication(
        application=seen.deleted[step.app].application, service_principal=None
    )
    gone = {key: each for key, each in seen.deleted.items() if key != step.app}
    return _put(replace(seen, deleted=gone), step.app, back)


def _deleted(step: DeleteApplication, wanted: Desired, seen: Observed) -> Observed:
    left = tuple(stray for stray in seen.strays if stray.id != step.application_id)
    assert len(left) == len(seen.strays) - 1
    return replace(seen, strays=left)


def _updated(step: UpdateApplication, wanted: Desired, seen: Observed) -> Observed:
    app = _app(seen, step.app)
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
    return _patched(seen, step.app, properties=_merged(app.properties, nested(after)), tags=tags)


def _merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for name, value in after.items():
        inner = merged.get(name)
        merged[name] = _merged(inner or {}, value) if name in {"web", "spa", "api"} else value
    return merged


def _disabled(step: DisableEntitlements, wanted: Desired, seen: Observed) -> Observed:
    app = _app(seen, step.app)
    body = {
        where: [
            {**each, "isEnabled": each["isEnabled"] and each["value"] not in step.values}
            for each in entries(app, where)
        ]
        for where in (ROLES, SCOPES)
        if entries(app, where)
    }
    return _patched(seen, step.app, properties=_merged(app.properties, nested(body)))


def _authorized(step: AuthorizeClients, wanted: Desired, seen: Observed) -> Observed:
    body: dict[str, Any] = {}
    if step.pre_authorized is not None:
        body["api.preAuthorizedApplications"] = [
            {
                "appId": _app_id(each.client, seen),
                "delegatedPermissionIds": [scope.id for scope in each.scopes],
            }
            for each in step.pre_authorized
        ]
    if step.known is not None:
        body["api.knownClientApplications"] = [_app_id(each, seen) for each in step.known]
    app = _app(seen, step.app)
    return _patched(seen, step.app, properties=_merged(app.properties, nested(body)))


def _requested(step: RequestPermissions, wanted: Desired, seen: Observed) -> Observed:
    access = _app(seen, step.app).required_resource_access | _accesses(step.permissions, seen)
    return _patched(seen, step.app, required_resource_access=access)


def _withdrawn(step: WithdrawPermissions, wanted: Desired, seen: Observed) -> Observed:
    access = _app(seen, step.app).required_resource_access - _accesses(step.permissions, seen)
    return _patched(seen, step.app, required_resource_access=access)


def _resource(step: CreateResourcePrincipal, wanted: Desired, seen: Observed) -> Observed:
    made = replace(seen.resources[step.resource], id=f"sp-of-{step.resource}")
    return replace(seen, resources={**seen.resources, step.resource: made})


def _principal(step: CreateServicePrincipal, wanted: Desired, seen: Observed) -> Observed:
    assert seen.applications[step.app].service_principal is None
    made = ServicePrincipal(
        id=f"sp-{step.app}", app_id=f"app-{step.app}", grants=(), tags=_app(seen, step.app).tags
    )
    return _put(seen, step.app, replace(seen.applications[step.app], service_principal=made))


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
    return _put(seen, step.app, replace(found, service_principal=made))


def _principal_changed(step: UpdateServicePrincipal, wanted: Desired, seen: Observed) -> Observed:
    after = {change.property: change.after for change in step.changes}
    principal = _sp(seen, step.app)
    return _with_principal(
        seen,
        step.app,
        enabled=after.get("accountEnabled", principal.enabled),
        assignment_required=after.get("appRoleAssignmentRequired", principal.assignment_required),
        tags=frozenset(after.get("tags", principal.tags)),
    )


def _owned(step: AddOwner, wanted: Desired, seen: Observed) -> Observed:
    found = seen.applications[step.app]
    if step.of == "application":
        return _put(seen, step.app, replace(found, owners=found.owners | {step.owner.id}))
    owners = found.principal_owners | {step.owner.id}
    return _put(seen, step.app, replace(found, principal_owners=owners))


def _granted(step: GrantAppRole, wanted: Desired, seen: Observed) -> Observed:
    principal = seen.identities.get(step.app) or _sp(seen, step.app)
    new = AppRoleAssignment(
        id=f"grant-{step.role.id}",
        app_role_id=step.role.id,
        principal_id=principal.id,
        resource_id=_resource_id(step.role.resource, seen),
    )
    assignments = (*principal.app_role_assignments, new)
    if step.app in seen.identities:
        identity = replace(principal, app_role_assignments=assignments)
        return replace(seen, identities={**seen.identities, step.app: identity})
    return _with_principal(seen, step.app, app_role_assignments=assignments)


def _revoked(step: RevokeAppRole, wanted: Desired, seen: Observed) -> Observed:
    there = _sp(seen, step.app).app_role_assignments
    left = tuple(each for each in there if each.id != step.assignment_id)
    assert len(left) == len(there) - 1
    return _with_principal(seen, step.app, app_role_assignments=left)


def _scopes_granted(step: GrantScopes, wanted: Desired, seen: Observed) -> Observed:
    principal = _sp(seen, step.app)
    resource = _resource_id(step.scopes[0].resource, seen)
    values = {scope.value for scope in step.scopes}
    kept = [g for g in principal.grants or () if g.resource_id != resource or g.principal_id]
    for each in principal.grants or ():
        if each not in kept:
            values |= each.scopes
    new = OAuth2PermissionGrant(
        id=f"consent-{resource}",
        client_id=principal.id,
        resource_id=resource,
        principal_id=None,
        scopes=frozenset(values),
    )
    return _with_principal(seen, step.app, grants=(*kept, new))


def _scopes_revoked(step: RevokeScopes, wanted: Desired, seen: Observed) -> Observed:
    gone = {scope.value for scope in step.scopes}
    grants = [
        replace(each, scopes=each.scopes - gone) if each.id == step.grant_id else each
        for each in _sp(seen, step.app).grants or ()
    ]
    return _with_principal(seen, step.app, grants=tuple(each for each in grants if each.scopes))


def _trusted(step: AddFederated, wanted: Desired, seen: Observed) -> Observed:
    new = FederatedIdentityCredential(
        id=f"fic-{step.credential}",
        name=step.credential,
        issuer=step.issuer,
        subject=step.subject,
        audiences=(step.audience,),
        description=federated_mark(wanted.owner, step.credential),
    )
    return _patched(seen, step.app, federated=(*_app(seen, step.app).federated, new))


def _trust_changed(step: UpdateFederated, wanted: Desired, seen: Observed) -> Observed:
    def changed(change: Change) -> Any:
        return tuple(change.after) if isinstance(change.after, list) else change.after

    after = {change.property: changed(change) for change in step.changes}
    there = _app(seen, step.app).federated
    new = tuple(replace(e, **after) if e.name == step.credential else e for e in there)
    return _patched(seen, step.app, federated=new)


def _trust_ended(step: RemoveFederated, wanted: Desired, seen: Observed) -> Observed:
    left = tuple(e for e in _app(seen, step.app).federated if e.name != step.credential)
    return _patched(seen, step.app, federated=left)


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


def _app_id(name: str, seen: Observed) -> str:
    return seen.applications[name].application.app_id if name in seen.applications else name


def _resource_id(name: str, seen: Observed) -> str:
    if name in seen.applications:
        return _sp(seen, name).id
    id = seen.resources[name].id
    assert id is not None
    return id


def _accesses(permissions: tuple[Permission, ...], seen: Observed) -> frozenset[ResourceAccess]:
    return frozenset(
        ResourceAccess(
            resource_app_id=_app_id(each.resource, seen),
            id=each.id,
            type="Role" if isinstance(each, AppRole) else "Scope",
        )
        for each in permissions
    )


def _app(seen: Observed, key: str) -> Application:
    return seen.applications[key].application


def _sp(seen: Observed, key: str) -> ServicePrincipal:
    principal = seen.applications[key].service_principal
    assert principal is not None
    return principal


def _put(seen: Observed, key: str, found: ObservedApplication) -> Observed:
    return replace(seen, applications={**seen.applications, key: found})


def _patched(seen: Observed, key: str, **changes: Any) -> Observed:
    found = seen.applications[key]
    return _put(seen, key, replace(found, application=replace(found.application, **changes)))


def _with_principal(seen: Observed, key: str, **changes: Any) -> Observed:
    found = seen.applications[key]
    return _put(seen, key, replace(found, service_principal=replace(_sp(seen, key), **changes)))


def _issued(step: AddSecret, wanted: Desired, seen: Observed, now: datetime) -> Iterator[Observed]:
    """Listed, then stored, then recorded: a run may die in between."""
    app = next(app for app in wanted.applications if app.key == step.app)
    secret = next(secret for secret in app.secrets if secret.name == step.credential)
    made = PasswordCredential(
        key_id=f"made-{next(_serial):08}",
        display_name=display_name(wanted.owner, step.credential, "0"),
        start=now,
        end=now + secret.lifetime,
    )
    listed = _app(seen, step.app).password_credentials
    seen = _patched(seen, step.app, password_credentials=(*listed, made))
    yield seen
    found = seen.applications[step.app]
    if found.held.get(step.credential, Held(readable=True)).readable:
        kept = Held(readable=True, key_id=made.key_id, app_id=found.application.app_id)
        seen = _put(seen, step.app, replace(found, held={**found.held, step.credential: kept}))
        yield seen
    yield _recorded(seen, step.app, step.credential, made.key_id, now)


def _recorded(seen: Observed, app: str, credential: str, key_id: str, now: datetime) -> Observed:
    others = {tag for tag in _app(seen, app).tags if not tag.startswith(f"{STORED}{credential}:")}
    tag = a_record(key_id, credential=credential, age=timedelta(), at=now)
    return _patched(seen, app, tags=frozenset(others | {tag}))


def _removed(step: RemoveSecret, seen: Observed) -> Iterator[Observed]:
    listed = _app(seen, step.app).password_credentials
    left = tuple(password for password in listed if password.key_id != step.key_id)
    seen = _patched(seen, step.app, password_credentials=left)
    found = seen.applications[step.app]
    held = {
        name: replace(each, works=False) if each.key_id == step.key_id else each
        for name, each in found.held.items()
    }
    seen = _put(seen, step.app, replace(found, held=held))
    yield seen
    mark = f"{STORED}{step.credential}:{step.key_id}:"
    tags = _app(seen, step.app).tags
    yield _patched(seen, step.app, tags=frozenset(t for t in tags if not t.startswith(mark)))
