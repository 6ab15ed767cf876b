"""A plan that was saved and reviewed: read back, and held against what would be done now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from provision.document import (
    CONSENT_ONLY,
    ENTITLEMENTS,
    FORMAT,
    LEAST,
    SHOWN,
    VERSION,
    compact,
    digest,
    identity,
)
from provision.errors import OutdatedPlan, PlanError, UsageError
from provision.model import Desired
from provision.plan import Step
from provision.wording import words

_AGAIN = "Save it again: provision plan FILE --out plan.json"
_SHAPE: Mapping[str, type | tuple[type, ...]] = {
    "owner": str,
    "tenantId": str,
    "environment": (str, type(None)),
    "only": (str, type(None)),
    "targets": (list, type(None)),
    "manifest": dict,
    "steps": list,
    "digest": str,
    "folder": str,
    "file": str,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A saved plan; `folder` and `file` say where the manifest was, from where the plan is."""

    owner: str
    tenant_id: str
    environment: str | None
    consent_only: bool
    targets: tuple[str, ...] | None
    manifest: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]
    digest: str
    folder: str
    file: str


def recognised(text: str) -> Mapping[str, Any] | None:
    """A document of ours, if the text is one: a manifest has no `format`."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    said = found.get("format") if isinstance(found, dict) else None
    return found if isinstance(said, str) and said.startswith("provision/") else None


def read(found: Mapping[str, Any], file: str) -> Saved:
    """The saved plan that a document holds; one of another kind, version or shape is refused in words."""
    if found["format"] == "provision/plan":
        raise PlanError(f"{file} is the plan for programs to read, and not to apply", hint=_AGAIN)
    if found["format"] != FORMAT:
        raise PlanError(f"{file} is no saved plan: its format is {found['format']}", hint=_AGAIN)
    if found.get("version") != VERSION:
        raise PlanError(
            f"{file} is a saved plan of version {found.get('version')}, and this program knows version {VERSION}",
            hint=_AGAIN,
        )
    wrong = [key for key, kind in _SHAPE.items() if not isinstance(found.get(key, ...), kind)]
    if not wrong and PurePath(found["folder"]).is_absolute():
        wrong = ["folder"]
    steps = found.get("steps")
    if not wrong and isinstance(steps, list) and not all(_is_step(step) for step in steps):
        wrong = ["steps"]
    if wrong:
        raise PlanError(f"{file} is a damaged saved plan: see {', '.join(wrong)}", hint=_AGAIN)
    if digest(found) != found["digest"]:
        raise PlanError(
            f"{file} was changed after it was saved: its digest is another", hint=_AGAIN
        )
    return Saved(
        owner=found["owner"],
        tenant_id=found["tenantId"],
        environment=found["environment"],
        consent_only=found["only"] == CONSENT_ONLY,
        targets=None if found["targets"] is None else tuple(map(str, found["targets"])),
        manifest=found["manifest"],
        steps=tuple(found["steps"]),
        digest=found["digest"],
        folder=found["folder"],
        file=found["file"],
    )


def _is_step(step: object) -> bool:
    return (
        isinstance(step, dict)
        and isinstance(step.get("step"), str)
        and isinstance(step.get("app"), str)
    )


def refuse_other_tenant(saved: Saved, tenant_id: str, file: str) -> None:
    """What was reviewed for one tenant is done in no other."""
    if saved.tenant_id != tenant_id:
        raise PlanError(
            f"{file} was made for tenant {saved.tenant_id}, and this is tenant {tenant_id}",
            hint="Name the right one with --tenant, or plan again for this one.",
        )


def refuse_other_owner(saved: Saved, owner: str, file: str) -> None:
    """A digest of consents does not cover the manifest, whose name says which applications its keys mean."""
    if saved.owner != owner:
        raise PlanError(
            f"{file} was changed after it was saved: it is a plan of {saved.owner}, and its manifest is {owner}",
            hint=_AGAIN,
        )


def refuse_beyond(
    reviewed: Sequence[Mapping[str, Any]], steps: Sequence[Step], desired: Desired
) -> None:
    """Nothing is done that was not reviewed; what was reviewed and is not planned now is done already."""
    new = beyond(reviewed, steps, desired)
    if new:
        count = "a step" if len(new) == 1 else f"{len(new)} steps"
        raise OutdatedPlan(
            f"This would take {count} that the reviewed plan does not hold:",
            [f"{step.app}: {words(step)}" for step in new],
        )


def beyond(
    reviewed: Sequence[Mapping[str, Any]], steps: Sequence[Step], desired: Desired
) -> list[Step]:
    """The steps that do more than the reviewed ones do together."""
    allowed = {part for step in reviewed for part in parts(step)}
    return [step for step in steps if not set(parts(identity(step, desired))) <= allowed]


def refuse_other_digest(demanded: str, found: str) -> None:
    """What is about to be done is what the digest was given for; its first twelve characters are enough."""
    wanted = demanded.strip().lower()
    if not LEAST <= len(wanted) <= len(found) or set(wanted) - set("0123456789abcdef"):
        raise UsageError(
            f'--digest takes at least {LEAST} characters of a digest, not "{demanded}"',
            hint="provision plan shows it.",
        )
    if not found.startswith(wanted):
        raise OutdatedPlan(
            f"The plan has another digest than the one demanded: {found[:SHOWN]}, not {wanted[:SHOWN]}"
        )


def parts(step: Mapping[str, Any]) -> Iterator[str]:
    """What a step does, in pieces: a run that was killed half-way has only some of them left to do."""
    for part in _parts(step):
        yield compact([step["app"], *part])


def _parts(step: Mapping[str, Any]) -> Iterator[list[Any]]:
    kind = step["step"]
    of = "servicePrincipal" if kind == "UpdateServicePrincipal" else "application"
    match kind:
        case "CreateApplication":
            yield ["create", step.get("uniqueName")]
            for name, value in _mapping(step.get("properties")).items():
                yield from _changed(of, {"property": name, "after": value})
            yield from (["tag", of, tag] for tag in step.get("tags") or ())
            yield from (["request", each] for each in step.get("requested") or ())
        case "UpdateApplication" | "UpdateServicePrincipal":
            for change in step.get("changes") or ():
                yield from _changed(of, _mapping(change))
        case "RequestPermissions":
            yield from (["request", each] for each in step.get("permissions") or ())
        case "WithdrawPermissions":
            yield from (["withdraw", each] for each in step.get("permissions") or ())
        case "GrantScopes" | "RevokeScopes":
            yield from ([kind, each] for each in step.get("scopes") or ())
        case "DisableEntitlements":
            yield from (["disable", each] for each in step.get("values") or ())
        case "CreateServicePrincipal" | "RestoreServicePrincipal":
            yield ["principal"]
        case "AddSecret" | "AddCertificate":
            yield [
                "secret" if kind == "AddSecret" else "certificate",
                {key: value for key, value in step.items() if key != "step"},
            ]
            yield ["record", step.get("credential")]
        case "RecordStored":  # it only repairs what issuing the secret would have written
            yield ["record", step.get("credential")]
        case _:
            yield [kind, {key: value for key, value in step.items() if key != "step"}]


def _changed(of: str, change: Mapping[str, Any]) -> Iterator[list[Any]]:
    name, before, after = change.get("property"), change.get("before"), change.get("after")
    if name == "tags":
        yield from (["tag", of, tag] for tag in change.get("adds") or ())
        yield from (["untag", of, tag] for tag in change.get("removes") or ())
    elif isinstance(after, list) and isinstance(before, list | None):
        there = before or []
        yield from (["add", of, name, each] for each in after if each not in there)
        yield from (["remove", of, name, each] for each in _gone(name, there, after))
        if not after:
            yield ["empty", of, name]
    else:
        yield ["set", of, name, after]


def _gone(name: object, before: list[Any], after: list[Any]) -> list[Any]:
    """What leaves a list; an entitlement by its value, since it is disabled before it is removed."""
    if name not in ENTITLEMENTS:
        return [each for each in before if each not in after]
    old, new = ([_mapping(each).get("value") for each in side] for side in (before, after))
    return [value for value in old if value not in new]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
