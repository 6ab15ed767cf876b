"""Secrets of applications and service principals: shown once, kept as a hash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from provision.sandbox import edm
from provision.sandbox.call import Answer, Call, json_body
from provision.sandbox.directory import restrictions
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.body import complex_value, guid_of, object_of
from provision.sandbox.directory.find import addressed, to_change
from provision.sandbox.directory.refusals import bad_request
from provision.sandbox.directory.rules import MANIFEST_ENTRIES, entries
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import format_time, in_utc

_YEARS = 2
_PERSONAL_SECRETS = 2


async def add_password(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-addpassword"""
    kind, key = addressed(call)
    authorise(call, "applications.write")
    wanted = object_of(json_body(call), "passwordCredential")
    row = to_change(call, kind, key)
    authorise(call, "applications.write", row)
    _check_size(row)
    credential, text = issue(call, row, complex_value(wanted, "passwordCredential", kind), kind)
    call.tenant.put(kind.collection, row)
    context = f"{call.graph}/$metadata#microsoft.graph.passwordCredential"
    return Answer(
        body={
            "@odata.context": context,
            "customKeyIdentifier": credential["customKeyIdentifier"],
            "endDateTime": credential["endDateTime"],
            "keyId": credential["keyId"],
            "startDateTime": credential["startDateTime"],
            "secretText": text,
            "hint": credential["hint"],
            "displayName": credential["displayName"],
        }
    )


async def remove_password(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/api/application-removepassword"""
    kind, key = addressed(call)
    authorise(call, "applications.write")
    key_id = guid_of(json_body(call).get("keyId"))
    row = to_change(call, kind, key)
    authorise(call, "applications.write", row)
    left = [each for each in row["passwordCredentials"] if each["keyId"] != key_id]
    if len(left) == len(row["passwordCredentials"]):
        raise bad_request(f"No password credential found with keyId {key_id}.")
    row["passwordCredentials"] = left
    row["_secrets"] = {
        each: digest for each, digest in row.get("_secrets", {}).items() if each != key_id
    }
    call.tenant.put(kind.collection, row)
    return Answer(status=204)


def issue(
    call: Call, row: dict[str, Any], wanted: Mapping[str, Any], kind: edm.Kind
) -> tuple[dict[str, Any], str]:
    """Put a new secret on the object; the value itself goes to the caller and nowhere else."""
    now = call.tenant.clock.now()
    start = _moment(wanted["startDateTime"]) or now
    end = _moment(wanted["endDateTime"]) or _years_later(start)
    if end <= max(start, now):
        raise bad_request("Key credential end date is invalid.")
    restrictions.check_password(call, row, kind, (start, end))
    text = call.tenant.new_secret_text()
    credential = {
        "customKeyIdentifier": wanted["customKeyIdentifier"],
        "displayName": wanted["displayName"],
        "endDateTime": in_utc(wanted["endDateTime"] or format_time(end)),
        "hint": text[:3],
        "keyId": call.tenant.new_guid(),
        "secretText": None,
        "startDateTime": in_utc(wanted["startDateTime"] or format_time(start)),
    }
    row["passwordCredentials"] = [*row["passwordCredentials"], credential]
    row["_secrets"] = {
        **row.get("_secrets", {}),
        credential["keyId"]: call.tenant.hash_secret(text),
    }
    return credential, text


def issue_all(
    call: Call, row: dict[str, Any], wanted: list[dict[str, Any]], kind: edm.Kind
) -> list[dict[str, Any]]:
    """The secrets that came with a new object: the only answer that shows their values."""
    made = [issue(call, row, each, kind) for each in wanted]
    return [{**credential, "secretText": text} for credential, text in made]


def check_unchanged(given: Mapping[str, Any], row: Mapping[str, Any], kind: edm.Kind) -> None:
    """Secrets are changed by their actions; a PATCH may only repeat them."""
    if "passwordCredentials" not in given:
        return
    present = {each["keyId"] for each in row["passwordCredentials"]}
    named = {each["keyId"] for each in given["passwordCredentials"]}
    if named != present:
        raise bad_request("New password credentials must be generated using service actions.")


def _check_size(row: Mapping[str, Any]) -> None:
    personal = "Personal" in (row["signInAudience"] or "")
    full = personal and len(row["passwordCredentials"]) >= _PERSONAL_SECRETS
    if full or entries(row) >= MANIFEST_ENTRIES:
        raise Refusal(
            403,
            "Directory_ResourceSizeExceeded",
            "The size of the object has exceeded its limit. Please reduce the number of values and "
            "retry your request.",
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else edm.moment(text)


def _years_later(start: datetime) -> datetime:
    try:
        return start.replace(year=start.year + _YEARS)
    except ValueError:  # the 29th of February, or the end of time
        days = min(timedelta(days=365 * _YEARS), datetime.max.replace(tzinfo=start.tzinfo) - start)
        return start + days
