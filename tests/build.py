"""Tiny builders with sensible defaults, and a simulated tenant in which a plan's steps take effect."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from provision.manifest.spec import Manifest
from provision.model import (
    GRAPH_APP_ID,
    Application,
    AppRole,
    AppRoleAssignment,
    DeletedApplication,
    Desired,
    DesiredApplication,
    DesiredSecret,
    DotenvStore,
    Held,
    Observed,
    ObservedApplication,
    PasswordCredential,
    Resource,
    ResourceAccess,
    ServicePrincipal,
)
from provision.ownership import STORED, Stored, display_name, owner_tag, stored_tag, unique_name
from provision.plan import (
    AddSecret,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    GrantAppRole,
    Note,
    Plan,
    RecordStored,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    Step,
    UpdateApplication,
    WithdrawPermissions,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNER = "contoso"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

USERS, MAIL, SITES = (
    AppRole(resource=GRAPH_APP_ID, id=id, value=value)
    for id, value in (("r1", "User.Read.All"), ("r2", "Mail.Send"), ("r3", "Sites.Read.All"))
)
GRAPH = Resource(
    id="graph",
    app_id=GRAPH_APP_ID,
    display_name="Microsoft Graph",
    app_roles=frozenset({USERS, MAIL, SITES}),
)
_serial = itertools.count()


def a_secret(name: str = "ci", *, overlap: timedelta = DAY) -> DesiredSecret:
    """A secret of 90 days, renewed 30 days before its end."""
    store = DotenvStore(path=Path(".env"), prefix=f"{name.upper()}_")
    return DesiredSecret(
        name=name, lifetime=90 * DAY, renew_before=30 * DAY, overlap=overlap, store=store
    )


def an_app(
    key: str = "web",
    *,
    roles: Iterable[AppRole] = (),
    secrets: Iterable[DesiredSecret] = (),
    tags: Iterable[str] = (),
    grant: bool = True,
    properties: Mapping[str, Any] | None = None,
) -> DesiredApplication:
    """An application as a manifest wants it: by default only a name."""
    return DesiredApplication(
        key=key,
        unique_name=unique_name(OWNER, key),
        properties={"displayName": key} if properties is None else properties,
        tags=frozenset({*tags, owner_tag(OWNER)}),
        app_roles=frozenset(roles),
        grant=grant,
        secrets=tuple(secrets),
        calls=(),
    )


def desired(*applications: DesiredApplication) -> Desired:
    """What one manifest wants."""
    return Desired(owner=OWNER, applications=applications)


def a_manifest(**changes: Any) -> Manifest:
    """A manifest of nothing but its name, at `project/hello.yaml`."""
    said: dict[str, Any] = {
        "file": "project/hello.yaml",
        "folder": Path("project").absolute(),
        "name": OWNER,
        "owner": OWNER,
        "tenant": None,
        "cloud": None,
        "applications": (),
        "source": {"version": 1, "name": OWNER, "applications": {}},
    }
    return Manifest(**{**said, **changes})


def a_password(
    key_id: str = "k1",
    *,
    credential: str = "ci",
    age: timedelta = 10 * DAY,
    left: timedelta = 80 * DAY,
    name: str | None = None,
) -> PasswordCredential:
    """A listed secret, of ours unless `name` says otherwise: `age` old, with `left` to live."""
    called = display_name(OWNER, credential, "0a1b2c3d0") if name is None else name
    return PasswordCredential(key_id=key_id, display_name=called, start=NOW - age, end=NOW + left)


def a_record(
    key_id: str = "k1", *, credential: str = "ci", age: timedelta = 10 * DAY, at: datetime = NOW
) -> str:
    """The tag that says which secret a store holds."""
    return stored_tag(Stored(credential=credential, key_id=key_id, at=at - age))


def asked(*roles: AppRole) -> frozenset[ResourceAccess]:
    """Application permissions as requiredResourceAccess lists them."""
    return frozenset(
        ResourceAccess(resource_app_id=r.resource, id=r.id, type="Role") for r in roles
    )


def a_grant(role: AppRole, *, resource_id: str = "graph") -> AppRoleAssignment:
    """A consent to one application permission."""
    return AppRoleAssignment(
        id=f"grant-{role.id}", app_role_id=role.id, principal_id="sp", resource_id=resource_id
    )


def registered(
    key: str = "web",
    *,
    requested: Iterable[ResourceAccess] = (),
    granted: Iterable[AppRoleAssignment] = (),
    passwords: Iterable[PasswordCredential] = (),
    tags: Iterable[str] = (),
    held: Mapping[str, Held] | None = None,
    owner: str | None = OWNER,
    properties: Mapping[str, Any] | None = None,
    principal: bool = True,
) -> ObservedApplication:
    """An application as the tenant shows it: by default ours, with a service principal and no more."""
    application = Application(
        id=f"id-{key}",
        app_id=f"app-{key}",
        unique_name=unique_name(owner or OWNER, key),
        properties={"displayName": key} if properties is None else properties,
        tags=frozenset({*tags, *([owner_tag(owner)] if owner else [])}),
        required_resource_access=frozenset(requested),
        password_credentials=tuple(passwords),
    )
    found = ServicePrincipal(
        id=f"sp-{key}", app_id=f"app-{key}", app_role_assignments=tuple(granted)
    )
    return ObservedApplication(
        application=application, service_principal=found if principal else None, held=held or {}
    )


def deleted(found: ObservedApplication) -> DeletedApplication:
    """The same application, softly deleted a day ago, with its service principal."""
    principal = found.service_principal
    return DeletedApplication(
        application=found.application,
        deleted=NOW - DAY,
        service_principal_id=principal.id if principal else None,
    )


def observed(
    *found: ObservedApplication,
    strays: Iterable[ObservedApplication] = (),
    buried: Iterable[ObservedApplication] = (),
) -> Observed:
    """What a tenant with Microsoft Graph shows; keys are taken from the applications' ids."""
    return Observed(
        applications={each.application.id.removeprefix("id-"): each for each in found},
        resources={GRAPH_APP_ID: GRAPH},
        strays=tuple(each.application for each in strays),
        deleted={each.application.id.removeprefix("id-"): deleted(each) for each in buried},
    )


def said(entries: Iterable[Step | Note]) -> list[str]:
    """What is decided about secrets, each entry as a short line."""
    lines = []
    for entry in entries:
        match entry:
            case AddSecret():
                how = "beside" if entry.rotation else "first"
                lines.append(f"add {how}: {entry.reason}")
            case RemoveSecret():
                lines.append(f"remove {entry.key_id}: {entry.reason}")
            case RecordStored():
                lines.append(f"record {entry.key_id}")
            case Note():
                lines.append(entry.says)
            case _:
                raise AssertionError(entry)
    return lines


def perform(plan: Plan, wanted: Desired, seen: Observed, *, now: datetime = NOW) -> Observed:
    """The tenant and the stores after all steps of a plan."""
    return list(moments(plan, wanted, seen, now=now))[-1]


def moments(
    plan: Plan, wanted: Desired, seen: Observed, *, now: datetime = NOW
) -> Iterator[Observed]:
    """The tenant and the stores at every moment at which a run may be killed, first and last included."""
    current = seen
    yield current
    for step in plan.steps:
        for after in _effects(step, wanted, current, now):
            current = after
            yield current


def _effects(step: Step, wanted: Desired, seen: Observed, now: datetime) -> Iterator[Observed]:
    match step:
        case CreateApplication() | RestoreApplication() | DeleteApplication():
            yield _applications(step, seen)
        case CreateServicePrincipal() | RestoreServicePrincipal() | GrantAppRole():
            yield _principals(step, seen)
        case RevokeAppRole():
            yield _principals(step, seen)
        case UpdateApplication():
            after = {change.property: change.after for change in step.changes}
            tags = _app(seen, step.app).tags | frozenset(after.pop("tags", ()))
            properties = {**_app(seen, step.app).properties, **after}
            yield _patched(seen, step.app, properties=properties, tags=tags)
        case RequestPermissions():
            access = _app(seen, step.app).required_resource_access | asked(*step.permissions)
            yield _patched(seen, step.app, required_resource_access=access)
        case WithdrawPermissions():
            access = _app(seen, step.app).required_resource_access - asked(*step.permissions)
            yield _patched(seen, step.app, required_resource_access=access)
        case AddSecret():
            yield from _issued(step, wanted, seen, now)
        case RecordStored():
            yield _recorded(seen, step.app, step.credential, step.key_id, now)
        case RemoveSecret():
            yield from _removed(step, seen)
        case _:
            assert_never(step)


def _app(seen: Observed, key: str) -> Application:
    return seen.applications[key].application


def _put(seen: Observed, key: str, found: ObservedApplication) -> Observed:
    return replace(seen, applications={**seen.applications, key: found})


def _patched(seen: Observed, key: str, **changes: Any) -> Observed:
    found = seen.applications[key]
    return _put(seen, key, replace(found, application=replace(found.application, **changes)))


def _applications(
    step: CreateApplication | RestoreApplication | DeleteApplication, seen: Observed
) -> Observed:
    if isinstance(step, DeleteApplication):
        left = tuple(stray for stray in seen.strays if stray.id != step.application_id)
        assert len(left) == len(seen.strays) - 1
        return replace(seen, strays=left)
    assert step.app not in seen.applications
    if isinstance(step, RestoreApplication):
        back = ObservedApplication(
            application=seen.deleted[step.app].application, service_principal=None
        )
        gone = {key: each for key, each in seen.deleted.items() if key != step.app}
        return _put(replace(seen, deleted=gone), step.app, back)
    made = registered(
        step.app,
        requested=asked(*step.requested),
        tags=step.tags,
        owner=None,
        properties=step.properties,
        principal=False,
    )
    return _put(seen, step.app, made)


def _principals(
    step: CreateServicePrincipal | RestoreServicePrincipal | GrantAppRole | RevokeAppRole,
    seen: Observed,
) -> Observed:
    found = seen.applications[step.app]
    grants: dict[str, AppRoleAssignment] = {}
    if isinstance(step, CreateServicePrincipal | RestoreServicePrincipal):
        assert found.service_principal is None
        if isinstance(step, RestoreServicePrincipal):  # its consents come back with it
            access = found.application.required_resource_access
            roles = [role for role in GRAPH.app_roles if asked(role) <= access]
            grants = {f"grant-{role.id}": a_grant(role) for role in roles}
    else:
        assert found.service_principal is not None
        grants = {each.id: each for each in found.service_principal.app_role_assignments}
        if isinstance(step, GrantAppRole):
            new = a_grant(step.role, resource_id=seen.resources[step.role.resource].id)
            grants[new.id] = new
        else:
            del grants[step.assignment_id]
    principal = ServicePrincipal(
        id=f"sp-{step.app}", app_id=f"app-{step.app}", app_role_assignments=tuple(grants.values())
    )
    return _put(seen, step.app, replace(found, service_principal=principal))


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
