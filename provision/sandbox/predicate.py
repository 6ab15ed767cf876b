"""What a $filter means for one kind of object: what it keeps, and whether it is allowed."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provision.sandbox import edm
from provision.sandbox.filter import (
    Both,
    Call,
    Compare,
    Either,
    FilterSyntax,
    Holds,
    Literal,
    Node,
    Not,
    OneOf,
    Path,
    Quantified,
    parse,
)
from provision.sandbox.refusal import Refusal

Scope = Mapping[str, Any]
"""What a condition looks at: the object under "", and each lambda variable under its name."""
Test = Callable[[Scope], bool]
Get = Callable[[Scope], Any]

_COUNT = edm.Type(name="Int64", nullable=False)
_NAMES = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_LITERALS = {
    "string": "Edm.String",
    "guid": "Edm.Guid",
    "date": "Edm.DateTimeOffset",
    "number": "Edm.Int32",
    "boolean": "Edm.Boolean",
}
_KINDS = {
    "Guid": "guid",
    "DateTimeOffset": "date",
    "Int32": "number",
    "Int64": "number",
    "Boolean": "boolean",
}
_FUNCTIONS = {"startswith": "startsWith", "endswith": "endsWith", "contains": "contains"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A filter ready for use; `advanced` names the first operator that needs its headers."""

    keeps: Callable[[Mapping[str, Any]], bool]
    advanced: str | None
    anchors: tuple[tuple[str, str], ...]
    """(property, text) of equalities that every object kept fulfils: an index may find those."""


def compiled(text: str, kind: edm.Kind, *, version: str) -> Predicate:
    """https://learn.microsoft.com/graph/filter-query-parameter"""
    try:
        tree = parse(text)
    except FilterSyntax as wrong:
        raise _invalid(str(wrong)) from wrong
    compiler = _Compiler(kind, version)
    test = compiler.test(tree, {})
    return Predicate(
        keeps=lambda obj: test({"": obj}),
        advanced=compiler.advanced,
        anchors=tuple(_anchors(tree, kind)),
    )


def _anchors(tree: Node, kind: edm.Kind) -> Iterator[tuple[str, str]]:
    match tree:
        case Both(parts=parts):
            for part in parts:
                yield from _anchors(part, kind)
        case Compare():
            yield from _anchor(tree, tree.path, kind)
        case Quantified(quantifier="any", variable=variable, condition=Compare() as inner):
            if inner.path.steps == (variable,):
                yield from _anchor(inner, tree.path, kind)


def _anchor(tree: Compare, path: Path, kind: edm.Kind) -> Iterator[tuple[str, str]]:
    name = edm.property_named(kind.properties, path.steps[0])
    plain = len(path.steps) == 1 and not path.counted and not tree.path.counted
    if name and plain and tree.operator == "eq" and tree.value.kind in {"string", "guid"}:
        yield name, tree.value.text


class _Compiler:
    """Turns one tree into one test; it remembers which advanced operator it met first."""

    def __init__(self, kind: edm.Kind, version: str) -> None:
        self.advanced: str | None = None
        self._kind = kind
        self._properties = kind.properties_of(version)

    def test(self, node: Node, variables: Mapping[str, edm.Type]) -> Test:
        match node:
            case Either(parts=parts):
                tests = [self.test(part, variables) for part in parts]
                return lambda scope: any(test(scope) for test in tests)
            case Both(parts=parts):
                tests = [self.test(part, variables) for part in parts]
                return lambda scope: all(test(scope) for test in tests)
            case Not(part=part):
                self._advance("not")
                inner = self.test(part, variables)
                return lambda scope: not inner(scope)
            case Compare():
                return self._compare(node, variables)
            case OneOf():
                return self._one_of(node, variables)
            case Call():
                return self._call(node, variables)
            case Quantified():
                return self._quantified(node, variables)
            case Holds(path=path):
                yes = Compare(path=path, operator="eq", value=Literal(kind="boolean", text="true"))
                return self._compare(yes, variables)

    def _advance(self, name: str) -> None:
        self.advanced = self.advanced or name

    def _compare(self, node: Compare, variables: Mapping[str, edm.Type]) -> Test:
        get, kind = self._scalar(node.path, variables)
        wanted = self._value(node.value, kind, node.operator)
        textual = kind.name == "String"
        if node.operator == "ne" or node.path.counted:
            self._advance("ne" if node.operator == "ne" else "$count")
        elif textual and (node.operator != "eq" or wanted is None):
            self._advance(node.operator)
        if node.operator == "eq":
            return lambda scope: _comparable(get(scope), kind) == wanted
        if node.operator == "ne":
            return lambda scope: _comparable(get(scope), kind) != wanted
        if wanted is None or kind.name in {"Boolean", "Guid"}:
            raise self._unsupported(node.path)
        return _ordered(get, kind, node.operator, wanted)

    def _one_of(self, node: OneOf, variables: Mapping[str, edm.Type]) -> Test:
        get, kind = self._scalar(node.path, variables)
        wanted = frozenset(self._value(value, kind, "eq") for value in node.values)
        return lambda scope: _comparable(get(scope), kind) in wanted

    def _call(self, node: Call, variables: Mapping[str, edm.Type]) -> Test:
        if node.function not in _FUNCTIONS:
            raise _invalid(f"An unknown function with name '{node.function}' was found.")
        get, kind = self._scalar(node.path, variables)
        if node.function == "contains" or kind.name != "String":
            raise self._unsupported(node.path)
        if node.value.kind != "string":
            raise _invalid(
                f"No function signature for the function with name '{_FUNCTIONS[node.function]}' "
                "matches the specified arguments."
            )
        part = node.value.text.casefold()
        if node.function == "endswith":
            self._advance("endsWith")
            return lambda scope: (get(scope) or "").casefold().endswith(part)
        return lambda scope: get(scope) is not None and get(scope).casefold().startswith(part)

    def _quantified(self, node: Quantified, variables: Mapping[str, edm.Type]) -> Test:
        get, kind = self._resolve(node.path, variables)
        if not kind.collection or node.quantifier == "all":
            raise self._unsupported(node.path)
        variable, condition = node.variable, node.condition
        if variable is None or condition is None:
            self._advance("any")
            return lambda scope: bool(get(scope))
        inner = self.test(condition, {**variables, variable: kind.element})
        return lambda scope: any(inner({**scope, variable: entry}) for entry in get(scope) or ())

    def _scalar(self, path: Path, variables: Mapping[str, edm.Type]) -> tuple[Get, edm.Type]:
        relation = self._relation(path)
        if relation is not None:
            return (lambda scope: len(scope[""].get(relation) or ())), _COUNT
        get, kind = self._resolve(path, variables)
        if path.counted:
            if not kind.collection:
                raise self._unsupported(path)
            return (lambda scope: len(get(scope) or ())), _COUNT
        if kind.collection or edm.complex_type(kind.name) is not None or kind.name == "Binary":
            raise self._unsupported(path)
        return get, kind

    def _relation(self, path: Path) -> str | None:
        if not path.counted or len(path.steps) != 1:
            return None
        known = {name.lower(): kept for name, kept in self._kind.relations.items()}
        return known.get(path.steps[0].lower())

    def _resolve(self, path: Path, variables: Mapping[str, edm.Type]) -> tuple[Get, edm.Type]:
        first, *rest = path.steps
        if first in variables:
            root, names, kind = first, [], variables[first]
        else:
            name = self._declared(self._properties, first)
            if not self._kind.may_filter(name):
                raise self._unsupported(path)
            root, names, kind = "", [name], self._properties[name]
        for step in rest:
            inner = edm.complex_type(kind.name)
            if inner is None or kind.collection:
                raise _unknown(step)
            names.append(self._declared(inner, step))
            kind = inner[names[-1]]
        return _getter(root, tuple(names)), kind

    def _declared(self, properties: edm.Properties, name: str) -> str:
        known = edm.property_named(properties, name)
        if known is None:
            raise _unknown(name)
        return known

    def _value(self, literal: Literal, kind: edm.Type, operation: str) -> Any:
        if literal.kind == "null":
            return None
        wanted = _KINDS.get(kind.name, "string")
        if literal.kind != wanted:
            raise _invalid(
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{kind.edm}' and '{_LITERALS[literal.kind]}' for operator kind "
                f"'{_NAMES[operation]}'."
            )
        if wanted == "number":
            return float(literal.text)
        if wanted == "boolean":
            return literal.text == "true"
        if wanted == "date" and edm.moment(literal.text) is None:
            raise _invalid(f"Unrecognized 'Edm.DateTimeOffset' literal '{literal.text}'.")
        return _comparable(literal.text, kind)

    def _unsupported(self, path: Path) -> Refusal:
        return Refusal(
            400,
            "Request_UnsupportedQuery",
            "Unsupported or invalid query filter clause specified for property "
            f"'{'/'.join(path.steps)}' of resource '{self._kind.resource}'.",
        )


def _ordered(get: Get, kind: edm.Type, operation: str, wanted: Any) -> Test:
    holds = _ORDERED[operation]

    def test(scope: Scope) -> bool:
        value = _comparable(get(scope), kind)
        return value is not None and holds(value, wanted)

    return test


def _getter(root: str, names: tuple[str, ...]) -> Get:
    def get(scope: Scope) -> Any:
        value = scope[root]
        for name in names:
            if value is None:
                return None
            value = value.get(name)
        return value

    return get


def _comparable(value: Any, kind: edm.Type) -> Any:
    if isinstance(value, str):
        return edm.moment(value) if kind.name == "DateTimeOffset" else value.casefold()
    return value


def _invalid(reason: str) -> Refusal:
    return Refusal(400, "BadRequest", f"Invalid filter clause: {reason}")


def _unknown(name: str) -> Refusal:
    return Refusal(
        400,
        "Request_UnsupportedQuery",
        f"Property '{name}' does not exist as a declared property or extension property.",
    )
