"""Places that are filled in in a command's texts, and what they were filled with, read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.places import filled, holes, places_in

NAMES = ("clientSecret", "tenantId", "clientId", "keyId")
_LITERAL = st.text(alphabet="x{}|.*(?\\ ", max_size=6).filter(lambda text: places_in(text) == ())
_VALUES = st.fixed_dictionaries({name: st.text(alphabet="09afAF-~_", max_size=8) for name in NAMES})


@pytest.mark.parametrize(
    ("text", "names", "becomes"),
    [
        ("{clientId}", ("clientId",), "C"),
        ("a{clientId}{keyId}b", ("clientId", "keyId"), "aCb"),
        ("{{clientId}}", (), "{clientId}"),
        ("{ clientId } {} {0} ${x", (), "{ clientId } {} {0} ${x"),
        ('{"id": "{clientId}"}', ("clientId",), '{"id": "C"}'),
    ],
)
def test_only_a_name_in_single_braces_is_a_place(
    text: str, names: tuple[str, ...], becomes: str
) -> None:
    assert places_in(text) == names
    assert filled(text, {"clientId": "C"}) == becomes


@given(st.permutations(NAMES), _VALUES, _LITERAL)
def test_what_was_filled_in_is_read_back(
    names: list[str], values: dict[str, str], literal: str
) -> None:
    text = literal + "/".join(f"{{{name}}}" for name in names) + literal
    if places_in(text) != tuple(names):
        return  # the literal's braces made something else of it

    found = holes(text).fullmatch(filled(text, values))

    assert found is not None
    assert found.groupdict() == values


def test_a_name_that_stands_there_twice_has_one_value() -> None:
    pattern = holes("{keyId}:{keyId} {{x}}")

    assert pattern.fullmatch("a:a {x}") is not None
    assert pattern.fullmatch("a:b {x}") is None
