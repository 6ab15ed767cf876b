"""What has changed since a caller last asked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from provision.sandbox import edm, odata
from provision.sandbox.call import Answer, Call, parameter
from provision.sandbox.directory.authorisation import authorise
from provision.sandbox.directory.collection import is_eventual
from provision.sandbox.directory.refusals import bad_request
from provision.sandbox.directory.shape import shown

_TOKEN = "deltatoken"  # noqa: S105
_READING = {
    "applications": "applications.read",
    "servicePrincipals": "applications.read",
    "users": "users.read",
    "groups": "groups.read",
    "oauth2PermissionGrants": "oauth2PermissionGrants.read",
}


async def list_changes(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/delta-query-overview

    All that is there at first, then what was written since; the copy of record answers.
    """
    kind = edm.KINDS[next(name for name in _READING if name.lower() == _first_segment(call))]
    authorise(call, _READING[kind.collection])
    known = [(name, value) for name, value in call.query if _bare(name) != _TOKEN]
    options = odata.options_of(known, kind, version=call.version, eventual=is_eventual(call))
    since, until = _numbers(parameter(call, _TOKEN), call.tenant.last_write())
    changes = {change["id"]: change for change in _changes(call, kind, options, since)}
    every = replace(options, predicate=None, search=None, order=None)
    page = odata.page((changes[id] for id in sorted(changes)), every)
    address = f"{call.graph}/{call.path.lstrip('/')}"
    body: dict[str, Any] = {"@odata.context": f"{call.graph}/$metadata#{kind.collection}"}
    if page.token is not None:
        # What is written while the pages are read belongs to the next round.
        kept = [*known, (f"${_TOKEN}", _text(since, until))]
        body["@odata.nextLink"] = odata.next_link(address, kept, page.token)
    else:
        again = [(name, value) for name, value in known if _bare(name) != "skiptoken"]
        again.append((f"${_TOKEN}", _text(until)))
        body["@odata.deltaLink"] = odata.link(address, again)
    body["value"] = list(page.rows)
    return Answer(body=body)


def _changes(
    call: Call, kind: edm.Kind, options: odata.Options, since: int
) -> Iterator[dict[str, Any]]:
    for id, row in call.tenant.changes(kind.collection, since):
        if row is not None and row.get("deletedDateTime") is None:
            if options.keeps(row):
                yield {**shown(call, row, kind, options), "id": row["id"]}
        elif since:
            reason = "deleted" if row is None else "changed"
            yield {"id": id, "@removed": {"reason": reason}}


def _first_segment(call: Call) -> str:
    return next(segment for segment in call.path.split("/") if segment).lower().partition("(")[0]


def _bare(name: str) -> str:
    return name.lower().lstrip("$")


def _text(*numbers: int) -> str:
    text = ".".join(map(str, numbers)).encode()
    return base64.urlsafe_b64encode(text).decode("ascii").rstrip("=")


def _numbers(token: str | None, now: int) -> tuple[int, int]:
    """Behind which write to begin, and with which to end for this round."""
    if token is None:
        return 0, now
    try:
        text = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        since, *until = map(int, text.decode("ascii").split("."))
    except (ValueError, binascii.Error) as malformed:
        raise bad_request("Badly formed token.") from malformed
    return since, until[0] if until else now
