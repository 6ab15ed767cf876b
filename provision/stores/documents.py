"""What a command gets on its standard input, and prints when it is asked for it: a value in one of four forms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from provision.places import filled, holes, places_in
from provision.stores import Entry, Stored, assignments, fields, jsontext

_ENV = {
    "tenantId": "AZURE_TENANT_ID",
    "clientId": "AZURE_CLIENT_ID",
    fields.SECRET: "AZURE_CLIENT_SECRET",
    "keyId": "AZURE_CLIENT_SECRET_ID",
    "expires": "AZURE_CLIENT_SECRET_EXPIRES",
}


class Unlike(ValueError):
    """What was printed has another form; says how, and quotes nothing."""


def written(form: str | Mapping[str, Any], entry: Entry) -> bytes:
    """An entry in a form; the bare value has no newline, which some programs would keep as a part of it."""
    said = fields.of(entry)
    match form:
        case "value":
            return entry.secret.reveal().rstrip("\n").encode()
        case "env":
            return assignments.assign(
                "", {_ENV.get(name, name): said[name] for name in said}
            ).encode()
        case "json":
            return f"{json.dumps(said)}\n".encode()
        case _:
            return f"{json.dumps(_filled(form, said))}\n".encode()


def stored(form: str | Mapping[str, Any], said: str, *, whole: bool = True) -> Stored:
    """The entry that such a text means; raises Unlike where it is none, or not the `whole` of it."""
    if not whole:
        raise Unlike("it is longer than 1 MiB")
    if form == "env":
        found = assignments.values(said)
        return _stored({name: found[key] for name, key in _ENV.items() if key in found})
    try:
        document = jsontext.parsed(said)
    except jsontext.Unusable:
        raise Unlike("it is no JSON") from None
    if not isinstance(document, dict):
        raise Unlike("it is no JSON object")
    if isinstance(form, str):
        return _stored(document)
    return _stored(dict(_read(form, document)))


def _stored(found: Mapping[str, Any]) -> Stored:
    try:
        held = fields.stored(found)
    except fields.Unfit as error:
        raise Unlike(str(error)) from None
    if held is None:
        raise Unlike("it has none of the fields that `write` gets")
    return held


def _filled(form: Any, said: Mapping[str, str]) -> Any:
    match form:
        case str():
            return filled(form, said)
        case Mapping():
            return {name: _filled(each, said) for name, each in form.items()}
        case list() | tuple():
            return [_filled(each, said) for each in form]
        case _:
            return form


def _read(form: Any, document: Any) -> Iterator[tuple[str, str]]:
    """The names and values that were filled in, from where they stand in the document."""
    if isinstance(form, Mapping) and isinstance(document, Mapping):
        for name, each in form.items():
            yield from _read(each, document.get(name))
    elif isinstance(form, list | tuple) and isinstance(document, list):
        for below, each in zip(form, document, strict=False):
            yield from _read(below, each)
    elif isinstance(form, str) and isinstance(document, str) and places_in(form):
        found = holes(form).fullmatch(document)
        yield from (found.groupdict() if found else {}).items()
