"""Service principals: what stands for an application in this tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.catalog import well_known
from provision.sandbox.directory import cascade, keys, passwords, quota, restrictions
from provision.sandbox.directory.app_role_assignments import ASSIGNMENTS
from provision.sandbox.directory.authorisation import authorise, holds_all
from provision.sandbox.directory.body import properties_of
from provision.sandbox.directory.collection import counted, expanded, listed
from provision.sandbox.directory.find import (
    creates_if_missing,
    key_name,
    look_up,
    read,
    to_change,
)
from provision.sandbox.directory.grants import GRANTED
from provision.sandbox.directory.owners import OWNERS, bound_owners
from provision.sandbox.directory.refusals import (
    denied,
    invalid_value,
    name_in_use,
    no_backing_application,
    read_only,
    required,
)
from provision.sandbox.directory.rules import check_lengths, check_read_only, check_tags
from provision.sandbox.directory.shape import (
    SERVICE_PRINCIPALS,
    blank,
    created,
    entity,
    merged,
    moment_now,
    new_service_principal,
)
from provision.sandbox.tenant import Seen, format_time

RELATIONS = {**OWNERS, **ASSIGNMENTS, **GRANTED}
_NOT_LOCAL = (
    "When using this permission, the backing application of the service principal being created "
    "must in the local tenant"
)
_LONGEST_NOTES = 1024


async def create_service_principal(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals"""
    authorise(call, "servicePrincipals.create")
    return _create(call, json_body(call))


async def list_service_principals(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-list"""
    authorise(call, "applications.read")
    return listed(call, SERVICE_PRINCIPALS, relations=RELATIONS)


async def count_service_principals(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    authorise(call, "applications.read")
    return counted(call, SERVICE_PRINCIPALS)


async def get_service_principal(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-get"""
    authorise(call, "applications.read")
    options = odata.one_object_options(
        call.query, SERVICE_PRINCIPALS, version=call.version, relations=RELATIONS
    )
    row = read(call, SERVICE_PRINCIPALS, call.params["servicePrincipal"])
    body = entity(call, row, SERVICE_PRINCIPALS, options)
    return Answer(body={**body, **expanded(call, row, options, RELATIONS)})


async def update_service_principal(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-update

    By appId and with `Prefer: create-if-missing`:
    https://learn.microsoft.com/graph/api/serviceprincipal-upsert
    """
    key = call.params["servicePrincipal"]
    if key_name(SERVICE_PRINCIPALS, key) == "appId" and creates_if_missing(call):
        present = look_up(call, SERVICE_PRINCIPALS, key, Seen.truth())
        if present is None:
            authorise(call, "servicePrincipals.create")
            body = json_body(call)
            if body.get("appId", key.value) != key.value:
                raise read_only("appId")
            return _create(call, {**body, "appId": key.value})
    else:
        authorise(call, "applications.write")
        present = to_change(call, SERVICE_PRINCIPALS, key)
    authorise(call, "applications.write", present)
    given = properties_of(json_body(call), SERVICE_PRINCIPALS, version=call.version)
    call.tenant.put("servicePrincipals", _changed(call, present, given))
    return Answer(status=204)


async def delete_service_principal(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/serviceprincipal-delete"""
    authorise(call, "applications.write")
    row = to_change(call, SERVICE_PRINCIPALS, call.params["servicePrincipal"])
    authorise(call, "applications.write", row)
    cascade.delete_principal(call.tenant, row, moment_now(call))
    return Answer(status=204)


def _create(call: Call, body: Mapping[str, Any]) -> Answer:
    given = properties_of(body, SERVICE_PRINCIPALS, version=call.version)
    app_id = given.pop("appId", None)
    if not app_id:
        raise required("appId", SERVICE_PRINCIPALS.resource)
    fresh = _from_application(call, app_id.lower())
    _check_free(call, fresh["appId"])
    wanted = given.pop("passwordCredentials", [])
    row = _changed(call, fresh, given)
    row["_owners"] = bound_owners(call, body)
    quota.check(call)
    shown_once = passwords.issue_all(call, row, wanted, SERVICE_PRINCIPALS)
    call.tenant.put("servicePrincipals", row)
    answer = {**row, "createdDateTime": moment_now(call)}
    if shown_once:
        answer["passwordCredentials"] = shown_once
    return created(call, answer, SERVICE_PRINCIPALS)


def _from_application(call: Call, app_id: str) -> dict[str, Any]:
    known = well_known(app_id)
    if known is not None:
        authorise(call, "servicePrincipals.create", {})
        return _first_party(call, known)
    visible = call.tenant.find("applications", "appId", app_id, call.tenant.seen("reference"))
    application = call.tenant.find("applications", "appId", app_id, Seen.truth())
    if not holds_all(call, "servicePrincipals.create"):
        owners = () if visible is None else visible["_owners"]
        if call.caller.object_id not in owners:
            raise denied(_NOT_LOCAL)
    if visible is None or application is None:
        raise no_backing_application(app_id)
    return new_service_principal(call, application)


def _first_party(call: Call, known: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **blank(SERVICE_PRINCIPALS),
        "id": call.tenant.new_guid(),
        "createdDateTime": format_time(call.tenant.clock.now(), fraction=False),
        **known,
        "_createdBy": call.caller.object_id,
    }


def _check_free(call: Call, app_id: str) -> None:
    """Taken in truth, or still taken in the eyes of the replica that checks names."""
    for seen in (Seen.truth(), call.tenant.seen("reference")):
        if call.tenant.find("servicePrincipals", "appId", app_id, seen) is not None:
            raise name_in_use(app_id)


def _changed(call: Call, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    check_read_only(given, present, SERVICE_PRINCIPALS)
    passwords.check_unchanged(given, present, SERVICE_PRINCIPALS)
    given = {name: value for name, value in given.items() if name != "passwordCredentials"}
    check_tags(given, SERVICE_PRINCIPALS)
    check_lengths(given, SERVICE_PRINCIPALS)
    if len(given.get("notes") or "") > _LONGEST_NOTES:
        raise invalid_value("notes", SERVICE_PRINCIPALS.resource)
    row = merged(present, given, SERVICE_PRINCIPALS)
    if not row["displayName"]:
        raise invalid_value("displayName", SERVICE_PRINCIPALS.resource)
    if "tags" in given:
        row["tags"] = given["tags"]
    if "keyCredentials" in given:
        row["keyCredentials"] = keys.replaced(
            call, given["keyCredentials"], present["keyCredentials"], SERVICE_PRINCIPALS
        )
        restrictions.check_keys(call, row, present["keyCredentials"], SERVICE_PRINCIPALS)
    keys.check_encryption(row, SERVICE_PRINCIPALS)
    return row
