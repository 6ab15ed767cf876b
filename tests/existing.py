"""Applications as an import finds them, and the manifest that is made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provision.desired import resolve
from provision.diff import diff
from provision.imported import Imported, write
from provision.imported.keys import keys_of
from provision.imported.source import Existing, Source
from provision.manifest import parse
from provision.manifest.spec import Manifest
from provision.model import (
    GRAPH_APP_ID,
    Application,
    AppRole,
    AppRoleAssignment,
    FederatedIdentityCredential,
    PasswordCredential,
    PermissionScope,
    Resource,
    ResourceAccess,
    ServicePrincipal,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
APP_ID = "11111111-1111-1111-1111-111111111111"
USERS = AppRole(resource=GRAPH_APP_ID, id="role-users", value="User.Read.All")
MAIL = AppRole(resource=GRAPH_APP_ID, id="role-mail", value="Mail.Send")
ME = PermissionScope(resource=GRAPH_APP_ID, id="scope-me", value="User.Read")
GRAPH = Resource(
    id="graph",
    app_id=GRAPH_APP_ID,
    display_name="Microsoft Graph",
    app_roles=frozenset({USERS, MAIL}),
    scopes=frozenset({ME}),
)


def existing(app_id: str = APP_ID, **changes: Any) -> Existing:
    """An application with a service principal."""
    properties = {"displayName": "Some application", **changes.pop("properties", {})}
    application = Application(
        id=f"object-{app_id}",
        app_id=app_id,
        unique_name=None,
        properties=properties,
        tags=frozenset(changes.pop("tags", ())),
        required_resource_access=frozenset(changes.pop("asks", ())),
        password_credentials=tuple(changes.pop("passwords", ())),
        federated=tuple(changes.pop("federated", ())),
    )
    principal = ServicePrincipal(
        id=f"principal-{app_id}",
        app_id=app_id,
        grants=tuple(changes.pop("grants", ())),
        tags=application.tags,
        app_role_assignments=tuple(
            AppRoleAssignment(
                id=role.id, app_role_id=role.id, principal_id="p", resource_id="graph"
            )
            for role in changes.pop("granted", ())
        ),
    )
    return Existing(**{"application": application, "service_principal": principal, **changes})


def source(*applications: Existing, **changes: Any) -> Source:
    """What was read of a tenant with these applications."""
    keys = keys_of(each.application for each in applications)
    facts: dict[str, Any] = {
        "name": "imported",
        "tenant": "sandbox",
        "cloud": None,
        "tenant_id": "22222222-2222-2222-2222-222222222222",
        "applications": applications,
        "keys": keys,
        "resources": {GRAPH_APP_ID: GRAPH},
        "called": {GRAPH_APP_ID: "Microsoft Graph"},
        "people": {},
    }
    return Source(**{**facts, **changes})


def asks(*permissions: AppRole | PermissionScope) -> list[ResourceAccess]:
    """They are requested."""
    return [
        ResourceAccess(
            resource_app_id=each.resource,
            id=each.id,
            type="Role" if isinstance(each, AppRole) else "Scope",
        )
        for each in permissions
    ]


def read(imported: Imported) -> Manifest:
    """What our own loader makes of the text."""
    return parse(imported.text, file="m", folder=Path("/"), environ={}, variables={})


def unchanged(of: Source) -> tuple[Imported, Manifest]:
    """The text, and what it means: it is read without a mistake and changes nothing."""
    imported = write(of, now=NOW)
    manifest = read(imported)
    observed = of.observed()
    assert diff(resolve(manifest, observed), observed, now=NOW).steps == ()
    assert [each.adopt for each in manifest.applications] == [
        each.application.app_id for each in of.applications
    ]
    return imported, manifest


def a_password(name: str) -> PasswordCredential:
    """A secret that somebody made."""
    end = datetime(2027, 1, 2, tzinfo=UTC)
    return PasswordCredential(key_id="key-1", display_name=name, start=NOW, end=end)


def a_trust(name: str) -> FederatedIdentityCredential:
    """A federated credential that somebody made."""
    return FederatedIdentityCredential(
        id="f", name=name, issuer=name, subject=name, audiences=("a",), description=name
    )
