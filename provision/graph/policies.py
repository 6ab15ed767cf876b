"""The tenant's app management policies, for those who may read them: they only ever serve a warning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from provision.graph import operations, parse, paths
from provision.graph.client import Graph
from provision.policy import AppManagement, Restriction

_DURATION = re.compile(
    r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?", re.ASCII
)


async def app_management(graph: Graph) -> AppManagement | None:
    """What the tenant's default policy says of applications; None where the operator may not read it.

    https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-get
    """
    action = "read the tenant's app management policy"
    reply = await graph.send(
        "GET",
        paths.expand(paths.default_app_management_policy(graph.adapter)),
        action=action,
        operation=operations.READ_POLICY,
    )
    return parse.understood(_default, reply.body, action=action) if reply.ok else None


async def app_management_of(
    graph: Graph, object_ids: Iterable[str]
) -> dict[str, AppManagement | None]:
    """The policies of these applications' own, by object id: None without one, left out where it cannot be read.

    https://learn.microsoft.com/graph/api/appmanagementpolicy-list
    """
    wanted = list(dict.fromkeys(object_ids))
    gets = [
        paths.expand(
            paths.applications(graph.adapter).by_application_id(object_id).app_management_policies
        )
        for object_id in wanted
    ]
    action = "read the applications' own app management policies"
    replies = await graph.batch(gets, action=action)
    return {
        object_id: parse.understood(_first, reply.body, action=action)
        for object_id, reply in zip(wanted, replies, strict=True)
        if reply.ok
    }


def _default(data: Mapping[str, Any]) -> AppManagement:
    return _policy(data, "applicationRestrictions")


def _first(data: Mapping[str, Any]) -> AppManagement | None:
    """An application can have one of its own."""
    return next((_policy(each, "restrictions") for each in data["value"]), None)


def _policy(data: Mapping[str, Any], where: str) -> AppManagement:
    if not data["isEnabled"]:
        return AppManagement()
    return AppManagement(restrictions=tuple(_restrictions(data.get(where) or {})))


def _restrictions(data: Mapping[str, Any]) -> Iterator[Restriction]:
    for name in ("passwordCredentials", "keyCredentials"):
        for entry in data.get(name) or ():
            since = entry.get("restrictForAppsCreatedAfterDateTime")
            yield Restriction(
                type=entry["restrictionType"],
                longest=_duration(entry.get("maxLifetime") or ""),
                since=parse.moment(since) if since else None,
                enabled=entry.get("state") != "disabled",
            )


def _duration(text: str) -> timedelta | None:
    """A duration as Graph writes it, of days and less; None where it limits nothing that we could tell."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
