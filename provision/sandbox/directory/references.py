"""Reads the references that a request makes to other objects of the directory."""

from __future__ import annotations

import re
from typing import Any

from provision.sandbox import edm
from provision.sandbox.call import Call, json_body
from provision.sandbox.directory.objects import referred_to
from provision.sandbox.directory.refusals import bad_request, required
from provision.sandbox.refusal import Refusal, resource_not_found

REFERENCE = "@odata.id"
_ADDRESS = re.compile(
    r"(?:https?://[^/]+)?/*(?:(?:v1\.0|beta|v2/[^/]+)/+)?"
    r"(?:directoryObjects|users|servicePrincipals|groups)(?:/|\('?)"
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:'?\))?(?:/[\w.]*)?",
    re.IGNORECASE,
)


def referenced(call: Call) -> str:
    """The identifier in the body of a call to $ref."""
    reference = json_body(call).get(REFERENCE)
    if reference is None:
        raise required(REFERENCE, "Reference")
    return identifier_in(reference)


def bound(body: dict[str, Any], relation: str) -> list[str]:
    """The identifiers that a new object is bound to."""
    references = body.get(f"{relation}@odata.bind", [])
    if not isinstance(references, list):
        raise bad_request("One or more property values specified are invalid.")
    return [identifier_in(reference) for reference in references]


def identifier_in(reference: Any) -> str:
    """https://learn.microsoft.com/graph/api/application-post-owners#request-body"""
    found = _ADDRESS.fullmatch(reference) if isinstance(reference, str) else None
    if found is None:
        raise Refusal(400, "Request_BadRequest", "Invalid reference link in the request body.")
    return found[1].lower()


def checked(call: Call, id: str, kinds: tuple[edm.Kind, ...]) -> tuple[edm.Kind, dict[str, Any]]:
    """The object behind a reference, as the replica that checks references knows it."""
    found = referred_to(call, id, call.tenant.seen("reference"), kinds)
    if found is None:
        raise resource_not_found(id)
    return found
