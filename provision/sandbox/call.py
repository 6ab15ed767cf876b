"""What a Graph route is given and what it answers with, whether it came by itself or in a batch."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provision.sandbox.refusal import Refusal, segment_not_found

if TYPE_CHECKING:
    from provision.sandbox.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One object's address: `{id}` is property "id", `(appId='…')` is property "appId"."""

    property: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who presented the bearer token; `scopes` and directory roles (`wids`) are a person's."""

    app_id: str
    object_id: str
    tenant_id: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    wids: frozenset[str] = frozenset()
    is_user: bool = False


Handler = Callable[["Call"], Awaitable["Answer"]]


async def _unrouted(call: Call) -> Answer:
    raise segment_not_found(call.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One Graph request; `headers` have lower-case names, `path` is raw, without version."""

    method: str
    version: str
    path: str
    base: str
    tenant: Tenant
    caller: Caller
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: Mapping[str, Key] = field(default_factory=dict)
    request_id: str = ""
    dispatch: Handler = _unrouted
    """Routes and answers another call, refusals included: for the parts of a batch."""

    @property
    def graph(self) -> str:
        """The address that contexts and links start with, version included."""
        return f"{self.base}/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a JSON body (None: no body) and the headers that this route adds."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path such as `applications/{application}/addPassword`, and who answers it."""

    method: str
    path: str
    handler: Handler


def parameter(call: Call, name: str) -> str | None:
    """The value of a query option, its name without regard to case or a leading dollar sign."""
    wanted = name.lower().lstrip("$")
    for given, value in call.query:
        if given.lower().lstrip("$") == wanted:
            return value
    return None


def json_body(call: Call) -> dict[str, Any]:
    """The request's JSON object; no body at all is an empty one."""
    if not call.body.strip():
        return {}
    try:
        body = json.loads(call.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as malformed:
        raise _unreadable() from malformed
    if not isinstance(body, dict):
        raise _unreadable()
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _unreadable() -> Refusal:
    return Refusal(
        400,
        "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload"
        " is of valid JSON format.",
    )
