"""Reads the text of a $filter into a tree; what the tree means is for `predicate` to say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

DEPTH = 40
LENGTH = 2000
"""How deep and how long an expression may be: the parser must outlive any text."""


class FilterSyntax(Exception):
    """The text is not an expression; the message says where it stopped being one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A constant: its kind (string, guid, date, number, boolean or null) and its text."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A property path; `counted` when it ends in /$count."""

    steps: tuple[str, ...]
    counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """path operator literal."""

    path: Path
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """path in (literal, …)."""

    path: Path
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """startsWith(path, 'text') and its like, by the function's lower-case name."""

    function: str
    path: Path
    value: Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """A path that stands alone: a property that is true or false."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantified:
    """path/any(variable: condition), or all; without a condition any() asks for any entry."""

    quantifier: str
    path: Path
    variable: str | None
    condition: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """not part."""

    part: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """All parts, joined by and."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """At least one part, joined by or."""

    parts: tuple[Node, ...]


Node = Compare | OneOf | Call | Holds | Quantified | Not | Both | Either

_COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_CONSTANTS = {"true": "boolean", "false": "boolean", "null": "null"}
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<string>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\w-]))"
    r"|(?P<date>\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?(?:Z|[+-]\d{2}:\d{2}))?"
    r"(?![\w:-]))"
    r"|(?P<number>-?\d+(?:\.\d+)?(?![\w.-]))"
    r"|(?P<name>[$A-Za-z_][\w.]*)"
    r"|(?P<sign>[(),:/])"
    r")",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """The expression's tree."""
    if len(text) > LENGTH * 10:
        raise FilterSyntax("The expression is too long.")
    parser = _Parser(_tokens(text), text)
    tree = parser.either(0)
    parser.end()
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise FilterSyntax(f"Syntax error at position {at} in '{text}'.")
        tokens.append(
            _Token(
                kind=found.lastgroup, text=found[found.lastgroup], at=found.start(found.lastgroup)
            )
        )
        at = found.end()
    if len(tokens) > LENGTH:
        raise FilterSyntax("The expression is too long.")
    return tokens


class _Parser:
    """One pass over the tokens; it lives as long as one call of `parse`."""

    def __init__(self, tokens: list[_Token], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._next = 0

    def either(self, depth: int) -> Node:
        parts = self._joined("or", lambda: self._both(depth))
        return parts[0] if len(parts) == 1 else Either(parts=parts)

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._wrong()

    def _both(self, depth: int) -> Node:
        parts = self._joined("and", lambda: self._unary(depth))
        return parts[0] if len(parts) == 1 else Both(parts=parts)

    def _joined(self, word: str, part: Callable[[], Node]) -> tuple[Node, ...]:
        parts = [part()]
        while self._took_word(word):
            parts.append(part())
        return tuple(parts)

    def _unary(self, depth: int) -> Node:
        if depth > DEPTH:
            raise FilterSyntax("The expression is nested too deeply.")
        if self._peeks_word("not") and not self._peeks_sign("/", ahead=1):
            self._next += 1
            return Not(part=self._unary(depth + 1))
        if self._took_sign("("):
            inside = self.either(depth + 1)
            self._must_sign(")")
            return inside
        return self._condition(depth)

    def _condition(self, depth: int) -> Node:
        if self._peek("name") and self._peeks_sign("(", ahead=1):
            return self._call()
        path = self._path()
        if self._peeks_sign("("):
            return self._quantified(path, depth)
        if self._took_word("in"):
            return OneOf(path=path, values=self._literals())
        if self._peek("name") and self._tokens[self._next].text.lower() in _COMPARISONS:
            operator = self._take("name").text.lower()
            return Compare(path=path, operator=operator, value=self._literal())
        return Holds(path=path)

    def _call(self) -> Node:
        function = self._take("name").text.lower()
        self._must_sign("(")
        path = self._path()
        self._must_sign(",")
        value = self._literal()
        self._must_sign(")")
        return Call(function=function, path=path, value=value)

    def _quantified(self, path: Path, depth: int) -> Node:
        *steps, quantifier = path.steps
        if not steps or quantifier.lower() not in {"any", "all"} or path.counted:
            raise self._wrong()
        self._must_sign("(")
        variable, condition = None, None
        if not self._peeks_sign(")"):
            variable = self._take("name").text
            self._must_sign(":")
            condition = self.either(depth + 1)
        self._must_sign(")")
        return Quantified(
            quantifier=quantifier.lower(),
            path=Path(steps=tuple(steps)),
            variable=variable,
            condition=condition,
        )

    def _path(self) -> Path:
        steps = [self._take("name").text]
        while self._took_sign("/"):
            steps.append(self._take("name").text)
        counted = len(steps) > 1 and steps[-1].lower() == "$count"
        return Path(steps=tuple(steps[:-1] if counted else steps), counted=counted)

    def _literals(self) -> tuple[Literal, ...]:
        self._must_sign("(")
        values = [self._literal()]
        while self._took_sign(","):
            values.append(self._literal())
        self._must_sign(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._peek()
        if token is None or token.kind == "sign":
            raise self._wrong()
        kind, text = token.kind, token.text
        if kind == "string":
            text = text[1:-1].replace("''", "'")
        elif kind == "name":
            text = text.lower()
            if text not in _CONSTANTS:
                raise self._wrong()
            kind = _CONSTANTS[text]
        self._next += 1
        return Literal(kind=kind, text=text)

    def _peek(self, kind: str | None = None, *, ahead: int = 0) -> _Token | None:
        at = self._next + ahead
        token = self._tokens[at] if at < len(self._tokens) else None
        return token if token is not None and kind in {None, token.kind} else None

    def _peeks_word(self, word: str) -> bool:
        token = self._peek("name")
        return token is not None and token.text.lower() == word

    def _peeks_sign(self, sign: str, *, ahead: int = 0) -> bool:
        token = self._peek("sign", ahead=ahead)
        return token is not None and token.text == sign

    def _took_word(self, word: str) -> bool:
        took = self._peeks_word(word)
        self._next += took
        return took

    def _took_sign(self, sign: str) -> bool:
        took = self._peeks_sign(sign)
        self._next += took
        return took

    def _must_sign(self, sign: str) -> None:
        if not self._took_sign(sign):
            raise self._wrong()

    def _take(self, kind: str) -> _Token:
        token = self._peek(kind)
        if token is None:
            raise self._wrong()
        self._next += 1
        return token

    def _wrong(self) -> FilterSyntax:
        token = self._peek()
        at = len(self._text) if token is None else token.at
        return FilterSyntax(f"Syntax error at position {at} in '{self._text}'.")
