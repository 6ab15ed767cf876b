"""The part of a plan that only an administrator can take: consents, and what they still wait for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provision.manifest.spec import Manifest
from provision.model import AppRole, Observed, Permission, ResourceAccess
from provision.plan import CONSENT, GrantAppRole, GrantScopes, Note, Plan, Step
from provision.wording import permissions


def granting(manifest: Manifest) -> Manifest:
    """The manifest as an administrator reads it: what is only requested there is to be granted."""
    applications = tuple(replace(spec, grant=True) for spec in manifest.applications)
    return replace(manifest, applications=applications)


def only_consent(plan: Plan, observed: Observed) -> Plan:
    """The consents of a plan, also those that have to wait: what is reviewed is all of them."""
    steps = tuple(step for step in plan.steps if isinstance(step, CONSENT))
    waits: dict[tuple[str, str], list[Permission]] = {}
    for step in steps:
        if why := waits_for(step, observed):
            waits.setdefault((step.app, why), []).extend(consented(step))
    notes = tuple(
        Note(app=app, says=f"{why}: run provision apply first. Waits: {permissions(names)}")
        for (app, why), names in waits.items()
    )
    return replace(plan, steps=steps, notes=notes)


def possible(plan: Plan, observed: Observed) -> Plan:
    """What of it can be done now."""
    steps = tuple(step for step in plan.steps if not waits_for(step, observed))
    return replace(plan, steps=steps)


def waits_for(step: Step, observed: Observed) -> str:
    """What has to be there before this can be consented to, if it is not; empty when nothing is missing."""
    if not isinstance(step, GrantAppRole | GrantScopes) or step.app in observed.identities:
        return ""
    found = observed.applications.get(step.app)
    if found is None:
        return "The application does not exist yet"
    if found.service_principal is None:
        return "The service principal does not exist yet"
    asked = found.application.required_resource_access
    for each in consented(step):
        access = _access(each, observed)
        if access is None:
            return "The resource has no service principal yet"
        if access not in asked:
            return "The application does not request it yet"
    return ""


def consented(step: Step) -> tuple[Permission, ...]:
    """The permissions that a step grants."""
    return tuple(_consented(step))


def _consented(step: Step) -> Iterator[Permission]:
    if isinstance(step, GrantAppRole):
        yield step.role
    elif isinstance(step, GrantScopes):
        yield from step.scopes


def _access(asked: Permission, observed: Observed) -> ResourceAccess | None:
    """How requiredResourceAccess lists the permission, where the tenant can tell."""
    own = observed.applications.get(asked.resource)
    resource = observed.resources.get(asked.resource)
    there = own.service_principal is not None if own else resource is not None and resource.id
    if not asked.id or not there:
        return None
    app_id = own.application.app_id if own else asked.resource
    kind = "Role" if isinstance(asked, AppRole) else "Scope"
    return ResourceAccess(resource_app_id=app_id, id=asked.id, type=kind)
