"""A tiny JSON Schema validator: the words that our schemas use, and stricter, so that nothing stays undocumented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "null": type(None),
}
_KNOWN = {
    *("$schema", "title", "description", "$defs", "$ref", "type", "properties", "required"),
    *("items", "anyOf", "const", "enum", "pattern", "minimum"),
}


def misfits(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Where a document does not fit its schema; a property that the schema does not name is one."""
    return list(_misfits(value, schema, schema, "$"))


def _misfits(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    assert set(schema) <= _KNOWN, f"{at}: a word that this validator does not know"
    if "$ref" in schema:
        yield from _misfits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
        return
    if "anyOf" in schema:
        tried = [list(_misfits(value, each, root, at)) for each in schema["anyOf"]]
        if all(tried):
            yield min(tried, key=len)[0]
        return
    kinds = schema.get("type", ())
    allowed = [_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    if allowed and not any(_is(value, kind) for kind in allowed):
        yield f"{at}: {value!r} is no {kinds}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: {value!r} is too small"
    yield from _inside(value, schema, root, at)


def _inside(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    if isinstance(value, list) and "items" in schema:
        for index, each in enumerate(value):
            yield from _misfits(each, schema["items"], root, f"{at}[{index}]")
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        yield from (f"{at}: lacks {key}" for key in schema["required"] if key not in value)
        yield from (f"{at}: {key} is not documented" for key in value if key not in known)
        for key in known.keys() & value.keys():
            yield from _misfits(value[key], known[key], root, f"{at}.{key}")


def _is(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
