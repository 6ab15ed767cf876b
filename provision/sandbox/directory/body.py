"""Reads what a request says about an object: every property known, every value of its type."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from provision.sandbox import edm
from provision.sandbox.directory.refusals import (
    bad_request,
    invalid_value,
    not_convertible,
    required,
)
from provision.sandbox.refusal import Refusal

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_UNPAIRED = re.compile("[\ud800-\udfff]")


def guid_of(value: Any) -> str:
    """A GUID as the directory writes it."""
    if not isinstance(value, str) or GUID.fullmatch(value) is None:
        raise not_convertible("Edm.Guid")
    return value.lower()


def object_of(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object or null of an action's body; null is an empty one."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request("One or more property values specified are invalid.")
    return value


def properties_of(body: Mapping[str, Any], kind: edm.Kind, *, version: str) -> dict[str, Any]:
    """The body's properties, its annotations left out, each value checked and in its usual form."""
    _check_type_name(body, kind.name)
    declared = kind.properties_of(version)
    return {
        name: _value(value, _declared(declared, name), name, kind)
        for name, value in body.items()
        if "@" not in name
    }


def complex_value(value: Any, type_name: str, kind: edm.Kind) -> dict[str, Any]:
    """One object of a complex type, absent members filled in."""
    return _complex(value, edm.Type(name=type_name), type_name, kind, complete=True)


def _check_type_name(body: Mapping[str, Any], name: str) -> None:
    given = body.get("@odata.type")
    if given is None:
        return
    if not isinstance(given, str) or given.removeprefix("#") != f"microsoft.graph.{name}":
        raise Refusal(
            400,
            "BadRequest",
            f"A type named '{str(given).removeprefix('#')}' could not be resolved by the model. "
            "When a model is available, each type name must resolve to a valid type.",
        )


def _declared(properties: edm.Properties, name: str) -> edm.Type:
    if name not in properties:
        raise bad_request(
            f"Property '{name}' does not exist as a declared property or extension property."
        )
    return properties[name]


def _value(value: Any, declared: edm.Type, name: str, kind: edm.Kind) -> Any:
    if declared.collection:
        if not isinstance(value, list):
            raise invalid_value(name, kind.resource)
        return [_single(entry, declared.element, name, kind, complete=True) for entry in value]
    return _single(value, declared, name, kind, complete=False)


def _single(value: Any, declared: edm.Type, name: str, kind: edm.Kind, *, complete: bool) -> Any:
    if value is None:
        if not declared.nullable:
            raise invalid_value(name, kind.resource)
        return None
    members = edm.members(declared.name)
    if members is not None:
        if value not in members:
            raise invalid_value(name, kind.resource)
        return value
    if edm.complex_type(declared.name) is not None:
        return _complex(value, declared, name, kind, complete=complete)
    return _primitive(value, declared)


def _complex(
    value: Any, declared: edm.Type, name: str, kind: edm.Kind, *, complete: bool
) -> dict[str, Any]:
    """A collection's entry is completed; a single object is not: what it leaves out stays."""
    properties = edm.complex_type(declared.name)
    if not isinstance(value, dict) or properties is None:
        raise invalid_value(name, kind.resource)
    _check_type_name(value, declared.name)
    given = {
        member: _value(entry, _declared(properties, member), member, kind)
        for member, entry in value.items()
        if "@" not in member
    }
    for member in edm.must_be_given(declared.name):
        if member not in given:
            raise required(member, declared.name[0].upper() + declared.name[1:])
    if not complete:
        return given
    return {
        member: given[member] if member in given else edm.absent(declared.name, member)
        for member in properties
    }


def _primitive(value: Any, declared: edm.Type) -> Any:
    match declared.name:
        case "Guid":
            return guid_of(value)
        case "Boolean":
            fits = isinstance(value, bool)
        case "Int32":
            fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
        case "DateTimeOffset":
            fits = isinstance(value, str) and edm.moment(value) is not None
        case "Binary":
            fits = isinstance(value, str) and _is_base64(value)
        case _:
            fits = isinstance(value, str) and not _UNPAIRED.search(value)
    if not fits:
        raise not_convertible(declared.edm)
    return value


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_" if "-" in text or "_" in text else None
        )
    except (ValueError, binascii.Error):
        return False
    return True
