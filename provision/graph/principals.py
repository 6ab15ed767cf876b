"""Service principals: an application's presence in the tenant, and APIs that offer permissions."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from provision.clock import backoff
from provision.errors import NotYetVisible
from provision.graph import operations, parse, paths
from provision.graph.answers import PAGE, listed, present, select
from provision.graph.client import Graph
from provision.graph.refusals import Operation
from provision.graph.reply import Reply
from provision.model import OAuth2PermissionGrant, Resource, ServicePrincipal

LOOKS = 8
"""How often the consents of a service principal that was found are asked for: about a minute."""

GONE = 3
"""Looks that must not find a service principal before it is taken for deleted."""


class _Deleted(Exception):
    """The replica that showed a service principal had not heard of its deletion."""


async def service_principals(
    graph: Graph, app_ids: Iterable[str], *, delegated: Collection[str] = ()
) -> dict[str, ServicePrincipal]:
    """The service principals of these applications, with everything that was granted to them.

    Delegated consents are read for those in `delegated` only, and are None where the operator may
    not read them. Applications without a service principal are left out.
    https://learn.microsoft.com/graph/api/serviceprincipal-get
    """
    wanted = list(dict.fromkeys(app_ids))
    keys = {
        app_id: paths.expand(paths.service_principal_of(graph.adapter, app_id)) for app_id in wanted
    }
    asked = [app_id for app_id in wanted if app_id in delegated]
    gets = [f"{key}?$select={select(parse.SERVICE_PRINCIPAL_FIELDS)}" for key in keys.values()]
    gets += [f"{key}/appRoleAssignments" for key in keys.values()]
    gets += [f"{keys[app_id]}/oauth2PermissionGrants" for app_id in asked]
    action = "read service principals and their grants"
    replies = await graph.batch(gets, action=action)
    count = len(wanted)
    grants = dict(zip(asked, replies[2 * count :], strict=True))
    found = {}
    for app_id, bare, assignments in zip(
        wanted, replies[:count], replies[count : 2 * count], strict=True
    ):
        if present(bare, action):
            with suppress(_Deleted):
                principal = await _with_assignments(graph, bare, assignments, action)
                read = await _delegated(graph, app_id, grants.get(app_id), action)
                found[app_id] = replace(principal, grants=read)
    return found


async def service_principal_by_id(graph: Graph, object_id: str) -> ServicePrincipal | None:
    """A service principal that has no application here, such as a managed identity's.

    https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignments
    """
    action = f"read the service principal {object_id}"
    builder = paths.service_principals(graph.adapter).by_service_principal_id(object_id)
    gets = [
        paths.expand(builder, select=select(parse.SERVICE_PRINCIPAL_FIELDS)),
        paths.expand(builder.app_role_assignments),
    ]
    bare, assignments = await graph.batch(gets, action=action)
    if not present(bare, action):
        return None
    try:
        return await _with_assignments(graph, bare, assignments, action)
    except _Deleted:
        return None


async def create_service_principal(
    graph: Graph, app_id: str, *, operation: Operation = operations.CREATE_SERVICE_PRINCIPAL
) -> ServicePrincipal:
    """Give an application its presence in the tenant; one that exists already is as good.

    `CREATE_RESOURCE_PRINCIPAL` is for another organisation's: if nobody knows it now, waiting is in vain.
    """
    action = f"create the service principal of {app_id}"
    path = paths.expand(paths.service_principals(graph.adapter))
    # Asked twice it says that it exists: a lost answer is no danger.
    reply = await graph.send(
        "POST", path, {"appId": app_id}, action=action, operation=operation, idempotent=True
    )
    if not reply.ok:
        builder = paths.service_principal_of(graph.adapter, app_id)
        path = paths.expand(builder, select=select(parse.SERVICE_PRINCIPAL_FIELDS))
        reply = await graph.send("GET", path, action=action, operation=operation)
    return parse.understood(parse.service_principal, reply.body, action=action)


async def update_service_principal(graph: Graph, object_id: str, body: Mapping[str, Any]) -> None:
    """Change properties of a service principal; collections are replaced whole.

    https://learn.microsoft.com/graph/api/serviceprincipal-update
    """
    await graph.send(
        "PATCH",
        paths.expand(paths.service_principals(graph.adapter).by_service_principal_id(object_id)),
        body,
        action=f"change the service principal {object_id}",
        operation=operations.UPDATE_SERVICE_PRINCIPAL,
    )


async def resource(graph: Graph, app_id: str) -> Resource | None:
    """A service principal that offers permissions, with those that applications can be granted."""
    action = f"read the permissions that {app_id} offers"
    builder = paths.service_principal_of(graph.adapter, app_id)
    path = paths.expand(builder, select=select(parse.RESOURCE_FIELDS))
    reply = await graph.send("GET", path, action=action, operation=operations.LOOK_UP)
    return parse.understood(parse.resource, reply.body, action=action) if reply.ok else None


async def resources_named(graph: Graph, display_name: str) -> tuple[Resource, ...]:
    """The service principals of that display name that offer permissions; names are not unique.

    https://learn.microsoft.com/graph/api/serviceprincipal-list
    """
    action = f"look for an API called {display_name}"
    path = paths.expand(
        paths.service_principals(graph.adapter),
        filter=f"displayName eq '{paths.quoted(display_name)}'",
        select=select(parse.RESOURCE_FIELDS),
        top=PAGE,
    )
    items = await graph.pages(path, action=action)
    found = [parse.understood(parse.resource, item, action=action) for item in items]
    offering = (each for each in found if each.app_roles or each.scopes)
    return tuple(sorted(offering, key=lambda each: each.app_id))


async def _with_assignments(
    graph: Graph, bare: Reply, assignments: Reply, action: str
) -> ServicePrincipal:
    principal = parse.understood(parse.service_principal, bare.body, action=action)
    if assignments.status == 403:  # with Application.ReadWrite.OwnedBy alone they are hidden
        return replace(principal, assignments_known=False)
    there = await _caught_up(graph, principal.app_id, assignments, "appRoleAssignments", action)
    return replace(
        principal,
        app_role_assignments=parse.understood(
            lambda data: parse.assignments(data["value"]),
            {"value": await listed(graph, there, action)},
            action=action,
        ),
    )


async def _caught_up(graph: Graph, app_id: str, reply: Reply, what: str, action: str) -> Reply:
    """A list of consents of a service principal that was found; 404 comes from a replica behind the others.

    To take that for none would leave granted what is no longer asked for: once it is not asked for,
    nobody looks for it again. Raises _Deleted where by then nobody shows the service principal any more.
    """
    key = paths.expand(paths.service_principal_of(graph.adapter, app_id))
    for pause in itertools.islice(backoff(), LOOKS):
        if present(reply, action):
            return reply
        await graph.clock.sleep(pause)
        reply = await graph.send(
            "GET", f"{key}/{what}", action=action, operation=operations.LOOK_UP
        )
    if present(reply, action):
        return reply
    looks = await graph.batch([f"{key}?$select=id"] * GONE, action=action)
    if any(present(look, action) for look in looks):
        raise NotYetVisible(f"The directory is not ready to {action}")
    raise _Deleted


async def _delegated(
    graph: Graph, app_id: str, reply: Reply | None, action: str
) -> tuple[OAuth2PermissionGrant, ...] | None:
    """None where nobody asked, or the operator may not know."""
    if reply is None or reply.status == 403:
        return None
    there = await _caught_up(graph, app_id, reply, "oauth2PermissionGrants", action)
    items = await listed(graph, there, action)
    return parse.understood(
        lambda data: parse.grants(data["value"]), {"value": items}, action=action
    )
