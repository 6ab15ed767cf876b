"""The tenant and its people: who may manage an application, and who somebody is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from provision.graph import operations, parse, paths
from provision.graph.answers import listed, present, select
from provision.graph.client import Graph
from provision.graph.reply import Reply
from provision.model import Organization

Owned = Literal["application", "servicePrincipal"]

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
USER = "#microsoft.graph.user"
OWNING = frozenset({USER, "#microsoft.graph.servicePrincipal"})
"""The types that can own an application."""


async def owners(
    graph: Graph, object_ids: Iterable[str], *, of: Owned
) -> dict[str, frozenset[str]]:
    """The object ids of the owners of these; an object that does not exist is left out.

    https://learn.microsoft.com/graph/api/application-list-owners
    https://learn.microsoft.com/graph/api/serviceprincipal-list-owners
    """
    wanted = list(dict.fromkeys(object_ids))
    gets = [paths.expand(_of(graph, id_, of).owners, select="id") for id_ in wanted]
    action = "read who owns applications"
    found = {}
    for object_id, reply in zip(wanted, await graph.batch(gets, action=action), strict=True):
        if present(reply, action):
            items = await listed(graph, reply, action)
            found[object_id] = parse.understood(_ids, {"value": items}, action=action)
    return found


async def add_owner(graph: Graph, object_id: str, owner_id: str, *, of: Owned) -> bool:
    """Let a user or a service principal manage an object; false when it may already.

    https://learn.microsoft.com/graph/api/application-post-owners
    https://learn.microsoft.com/graph/api/serviceprincipal-post-owners
    """
    what = "application" if of == "application" else "service principal"
    # Asked twice it says that it exists: a lost answer is no danger.
    reply = await graph.send(
        "POST",
        paths.expand(_of(graph, object_id, of).owners.ref),
        {"@odata.id": f"{graph.adapter.base_url}/directoryObjects/{owner_id}"},
        action=f"make {owner_id} an owner of the {what} {object_id}",
        operation=operations.ADD_OWNER,
        idempotent=True,
    )
    return reply.ok


async def people(graph: Graph, names: Iterable[str]) -> dict[str, str]:
    """The object ids of those who can own something, by what a manifest calls them.

    A name is a user principal name, or the object id of a user or a service principal; one that
    the tenant does not know is left out. An object id that the operator may not look up is taken
    at its word. https://learn.microsoft.com/graph/api/user-get
    https://learn.microsoft.com/graph/api/directoryobject-get
    """
    wanted = list(dict.fromkeys(names))
    gets = [
        paths.expand(
            paths.directory_object(graph.adapter, name)
            if GUID.fullmatch(name)
            else paths.user(graph.adapter, name),
            select="id",
        )
        for name in wanted
    ]
    action = "look owners up"
    replies = await graph.batch(gets, action=action)
    found = ((name, _person(name, reply)) for name, reply in zip(wanted, replies, strict=True))
    return {name: object_id for name, object_id in found if object_id is not None}


async def names_of(graph: Graph, object_ids: Iterable[str]) -> dict[str, str]:
    """What those who can own something are called; objects of other types are left out.

    One that the operator may not look up has no name. https://learn.microsoft.com/graph/api/directoryobject-get
    """
    wanted = list(dict.fromkeys(object_ids))
    gets = [paths.expand(paths.directory_object(graph.adapter, id_)) for id_ in wanted]
    action = "look up who owns applications"
    found = {}
    for object_id, reply in zip(wanted, await graph.batch(gets, action=action), strict=True):
        if reply.status == 403:
            found[object_id] = ""
        elif present(reply, action):
            body = reply.body or {}
            if body.get("@odata.type", USER) in OWNING:
                found[object_id] = str(body.get("userPrincipalName") or body.get("displayName"))
    return found


async def organization(graph: Graph) -> Organization | None:
    """The tenant's name, for those who may read it."""
    action = "read the tenant's name"
    path = paths.expand(paths.organization(graph.adapter), select=select(parse.ORGANIZATION_FIELDS))
    reply = await graph.send("GET", path, action=action, operation=operations.READ_TENANT)
    return parse.understood(parse.organization, reply.body, action=action) if reply.ok else None


def _person(name: str, reply: Reply) -> str | None:
    action = f"look up {name}"
    if GUID.fullmatch(name):
        if reply.status == 403:
            return name.lower()
        # An application's own object id is a usual mistake: only its service principal can own.
        if (reply.body or {}).get("@odata.type", USER) not in OWNING:
            return None
    if not present(reply, action, operations.READ_PERSON):
        return None
    return parse.understood(lambda data: str(data["id"]), reply.body, action=action)


def _ids(data: Any) -> frozenset[str]:
    return frozenset(item["id"] for item in data["value"])


def _of(graph: Graph, object_id: str, of: Owned) -> Any:
    if of == "application":
        return paths.applications(graph.adapter).by_application_id(object_id)
    return paths.service_principals(graph.adapter).by_service_principal_id(object_id)
