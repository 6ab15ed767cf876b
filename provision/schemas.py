"""The JSON Schemas of what `provision` prints and saves, drawn from the steps themselves: they cannot fall behind."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from provision.document import CONSENT_ONLY, FORMAT, UNSAID, VERSION, camel
from provision.model import AppRole, Owner, PermissionScope, PreAuthorized
from provision.plan import ADDS, Change, Step
from provision.receipt import Result
from provision.roster import Kept, State
from provision.status import Granted

Schema: TypeAlias = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHOWN_VERSION = 1
"""The version of what is printed; raised when a document changes in a way that its readers would notice."""

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TRUTH: Schema = {"type": "boolean"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_MOMENT: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
_PLAIN: Mapping[Any, Schema] = {str: _TEXT, bool: {"type": "boolean"}, int: _COUNT, Any: {}}


def plan_schema() -> Schema:
    """`plan --json`: the plan for programs to read."""
    return _document(
        "provision/plan",
        SHOWN_VERSION,
        "What apply would do.",
        {
            "owner": _TEXT,
            "summary": _object({"create": _COUNT, "change": _COUNT, "destroy": _COUNT}),
            "steps": _list(_ref("step")),
            "notes": _list(_object({"app": _TEXT, "says": _TEXT})),
            **_about(),
        },
        _spoken_steps(),
    )


def saved_schema() -> Schema:
    """`plan --out`: the plan that apply takes."""
    said = _object(
        {"resource": _TEXT, "type": {"enum": ["Role", "Scope"]}, "value": _TEXT},
        "A permission by its resource (appId, or key in the manifest), kind and name.",
    )
    tags = {"property": {"const": "tags"}, "adds": _list(_TEXT), "removes": _list(_TEXT)}
    moved: Schema = {"property": _TEXT, "before": {}, "after": {}}
    change: Schema = {"anyOf": [_object(moved), _object(tags)]}
    return _document(
        FORMAT,
        VERSION,
        "A plan for apply: it does nothing beyond these steps.",
        {
            "owner": _TEXT,
            "targets": {"anyOf": [_list(_TEXT), {"type": "null"}]},
            "manifest": {"type": "object"},
            "steps": _list(_ref("step")),
            "folder": _TEXT,
            "file": _TEXT,
            **_about(),
        },
        _steps(lambda name: {"step": {"const": name}}, said, change, saved=True),
    )


def apply_schema() -> Schema:
    """`--json` of apply, rotate and destroy: what was done."""
    failed = _object({"app": _TEXT, "step": _or_null(_ref("step")), "error": _error()})
    return _document(
        "provision/apply",
        SHOWN_VERSION,
        "What was done, what failed, what is left, and what the proof found.",
        {
            "tenantId": _TEXT,
            "owner": _TEXT,
            "done": _list(_ref("step")),
            "failed": _list(failed),
            "left": _list(_ref("step")),
            "findings": _or_null(_list(_finding())),
        },
        _spoken_steps(),
    )


def status_schema() -> Schema:
    """`status --json`: how every credential, consent and application stands."""
    whole = _object(
        {
            "app": _TEXT,
            "kind": {"enum": ["application", "managedIdentity"]},
            "exists": _TRUTH,
            "says": _TEXT,
            "changes": _COUNT,
            "consent": _or_null(_consent()),
            "credentials": _list(_ref("credential")),
        },
        "An application or a managed identity; `changes` counts what provision plan would do beside its credentials.",
    )
    return _document(
        "provision/status",
        SHOWN_VERSION,
        "Credentials with their dates and what is due, consents, and what has drifted.",
        {
            "tenantId": _TEXT,
            "owner": _TEXT,
            "at": _MOMENT,
            "due": _TRUTH,
            "applications": _list(whole),
        },
        {"credential": _credential()},
    )


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "plan": plan_schema,
    "saved-plan": saved_schema,
    "apply": apply_schema,
    "status": status_schema,
}


def _about() -> Schema:
    return {
        "tenantId": _TEXT,
        "environment": _MAYBE_TEXT,
        "only": {"enum": [CONSENT_ONLY, None]},
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }


def _spoken_steps() -> Schema:
    said = _object(
        {
            "type": {"enum": ["Role", "Scope"]},
            "resource": _TEXT,
            "id": _TEXT,
            "value": _TEXT,
            "words": _TEXT,
        },
        "A permission; its id is empty while the tenant does not know the resource.",
    )
    change = _object({"property": _TEXT, "before": {}, "after": {}})
    return _steps(_spoken, said, change)


def _spoken(name: str) -> Schema:
    actions = {"enum": ["create", "change", "destroy"]}
    return {"step": {"const": name}, "action": actions, "words": _TEXT}


def _steps(
    head: Callable[[str], Schema], permission: Schema, change: Schema, *, saved: bool = False
) -> Schema:
    """One definition a step: its own fields after what every step has."""
    kinds: Sequence[type[Step]] = get_args(Step)
    drawn: Schema = {
        "step": {"anyOf": [_ref(kind.__name__) for kind in kinds]},
        "permission": permission,
        "change": change,
        "owner": _object({"id": _TEXT, "name": _TEXT}),
        "client": _object({"client": _TEXT, "scopes": _list(_ref("permission"))}),
    }
    for kind in kinds:
        types_of, unsaid = get_type_hints(kind), UNSAID.get(kind, ()) if saved else ()
        own = {
            camel(each.name): _typed(types_of[each.name])
            for each in fields(kind)
            if each.name not in unsaid
        }
        optional: Schema = {} if saved else {"detail": _TEXT, "requestIds": _list(_TEXT)}
        if kind in ADDS:
            optional |= {"store": _TEXT, "lifetimeSeconds": _COUNT}
        step = _object({**head(kind.__name__), **own}, " ".join((kind.__doc__ or "").split()))
        step["properties"] |= optional
        drawn[kind.__name__] = step
    return drawn


def _typed(hint: Any) -> Schema:
    """A field's type in JSON Schema's words."""
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    named = {Change: "change", Owner: "owner", PreAuthorized: "client"}
    if hint in named:
        return _ref(named[hint])
    if hint in (AppRole, PermissionScope, AppRole | PermissionScope):
        return _ref("permission")
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return _or_null(_typed(next(each for each in inner if each is not type(None))))
    if origin is tuple:
        return _list(_typed(inner[0]))
    return {"type": "object"}


def _consent() -> Schema:
    return _object(
        {
            "state": {"enum": [each.value for each in Granted]},
            "granted": _COUNT,
            "asked": _COUNT,
            "missing": _list(_TEXT),
        },
        "How many of the permissions asked for are granted, and which are not.",
    )


def _credential() -> Schema:
    return _object(
        {
            "credential": _MAYBE_TEXT,
            "name": _TEXT,
            "kind": {"enum": ["secret", "certificate", "federated"]},
            "state": {"enum": [each.value for each in State]},
            "due": _TRUTH,
            "keyId": _MAYBE_TEXT,
            "store": _TEXT,
            "held": {"enum": [*(each.value for each in Kept), None]},
            **dict.fromkeys(("created", "expires", "until", "lastProof"), _or_null(_MOMENT)),
            "issuer": _TEXT,
            "subject": _TEXT,
            "says": _TEXT,
        },
        "A credential; `credential` is null for somebody else's, which has only a name.",
    )


def _finding() -> Schema:
    role = _object({"resource": _TEXT, "value": _TEXT, "present": {"type": "boolean"}})
    return _object(
        {
            "app": _TEXT,
            "credential": _TEXT,
            "result": {"enum": [each.value for each in Result]},
            "says": _TEXT,
            "hint": _TEXT,
            "roles": _list(role),
            "calls": _list(_object({"method": _TEXT, "path": _TEXT, "status": _COUNT})),
            "extra": _list(_TEXT),
            "seconds": {"type": "number", "minimum": 0},
        }
    )


def _error() -> Schema:
    drawn = _object({"kind": _TEXT, "message": _TEXT, "hint": _TEXT})
    ids = ("code", "detail", "requestId", "traceId", "correlationId", "file")
    problem = _object(
        {"line": _COUNT, "column": _COUNT, "message": _TEXT, "hint": _TEXT},
    )
    drawn["properties"] |= {
        "status": _COUNT,
        **dict.fromkeys(ids, _TEXT),
        "problems": _list(problem),
    }
    return drawn


def _object(properties: Schema, description: str = "") -> Schema:
    drawn: Schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
    }
    return {"description": description, **drawn} if description else drawn


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(drawn: Schema) -> Schema:
    return {"anyOf": [drawn, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _document(
    name: str, version: int, description: str, properties: Schema, definitions: Schema
) -> Schema:
    head = {"format": {"const": name}, "version": {"const": version}}
    drawn = _object({**head, **properties}, description)
    return {"$schema": DIALECT, "title": name, **drawn, "$defs": definitions}
