"""What an application signs in with: secrets, certificates, and trust in other issuers' tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from provision.errors import AnswerLost, GraphError
from provision.graph import operations, parse, paths
from provision.graph.answers import listed, present, select
from provision.graph.client import Graph
from provision.model import (
    FederatedIdentityCredential,
)
from provision.secret import Issued


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
) -> bool:
    """Remove a secret; False when it was not found, which a replica may say too early.

    One that is `fresh` and not found is not there yet.
    """
    builder = paths.applications(graph.adapter).by_application_id(object_id)
    reply = await graph.send(
        "POST",
        paths.expand(builder.remove_password),
        {"keyId": key_id},
        action=f"remove the secret {key_id} from the application {object_id}",
        operation=operations.REMOVE_FRESH_PASSWORD if fresh else operations.REMOVE_PASSWORD,
        idempotent=not fresh,
    )
    return reply.ok


async def key_credentials(
    graph: Graph, object_id: str, *, looks: int = 1, whole: bool = False
) -> tuple[tuple[Mapping[str, Any], ...], ...]:
    """An application's keyCredentials, as each of several looks shows them; a look that finds no application is left out.

    Only the `whole` ones hold the certificates themselves, and those a tenant shows 150 times a minute at most.
    https://learn.microsoft.com/graph/api/application-get
    """
    action = f"read the certificates of the application {object_id}"
    builder = paths.applications(graph.adapter).by_application_id(object_id)
    selected = {"select": select(("keyCredentials",))} if whole else {}
    replies = await graph.batch([paths.expand(builder, **selected)] * looks, action=action)
    return tuple(
        parse.understood(_entries, reply.body, action=action)
        for reply in replies
        if present(reply, action)
    )


def _entries(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Graph's JSON, to be sent back as it is; every entry has a keyId."""
    entries = tuple(data["keyCredentials"])
    if not all(isinstance(each["keyId"], str) for each in entries):
        raise ValueError
    return entries


async def set_key_credentials(
    graph: Graph, object_id: str, entries: Iterable[Mapping[str, Any]]
) -> None:
    """Replace an application's keyCredentials; those that it has already may come without their certificate.

    https://learn.microsoft.com/graph/api/application-update
    """
    builder = paths.applications(graph.adapter).by_application_id(object_id)
    await graph.send(
        "PATCH",
        paths.expand(builder),
        {"keyCredentials": list(entries)},
        action=f"change the certificates of the application {object_id}",
        operation=operations.UPDATE_KEYS,
    )


async def federated_credentials(
    graph: Graph, object_ids: Iterable[str]
) -> dict[str, tuple[FederatedIdentityCredential, ...]]:
    """The federated credentials of these applications; one that does not exist is left out.

    https://learn.microsoft.com/graph/api/application-list-federatedidentitycredentials
    """
    wanted = list(dict.fromkeys(object_ids))
    gets = [
        paths.expand(
            paths.applications(graph.adapter)
            .by_application_id(object_id)
            .federated_identity_credentials
        )
        for object_id in wanted
    ]
    action = "read federated credentials"
    found = {}
    for object_id, reply in zip(wanted, await graph.batch(gets, action=action), strict=True):
        if present(reply, action):
            items = await listed(graph, reply, action)
            found[object_id] = parse.understood(
                lambda data: parse.federated(data["value"]), {"value": items}, action=action
            )
    return found


async def upsert_federated(
    graph: Graph, object_id: str, name: str, body: Mapping[str, Any]
) -> bool:
    """Make the federated credential of that name as `body` says; whether it was created for that.

    https://learn.microsoft.com/graph/api/federatedidentitycredential-upsert
    """
    reply = await graph.send(
        "PATCH",
        paths.expand(paths.federated_named(graph.adapter, object_id, name)),
        body,
        {"Prefer": "create-if-missing"},
        action=f"add the federated credential {name} to the application {object_id}",
        operation=operations.FEDERATE,
    )
    return reply.status == 201


async def update_federated(
    graph: Graph, object_id: str, name: str, body: Mapping[str, Any]
) -> None:
    """Change whose tokens a federated credential trusts; its name cannot change.

    https://learn.microsoft.com/graph/api/federatedidentitycredential-update
    """
    await graph.send(
        "PATCH",
        paths.expand(paths.federated_named(graph.adapter, object_id, name)),
        body,
        action=f"change the federated credential {name} of the application {object_id}",
        operation=operations.FEDERATE,
    )


async def remove_federated(graph: Graph, object_id: str, name: str) -> bool:
    """Trust that issuer's tokens no longer; False when it was not found, which a replica may say too early.

    https://learn.microsoft.com/graph/api/federatedidentitycredential-delete
    """
    reply = await graph.send(
        "DELETE",
        paths.expand(paths.federated_named(graph.adapter, object_id, name)),
        action=f"remove the federated credential {name} from the application {object_id}",
        operation=operations.REMOVE_FEDERATED,
    )
    return reply.ok
