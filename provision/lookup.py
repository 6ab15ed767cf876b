"""What a manifest calls by name: resources and people, looked up in the tenant and in what is shipped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provision import wellknown
from provision.desired import RESOURCES
from provision.errors import UsageError
from provision.graph import directory
from provision.manifest.spec import ApplicationSpec, Manifest
from provision.model import Application, Resource
from provision.ownership import unique_name
from provision.target import Target
from provision.wait import pause

LOOKS = 3
"""How often a resource is looked for before it counts as missing."""

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The names in a manifest: resources that are none of its applications, and owners."""

    resources: frozenset[str]
    people: frozenset[str]

    @classmethod
    def of(cls, manifest: Manifest) -> Wanted:
        """Microsoft Graph always: what was asked of it earlier may have to be taken back."""
        specs = (*manifest.applications, *manifest.others)
        asked = [each for spec in manifest.applications for each in spec.permissions]
        asked += [each for spec in manifest.identities for each in spec.permissions]
        named = {each.resource for each in asked}
        return cls(
            resources=frozenset(named - {spec.key for spec in specs} | RESOURCES.keys()),
            people=frozenset(
                owner.name
                for spec in manifest.applications
                for owner in (*spec.owners, *spec.service_principal.owners)
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Resources by appId, appIds by the manifest's names, and the candidates of a name that several bear."""

    resources: Mapping[str, Resource]
    names: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


async def people_of(target: Target, wanted: Wanted) -> Mapping[str, str]:
    """The object ids of owners, by the names that the manifest uses."""
    if not wanted.people:
        return {}
    return await directory.people(target.graph, sorted(wanted.people))


async def resources_of(target: Target, wanted: Wanted) -> Found:
    """The resources that a manifest names; one that the tenant has not met yet comes without an id."""
    named = sorted(wanted.resources)
    found = await asyncio.gather(*(_candidates(target, name) for name in named))
    pairs = list(zip(named, found, strict=True))
    return Found(
        resources={each.app_id: each for _, some in pairs for each in some if len(some) == 1},
        names={name: some[0].app_id for name, some in pairs if len(some) == 1},
        unclear={
            name: tuple(sorted(each.app_id for each in some))
            for name, some in pairs
            if len(some) > 1
        },
    )


async def resources_requested(
    target: Target, applications: Iterable[Application], *, known: Mapping[str, Resource]
) -> dict[str, Resource]:
    """Resources of which something was asked earlier: what was consented to may have to be revoked."""
    seen = list(applications)
    asked = {each.resource_app_id for app in seen for each in app.required_resource_access}
    unread = sorted(asked - known.keys() - {app.app_id for app in seen})
    found = await asyncio.gather(*(directory.resource(target.graph, each) for each in unread))
    return {each.app_id: each for each in found if each}


async def app_id_of(target: Target, manifest: Manifest, name: str) -> str:
    """The appId of a resource that somebody names as a manifest would; raises UsageError where that tells none.

    A key of the manifest, a display name, or the appId itself.
    """
    specs = {spec.key: spec for spec in (*manifest.applications, *manifest.others)}
    if name in specs:
        return await _own(target, manifest, specs[name])
    found = await _candidates(target, name)
    if len(found) == 1:
        return found[0].app_id
    if found:
        several = ", ".join(sorted(each.app_id for each in found))
        raise UsageError(
            f"Several APIs of this tenant are called {name}",
            hint=f"Write the appId of the one that is meant: {several}",
        )
    known = ", ".join(sorted({*Wanted.of(manifest).resources, *specs}))
    raise UsageError(
        f"No API of this tenant is called {name}",
        hint=f"The manifest names {known}; any other by its display name or appId.",
    )


async def _own(target: Target, manifest: Manifest, spec: ApplicationSpec) -> str:
    """The appId of an application of the manifest."""
    if spec.adopt:
        return spec.adopt
    named = unique_name(manifest.owner, spec.key)
    found = await directory.applications_named(target.graph, [named])
    if named not in found:
        raise UsageError(
            f"{spec.key} does not exist in this tenant", hint="Run provision apply first."
        )
    return found[named].app_id


async def _candidates(target: Target, name: str) -> tuple[Resource, ...]:
    app_id = RESOURCES.get(name) or (name.lower() if GUID.fullmatch(name) else None)
    if app_id:
        there = await _resource(target, app_id)
        return (there or wellknown.resource(app_id) or _unknown(app_id),)
    found = await directory.resources_named(target.graph, name)
    if found:
        return found
    shipped = (wellknown.resource(each) for each in wellknown.named(name))
    return tuple(each for each in shipped if each)


async def _resource(target: Target, app_id: str) -> Resource | None:
    """A resource, looked for again where a replica does not show it: else one would be made that exists."""
    for look in range(LOOKS):
        found = await directory.resource(target.graph, app_id)
        if found:
            return found
        if look < LOOKS - 1:
            await pause(target, 0.5)
    return None


def _unknown(app_id: str) -> Resource:
    """Another organisation's API, of which only its appId is known until its service principal is made."""
    return Resource(id=None, app_id=app_id, display_name=app_id, app_roles=frozenset())
