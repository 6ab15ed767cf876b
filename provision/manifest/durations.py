"""Durations in a manifest that must be in order, wherever each of them stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise

from provision.errors import Problem
from provision.manifest import values
from provision.manifest.marks import Node, shown
from provision.manifest.nodes import child, problem
from provision.wording import exactly

ORDER = ("overlap", "renewBefore", "lifetime")


def out_of_order(holders: Mapping[str, Node | None], whole: Node) -> Iterator[Problem]:
    """A credential is renewed while it works, and overlap is over before the next renewal.

    `holders` are the mappings in which each duration may stand; `whole` is the one that is told where none is written.
    """
    for shorter, longer in pairwise(name for name in ORDER if name in holders):
        low, high = (_duration(holders[name], name) for name in (shorter, longer))
        if low is None or high is None or low < high:
            continue
        holder, written = holders[shorter], shorter
        if holder is None or shorter not in holder.keys:
            holder, written = holders[longer] or whole, longer
        order = " < ".join(name for name in ORDER if name in holders)
        yield problem(
            holder.keys.get(written, whole.mark),
            f"{_said(holders, shorter)} must be shorter than {_said(holders, longer)}",
            f"the order is {order}",
        )
        return
    yield from _too_long(holders, whole)


def _too_long(holders: Mapping[str, Node | None], whole: Node) -> Iterator[Problem]:
    """Else old ones would still be waiting for their end when the next ones join them."""
    if "lifetime" not in holders:
        return
    overlap, before, lifetime = (_duration(holders[name], name) for name in ORDER)
    if overlap is None or before is None or lifetime is None or overlap + before <= lifetime:
        return
    holder = holders["overlap"]
    yield problem(
        holder.keys.get("overlap", whole.mark) if holder else whole.mark,
        f"{_said(holders, 'overlap')} must be over before the next renewal, which is "
        f"{exactly(lifetime - before)} later",
        "shorten overlap or renewBefore: together they are at most lifetime",
    )


def _duration(holder: Node | None, key: str) -> timedelta | None:
    node = child(holder, key)
    said = values.DEFAULTS[key] if node is None else str(node.value)
    try:
        return values.duration(values.lifetime(said) if key == "lifetime" else said)
    except ValueError:
        return None


def _said(holders: Mapping[str, Node | None], key: str) -> str:
    node = child(holders[key], key)
    if node is None:
        return f"{key} ({values.DEFAULTS[key]} if not said)"
    return f"{key} ({shown(node.text)})"
