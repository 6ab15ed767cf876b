"""Reads the tenant and the stores into Observed; never writes, and never trusts an absence at first sight."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from provision.confirm import StoresHeld, confirm
from provision.desired import RESOURCES
from provision.errors import Forbidden
from provision.graph import directory
from provision.manifest.spec import Manifest
from provision.model import (
    Application,
    DeletedApplication,
    Held,
    Observed,
    ObservedApplication,
    Resource,
)
from provision.ownership import owner_tag, unique_name
from provision.stores import Stored
from provision.target import Target

FEW = 20
"""So many applications are asked for by key at once with the list, in one batch."""


async def observe(target: Target, manifest: Manifest) -> Observed:
    """What the tenant holds of this manifest's concern; absences that matter are looked at twice."""
    names = {unique_name(manifest.owner, spec.key): spec.key for spec in manifest.applications}
    resources, (found, strays) = await asyncio.gather(
        _resources(target, manifest), _applications(target, manifest.owner, names)
    )
    stored = await asyncio.to_thread(read_stores, target, manifest)
    observed = await _with_principals(target, found, stored)
    observed = await confirm(target, manifest, observed, stored)
    missing = {key for key in names.values() if key not in observed}
    deleted, warnings = await _deleted(target, names, missing)
    return Observed(
        applications=observed,
        resources=resources,
        strays=() if manifest.partial else strays,
        deleted=deleted,
        warnings=warnings,
    )


async def observe_one(target: Target, manifest: Manifest, key: str) -> Observed:
    """The same for one application of the manifest, strays left out."""
    specs = tuple(spec for spec in manifest.applications if spec.key == key)
    return await observe(target, replace(manifest, applications=specs, partial=True))


async def _resources(target: Target, manifest: Manifest) -> dict[str, Resource]:
    """Always Microsoft Graph: what was requested of it earlier may have to be taken back."""
    named = {RESOURCES[p.resource] for spec in manifest.applications for p in spec.permissions}
    app_ids = sorted(named | {RESOURCES["Microsoft Graph"]})
    read = await asyncio.gather(*(directory.resource(target.graph, app_id) for app_id in app_ids))
    return {resource.app_id: resource for resource in read if resource}


async def _applications(
    target: Target, owner: str, names: Mapping[str, str]
) -> tuple[dict[str, Application], tuple[Application, ...]]:
    """Those that bear our keys, and those that bear our tag without standing in the manifest."""
    at_once = list(names) if len(names) <= FEW else []
    owned, named = await asyncio.gather(
        directory.applications_owned(target.graph, owner_tag(owner)),
        directory.applications_named(target.graph, at_once),
    )
    found = {app.unique_name: app for app in owned if app.unique_name and app.unique_name in names}
    found |= named
    if not at_once:
        unseen = [name for name in names if name not in found]
        found |= await directory.applications_named(target.graph, unseen)
    strays = tuple(app for app in owned if app.unique_name not in names)
    return {names[name]: app for name, app in found.items()}, strays


async def _with_principals(
    target: Target,
    found: Mapping[str, Application],
    stored: StoresHeld,
) -> dict[str, ObservedApplication]:
    app_ids = [application.app_id for application in found.values()]
    principals = await directory.service_principals(target.graph, app_ids)
    return {
        key: ObservedApplication(
            application=application,
            service_principal=principals.get(application.app_id),
            held={
                name: _held(value, target.tenant_id) for name, value in stored.get(key, {}).items()
            },
        )
        for key, application in found.items()
    }


def read_stores(target: Target, manifest: Manifest) -> dict[str, dict[str, Stored | None]]:
    """What each store holds, by application and credential; one that may not be read is left out."""
    return {
        spec.key: {
            secret.name: target.open_store(target.place_of(secret.store)).read()
            for secret in spec.secrets
            if target.may_read(secret.store)
        }
        for spec in manifest.applications
    }


def _held(stored: Stored | None, tenant_id: str) -> Held:
    """A value of another tenant tells nothing about this one."""
    if stored is None or stored.tenant_id != tenant_id:
        return Held(readable=True)
    return Held(
        readable=True,
        key_id=stored.key_id,
        tenant_id=stored.tenant_id,
        app_id=stored.client_id,
    )


async def _deleted(
    target: Target, names: Mapping[str, str], missing: set[str]
) -> tuple[dict[str, DeletedApplication], tuple[str, ...]]:
    """Soft-deleted applications that occupy our keys; an operator who may not list them is told so."""
    if not missing:
        return {}, ()
    try:
        listed = await directory.deleted_applications(target.graph)
    except Forbidden:
        return {}, (
            "The operator may not list deleted applications: a namesake shows only on writing",
        )
    found: dict[str, DeletedApplication] = {}
    for deleted in listed:
        key = names.get(deleted.application.unique_name or "")
        if key in missing:
            principal = await directory.deleted_service_principal(
                target.graph, deleted.application.app_id
            )
            found[key] = replace(deleted, service_principal_id=principal)
    return found, ()
