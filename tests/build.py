"""Tiny builders with sensible defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from provision.manifest.spec import Manifest
from provision.model import (
    GRAPH_APP_ID,
    Application,
    AppRole,
    AppRoleAssignment,
    Certificate,
    DeletedApplication,
    Desired,
    DesiredApplication,
    DesiredCertificate,
    DesiredSecret,
    Held,
    KeyCredential,
    Observed,
    ObservedApplication,
    PasswordCredential,
    Resource,
    ResourceAccess,
    ServicePrincipal,
)
from provision.ownership import Stored, display_name, owner_tag, stored_tag, unique_name
from provision.places import DotenvStore, JsonStore, PemFile
from provision.plan import (
    AddCertificate,
    AddSecret,
    Note,
    RecordStored,
    RemoveCertificate,
    RemoveSecret,
    Step,
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


def a_secret(name: str = "ci", *, overlap: timedelta = DAY) -> DesiredSecret:
    """A secret of 90 days, renewed 30 days before its end."""
    store = DotenvStore(path=Path(".env"), prefix=f"{name.upper()}_")
    return DesiredSecret(
        name=name, lifetime=90 * DAY, renew_before=30 * DAY, overlap=overlap, store=store
    )


def a_certificate(
    name: str = "ci", *, overlap: timedelta = DAY, replaces: tuple[str, ...] = ()
) -> DesiredCertificate:
    """A certificate of 90 days that is made here, renewed 30 days before its end."""
    store = JsonStore(path=Path(f"{name}.json"))
    return DesiredCertificate(
        name=name,
        lifetime=90 * DAY,
        renew_before=30 * DAY,
        overlap=overlap,
        store=store,
        replaces=replaces,
    )


def a_pem(name: str = "ci", *, holds: Certificate | None = None) -> DesiredCertificate:
    """A certificate that its users keep up themselves."""
    store = PemFile(path=Path("certs", f"{name}.pem"), written=f"certs/{name}.pem")
    return DesiredCertificate(
        name=name,
        lifetime=90 * DAY,
        renew_before=30 * DAY,
        overlap=DAY,
        store=store,
        certificate=holds,
    )


def an_app(
    key: str = "web",
    *,
    roles: Iterable[AppRole] = (),
    secrets: Iterable[DesiredSecret] = (),
    certificates: Iterable[DesiredCertificate] = (),
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
        certificates=tuple(certificates),
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


def a_key(
    key_id: str = "c1",
    *,
    credential: str = "ci",
    age: timedelta = 10 * DAY,
    left: timedelta = 80 * DAY,
    name: str | None = None,
) -> KeyCredential:
    """A listed certificate, else as a_password."""
    called = display_name(OWNER, credential, "0a1b2c3d") if name is None else name
    return KeyCredential(key_id=key_id, display_name=called, start=NOW - age, end=NOW + left)


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
    keys: Iterable[KeyCredential] = (),
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
        key_credentials=tuple(keys),
    )
    found = ServicePrincipal(
        id=f"sp-{key}",
        app_id=f"app-{key}",
        app_role_assignments=tuple(granted),
        grants=(),
        tags=application.tags,
    )
    return ObservedApplication(
        application=application, service_principal=found if principal else None, held=held or {}
    )


def deleted(found: ObservedApplication) -> DeletedApplication:
    """The same application, softly deleted a day ago, with its service principal."""
    return DeletedApplication(
        application=found.application,
        deleted=NOW - DAY,
        service_principal=found.service_principal,
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
        names={"Microsoft Graph": GRAPH_APP_ID},
    )


def said(entries: Iterable[Step | Note]) -> list[str]:
    """What is decided about secrets, each entry as a short line."""
    lines = []
    for entry in entries:
        match entry:
            case AddSecret() | AddCertificate():
                how = "beside" if entry.rotation else "first"
                lines.append(f"add {how}: {entry.reason}")
            case RemoveSecret() | RemoveCertificate():
                lines.append(f"remove {entry.key_id}: {entry.reason}")
            case RecordStored():
                lines.append(f"record {entry.key_id}")
            case Note():
                lines.append(entry.says)
            case _:
                raise AssertionError(entry)
    return lines
