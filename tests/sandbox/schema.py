"""Checks every body that the sandbox sends against the service's own model (CSDL)."""

from __future__ import annotations

import base64
import binascii
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from provision.sandbox.app import Front
from tests.sandbox.beside import PEOPLE, POLICIES, POLICY_ENUMS

_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_CONTEXT = re.compile(r"https://[^/]+/(v1\.0|beta)/\$metadata#(.+)")
_PLACE = re.compile(
    r"(?:policies/)?(?P<set>\w+)(?:\('[^']*'\)/(?P<navigation>\w+))?(?:\((?P<select>[\w,]+)\))?(?P<one>/\$entity)?"
)

# What answers hold although the model of /v1.0 does not, and why.
_BESIDE = {
    ("servicePrincipal", "createdDateTime"): "Edm.DateTimeOffset",  # answers have always had it
}
_BETA = {
    ("servicePrincipal", "samlMetadataUrl"): "Edm.String",
    (
        "federatedIdentityCredential",
        "claimsMatchingExpression",
    ): "graph.federatedIdentityExpression",
    ("preAuthorizedApplication", "permissionIds"): "Collection(Edm.String)",
}
_HIDDEN = {("application", "oauth2RequirePostResponse")}
"""In the model, yet refused by /v1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    type: str
    nullable: bool = True


@dataclass(slots=True, kw_only=True)
class Type:
    base: str | None = None
    entity: bool = False
    properties: dict[str, Property] = field(default_factory=dict)
    navigations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    types: dict[str, Type]
    enums: dict[str, tuple[frozenset[str], bool]]
    """Members, and whether several may be given at once."""
    sets: dict[str, str]

    def properties(self, name: str) -> dict[str, Property]:
        found: dict[str, Property] = {}
        for type in self._line(name):
            found |= type.properties
        return found

    def navigations(self, name: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for type in self._line(name):
            found |= type.navigations
        return found

    def is_a(self, name: str, base: str) -> bool:
        return any(type is self.types[base] for type in self._line(name))

    def _line(self, name: str) -> Iterator[Type]:
        current: str | None = name
        while current is not None:
            yield self.types[current]
            current = self.types[current].base


@cache
def model() -> Model:
    """The subset that ships with the product, with people, groups and policies added."""
    text = files("provision").joinpath("data", "graph-csdl-subset.xml").read_text("utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314 - our own file
    read = Model(types={}, enums={}, sets={})
    for element in root.iter():
        name = element.get("Name", "")
        if element.tag in {f"{_EDM}ComplexType", f"{_EDM}EntityType"}:
            read.types[name] = _type(element)
        elif element.tag == f"{_EDM}EnumType":
            members = frozenset(each.get("Name", "") for each in element.iter(f"{_EDM}Member"))
            read.enums[name] = members, element.get("IsFlags") == "true"
        elif element.tag == f"{_EDM}EntitySet":
            read.sets[name] = _bare(element.get("EntityType", ""))
    _add_people(read)
    return read


def complaints(body: Any) -> Iterator[str]:
    """What in this body the model does not allow."""
    if not isinstance(body, dict):
        yield f"not an object: {body!r}"
    elif "error" in body:
        yield from _error(body)
    elif "responses" in body:
        for response in body["responses"]:
            inner = response.get("body")
            if isinstance(inner, dict):
                yield from complaints(inner)
    else:
        yield from _success(body)


def complaints_about(path: str, content: bytes, content_type: str) -> Iterator[str]:
    """The same for an answer as it goes over the wire; only Graph's JSON is looked at."""
    if re.match(r"/+(v1\.0|beta)(/|$)", path) and "json" in content_type and content:
        for complaint in complaints(json.loads(content)):
            yield f"{path}: {complaint}"


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collects the complaints about every answer of every sandbox in this process."""
    found: list[str] = []
    answer = Front.__call__

    async def watched(front: Front, scope: Scope, receive: Receive, send: Send) -> None:
        content, headers = bytearray(), dict[bytes, bytes]()

        async def tap(message: Message) -> None:
            headers.update(message.get("headers", ()))
            content.extend(message.get("body", b""))
            if message["type"] == "http.response.body":  # looked at before the test has it
                names = {name.lower(): value.decode() for name, value in headers.items()}
                kind = names.get(b"content-type", "")
                found.extend(complaints_about(scope["path"], bytes(content), kind))
            await send(message)

        await answer(front, scope, receive, tap)

    with monkeypatch.context() as patched:
        patched.setattr(Front, "__call__", watched)
        yield found


def _type(element: ElementTree.Element) -> Type:
    base = element.get("BaseType")
    return Type(
        base=_bare(base) if base else None,
        entity=element.tag.endswith("EntityType"),
        properties={
            each.get("Name", ""): Property(
                type=each.get("Type", ""), nullable=each.get("Nullable") != "false"
            )
            for each in element.iter(f"{_EDM}Property")
        },
        navigations={
            each.get("Name", ""): each.get("Type", "")
            for each in element.iter(f"{_EDM}NavigationProperty")
        },
    )


def _add_people(read: Model) -> None:
    for line in re.sub(r"\n ", " ", PEOPLE.strip()).splitlines():
        name, *properties = line.split()
        entity = name in {"user", "group", "directoryRole", *POLICIES.values()}
        read.types[name] = Type(
            base="directoryObject" if entity else None,
            entity=entity,
            properties=dict(_property(each) for each in properties),
        )
    everybody = "Collection(graph.directoryObject)"
    read.types["group"].navigations |= {"members": everybody, "owners": everybody}
    for name in ("user", "group"):
        read.types[name].navigations["appRoleAssignments"] = "Collection(graph.appRoleAssignment)"
        read.sets[f"{name}s"] = name
    read.sets.update(POLICIES)
    for name, members in POLICY_ENUMS.items():
        read.enums[name] = frozenset(members.split()), False


def _property(text: str) -> tuple[str, Property]:
    name, type = text.split(":")
    plain = type.strip("[]")
    full = f"Edm.{plain}" if plain[0].isupper() else f"graph.{plain}"
    return name, Property(type=f"Collection({full})" if type.startswith("[") else full)


def _bare(name: str) -> str:
    inner = re.sub(r"^Collection\((.*)\)$", r"\1", name)
    return inner.removeprefix("microsoft.graph.").removeprefix("graph.")


def _error(body: Mapping[str, Any]) -> Iterator[str]:
    error = body["error"]
    if set(body) != {"error"} or not set(error) <= {"code", "message", "details", "innerError"}:
        yield f"an error of another shape: {body}"
        return
    if not (isinstance(error.get("code"), str) and error["code"]):
        yield f"an error without a code: {error}"
    if not isinstance(error.get("message"), str):
        yield f"an error without a message: {error}"
    inner = error.get("innerError", {})
    if not _DATE.fullmatch(inner.get("date", "")) or not inner.get("request-id"):
        yield f"an inner error without date or request-id: {inner}"
    for detail in error.get("details", ()):
        if set(detail) != {"code", "message", "target"}:
            yield f"a detail of another shape: {detail}"


def _success(body: Mapping[str, Any]) -> Iterator[str]:
    found = _CONTEXT.fullmatch(str(body.get("@odata.context")))
    if found is None:
        yield f"no context: {str(body)[:200]}"
        return
    version, place = found.groups()
    if place in {"Collection(Edm.String)", "Collection($ref)"}:
        yield from _simple(place, body)
    elif place.startswith("microsoft.graph."):
        yield from _Reader(version).object(body, _bare(place), place, None)
    else:
        yield from _placed(version, place, body)


def _simple(place: str, body: Mapping[str, Any]) -> Iterator[str]:
    for entry in body["value"]:
        fits = isinstance(entry, str) if "String" in place else set(entry) == {"@odata.id"}
        if not fits:
            yield f"{place}: {entry!r}"


def _placed(version: str, place: str, body: Mapping[str, Any]) -> Iterator[str]:
    found = _PLACE.fullmatch(place)
    name = model().sets.get(found["set"]) if found else None
    if found is None or name is None:
        yield f"a context that names no set: {place}"
        return
    if found["navigation"]:
        target = model().navigations(name).get(found["navigation"])
        if target is None:
            yield f"a context that names no relation: {place}"
            return
        name = _bare(target)
    select = frozenset(found["select"].split(",")) if found["select"] else None
    reader = _Reader(version)
    if found["one"]:
        yield from reader.object(body, name, place, select)
    elif not isinstance(body.get("value"), list):
        yield f"{place}: no list"
    else:
        for entry in body["value"]:
            yield from reader.object(entry, name, place, select)


class _Reader:
    """Walks one body; `version` decides which properties there are."""

    def __init__(self, version: str) -> None:
        self._beta = version == "beta"

    def object(
        self, value: Any, declared: str, where: str, select: frozenset[str] | None
    ) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where}: {value!r} is no {declared}"
            return
        name = str(value.get("@odata.type", f"#microsoft.graph.{declared}"))
        name = name.removeprefix("#microsoft.graph.")
        if name not in model().types or not model().is_a(name, declared):
            yield f"{where}: {name} is no {declared}"
            return
        expanded = model().navigations(name)
        for key, entry in value.items():
            if "@" in key:
                continue
            if key in expanded and isinstance(entry, list):
                for other in entry:
                    yield from self.object(other, _bare(expanded[key]), f"{where}.{key}", None)
                continue
            known = self._property(name, key)
            if known is None:
                yield f"{where}: {name} has no property {key}"
            elif select is not None and key not in select:
                yield f"{where}: {key} was not selected"
            else:
                yield from self._value(entry, known, f"{where}.{key}")

    def _property(self, name: str, key: str) -> Property | None:
        if self._beta and (name, key) in _BETA:
            return Property(type=_BETA[name, key])
        if (name, key) in _HIDDEN and not self._beta:
            return None
        if (name, key) in _BESIDE:
            return Property(type=_BESIDE[name, key])
        return model().properties(name).get(key)

    def _value(self, value: Any, known: Property, where: str) -> Iterator[str]:
        if known.type.startswith("Collection("):
            if not isinstance(value, list):
                yield f"{where}: {value!r} is no list"
                return
            single = Property(type=known.type[11:-1], nullable=False)
            for entry in value:
                yield from self._value(entry, single, where)
        elif value is None:
            if not known.nullable:
                yield f"{where} is null"
        elif known.type.startswith("Edm."):
            if not _FITS[known.type](value):
                yield f"{where}: {value!r} is no {known.type}"
        else:
            yield from self._named(value, _bare(known.type), where)

    def _named(self, value: Any, name: str, where: str) -> Iterator[str]:
        if name not in model().enums:
            yield from self.object(value, name, where, None)
            return
        members, several = model().enums[name]
        given = str(value).split(",") if several else [value]
        if not set(given) <= members - {"unknownFutureValue"}:
            yield f"{where}: {value!r} is no {name}"


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        return False
    return True


_FITS = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Boolean": lambda value: isinstance(value, bool),
    "Edm.Int32": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Edm.Duration": lambda value: isinstance(value, str) and value.startswith("P"),
    "Edm.Guid": lambda value: isinstance(value, str) and _GUID.fullmatch(value) is not None,
    "Edm.DateTimeOffset": lambda value: isinstance(value, str) and bool(_MOMENT.fullmatch(value)),
    "Edm.Binary": _is_base64,
}
