"""Applications: the registrations themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.sandbox import odata
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory import (
    cascade,
    entitlements,
    haste,
    keys,
    passwords,
    quota,
    restrictions,
)
from provision.sandbox.directory.authorisation import authorise, holds_all
from provision.sandbox.directory.beta import as_v1
from provision.sandbox.directory.body import properties_of
from provision.sandbox.directory.collection import counted, expanded, listed
from provision.sandbox.directory.federated_credentials import FEDERATIONS
from provision.sandbox.directory.find import (
    creates_if_missing,
    key_name,
    look_up,
    read,
    to_change,
)
from provision.sandbox.directory.owners import OWNERS, bound_owners
from provision.sandbox.directory.refusals import bad_request, denied, read_only
from provision.sandbox.directory.rules import (
    check_application,
    check_read_only,
    check_unique_name,
)
from provision.sandbox.directory.shape import (
    APPLICATIONS,
    created,
    entity,
    merged,
    moment_now,
    new_application,
)
from provision.sandbox.tenant import Seen

RELATIONS = {**OWNERS, **FEDERATIONS}
_REDIRECTS = "redirectUriSettings"


async def create_application(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-post-applications"""
    authorise(call, "applications.create")
    return _create(call, as_v1(json_body(call), call.version))


async def list_applications(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-list"""
    authorise(call, "applications.read")
    return listed(call, APPLICATIONS, relations=RELATIONS)


async def count_applications(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/aad-advanced-queries"""
    authorise(call, "applications.read")
    return counted(call, APPLICATIONS)


async def get_application(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-get"""
    authorise(call, "applications.read")
    options = odata.one_object_options(
        call.query, APPLICATIONS, version=call.version, relations=RELATIONS
    )
    row = read(call, APPLICATIONS, call.params["application"])
    body = entity(call, row, APPLICATIONS, options)
    return Answer(body={**body, **expanded(call, row, options, RELATIONS)})


async def update_application(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-update

    With a key and `Prefer: create-if-missing`:
    https://learn.microsoft.com/graph/api/application-upsert
    """
    key = call.params["application"]
    name = key_name(APPLICATIONS, key)
    if name == "uniqueName" and creates_if_missing(call):
        present = look_up(call, APPLICATIONS, key, Seen.truth())
        if present is None:
            authorise(call, "applications.create")
            return _create(call, as_v1(json_body(call), call.version), named=key.value)
    else:
        if name == "appId" and creates_if_missing(call):
            raise bad_request("An application cannot be created under an appId of one's choice.")
        authorise(call, "applications.write")
        present = to_change(call, APPLICATIONS, key)
    authorise(call, "applications.write", present)
    return _update(call, as_v1(json_body(call), call.version), present)


async def delete_application(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-delete"""
    authorise(call, "applications.write")
    row = to_change(call, APPLICATIONS, call.params["application"])
    authorise(call, "applications.write", row)
    now = moment_now(call)
    with call.tenant.writing():
        call.tenant.put("applications", {**row, "deletedDateTime": now}, lag="delete")
        principal = call.tenant.find("servicePrincipals", "appId", row["appId"], Seen.truth())
        if principal is not None:
            cascade.delete_principal(call.tenant, principal, now)
    return Answer(status=204)


def _create(call: Call, body: Mapping[str, Any], *, named: str | None = None) -> Answer:
    given = properties_of(body, APPLICATIONS, version=call.version)
    fresh = new_application(call)
    check_read_only(given, fresh, APPLICATIONS)
    wanted = given.pop("passwordCredentials", [])
    if named is not None and given.setdefault("uniqueName", named) != named:
        raise read_only("uniqueName")
    row = _changed(call, fresh, given)
    check_unique_name(call, row, None)
    entitlements.check(row, None)
    row["_owners"] = bound_owners(call, body)
    quota.check(call)
    shown_once = passwords.issue_all(call, row, wanted, APPLICATIONS)
    call.tenant.put("applications", row)
    answer = {**row, "createdDateTime": moment_now(call)}
    if shown_once:
        answer["passwordCredentials"] = shown_once
    return created(call, answer, APPLICATIONS)


def _update(call: Call, body: Mapping[str, Any], present: dict[str, Any]) -> Answer:
    given = properties_of(body, APPLICATIONS, version=call.version)
    check_read_only(given, present, APPLICATIONS)
    passwords.check_unchanged(given, present, APPLICATIONS)
    given.pop("passwordCredentials", None)
    row = _changed(call, present, given)
    check_unique_name(call, row, present["uniqueName"])
    entitlements.check(row, present, haste.as_known(call, present))
    with call.tenant.writing():
        call.tenant.put("applications", row)
        principal = call.tenant.find("servicePrincipals", "appId", row["appId"], Seen.truth())
        if principal is not None:
            followed = cascade.followed(principal, old=present, new=row)
            if followed != principal:
                call.tenant.put("servicePrincipals", followed)
    return Answer(status=204)


def _changed(call: Call, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The application after the change, checked as a whole."""
    row = merged(present, given, APPLICATIONS)
    _check_mapped_claims(call, present, row)
    if "keyCredentials" in given:
        row["keyCredentials"] = keys.replaced(
            call, given["keyCredentials"], present["keyCredentials"], APPLICATIONS
        )
        restrictions.check_keys(call, row, present["keyCredentials"], APPLICATIONS)
    _settle_redirects(row, given)
    entitlements.complete(row)
    check_application(call, given, row)
    keys.check_encryption(row, APPLICATIONS)
    return row


def _check_mapped_claims(call: Call, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """To own an application is not enough for this one property."""
    name = "acceptMappedClaims"
    changed = old["api"][name] != new["api"][name]
    if changed and not holds_all(call, "applications.write"):
        raise denied()


def _settle_redirects(row: dict[str, Any], given: Mapping[str, Any]) -> None:
    """The service keeps one setting beside each redirect URI, whoever sent only the URIs."""
    web = given.get("web") or {}
    if "redirectUris" in web and _REDIRECTS not in web:
        settings = [{"uri": uri, "index": None} for uri in web["redirectUris"]]
        row["web"] = {**row["web"], _REDIRECTS: settings}
