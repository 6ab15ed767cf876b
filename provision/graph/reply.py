"""An answer of Microsoft Graph as plain data, whether it came alone or as part of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status, headers (names in lower case) and JSON object of one answer.

    `readable` is false when a body came that is no JSON object. `attempts` counts how often it was
    asked: after a lost answer, a refusal can mean that the first attempt had succeeded.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: dict[str, Any] | None = field(default=None, repr=False)
    readable: bool = True
    attempts: int = 1

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str:
        """The name under which the service's support finds this request."""
        return self.headers.get("request-id") or self.headers.get("client-request-id") or ""


def read(status: int, headers: Mapping[str, str], content: bytes, *, attempts: int) -> Reply:
    """Make an answer of the transport ours; a body that is no JSON object is noted, not raised."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if not content.strip():
        return Reply(status=status, headers=lowered, attempts=attempts)
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if isinstance(body, dict):
        return Reply(status=status, headers=lowered, body=body, attempts=attempts)
    return Reply(status=status, headers=lowered, readable=False, attempts=attempts)
