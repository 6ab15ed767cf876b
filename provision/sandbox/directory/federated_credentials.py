"""Federated identity credentials: whose tokens an application takes in place of a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call, Key, json_body
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import GUID, properties_of
from provision.sandbox.directory.collection import Relations, listed
from provision.sandbox.directory.find import creates_if_missing, read, to_change
from provision.sandbox.directory.refusals import (
    invalid_value,
    multiple_objects,
    read_only,
    required,
    too_large,
)
from provision.sandbox.directory.shape import APPLICATIONS, FEDERATED, entity, shown
from provision.sandbox.refusal import Refusal, segment_not_found
from provision.sandbox.tenant import Seen

MOST = 20
_LONGEST = 600
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,119}", re.ASCII)
_EXPRESSION = "claimsMatchingExpression"


async def list_federated_credentials(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-list-federatedidentitycredentials"""
    authorise(call, "applications.read")
    application = read(call, APPLICATIONS, call.params["application"])
    seen = call.tenant.seen("list")

    def show(row: Mapping[str, Any], options: odata.Options) -> dict[str, Any]:
        return _shown(call, application, row, options)

    return listed(
        call,
        FEDERATED,
        rows=lambda after: _credentials(call, application, seen, after),
        context=_context(application),
        show=show,
    )


async def create_federated_credential(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials"""
    authorise(call, "applications.write")
    application = to_change(call, APPLICATIONS, call.params["application"])
    authorise(call, "applications.write", application)
    return _create(call, application, json_body(call))


async def get_federated_credential(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/federatedidentitycredential-get"""
    authorise(call, "applications.read")
    options = odata.one_object_options(call.query, FEDERATED, version=call.version)
    application = read(call, APPLICATIONS, call.params["application"])
    row = _one(call, application, call.tenant.seen("directory"))
    if row is None:
        raise _not_found(call.params["credential"].value)
    return _entity(call, application, row, options)


async def update_federated_credential(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/federatedidentitycredential-update

    By name and with `Prefer: create-if-missing`:
    https://learn.microsoft.com/graph/api/federatedidentitycredential-upsert
    """
    authorise(call, "applications.write")
    application = to_change(call, APPLICATIONS, call.params["application"])
    authorise(call, "applications.write", application)
    key: Key = call.params["credential"]
    upsert = _is_name(key) and creates_if_missing(call)
    present = _one(call, application, Seen.truth() if upsert else call.tenant.seen("directory"))
    if present is None and upsert:
        return _create(call, application, {**json_body(call), "name": key.value})
    row = None if present is None else call.tenant.get(_KIND, present["id"], Seen.truth())
    if row is None:
        raise _not_found(key.value)
    given = properties_of(json_body(call), FEDERATED, version=call.version)
    for name in ("id", "name"):
        if name in given and given[name] != row[name]:
            raise read_only(name)
    changed = {**row, **given}
    _check(call, application, changed)
    call.tenant.put(_KIND, changed)
    return Answer(status=204)


async def delete_federated_credential(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/federatedidentitycredential-delete"""
    authorise(call, "applications.write")
    application = to_change(call, APPLICATIONS, call.params["application"])
    authorise(call, "applications.write", application)
    row = _one(call, application, call.tenant.seen("directory"))
    if row is None or call.tenant.get(_KIND, row["id"], Seen.truth()) is None:
        raise _not_found(call.params["credential"].value)
    call.tenant.remove(_KIND, row["id"])
    return Answer(status=204)


_KIND = FEDERATED.collection


def _create(call: Call, application: Mapping[str, Any], body: Mapping[str, Any]) -> Answer:
    given = properties_of(body, FEDERATED, version=call.version)
    if given.pop("id", None) is not None:
        raise read_only("id")
    for name in ("name", "issuer", "audiences"):
        if not given.get(name):
            raise required(name, FEDERATED.resource)
    row = {
        "id": call.tenant.new_guid(),
        "subject": None,
        "description": None,
        _EXPRESSION: None,
        **given,
        "_application": application["id"],
    }
    if _NAME.fullmatch(row["name"]) is None:
        raise invalid_value("name", FEDERATED.resource)
    _check(call, application, row)
    call.tenant.put(_KIND, row)
    body = _entity(call, application, row).body
    return Answer(status=201, body=body, headers={"Location": body["@odata.id"]})


def _check(call: Call, application: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """https://learn.microsoft.com/graph/api/resources/federatedidentitycredential"""
    resource = FEDERATED.resource
    if not new["subject"] and not new.get(_EXPRESSION):
        raise required("subject", resource)
    if new["subject"] and new.get(_EXPRESSION):
        raise invalid_value(_EXPRESSION, resource)
    for name in ("issuer", "subject", "description"):
        if len(new[name] or "") > _LONGEST:
            raise invalid_value(name, resource)
    if not new["issuer"]:
        raise invalid_value("issuer", resource)
    audiences = new["audiences"]
    if len(audiences) != 1 or not 0 < len(audiences[0]) <= _LONGEST:
        raise invalid_value("audiences", resource)
    _check_others(call, application, new)


def _check_others(call: Call, application: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    held = _credentials(call, application, Seen.truth(), "")
    others = [row for row in held if row["id"] != new["id"]]
    if any(row["name"].lower() == new["name"].lower() for row in others):
        raise multiple_objects(
            f"FederatedIdentityCredential with name {new['name']} already exists.", "name"
        )
    if any(_matches_same(row, new) for row in others):
        raise multiple_objects(
            "FederatedIdentityCredential with the same issuer and subject already exists.",
            "subject",
        )
    if len(others) >= MOST:
        raise too_large()


def _matches_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("issuer", "subject", _EXPRESSION))


def _credentials(
    call: Call, application: Mapping[str, Any], seen: Seen, after: str
) -> Iterable[dict[str, Any]]:
    return call.tenant.find_all(_KIND, "_application", application["id"], seen, after=after)


def _one(call: Call, application: Mapping[str, Any], seen: Seen) -> dict[str, Any] | None:
    """By identifier or by name; the plain form of the address takes either."""
    key: Key = call.params["credential"]
    if not _is_name(key):
        row = call.tenant.get(_KIND, key.value.lower(), seen)
        return row if row is not None and row["_application"] == application["id"] else None
    rows = _credentials(call, application, seen, "")
    return next((row for row in rows if row["name"].lower() == key.value.lower()), None)


def _is_name(key: Key) -> bool:
    property = key.property.lower()
    if property not in {"id", "name"}:
        raise segment_not_found(FEDERATED.collection)
    return property == "name" or GUID.fullmatch(key.value) is None


def _not_found(name: str) -> Refusal:
    return Refusal(
        404,
        "Request_ResourceNotFound",
        f"FederatedIdentityCredential with name {name} not found.",
    )


def _context(application: Mapping[str, Any]) -> str:
    return f"applications('{application['id']}')/federatedIdentityCredentials"


def _shown(
    call: Call,
    application: Mapping[str, Any],
    row: Mapping[str, Any],
    options: odata.Options | None = None,
) -> dict[str, Any]:
    home = f"{call.base}/v2/{call.tenant.id}/directoryObjects/$/Microsoft.DirectoryServices"
    address = f"{home}.Application('{application['id']}')/federatedIdentityCredentials/{row['id']}"
    return {"@odata.id": address, **shown(call, row, FEDERATED, options)}


def _entity(
    call: Call,
    application: Mapping[str, Any],
    row: Mapping[str, Any],
    options: odata.Options | None = None,
) -> Answer:
    body = entity(call, row, FEDERATED, options, _context(application))
    context = {"@odata.context": body["@odata.context"]}
    return Answer(body={**context, **_shown(call, application, row, options)})


def _expanded(call: Call, row: Mapping[str, Any], expand: odata.Expand) -> list[dict[str, Any]]:
    options = odata.Options(select=expand.select)
    found = _credentials(call, row, call.tenant.seen("list"), "")
    return [_shown(call, row, each, options) for each in found]


FEDERATIONS: Relations = {FEDERATED.collection: _expanded}
