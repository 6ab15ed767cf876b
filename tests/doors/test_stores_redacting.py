"""What a program said, told without the value: in any form, at any place, however it is wrapped."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from dotenv_build import VALUE
from hypothesis import given
from hypothesis import strategies as st

from provision.stores import redacting

_WORDS = st.text(alphabet="abcXYZ0189~._-+/=&%\"'\\<é 	", max_size=30)
_VALUES = st.text(alphabet="abcXYZ0189~._-+/=&%\"'\\<é", min_size=12, max_size=60)
FORMS: list[Callable[[str], str]] = [
    lambda value: value,
    lambda value: json.dumps(value),
    lambda value: json.dumps({"a": [value]}, ensure_ascii=False),
    repr,
    html.escape,
    quote,
    quote_plus,
    lambda value: quote(value, safe="").replace("%2F", "%2f"),
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    lambda value: value.encode().hex(),
    lambda value: value.encode().hex().upper(),
]


@given(_WORDS, _VALUES, _WORDS, st.sampled_from(FORMS), st.integers(5, 80))
def test_no_part_of_a_value_is_left_in_whatever_form_and_line_it_stands(
    before: str, value: str, after: str, form: Callable[[str], str], width: int
) -> None:
    text = before + form(value) + after
    wrapped = "\n".join(text[at : at + width] for at in range(0, len(text), width))

    told = redacting.censored(wrapped.encode(), [value])

    assert not parts(form(value)) & parts(told)
    assert redacting.REDACTED in told


def parts(text: str) -> set[str]:
    """So many characters in a row; white space does not count."""
    tight = "".join(text.split())
    return {tight[at : at + 12] for at in range(len(tight) - 11)}


@given(st.binary(max_size=8), st.binary(max_size=8), _VALUES)
def test_a_value_inside_of_something_encoded_is_found_too(
    before: bytes, after: bytes, value: str
) -> None:
    """As it stands in the header of a basic authentication."""
    encoded = base64.b64encode(before + value.encode() + after).decode()

    told = redacting.censored(f"Authorization: Basic {encoded}".encode(), [value])

    inner = encoded[-(-len(before) * 8 // 6) + 1 : (len(before) + len(value.encode())) * 8 // 6 - 1]
    assert not parts(inner) & parts(told)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"bad {VALUE}!", "bad (redacted)!"),
        (f"{VALUE}\n{VALUE[:12]} {VALUE[:11]}", f"(redacted)\n(redacted) {VALUE[:11]}"),
        ("\x1b]0;title\x07\x1b[1;31mred\x1b[0m\r\n\a\u202eplain\tx", "red\nplain x"),
        (f"{VALUE[:9]}\x1b[0m{VALUE[9:]}", "(redacted)"),
        ("no value at all", "no value at all"),
        ("", ""),
    ],
)
def test_only_what_could_be_a_part_of_the_value_goes(said: str, told: str) -> None:
    assert redacting.censored(said.encode(), [VALUE]) == told


def test_a_short_value_goes_where_it_stands_whole() -> None:
    assert redacting.censored(b"pin 4711-x and 471", ["4711-x", ""]) == "pin (redacted) and 471"


def test_the_end_is_what_is_told_and_not_too_much_of_it() -> None:
    many = "\n\n".join(str(number) for number in range(100))
    long = "y" * 5000

    assert redacting.censored(many.encode(), []).split("\n") == [str(n) for n in range(90, 100)]
    assert len(redacting.censored(long.encode(), [])) == redacting.MOST_CHARACTERS
