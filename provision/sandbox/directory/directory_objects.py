"""Objects asked for by identifier alone, whatever they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory.applications import delete_application
from provision.sandbox.directory.authorisation import authorise, holds_all
from provision.sandbox.directory.find import object_id
from provision.sandbox.directory.groups import delete_group
from provision.sandbox.directory.objects import (
    DIRECTORY_OBJECTS,
    KINDS,
    Found,
    found_all,
    found_anywhere,
    shown_with_type,
)
from provision.sandbox.directory.refusals import bad_request, denied, invalid_value, required
from provision.sandbox.directory.service_principals import delete_service_principal
from provision.sandbox.directory.shape import USERS, place_of
from provision.sandbox.directory.users import delete_user
from provision.sandbox.refusal import Refusal, resource_not_found

MOST_IDS = 1000
_READING = {
    "applications": "applications.read",
    "servicePrincipals": "applications.read",
    "users": "users.read",
    "groups": "groups.read",
}
_DELETING = {
    "applications": ("application", delete_application),
    "servicePrincipals": ("servicePrincipal", delete_service_principal),
    "users": ("user", delete_user),
    "groups": ("group", delete_group),
}
_NICKNAME_SIGNS = frozenset('@()\\[]";:<>, ')


async def get_by_ids(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-getbyids"""
    readable = [kind for kind in KINDS if holds_all(call, _READING[kind.collection])]
    if not readable:
        raise denied()
    body = json_body(call)
    ids, types = _texts(body, "ids"), _texts(body, "types")
    if ids is None:
        raise required("ids", "DirectoryObject")
    if len(ids) > MOST_IDS:
        raise bad_request(f"The maximum number of values in 'ids' is {MOST_IDS}.")
    options = odata.options_of(call.query, DIRECTORY_OBJECTS, version=call.version, eventual=False)
    seen = call.tenant.seen("directory")
    wanted = dict.fromkeys(id.lower() for id in ids)
    found = found_all(call, wanted, seen, _kinds_named(types))
    chosen = f"({','.join(options.select)})" if options.select else ""
    context = f"{call.graph}/$metadata#directoryObjects{chosen}"
    value = [_shown(call, each, options, readable) for each in found]
    return Answer(body={"@odata.context": context, "value": value})


async def get_directory_object(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-get"""
    kind, row = _readable(call)
    options = odata.one_object_options(call.query, DIRECTORY_OBJECTS, version=call.version)
    context = f"{call.graph}/$metadata#directoryObjects/$entity"
    place = {"@odata.context": context, "@odata.id": place_of(call, row, kind)}
    return Answer(body={**place, **shown_with_type(call, row, kind, options)})


async def delete_directory_object(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-delete"""
    kind, _ = _readable(call)
    name, delete = _DELETING[kind.collection]
    return await delete(replace(call, params={name: call.params["object"]}))


async def validate_properties(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/directoryobject-validateproperties"""
    authorise(call, "groups.validate")
    body = json_body(call)
    if body.get("entityType") != "Group":
        raise invalid_value("entityType", "DirectoryObject")
    name, nickname = body.get("displayName"), body.get("mailNickname")
    if name is None and nickname is None:
        raise required("displayName", "DirectoryObject")
    for property, value in (("displayName", name), ("mailNickname", nickname)):
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= 256):
            raise invalid_value(property, "DirectoryObject")
    if nickname is not None and _NICKNAME_SIGNS & set(nickname):
        raise Refusal(
            422, "InvalidProperty", "Property 'mailNickname' holds characters that are not allowed."
        )
    return Answer(status=204)


def _readable(call: Call) -> Found:
    id = object_id(call.params["object"].value)
    found = found_anywhere(call, id, call.tenant.seen("directory"), KINDS)
    operation = "directoryObjects.read" if found is None else _READING[found[0].collection]
    authorise(call, operation)
    if found is None:
        raise resource_not_found(id)
    return found


def _texts(body: dict[str, Any], name: str) -> list[str] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise bad_request("One or more property values specified are invalid.")
    return value


def _kinds_named(types: list[str] | None) -> list[edm.Kind]:
    """Types that the tenant has nothing of are left out silently, as unknown identifiers are."""
    named = {type.lower() for type in types or ("directoryObject",)}
    if "directoryobject" in named:
        return list(KINDS)
    return [kind for kind in KINDS if kind.name.lower() in named]


def _shown(
    call: Call, found: Found, options: odata.Options, readable: list[edm.Kind]
) -> dict[str, Any]:
    kind, row = found
    if kind not in readable:
        return {"@odata.type": f"#microsoft.graph.{kind.name}", "id": row["id"]}
    if kind is USERS and options.select is None and kind.default is not None:
        usual = tuple(sorted({*kind.default, "accountEnabled"}))
        options = odata.Options(select=usual)
    return shown_with_type(call, row, kind, options)
