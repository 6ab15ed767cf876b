"""The tenant's directory, one function per operation: our words in, our types and failures out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from provision.clock import backoff
from provision.errors import AnswerLost, GraphError, NotYetVisible
from provision.graph import operations, parse, paths, refusals
from provision.graph.client import Graph
from provision.graph.reply import Reply
from provision.model import (
    Application,
    AppRoleAssignment,
    DeletedApplication,
    Issued,
    Organization,
    Resource,
    ServicePrincipal,
)

PAGE = "999"
"""The most objects that the directory gives in one page."""
LOOKS = 6
"""How often the grants of a service principal that was found are asked for."""


async def applications_owned(graph: Graph, owner_tag: str) -> tuple[Application, ...]:
    """Every application that bears the tag, as far as the list has caught up."""
    action = f"list the applications tagged {owner_tag}"
    path = paths.expand(
        paths.applications(graph.adapter),
        filter=f"tags/any(t:t eq '{paths.quoted(owner_tag)}')",
        select=_select(parse.APPLICATION_FIELDS),
        top=PAGE,
    )
    items = await graph.pages(path, action=action)
    return tuple(parse.understood(parse.application, item, action=action) for item in items)


async def applications_named(graph: Graph, unique_names: Iterable[str]) -> dict[str, Application]:
    """The applications that bear these uniqueNames; those that do not exist are left out."""
    names = list(dict.fromkeys(unique_names))
    select = _select(parse.APPLICATION_FIELDS)
    gets = [
        paths.expand(paths.application_named(graph.adapter, name), select=select) for name in names
    ]
    action = "look the applications up by name"
    found = {}
    for name, reply in zip(names, await graph.batch(gets, action=action), strict=True):
        if _present(reply, action):
            found[name] = parse.understood(parse.application, reply.body, action=action)
    return found


async def application(graph: Graph, object_id: str) -> Application | None:
    """One application by its object id."""
    action = f"read the application {object_id}"
    builder = paths.applications(graph.adapter).by_application_id(object_id)
    path = paths.expand(builder, select=_select(parse.APPLICATION_FIELDS))
    reply = await graph.send("GET", path, action=action, operation=operations.LOOK_UP)
    return parse.understood(parse.application, reply.body, action=action) if reply.ok else None


async def upsert_application(
    graph: Graph, unique_name: str, body: Mapping[str, Any]
) -> Application | None:
    """Create the application of that uniqueName; None when it existed and was updated instead."""
    action = f"create the application {unique_name}"
    reply = await graph.send(
        "PATCH",
        paths.expand(paths.application_named(graph.adapter, unique_name)),
        body,
        {"Prefer": "create-if-missing"},
        action=action,
        operation=operations.UPSERT_APPLICATION,
    )
    if reply.status == 204:
        return None
    return parse.understood(parse.application, reply.body, action=action)


async def update_application(graph: Graph, object_id: str, body: Mapping[str, Any]) -> None:
    """Change properties of an application; collections are replaced whole."""
    await graph.send(
        "PATCH",
        _application_path(graph, object_id),
        body,
        action=f"change the application {object_id}",
        operation=operations.UPDATE_APPLICATION,
    )


async def delete_application(graph: Graph, object_id: str) -> None:
    """Delete an application softly; its service principal goes with it."""
    await graph.send(
        "DELETE",
        _application_path(graph, object_id),
        action=f"delete the application {object_id}",
        operation=operations.DELETE_APPLICATION,
    )


async def deleted_applications(graph: Graph) -> tuple[DeletedApplication, ...]:
    """The applications in the recycle bin, without their service principals."""
    action = "list deleted applications"
    select = _select(parse.DELETED_FIELDS)
    path = f"{paths.DELETED_APPLICATIONS}?$select={select}&$top={PAGE}"
    items = await graph.pages(path, action=action)
    return tuple(parse.understood(parse.deleted_application, item, action=action) for item in items)


async def deleted_service_principal(graph: Graph, app_id: str) -> str | None:
    """The object id of an application's service principal in the recycle bin."""
    action = f"look for the deleted service principal of {app_id}"
    select = _select(parse.SERVICE_PRINCIPAL_FIELDS)
    key = paths.quoted(app_id)
    path = f"{paths.DELETED_SERVICE_PRINCIPALS}?$filter=appId%20eq%20%27{key}%27&$select={select}"
    items = await graph.pages(path, action=action)
    return next((str(item["id"]) for item in items if item.get("id")), None)


async def restore(graph: Graph, object_id: str) -> None:
    """Bring an application or a service principal back from the recycle bin."""
    await graph.send(
        "POST",
        paths.expand(paths.deleted_item(graph.adapter, object_id).restore),
        action=f"restore {object_id}",
        operation=operations.RESTORE,
        idempotent=True,
    )


async def purge(graph: Graph, object_id: str) -> None:
    """Delete an object of the recycle bin for good."""
    await graph.send(
        "DELETE",
        paths.expand(paths.deleted_item(graph.adapter, object_id)),
        action=f"purge {object_id}",
        operation=operations.PURGE,
    )


async def service_principals(graph: Graph, app_ids: Iterable[str]) -> dict[str, ServicePrincipal]:
    """The service principals of these applications, with everything that was granted to them."""
    wanted = list(dict.fromkeys(app_ids))
    keys = [paths.expand(paths.service_principal_of(graph.adapter, app_id)) for app_id in wanted]
    gets = [f"{key}?$select={_select(parse.SERVICE_PRINCIPAL_FIELDS)}" for key in keys]
    gets += [f"{key}/appRoleAssignments" for key in keys]
    action = "read service principals and their grants"
    replies = await graph.batch(gets, action=action)
    found = {}
    for app_id, principal, grants in zip(
        wanted, replies[: len(wanted)], replies[len(wanted) :], strict=True
    ):
        if _present(principal, action):
            found[app_id] = await _service_principal(graph, principal, grants, action)
    return found


async def resource(graph: Graph, app_id: str) -> Resource | None:
    """A service principal that offers permissions, with those that applications can be granted."""
    action = f"read the permissions that {app_id} offers"
    builder = paths.service_principal_of(graph.adapter, app_id)
    path = paths.expand(builder, select=_select(parse.RESOURCE_FIELDS))
    reply = await graph.send("GET", path, action=action, operation=operations.LOOK_UP)
    return parse.understood(parse.resource, reply.body, action=action) if reply.ok else None


async def create_service_principal(graph: Graph, app_id: str) -> ServicePrincipal:
    """Give an application its presence in the tenant; one that exists already is as good."""
    action = f"create the service principal of {app_id}"
    operation = operations.CREATE_SERVICE_PRINCIPAL
    path = paths.expand(paths.service_principals(graph.adapter))
    # Asked twice it says that it exists: a lost answer is no danger.
    reply = await graph.send(
        "POST", path, {"appId": app_id}, action=action, operation=operation, idempotent=True
    )
    if not reply.ok:
        builder = paths.service_principal_of(graph.adapter, app_id)
        path = paths.expand(builder, select=_select(parse.SERVICE_PRINCIPAL_FIELDS))
        reply = await graph.send("GET", path, action=action, operation=operation)
    return parse.understood(_bare_service_principal, reply.body, action=action)


async def grant_app_role(
    graph: Graph, *, principal_id: str, resource_id: str, app_role_id: str
) -> AppRoleAssignment | None:
    """Grant an application permission for the whole tenant; None when it was granted already."""
    action = f"grant the permission {app_role_id} to the service principal {principal_id}"
    principal = paths.service_principals(graph.adapter).by_service_principal_id(principal_id)
    # Asked twice it says that it exists: a lost answer is no danger.
    reply = await graph.send(
        "POST",
        paths.expand(principal.app_role_assignments),
        {"principalId": principal_id, "resourceId": resource_id, "appRoleId": app_role_id},
        action=action,
        operation=operations.GRANT,
        idempotent=True,
    )
    return parse.understood(parse.assignment, reply.body, action=action) if reply.ok else None


async def revoke_app_role(graph: Graph, *, principal_id: str, assignment_id: str) -> None:
    """Take a granted permission back."""
    principal = paths.service_principals(graph.adapter).by_service_principal_id(principal_id)
    assignment = principal.app_role_assignments.by_app_role_assignment_id(assignment_id)
    action = f"revoke a permission of the service principal {principal_id}"
    path = paths.expand(assignment)
    reply = await graph.send("DELETE", path, action=action, operation=operations.REVOKE)
    if reply.ok:
        return
    # A replica that has not heard of a grant says the same as one that has forgotten it, and a grant that
    # is taken for gone is never looked for again: the list decides.
    path = paths.expand(principal.app_role_assignments)
    listed = await graph.pages(path, action=action, operation=operations.LOOK_UP)
    if any(item.get("id") == assignment_id for item in listed):
        raise NotYetVisible(f"The directory is not ready to {action}")


async def add_password(graph: Graph, object_id: str, *, display_name: str, end: datetime) -> Issued:
    """Issue a secret; after a lost answer nothing is repeated, for a second one would be made."""
    action = f"add a secret to the application {object_id}"
    builder = paths.applications(graph.adapter).by_application_id(object_id)
    reply = await graph.send(
        "POST",
        paths.expand(builder.add_password),
        {"passwordCredential": {"displayName": display_name, "endDateTime": parse.stamp(end)}},
        action=action,
        operation=operations.ADD_PASSWORD,
    )
    try:
        return parse.understood(parse.issued, reply.body, action=action)
    except GraphError as unclear:
        raise AnswerLost(str(unclear), hint=unclear.hint, request_id=reply.request_id) from unclear


async def remove_password(
    graph: Graph, object_id: str, key_id: str, *, fresh: bool = False
) -> None:
    """Remove a secret; one that is `fresh` and not found is not there yet, an old one is gone."""
    builder = paths.applications(graph.adapter).by_application_id(object_id)
    await graph.send(
        "POST",
        paths.expand(builder.remove_password),
        {"keyId": key_id},
        action=f"remove the secret {key_id} from the application {object_id}",
        operation=operations.REMOVE_FRESH_PASSWORD if fresh else operations.REMOVE_PASSWORD,
        idempotent=not fresh,
    )


async def organization(graph: Graph) -> Organization | None:
    """The tenant's name, for those who may read it."""
    action = "read the tenant's name"
    path = paths.expand(
        paths.organization(graph.adapter), select=_select(parse.ORGANIZATION_FIELDS)
    )
    reply = await graph.send("GET", path, action=action, operation=operations.READ_TENANT)
    return parse.understood(parse.organization, reply.body, action=action) if reply.ok else None


async def _service_principal(
    graph: Graph, principal: Reply, grants: Reply, action: str
) -> ServicePrincipal:
    bare = parse.understood(_bare_service_principal, principal.body, action=action)
    # Without its grants, it is a replica behind the other. To take them for none would leave granted what
    # is no longer asked for: once it is not asked for, nobody looks for it again.
    for pause in itertools.islice(backoff(), LOOKS):
        if _present(grants, action):
            break
        await graph.clock.sleep(pause)
        path = f"{paths.expand(paths.service_principal_of(graph.adapter, bare.app_id))}/appRoleAssignments"
        grants = await graph.send("GET", path, action=action, operation=operations.LOOK_UP)
    if not _present(grants, action):
        raise NotYetVisible(f"The directory is not ready to {action}")
    items = (grants.body or {}).get("value") or []
    link = (grants.body or {}).get("@odata.nextLink")
    if link:
        items = [*items, *await graph.pages(link, action=action)]
    return ServicePrincipal(
        id=bare.id,
        app_id=bare.app_id,
        app_role_assignments=parse.understood(
            lambda data: parse.assignments(data["value"]), {"value": items}, action=action
        ),
    )


def _bare_service_principal(data: Mapping[str, Any]) -> ServicePrincipal:
    return ServicePrincipal(id=data["id"], app_id=data["appId"])


def _application_path(graph: Graph, object_id: str) -> str:
    return paths.expand(paths.applications(graph.adapter).by_application_id(object_id))


def _present(reply: Reply, action: str) -> bool:
    """Whether a part of a batch found its object; any other refusal is raised."""
    if reply.status == 404:
        return False
    if not reply.ok:
        raise refusals.failure(reply, action=action, operation=operations.READ)
    return True


def _select(fields: Sequence[str]) -> str:
    return ",".join(fields)
