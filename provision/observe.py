"""Reads the tenant and the stores into Observed; never writes, and never trusts an absence at first sight."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from provision.confirm import StoresHeld, confirm
from provision.errors import Forbidden, Unreadable
from provision.graph import directory
from provision.lookup import Wanted, people_of, resources_of, resources_requested
from provision.manifest.spec import Manifest
from provision.model import (
    Application,
    Certificate,
    DeletedApplication,
    Held,
    Observed,
    ObservedApplication,
    ServicePrincipal,
)
from provision.ownership import owner_tag, unique_name
from provision.places import KeyVaultStore
from provision.policy import AppManagement
from provision.stores import Stored
from provision.target import Target

FEW = 20
"""So many applications are asked for by key at once with the list, in one batch."""


async def observe(target: Target, manifest: Manifest) -> Observed:
    """What the tenant holds of this manifest's concern; absences that matter are looked at twice."""
    wanted = Wanted.of(manifest)
    resources, people, identities, policy, (found, strays) = await asyncio.gather(
        resources_of(target, wanted),
        people_of(target, wanted),
        _identities(target, manifest),
        _policy(target, manifest),
        _applications(target, manifest),
    )
    stored = await asyncio.to_thread(read_stores, target, manifest)
    observed, more = await asyncio.gather(
        _complete(target, manifest, found, stored),
        resources_requested(target, found.values(), known=resources.resources),
    )
    observed = await confirm(target, manifest, observed, stored)
    if policy and policy.restrictions:
        observed = await _with_policies(target, manifest, observed)
    names = _names(manifest)
    missing = {key for key in names.values() if key not in observed}
    deleted, warnings = await _deleted(target, names, missing)
    return Observed(
        applications=observed,
        resources={**resources.resources, **more},
        strays=() if manifest.partial else strays,
        deleted=deleted,
        identities=identities,
        names=resources.names,
        people=people,
        unclear=resources.unclear,
        certificates=_certificates(stored),
        tenant_id=target.tenant_id,
        warnings=warnings,
        policy=policy,
    )


async def _policy(target: Target, manifest: Manifest) -> AppManagement | None:
    """What the tenant forbids of credentials, asked where there are some to issue."""
    if not any(spec.stored for spec in manifest.applications):
        return None
    return await directory.app_management(target.graph)


async def _with_policies(
    target: Target, manifest: Manifest, observed: Mapping[str, ObservedApplication]
) -> dict[str, ObservedApplication]:
    """With the policies of the applications' own, which lift or tighten what the tenant forbids."""
    keys = [spec.key for spec in manifest.applications if spec.stored and spec.key in observed]
    own = await directory.app_management_of(
        target.graph, [observed[key].application.id for key in keys]
    )
    policies = {key: own.get(observed[key].application.id) for key in keys}
    return {key: replace(found, policy=policies.get(key)) for key, found in observed.items()}


def _names(manifest: Manifest) -> dict[str, str]:
    """Keys by uniqueName, of the applications that are ours to make."""
    specs = (*manifest.applications, *manifest.others)
    return {unique_name(manifest.owner, spec.key): spec.key for spec in specs if not spec.adopt}


async def _applications(
    target: Target, manifest: Manifest
) -> tuple[dict[str, Application], tuple[Application, ...]]:
    """Those that bear our keys or are adopted, and those that bear our tag without standing in the manifest."""
    names = _names(manifest)
    specs = (*manifest.applications, *manifest.others)
    adopted = {spec.adopt: spec.key for spec in specs if spec.adopt}
    at_once = list(names) if len(names) <= FEW else []
    owned, named, by_app_id = await asyncio.gather(
        _owned(target, manifest),
        directory.applications_named(target.graph, at_once),
        directory.applications_by_app_id(target.graph, adopted),
    )
    found = {app.unique_name: app for app in owned if app.unique_name and app.unique_name in names}
    found |= named
    if not at_once:
        unseen = [name for name in names if name not in found]
        found |= await directory.applications_named(target.graph, unseen)
    strays = tuple(
        app for app in owned if app.unique_name not in names and app.app_id not in adopted
    )
    result = {names[name]: app for name, app in found.items()}
    result |= {adopted[app_id]: app for app_id, app in by_app_id.items()}
    return result, strays


async def _owned(target: Target, manifest: Manifest) -> tuple[Application, ...]:
    """Everything of ours, unless only some of it was asked for: those few are read by their names."""
    if manifest.partial and len(manifest.applications) <= FEW:
        return ()
    return await directory.applications_owned(target.graph, owner_tag(manifest.owner))


async def _identities(target: Target, manifest: Manifest) -> dict[str, ServicePrincipal]:
    async def look(object_id: str) -> ServicePrincipal | None:
        return await directory.service_principal_by_id(target.graph, object_id)

    keys = [spec.key for spec in manifest.identities]
    found = await asyncio.gather(*(look(spec.managed_identity) for spec in manifest.identities))
    return {key: each for key, each in zip(keys, found, strict=True) if each}


async def _complete(
    target: Target, manifest: Manifest, found: Mapping[str, Application], stored: StoresHeld
) -> dict[str, ObservedApplication]:
    """With service principals, grants, federated credentials and, where the manifest names some, owners."""
    specs = {spec.key: spec for spec in (*manifest.applications, *manifest.others)}
    delegated = {
        application.app_id
        for key, application in found.items()
        if any(each.kind == "delegated" for each in specs[key].permissions)
        or any(each.type == "Scope" for each in application.required_resource_access)
    }
    app_ids = [application.app_id for application in found.values()]
    trusting = [found[key].id for key in found if specs[key] in manifest.applications]
    principals, federated, owners = await asyncio.gather(
        directory.service_principals(target.graph, app_ids, delegated=delegated),
        directory.federated_credentials(target.graph, trusting),
        directory.owners(
            target.graph,
            [found[key].id for key in found if specs[key].owners],
            of="application",
        ),
    )
    owned = {
        principals[application.app_id].id
        for key, application in found.items()
        if specs[key].service_principal.owners and application.app_id in principals
    }
    held_by = await directory.owners(target.graph, sorted(owned), of="servicePrincipal")
    complete = {}
    for key, application in found.items():
        principal = principals.get(application.app_id)
        shared = {each.name for each in specs[key].stored if isinstance(each.store, KeyVaultStore)}
        complete[key] = ObservedApplication(
            application=replace(application, federated=federated.get(application.id, ())),
            service_principal=principal,
            held={
                name: _held(value, target.tenant_id, shared=name in shared)
                for name, value in stored.get(key, {}).items()
            },
            owners=owners.get(application.id, frozenset()),
            principal_owners=held_by.get(principal.id, frozenset()) if principal else frozenset(),
        )
    return complete


def read_stores(target: Target, manifest: Manifest) -> dict[str, dict[str, Stored | None]]:
    """What each store holds, by application and credential; one that may not be read is left out."""
    held: dict[str, dict[str, Stored | None]] = {}
    for spec in manifest.applications:
        found = held.setdefault(spec.key, {})
        for each in spec.stored:
            if target.may_read(each.store):
                with suppress(Unreadable):
                    found[each.name] = target.open_store(target.place_of(each.store)).read()
    return held


def _certificates(stored: StoresHeld) -> dict[str, dict[str, Certificate]]:
    """What PEM files hold is what is wanted."""
    return {
        key: {name: each.certificate for name, each in held.items() if each and each.certificate}
        for key, held in stored.items()
    }


def _held(stored: Stored | None, tenant_id: str, *, shared: bool) -> Held:
    """A value of another tenant tells nothing about this one; a PEM file belongs to none."""
    if stored and stored.certificate:
        return Held(readable=True, key_id=stored.key_id, certificate=stored.certificate)
    if stored is None or stored.tenant_id != tenant_id:
        return Held(readable=True, shared=shared)
    return Held(
        readable=True,
        shared=shared,
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
            found[key] = replace(deleted, service_principal=principal)
    return found, ()
