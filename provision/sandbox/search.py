"""Reads a $search and says which objects it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provision.sandbox import edm
from provision.sandbox.refusal import Refusal

_PART = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(AND|OR)(?=[\s"]|$))')
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_a-zA-Z]+")
_TOKENISED = frozenset({"displayName", "description"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    name: str
    text: str

    def finds(self, obj: Mapping[str, Any]) -> bool:
        value = obj.get(self.name)
        values = value if isinstance(value, list) else [value or ""]
        if self.name not in _TOKENISED:
            return any(entry.casefold().startswith(self.text) for entry in values)
        have = {word.casefold() for entry in values for word in _WORD.findall(entry)}
        have |= {word.casefold() for entry in values for word in entry.split()}
        return all(any(known.startswith(word) for known in have) for word in self.text.split())


def searched(text: str, kind: edm.Kind) -> Callable[[Mapping[str, Any]], bool]:
    """https://learn.microsoft.com/graph/search-query-parameter"""
    alternatives: list[list[_Term]] = [[]]
    for position, (quoted, word) in enumerate(_parts(text)):
        if bool(word) != bool(position % 2):
            raise _invalid(text)
        if word == "OR":
            alternatives.append([])
        elif not word:
            alternatives[-1].append(_term(quoted, kind, text))
    if not alternatives[-1]:
        raise _invalid(text)
    return lambda obj: any(all(term.finds(obj) for term in terms) for terms in alternatives)


def _parts(text: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _PART.match(text, at)
        if found is None:
            raise _invalid(text)
        parts.append((found[1] or "", found[2] or ""))
        at = found.end()
    if len(parts) % 2 == 0:
        raise _invalid(text)
    return parts


def _term(quoted: str, kind: edm.Kind, text: str) -> _Term:
    name, colon, value = quoted.partition(":")
    known = edm.property_named(kind.properties, name.strip())
    value = re.sub(r"\\(.)", r"\1", value).strip().casefold()
    if not colon or known is None or known not in kind.searchable or not value:
        raise _invalid(text)
    return _Term(name=known, text=value)


def _invalid(text: str) -> Refusal:
    return Refusal(
        400,
        "Request_UnsupportedQuery",
        f"Unsupported or invalid search clause specified: '{text}'.",
    )
