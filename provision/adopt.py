"""Reads applications that exist already, with all that belongs to them, for a manifest that takes them over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from provision.desired import RESOURCES
from provision.errors import NoSuchApplications, OwnedAlready, PlanError
from provision.graph import directory
from provision.imported.keys import keys_of, name_for
from provision.imported.source import Existing, Source, clear_names
from provision.lookup import Wanted, resources_of
from provision.manifest import values
from provision.model import Application, Resource, ServicePrincipal
from provision.ownership import owner_of
from provision.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to import: some applications, or all when `app_ids` is empty; and how to head the manifest."""

    app_ids: tuple[str, ...]
    name: str | None
    tenant: str
    cloud: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was read; of all applications, how many stand in a manifest already, by its name."""

    source: Source
    owned: Mapping[str, int]
    operator: bool = False


async def gather(target: Target, wish: Wish) -> Gathered:
    """Everything that a manifest of these applications has to say; nothing is written."""
    if wish.app_ids:
        found = await _chosen(target, wish.app_ids)
        owned: dict[str, int] = {}
        operator = False
    else:
        found, owned, operator = await _all(target)
    existing = await _complete(target, found)
    resources = await _resources(target, existing)
    keys = keys_of(found)
    names, people = await asyncio.gather(
        _names(target, resources.values()),
        directory.names_of(target.graph, sorted({id for each in existing for id in each.owners})),
    )
    source = Source(
        name=wish.name or name_for(keys.values()),
        tenant=wish.tenant,
        cloud=wish.cloud,
        tenant_id=target.tenant_id,
        applications=existing,
        keys=keys,
        resources=resources,
        called=clear_names(resources, names, keys),
        people=people,
    )
    return Gathered(source=source, owned=owned, operator=operator)


async def _chosen(target: Target, app_ids: Sequence[str]) -> list[Application]:
    """In the order asked for; one that cannot be adopted is refused."""
    wanted = list(dict.fromkeys(each.lower() for each in app_ids))
    found = await directory.applications_by_app_id(target.graph, wanted)
    missing = [each for each in wanted if each not in found]
    if missing:
        raise NoSuchApplications(missing)
    for app_id, application in found.items():
        if owner := owner_of(application.tags):
            raise OwnedAlready(app_id, owner)
        if app_id == target.operator.client_id:
            raise PlanError(
                f"You are signed in as the application {app_id} itself",
                hint="Sign in as somebody else to manage it; with the Azure CLI: --auth cli",
            )
    return [found[each] for each in wanted]


async def _all(target: Target) -> tuple[list[Application], dict[str, int], bool]:
    """All that no manifest owns, by name; whoever is signed in cannot manage itself."""
    found, owned, operator = [], dict[str, int](), False
    for each in await directory.applications_all(target.graph):
        if owner := owner_of(each.tags):
            owned[owner] = owned.get(owner, 0) + 1
        elif each.app_id == target.operator.client_id:
            operator = True
        else:
            found.append(each)
    return (
        sorted(found, key=lambda each: (each.display_name.casefold(), each.app_id)),
        owned,
        operator,
    )


async def _complete(target: Target, found: Sequence[Application]) -> tuple[Existing, ...]:
    app_ids = [each.app_id for each in found]
    ids = [each.id for each in found]
    principals, federated, owners, more = await asyncio.gather(
        directory.service_principals(target.graph, app_ids, delegated=app_ids),
        directory.federated_credentials(target.graph, ids),
        directory.owners(target.graph, ids, of="application"),
        directory.settings_beside(target.graph, found),
    )
    return tuple(
        Existing(
            application=replace(each, federated=federated.get(each.id, ())),
            service_principal=principals.get(each.app_id),
            owners=owners.get(each.id, frozenset()),
            more=more[each.app_id][0],
            principal_more=more[each.app_id][1],
        )
        for each in found
    )


async def _resources(target: Target, existing: Sequence[Existing]) -> dict[str, Resource]:
    """The APIs besides the imported ones of which something was requested or granted."""
    own = {each.application.app_id for each in existing}
    asked = {
        access.resource_app_id
        for each in existing
        for access in each.application.required_resource_access
    }
    found = await _read(target, asked - own)
    known = {each.id for each in found.values()}
    principals = [each.service_principal for each in existing if each.service_principal]
    known |= {each.id for each in principals}
    granting = {id for each in principals for id in _granting(each)} - known
    read = await asyncio.gather(
        *(directory.service_principal_by_id(target.graph, id) for id in sorted(granting))
    )
    return found | await _read(target, {each.app_id for each in read if each} - own)


def _granting(principal: ServicePrincipal) -> set[str]:
    roles = {each.resource_id for each in principal.app_role_assignments}
    return roles | {each.resource_id for each in principal.grants or ()}


async def _read(target: Target, app_ids: Iterable[str]) -> dict[str, Resource]:
    found = await asyncio.gather(
        *(directory.resource(target.graph, each) for each in sorted(app_ids))
    )
    return {each.app_id: each for each in found if each}


async def _names(target: Target, resources: Iterable[Resource]) -> dict[str, str]:
    """Display names that mean one API in this tenant, written as a manifest may."""
    writable: dict[str, list[str]] = {}
    for each in resources:
        if _is_name(each.display_name):
            writable.setdefault(each.display_name.casefold(), []).append(each.display_name)
    alone = frozenset(some[0] for some in writable.values() if len(some) == 1)
    if not alone:
        return {}
    found = await resources_of(
        target, Wanted(resources=alone - RESOURCES.keys(), people=frozenset())
    )
    return {**found.names, **RESOURCES}


def _is_name(text: str) -> bool:
    """Whether a manifest may call a resource so, and would not mean an appId by it."""
    try:
        return text.isprintable() and not values.is_guid(values.resource(text))
    except ValueError:
        return False
