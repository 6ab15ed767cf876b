"""Properties before and after, as a diff: scalars by arrow, lists entry by entry, what is offered by its value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.document import ENTITLEMENTS
from provision.plan import Change

_TOLD = ("displayName", "adminConsentDisplayName", "userConsentDisplayName")
_KNOWN_BY = frozenset({"id", "value", "origin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A line below a step: `+`, `~`, `-` or nothing, and how deep it stands."""

    text: str
    sign: str = ""
    depth: int = 0


def set_details(properties: Mapping[str, Any]) -> Iterator[Detail]:
    """The properties of something new: nothing was before, so nothing has a sign."""
    for name, value in sorted(properties.items()):
        if name in ENTITLEMENTS and isinstance(value, Sequence):
            yield Detail(text=f"{name}:")
            yield from (Detail(text=_entitlement(each), depth=1) for each in value)
        elif _is_list(value) and len(value) > 1:
            yield Detail(text=f"{name}:")
            yield from (Detail(text=shown(each), depth=1) for each in value)
        elif _is_list(value):
            yield Detail(text=f"{name}: {shown(value[0]) if value else '(empty)'}")
        else:
            yield Detail(text=f"{name}: {shown(value)}")


def change_details(change: Change) -> Iterator[Detail]:
    """One property: its line, and below it what comes and goes of a list."""
    name, before, after = change.property, change.before, change.after
    if _is_list(after) and (before is None or _is_list(before)):
        there = list(before or ())
        below = list(_entries(name, there, list(after)))
        if below:
            yield Detail(text=f"{name}:", sign="~")
            yield from below
        else:
            yield Detail(text=f"{name}: {'another order' if after else 'emptied'}", sign="~")
    elif isinstance(after, Mapping) and isinstance(before, Mapping):
        yield Detail(text=f"{name}:", sign="~")
        yield from (
            _moved(key, before.get(key), after.get(key), depth=1)
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)
        )
    else:
        yield _moved(name, before, after)


def _moved(name: str, before: Any, after: Any, *, depth: int = 0) -> Detail:
    return Detail(text=f"{name}: {shown(before)} → {shown(after)}", sign="~", depth=depth)


def _entries(name: str, before: list[Any], after: list[Any]) -> Iterator[Detail]:
    if name in ENTITLEMENTS:
        yield from _entitlements(before, after)
        return
    yield from (Detail(text=shown(each), sign="+", depth=1) for each in after if each not in before)
    yield from (Detail(text=shown(each), sign="-", depth=1) for each in before if each not in after)


def _entitlements(before: list[Any], after: list[Any]) -> Iterator[Detail]:
    """App roles and scopes by the value that tokens carry: ids say nothing to a reader."""
    old, new = _by_value(before), _by_value(after)
    for value, each in new.items():
        if value not in old:
            yield Detail(text=_entitlement(each), sign="+", depth=1)
            continue
        moved = [
            key
            for key in sorted({*each, *old[value]} - _KNOWN_BY)
            if each.get(key) != old[value].get(key)
        ]
        if moved:
            said = ", ".join(
                f"{key}: {shown(old[value].get(key))} → {shown(each.get(key))}" for key in moved
            )
            yield Detail(text=f"{value}: {said}", sign="~", depth=1)
        elif each.get("id") != old[value].get("id"):
            yield Detail(text=f"{value}: another id", sign="~", depth=1)
    yield from (
        Detail(text=_entitlement(each), sign="-", depth=1)
        for value, each in old.items()
        if value not in new
    )


def _by_value(entries: list[Any]) -> dict[str, Mapping[str, Any]]:
    found = [each for each in entries if isinstance(each, Mapping)]
    return {str(each.get("value") or each.get("id")): each for each in found}


def _entitlement(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return shown(entry)
    value = str(entry.get("value") or entry.get("id"))
    text = next((entry[key] for key in _TOLD if entry.get(key)), None)
    kinds = entry.get("allowedMemberTypes") or ([entry["type"]] if entry.get("type") else [])
    said = value + (f": {shown(text)}" if text else "")
    aside = [*(f"for {'/'.join(map(str, kinds))}" for _ in kinds[:1])]
    if entry.get("isEnabled") is False:
        aside.append("disabled")
    return said + (f" ({', '.join(aside)})" if aside else "")


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def shown(value: Any) -> str:
    """A value as JSON, so that a text that looks like a number shows that it is none."""
    if value is None:
        return "(none)"
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
