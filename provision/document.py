"""A plan as canonical JSON: what it would do and nothing else, so that two plans of one meaning are one text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from provision.life import is_kept_up
from provision.manifest.spec import Manifest
from provision.model import AppRole, Desired, DesiredStored, Owner, PermissionScope, PreAuthorized
from provision.plan import (
    ADDS,
    AddCertificate,
    AddSecret,
    Change,
    CreateResourcePrincipal,
    DeleteApplication,
    Plan,
    RemoveCertificate,
    RemoveSecret,
    RevokeAppRole,
    RevokeScopes,
    Step,
)

FORMAT, VERSION = "provision/saved-plan", 1
CONSENT_ONLY = "consent"
SHOWN = 16
"""So many characters of a digest are shown: enough that nobody makes another plan to match them."""
LEAST = 12
"""So many characters of a digest must be given at least."""

HERE = "."
"""The folder of a plan that lies beside its manifest."""

ENTITLEMENTS = frozenset({"appRoles", "api.oauth2PermissionScopes"})
"""Properties that list what an application offers; each entry is known by its `value`, not by its id."""

UNSAID: Mapping[type[Step], frozenset[str]] = {
    AddSecret: frozenset({"reason", "rotation"}),
    AddCertificate: frozenset({"reason", "rotation"}),
    CreateResourcePrincipal: frozenset({"name"}),
    DeleteApplication: frozenset({"display_name"}),
    RemoveSecret: frozenset({"reason"}),
    RemoveCertificate: frozenset({"reason"}),
    RevokeAppRole: frozenset({"assignment_id"}),
    RevokeScopes: frozenset({"grant_id"}),
}
"""What a step tells its reader or the tenant, but what does not change what it does."""


def document(
    plan: Plan,
    desired: Desired,
    manifest: Manifest,
    *,
    tenant_id: str,
    only: str | None = None,
) -> dict[str, Any]:
    """The plan as plain JSON, with the resolved manifest that it was made from and its digest."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "owner": plan.owner,
        "tenantId": tenant_id,
        "environment": manifest.environment,
        "only": only,
        "targets": targets(manifest),
        "manifest": plain(manifest.source),
        "steps": [identity(step, desired) for step in plan.steps],
    }
    return {**body, "digest": digest(body)}


def targets(manifest: Manifest) -> list[str] | None:
    """The parts of the manifest that the plan is about, where --target chose some."""
    if not manifest.partial:
        return None
    applications = [spec.key for spec in manifest.applications]
    return sorted([*applications, *(spec.key for spec in manifest.identities)])


def digest(body: Mapping[str, Any]) -> str:
    """sha256 over what the plan does; the order of steps does not count.

    Neither does the place of a file, but the folder that its stores start from, where that is another than the plan's
    own: a plan that was changed in transit must not lead a secret elsewhere.
    A plan of consents alone leaves the manifest out: what a developer changes elsewhere in it does not outdate what an
    administrator reviewed. Only which objects of the tenant its keys stand for must stay the same.
    """
    left_out = {"digest", "file"} | ({"manifest", "folder"} if body["only"] else set())
    if body.get("folder") == HERE:
        left_out.add("folder")
    said = {key: value for key, value in body.items() if key not in left_out}
    if body["only"] and (chosen := _chosen(body)):
        said["chosen"] = chosen
    said["steps"] = sorted(compact(step) for step in body["steps"])
    return hashlib.sha256(compact(said).encode("ascii")).hexdigest()


def _chosen(body: Mapping[str, Any]) -> dict[str, Any]:
    """The objects that the manifest picks by id under the keys that consents name, as clients or as APIs."""
    named: set[str] = set()
    for step in body["steps"]:
        consented = [step.get("role"), *(step.get("scopes") or ())]
        named |= {str(each["resource"]) for each in consented if isinstance(each, Mapping)}
        named.add(str(step["app"]))
    ways = (("applications", "adopt"), ("identities", "managedIdentity"))
    return {
        key: {of: spec[of]}
        for part, of in ways
        for key, spec in (body["manifest"].get(part) or {}).items()
        if key in named and isinstance(spec, Mapping) and spec.get(of)
    }


def written(body: Mapping[str, Any]) -> str:
    """The document as the text of a file: the same bytes for the same plan."""
    return json.dumps(body, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def compact(value: Any) -> str:
    """JSON in its one shortest form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def identity(step: Step, desired: Desired) -> dict[str, Any]:
    """What makes a step this step and no other: no ids of permissions, no reasons, no dates."""
    unsaid = UNSAID.get(type(step), frozenset())
    own = {
        camel(each.name): plain(getattr(step, each.name), of=each.name)
        for each in fields(step)
        if each.name not in unsaid
    }
    return {"step": type(step).__name__, **own, **stored_facts(step, desired)}


def stored_of(step: Step, desired: Desired) -> DesiredStored | None:
    """What the manifest says of the secret or certificate that a step makes."""
    if not isinstance(step, ADDS):
        return None
    return next(
        (
            each
            for application in desired.applications
            if application.key == step.app
            for each in application.stored
            if each.name == step.credential
        ),
        None,
    )


def stored_facts(step: Step, desired: Desired | None) -> dict[str, Any]:
    """Where a new value will be kept and how long it lasts: a lifetime, not an end, which is known when it is made.

    What users keep up themselves lasts as long as they say in it.
    """
    found = stored_of(step, desired) if desired else None
    if found is None:
        return {}
    if is_kept_up(found):
        return {"store": found.store.address}
    seconds = int(found.lifetime.total_seconds())
    return {"lifetimeSeconds": seconds, "store": found.store.address}


def plain(value: Any, *, of: str = "") -> Any:
    """Plain JSON; lists are sorted, for neither Graph nor a manifest gives their order a meaning."""
    if isinstance(value, AppRole | PermissionScope):
        kind = "Role" if isinstance(value, AppRole) else "Scope"
        return {"resource": value.resource, "type": kind, "value": value.value}
    if isinstance(value, Owner):
        return {"id": value.id, "name": value.name}
    if isinstance(value, PreAuthorized):
        return {"client": value.client, "scopes": plain(value.scopes)}
    if isinstance(value, Change):
        return _change(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each, of=str(key)) for key, each in value.items()}
    if isinstance(value, frozenset | set | list | tuple):
        entries = _unnumbered(value) if of in ENTITLEMENTS else value
        return sorted((plain(each) for each in entries), key=compact)
    return value


def _change(change: Change) -> dict[str, Any]:
    """Of tags only what comes and goes: among those that stay are records of moments."""
    if change.property == "tags":
        before, after = set(change.before or ()), set(change.after or ())
        return {
            "property": "tags",
            "adds": sorted(after - before),
            "removes": sorted(before - after),
        }
    return {
        "property": change.property,
        "before": plain(change.before, of=change.property),
        "after": plain(change.after, of=change.property),
    }


def _unnumbered(entries: Iterable[Any]) -> Sequence[Any]:
    return [
        {key: value for key, value in entry.items() if key != "id"}
        if isinstance(entry, Mapping)
        else entry
        for entry in entries
    ]


def camel(name: str) -> str:
    """A field of ours as Graph would spell it."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)
