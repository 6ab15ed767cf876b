"""People: enough of them for a workload to have something to read."""

from __future__ import annotations

from typing import Any

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import GUID
from provision.sandbox.directory.collection import counted, listed
from provision.sandbox.directory.shape import USERS, entity
from provision.sandbox.refusal import Refusal, resource_not_found


async def list_users(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-list"""
    authorise(call, "users.read")
    return listed(call, USERS)


async def count_users(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    authorise(call, "users.read")
    return counted(call, USERS)


async def get_user(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-get"""
    authorise(call, "users.read")
    return _answer(call, call.params["user"].value)


async def get_me(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-get#example-2-signed-in-user-request"""
    if not call.caller.is_user:
        raise Refusal(
            400, "BadRequest", "/me request is only valid with delegated authentication flow."
        )
    authorise(call, "me.read")
    return _answer(call, call.caller.object_id)


def _answer(call: Call, name: str) -> Answer:
    options = odata.one_object_options(call.query, USERS, version=call.version)
    user = _named(call, name)
    if user is None:
        raise resource_not_found(name)
    return Answer(body=entity(call, user, USERS, options))


def _named(call: Call, name: str) -> dict[str, Any] | None:
    """By identifier or by user principal name, whose case does not matter."""
    seen = call.tenant.seen("directory")
    if GUID.fullmatch(name):
        return call.tenant.get("users", name.lower(), seen)
    found = call.tenant.find("users", "userPrincipalName", name, seen)
    if found is not None:
        return found
    wanted = name.casefold()
    users = call.tenant.scan("users", seen)
    return next((user for user in users if user["userPrincipalName"].casefold() == wanted), None)
