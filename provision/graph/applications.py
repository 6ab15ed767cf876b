"""Application registrations, and what is left of them in the recycle bin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provision.graph import operations, parse, paths
from provision.graph.answers import PAGE, present, select
from provision.graph.client import Graph
from provision.graph.refusals import Operation
from provision.model import Application, DeletedApplication, ServicePrincipal


async def applications_owned(graph: Graph, owner_tag: str) -> tuple[Application, ...]:
    """Every application that bears the tag, as far as the list has caught up."""
    action = f"list the applications tagged {owner_tag}"
    path = paths.expand(
        paths.applications(graph.adapter),
        filter=f"tags/any(t:t eq '{paths.quoted(owner_tag)}')",
        select=select(parse.APPLICATION_FIELDS),
        top=PAGE,
    )
    items = await graph.pages(path, action=action)
    return tuple(parse.understood(parse.application, item, action=action) for item in items)


async def applications_all(graph: Graph) -> tuple[Application, ...]:
    """Every application of the tenant, as far as the list has caught up.

    https://learn.microsoft.com/graph/api/application-list
    """
    action = "list all applications"
    fields = select(parse.APPLICATION_FIELDS)
    path = paths.expand(paths.applications(graph.adapter), select=fields, top=PAGE)
    items = await graph.pages(path, action=action)
    return tuple(parse.understood(parse.application, item, action=action) for item in items)


async def applications_named(
    graph: Graph, unique_names: Iterable[str], *, looks: int = 1
) -> dict[str, Application]:
    """The applications that bear these uniqueNames; those that do not exist are left out.

    Replicas differ in what they know: with several `looks` one that any of them shows is found.
    """
    builders = {name: paths.application_named(graph.adapter, name) for name in unique_names}
    return await _looked_up(graph, builders, "look the applications up by name", looks=looks)


async def applications_by_app_id(graph: Graph, app_ids: Iterable[str]) -> dict[str, Application]:
    """The applications of these appIds; those that do not exist in this tenant are left out.

    https://learn.microsoft.com/graph/api/application-get
    """
    builders = {app_id: paths.application_of(graph.adapter, app_id) for app_id in app_ids}
    return await _looked_up(graph, builders, "look the applications up by appId")


async def settings_beside(
    graph: Graph, found: Iterable[Application]
) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """By appId, Graph's JSON of what a manifest cannot say of an application and of its service principal.

    https://learn.microsoft.com/graph/api/resources/application
    """
    wanted = list(found)
    of_application = [
        paths.expand(
            paths.applications(graph.adapter).by_application_id(each.id),
            select=select(parse.BESIDE_APPLICATION),
        )
        for each in wanted
    ]
    of_principal = [
        paths.expand(
            paths.service_principal_of(graph.adapter, each.app_id),
            select=select(parse.BESIDE_PRINCIPAL),
        )
        for each in wanted
    ]
    action = "read settings of applications"
    replies = await graph.batch([*of_application, *of_principal], action=action)
    bodies = [(reply.body or {}) if present(reply, action) else {} for reply in replies]
    pairs = zip(bodies[: len(wanted)], bodies[len(wanted) :], strict=True)
    return {each.app_id: pair for each, pair in zip(wanted, pairs, strict=True)}


async def still_there(
    graph: Graph, object_ids: Iterable[str], app_ids: Iterable[str] = (), *, looks: int = 1
) -> bool:
    """Whether any of several looks shows one of these applications, or a service principal of these appIds."""
    applications, adapter = paths.applications(graph.adapter), graph.adapter
    builders = [applications.by_application_id(each) for each in object_ids]
    builders += [paths.service_principal_of(adapter, each) for each in app_ids]
    action = "look whether applications are gone"
    gets = [paths.expand(builder, select="id") for builder in builders] * looks
    return any(present(reply, action) for reply in await graph.batch(gets, action=action))


async def application(graph: Graph, object_id: str) -> Application | None:
    """One application by its object id.

    Nothing is selected: who selects keyCredentials of one object also gets the certificates, and is answered 150 times
    a minute only. https://learn.microsoft.com/graph/api/application-get
    """
    action = f"read the application {object_id}"
    path = _path(graph, object_id)
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


async def update_application(
    graph: Graph,
    object_id: str,
    body: Mapping[str, Any],
    *,
    operation: Operation = operations.UPDATE_APPLICATION,
) -> None:
    """Change properties of an application; collections are replaced whole.

    With UPDATE_ENTITLEMENTS a refusal for what was switched off or added a moment ago is not yet.
    https://learn.microsoft.com/graph/api/application-update
    """
    await graph.send(
        "PATCH",
        _path(graph, object_id),
        body,
        action=f"change the application {object_id}",
        operation=operation,
    )


async def delete_application(graph: Graph, object_id: str) -> bool:
    """Delete an application softly; its service principal goes with it.

    False when it was not found, which a replica may say too early.
    https://learn.microsoft.com/graph/api/application-delete
    """
    reply = await graph.send(
        "DELETE",
        _path(graph, object_id),
        action=f"delete the application {object_id}",
        operation=operations.DELETE_APPLICATION,
    )
    return reply.ok


async def deleted_applications(graph: Graph) -> tuple[DeletedApplication, ...]:
    """The applications in the recycle bin, without their service principals."""
    action = "list deleted applications"
    fields = select(parse.DELETED_FIELDS)
    path = f"{paths.DELETED_APPLICATIONS}?$select={fields}&$top={PAGE}"
    items = await graph.pages(path, action=action)
    return tuple(parse.understood(parse.deleted_application, item, action=action) for item in items)


async def deleted_service_principal(graph: Graph, app_id: str) -> ServicePrincipal | None:
    """An application's service principal in the recycle bin, without what was granted to it."""
    action = f"look for the deleted service principal of {app_id}"
    fields = select(parse.SERVICE_PRINCIPAL_FIELDS)
    key = paths.quoted(app_id)
    path = f"{paths.DELETED_SERVICE_PRINCIPALS}?$filter=appId%20eq%20%27{key}%27&$select={fields}"
    items = await graph.pages(path, action=action)
    return next((parse.service_principal(item) for item in items if item.get("id")), None)


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


async def _looked_up(
    graph: Graph, builders: Mapping[str, Any], action: str, *, looks: int = 1
) -> dict[str, Application]:
    gets = [paths.expand(builder) for builder in builders.values()] * looks
    replies = zip([*builders] * looks, await graph.batch(gets, action=action), strict=True)
    return {
        key: parse.understood(parse.application, reply.body, action=action)
        for key, reply in replies
        if present(reply, action)
    }


def _path(graph: Graph, object_id: str) -> str:
    return paths.expand(paths.applications(graph.adapter).by_application_id(object_id))
