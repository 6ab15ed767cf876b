"""Properties: what a manifest mentions against what the directory has, in Graph's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provision.entitlements import ROLES, SCOPES, Entry, entries
from provision.model import Application, DesiredApplication, DesiredPrincipal, ServicePrincipal
from provision.ownership import PRESERVE
from provision.plan import Change

APP_ID = "{appId}"
"""Stands in an address for the appId, which is known once the application exists."""

CLAIM_KINDS = ("accessToken", "idToken", "saml2Token")
CLAIM: Mapping[str, Any] = {"source": None, "essential": False, "additionalProperties": []}
"""What Graph fills into an optional claim that says no more than its name."""


def wanted_properties(wanted: DesiredApplication) -> dict[str, Any]:
    """Everything that the manifest says of the application itself, by dotted name."""
    properties = dict(wanted.properties)
    if properties.get("optionalClaims") is not None:
        said = properties["optionalClaims"]
        properties["optionalClaims"] = {kind: list(said.get(kind) or ()) for kind in CLAIM_KINDS}
    if wanted.offered_roles is not None:
        properties[ROLES] = [dict(entry) for entry in wanted.offered_roles]
    if wanted.offered_scopes is not None:
        properties[SCOPES] = [dict(entry) for entry in wanted.offered_scopes]
    return properties


def needs_app_id(value: Any) -> bool:
    """Whether a value can only be sent once the application has its appId: only addresses have such a place."""
    return isinstance(value, list | tuple) and any(
        isinstance(each, str) and APP_ID in each for each in value
    )


def changes(wanted: DesiredApplication, found: Application) -> Iterator[Change]:
    """What has to change so that the application is as the manifest says."""
    for name, value in sorted(wanted_properties(wanted).items()):
        before, after = looked_up(found.properties, name), value
        if name in (ROLES, SCOPES):
            before = list(entries(found, name))
            after = _merged(before, value)
        if _alike(name, before) != _alike(name, filled(after, found.app_id)):
            yield Change(property=name, before=_steady(before), after=after)
    over = frozenset() if wanted.preserve or wanted.adopt else frozenset({PRESERVE})
    tags = (found.tags | wanted.tags) - over
    if tags != found.tags:
        yield Change(property="tags", before=sorted(found.tags), after=sorted(tags))


def principal_changes(
    wanted: DesiredPrincipal,
    found: ServicePrincipal | None,
    inherited: frozenset[str] = frozenset(),
) -> Iterator[Change]:
    """The same for its service principal; a new one is enabled, open, and has the application's tags."""
    there = found or ServicePrincipal(id="", app_id="", tags=inherited)
    if wanted.enabled is not None and wanted.enabled != there.enabled:
        yield Change(property="accountEnabled", before=there.enabled, after=wanted.enabled)
    required = wanted.assignment_required
    if required is not None and required != there.assignment_required:
        yield Change(
            property="appRoleAssignmentRequired", before=there.assignment_required, after=required
        )
    if wanted.tags - there.tags:
        after = sorted(there.tags | wanted.tags)
        yield Change(property="tags", before=sorted(there.tags), after=after)


def to_disable(changed: Iterable[Change]) -> tuple[str, ...]:
    """The app roles and scopes that are enabled and will be changed or removed.

    https://learn.microsoft.com/graph/api/resources/approle: only a disabled one may be.
    """
    values = []
    for change in changed:
        if change.property in (ROLES, SCOPES):
            left = {entry["id"]: entry for entry in change.after}
            values += [
                called(entry)
                for entry in change.before
                if entry.get("isEnabled") and not _same_but_enabled(entry, left.get(entry["id"]))
            ]
    return tuple(sorted(values))


def called(entry: Entry) -> str:
    """A role or scope by its value; roles of old, such as those of SAML applications, may have none but their id."""
    return str(entry.get("value") or entry["id"])


def nested(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Graph's JSON of dotted names: `web.redirectUris` becomes a member of `web`."""
    body: dict[str, Any] = {}
    for name, value in properties.items():
        *outer, last = name.split(".")
        place = body
        for each in outer:
            place = place.setdefault(each, {})
        place[last] = value
    return body


def looked_up(properties: Mapping[str, Any], name: str) -> Any:
    """The value of a dotted name in Graph's JSON; None where it is missing."""
    value: Any = properties
    for each in name.split("."):
        value = value.get(each) if isinstance(value, Mapping) else None
    return value


def filled(value: Any, app_id: str) -> Any:
    """A value with the application's appId in its place."""
    if not needs_app_id(value):
        return value
    return [each.replace(APP_ID, app_id) if isinstance(each, str) else each for each in value]


def _merged(before: list[Entry], wanted: list[Entry]) -> list[Entry]:
    """What an entry has and the manifest does not mention stays; `origin` is the directory's own."""
    there = {entry["id"]: entry for entry in before}
    merged = ({**there.get(entry["id"], {}), **entry} for entry in wanted)
    return [{name: entry[name] for name in entry if name != "origin"} for entry in merged]


def _steady(value: Any) -> Any:
    """What the directory has, in one order: it lists the same in another one at another time."""
    if isinstance(value, list | tuple):
        return sorted((_steady(each) for each in value), key=_place)
    if isinstance(value, Mapping):
        return {name: _steady(each) for name, each in value.items()}
    return value


def _place(entry: Any) -> str:
    return (
        str(entry.get("value") or entry.get("name")) if isinstance(entry, Mapping) else str(entry)
    )


def _same_but_enabled(before: Entry, after: Entry | None) -> bool:
    if after is None:
        return False
    return _entry({**before, "isEnabled": True}) == _entry({**after, "isEnabled": True})


def _alike(name: str, value: Any) -> Any:
    """A form in which values that mean the same are equal: order counts in none of Graph's lists here."""
    if name in (ROLES, SCOPES):
        return sorted((_entry(each) for each in value or ()), key=lambda each: str(each["id"]))
    if name == "optionalClaims":
        return _claims(value or {})
    if isinstance(value, list | tuple):
        return sorted(value, key=str)
    return value or None if isinstance(value, str) else value


def _entry(entry: Entry) -> dict[str, Any]:
    plain = {name: value for name, value in entry.items() if value is not None and name != "origin"}
    if "allowedMemberTypes" in plain:
        plain["allowedMemberTypes"] = sorted(plain["allowedMemberTypes"])
    return plain


def _claims(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        kind: sorted(({**CLAIM, **claim} for claim in listed), key=lambda claim: claim["name"])
        for kind, listed in value.items()
        if listed and isinstance(listed, list | tuple)
    }
