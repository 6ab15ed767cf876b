"""The manifest in the tenant's own terms: permission names become the AppRoles that the tenant offers."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from provision.errors import ManifestError, Problem
from provision.manifest.spec import ApplicationSpec, Manifest, PermissionSpec, SecretSpec
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    DesiredApplication,
    DesiredSecret,
    Resource,
)
from provision.ownership import owner_tag, unique_name

RESOURCES = {"Microsoft Graph": GRAPH_APP_ID}
"""Resources by the name that a manifest uses."""


def resolve(manifest: Manifest, resources: Mapping[str, Resource]) -> Desired:
    """What the manifest wants of this tenant; raises ManifestError with every permission it lacks."""
    problems: list[Problem] = []
    applications = tuple(
        _application(manifest, spec, resources, problems) for spec in manifest.applications
    )
    if problems:
        raise ManifestError(manifest.file, problems)
    return Desired(owner=manifest.owner, applications=applications)


def _application(
    manifest: Manifest,
    spec: ApplicationSpec,
    resources: Mapping[str, Resource],
    problems: list[Problem],
) -> DesiredApplication:
    roles: set[AppRole] = set()
    for permission in spec.permissions:
        resource = resources.get(RESOURCES[permission.resource])
        role = resource.role(permission.value) if resource else None
        if role:
            roles.add(role)
        else:
            problems.append(_unknown(permission, resource))
    return DesiredApplication(
        key=spec.key,
        unique_name=unique_name(manifest.owner, spec.key),
        properties=spec.properties,
        tags=spec.tags | {owner_tag(manifest.owner)},
        app_roles=frozenset(roles),
        grant=spec.grant,
        secrets=tuple(_secret(secret) for secret in spec.secrets),
        calls=spec.calls,
    )


def _unknown(permission: PermissionSpec, resource: Resource | None) -> Problem:
    if resource is None:
        return Problem(
            line=permission.mark.line,
            column=permission.mark.column,
            message=f"{permission.resource} has no service principal in this tenant",
        )
    offered = [role.value for role in resource.app_roles]
    close = get_close_matches(permission.value, offered, n=1)
    return Problem(
        line=permission.mark.line,
        column=permission.mark.column,
        message=f'{resource.display_name} offers no application permission "{permission.value}" in this tenant',
        hint=f'did you mean "{close[0]}"?' if close else "",
    )


def _secret(spec: SecretSpec) -> DesiredSecret:
    return DesiredSecret(
        name=spec.name,
        lifetime=spec.lifetime,
        renew_before=spec.renew_before,
        overlap=spec.overlap,
        store=spec.store,
    )
