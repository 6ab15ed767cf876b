"""People: enough of them for a workload to have something to read, and for roles to be given to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory import quota
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import properties_of
from provision.sandbox.directory.collection import counted, listed
from provision.sandbox.directory.find import addressed, is_caller, read, to_change
from provision.sandbox.directory.refusals import bad_request, invalid_value, required
from provision.sandbox.directory.rules import check_lengths, check_read_only
from provision.sandbox.directory.shape import (
    USERS,
    blank,
    created,
    entity,
    merged,
    moment_now,
)
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import Seen, format_time

_NAME = re.compile(r"[\w.!#^~'-]{1,64}@[\w.-]{1,255}", re.ASCII)
_LONGEST_NICKNAME = 64


async def list_users(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-list"""
    authorise(call, "users.read")
    return listed(call, USERS)


async def count_users(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    authorise(call, "users.read")
    return counted(call, USERS)


async def create_user(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-post-users"""
    authorise(call, "users.write")
    given = properties_of(json_body(call), USERS, version=call.version)
    _complete(call, given)
    for name in ("accountEnabled", "displayName", "mailNickname", "userPrincipalName"):
        if given.get(name) is None:
            raise required(name, USERS.resource)
    if not (given.get("passwordProfile") or {}).get("password"):
        raise required("passwordProfile", USERS.resource)
    row = _changed(call, _fresh(call), given)
    row["creationType"] = "LocalAccount" if given.get("identities") else None
    quota.check(call)
    call.tenant.put(USERS.collection, row)
    answer = created(call, row, USERS)
    # What is not in every answer is in this one when it was given.
    shown = {name: row[name] for name in ("identities", "passwordPolicies") if given.get(name)}
    return Answer(status=201, body={**answer.body, **shown}, headers=answer.headers)


async def get_user(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-get

    The caller's own: https://learn.microsoft.com/graph/api/user-get#example-2-signed-in-user-request
    """
    kind, key = addressed(call)
    authorise(call, "me.read" if is_caller(call, key) else "users.read")
    options = odata.one_object_options(call.query, USERS, version=call.version)
    return Answer(body=entity(call, read(call, kind, key), USERS, options))


async def update_user(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-update"""
    authorise(call, "users.write")
    row = to_change(call, USERS, call.params["user"])
    given = properties_of(json_body(call), USERS, version=call.version)
    call.tenant.put(USERS.collection, _changed(call, row, given))
    return Answer(status=204)


async def delete_user(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/user-delete"""
    authorise(call, "users.write")
    row = to_change(call, USERS, call.params["user"])
    deleted = {**row, "deletedDateTime": moment_now(call)}
    call.tenant.put(USERS.collection, deleted, lag="delete")
    return Answer(status=204)


def _fresh(call: Call) -> dict[str, Any]:
    now = format_time(call.tenant.clock.now(), fraction=False)
    return {
        **blank(USERS),
        "id": call.tenant.new_guid(),
        "createdDateTime": now,
        "signInSessionsValidFromDateTime": now,
        "_createdBy": call.caller.object_id,
    }


def _complete(call: Call, given: dict[str, Any]) -> None:
    """A customer who signs in with an identity of another kind is named by the service."""
    if given.get("identities") and "userPrincipalName" not in given:
        nickname = call.tenant.new_guid()
        given["userPrincipalName"] = f"{nickname}@{call.tenant.domain}"
        given.setdefault("mailNickname", nickname)
        given.setdefault("accountEnabled", True)


def _changed(call: Call, present: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    check_read_only(given, present, USERS)
    check_lengths(given, USERS)
    kept = {name: value for name, value in given.items() if name != "passwordProfile"}
    row = merged(present, kept, USERS)
    for name in ("displayName", "mailNickname", "userPrincipalName"):
        if name in given and not row[name]:
            raise invalid_value(name, USERS.resource)
    if len(row["mailNickname"] or "") > _LONGEST_NICKNAME:
        raise invalid_value("mailNickname", USERS.resource)
    if row["userPrincipalName"] != present["userPrincipalName"]:
        _check_name(call, row)
    password = (given.get("passwordProfile") or {}).get("password")
    if password is not None:
        _check_password(password)
        row["_password"] = call.tenant.hash_secret(password)
    return row


def _check_name(call: Call, row: Mapping[str, Any]) -> None:
    name = row["userPrincipalName"]
    if _NAME.fullmatch(name) is None:
        raise invalid_value("userPrincipalName", USERS.resource)
    if name.rpartition("@")[2].lower() != call.tenant.domain:
        raise bad_request("The domain portion of the userPrincipalName property is invalid.")
    holder = call.tenant.find("users", "userPrincipalName", name, Seen.truth(), deleted=None)
    if holder is not None and holder["id"] != row["id"]:
        message = (
            "Another object with the same value for property userPrincipalName already exists."
        )
        raise Refusal(
            400,
            "Request_BadRequest",
            message,
            details=[{"code": "ObjectConflict", "message": message, "target": "userPrincipalName"}],
        )


def _check_password(password: str) -> None:
    if not 8 <= len(password) <= 256:
        raise bad_request(
            "The specified password does not comply with password complexity requirements. Please "
            "provide a different password."
        )
