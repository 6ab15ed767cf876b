"""$batch: up to twenty calls in one, each with an answer of its own."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from provision.sandbox.call import Answer, Call, Route, json_body
from provision.sandbox.dispatch import refused
from provision.sandbox.refusal import Refusal

MOST = 20
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
# What the parts inherit from the batch: who asks, and nothing of what is asked.
_INHERITED = ("authorization", "client-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    depends_on: tuple[str, ...]


async def run_batch(call: Call) -> Answer:
    """https://learn.microsoft.com/graph/json-batching"""
    parts = _parts(json_body(call))
    responses: dict[str, dict[str, Any]] = {}
    waiting = list(parts)
    while waiting:
        ready = [part for part in waiting if all(_key(id) in responses for id in part.depends_on)]
        if not ready:
            raise _invalid("The dependencies of the batch requests form a circle.")
        for part in ready:
            failed = any(responses[_key(id)]["status"] >= 400 for id in part.depends_on)
            answer = _dependency_failed(call) if failed else await _answer(call, part)
            responses[_key(part.id)] = _response(part, answer)
        waiting = [part for part in waiting if _key(part.id) not in responses]
    return Answer(body={"responses": list(responses.values())})


async def _answer(call: Call, part: _Part) -> Answer:
    if part.url.partition("?")[0].strip("/").lower() == "$batch":
        return refused(_invalid("A batch cannot hold another batch."), call)
    if part.body is not None and "content-type" not in part.headers:
        unnamed = _invalid("A batch request with a body must name its content type in its headers.")
        return refused(unnamed, call)
    if call.dispatch is None:
        raise LookupError("this call came without a router")
    path, _, query = part.url.partition("?")
    inherited = {name: call.headers[name] for name in _INHERITED if name in call.headers}
    single = replace(
        call,
        method=part.method,
        path=path if path.startswith("/") else f"/{path}",
        query=tuple(parse_qsl(query.partition("#")[0], keep_blank_values=True)),
        headers={**inherited, **part.headers},
        body=_bytes(part.body),
        params={},
    )
    return await call.dispatch(single)


def _parts(envelope: Mapping[str, Any]) -> list[_Part]:
    requests = envelope.get("requests")
    if not isinstance(requests, list) or not requests:
        raise _invalid("A batch must hold a list of requests.")
    if len(requests) > MOST:
        raise _invalid(f"Number of batch request steps exceeds the maximum value of {MOST}.")
    parts = [_part(request) for request in requests]
    known = {_key(part.id) for part in parts}
    if len(known) != len(parts):
        raise _invalid("The identifiers of the batch requests must be unique.")
    for part in parts:
        if not known.issuperset(map(_key, part.depends_on)):
            raise _invalid(f"The batch request '{part.id}' depends on one that is not there.")
    return parts


def _part(request: Any) -> _Part:
    if not isinstance(request, dict):
        raise _invalid("A batch request must be an object.")
    id, method, url = (request.get(name) for name in ("id", "method", "url"))
    if not (isinstance(id, str) and id):
        raise _invalid("A batch request must have an id.")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise _invalid(f"The batch request '{id}' has no valid method.")
    if not isinstance(url, str) or not url.strip("/") or "://" in url.partition("?")[0]:
        raise _invalid(f"The url of batch request '{id}' must be relative.")
    depends_on = request.get("dependsOn") or []
    if not isinstance(depends_on, list) or not all(isinstance(each, str) for each in depends_on):
        raise _invalid(f"The dependsOn of batch request '{id}' must be a list of ids.")
    return _Part(
        id=id,
        method=method.upper(),
        url=url,
        headers=_headers(request.get("headers"), id),
        body=request.get("body"),
        depends_on=tuple(depends_on),
    )


def _headers(given: Any, id: str) -> dict[str, str]:
    headers = {} if given is None else given
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise _invalid(f"The headers of batch request '{id}' must be an object of strings.")
    return {name.lower(): value for name, value in headers.items()}


def _bytes(body: Any) -> bytes:
    """A JSON value as it is; a string is base64 of something else."""
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        return body.encode("utf-8", "replace")


def _response(part: _Part, answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {
        "id": part.id,
        "status": answer.status,
        "headers": dict(answer.headers),
    }
    if isinstance(answer.body, bytes):
        response["body"] = base64.b64encode(answer.body).decode("ascii")
    elif answer.body is not None:
        response["body"] = answer.body
    return response


def _dependency_failed(call: Call) -> Answer:
    failed = Refusal(
        424,
        "FailedDependency",
        "The request was not executed because another request it depended on failed.",
    )
    return refused(failed, call)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def _key(id: str) -> str:
    return id.lower()


ROUTES = (Route("POST", "$batch", run_batch),)
