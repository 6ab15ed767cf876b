"""The text of a dotenv file: what is not ours stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.stores import assignments

_TEXT = st.text(alphabet="AB_=#'\"`\\ \t\r\nexport~$:\ufeffé", max_size=60)
_VALUE = st.text(alphabet="abc019~_.-:/ $`\"\\#'", max_size=20)


@given(_TEXT)
def test_the_pieces_of_any_text_make_the_text_again(text: str) -> None:
    assert "".join(piece.text for piece in assignments.pieces(text)) == text


@given(_TEXT, _VALUE)
def test_an_assigned_value_is_read_back_and_every_other_stays(text: str, value: str) -> None:
    before = assignments.values(text)
    try:
        after = assignments.assign(text, {"OURS": value})
    except assignments.Unwritable:
        return

    assert assignments.values(after) == {**before, "OURS": value}


@given(_TEXT)
def test_taking_a_new_key_out_again_gives_the_text_with_a_last_line_ending(text: str) -> None:
    try:
        once = assignments.without(assignments.assign(text, {"OURS": "1"}), ["OURS"])
    except assignments.Unwritable:
        return

    assert once.rstrip("\r\n") == text.rstrip("\r\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=plain", "plain"),
        ("  export  K = spaced  # a comment", "spaced"),
        ("K=with#hash", "with#hash"),
        ("K= # nothing but a comment", ""),
        ("K='single # kept' # comment", "single # kept"),
        (r'K="a \"quoted\" \\ \$word"', r'a "quoted" \ $word'),
        (r'K="two\nlines"', "two\nlines"),
        ("K='first\nsecond'", "first\nsecond"),
        ("K=`tick`", "tick"),
        ("K='never closed", "'never closed"),
        ("K='one'two", "'one'two"),
    ],
)
def test_values_are_read_as_dotenv_readers_read_them(line: str, value: str) -> None:
    assert assignments.values(f"{line}\n") == {"K": value}


def test_a_line_inside_a_quoted_value_is_no_assignment() -> None:
    text = "NOTE='\nK=inside\n'\n"

    assert assignments.values(text) == {"NOTE": "\nK=inside\n"}


def test_a_comment_is_no_assignment() -> None:
    assert assignments.values("# K=1\n") == {}


def test_the_last_of_two_assignments_counts_and_is_changed() -> None:
    assert assignments.assign("K=1\nK=2\n", {"K": "3"}) == "K=1\nK=3\n"


def test_no_earlier_assignment_comes_alive_when_a_key_is_taken_out() -> None:
    assert assignments.without("K=1\nL=5\nK=2\n", ["K"]) == "L=5\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "K=new\n"),
        ("A=1", "A=1\nK=new\n"),
        ("# end", "# end\nK=new\n"),
        ("A=1\r\n", "A=1\r\nK=new\r\n"),
        ("\ufeff", "\ufeffK=new\n"),
        ("export K=old # why\n", "export K=new # why\n"),
        ("K='old'\n", "K='new'\n"),
        ('K="old"\r\nA=1\r\n', 'K="new"\r\nA=1\r\n'),
        ("K=\nA=1\n", "K=new\nA=1\n"),
        ("K= # fill me in\n", "K=new # fill me in\n"),
        ("K='a\nb'\nA=1\n", "K='new'\nA=1\n"),
        ("K=old", "K=new"),
    ],
)
def test_only_the_value_changes(before: str, after: str) -> None:
    assert assignments.assign(before, {"K": "new"}) == after


def test_missing_keys_join_the_ones_that_are_there_in_their_way() -> None:
    text = assignments.assign("export A=1\n# end\n", {"A": "2", "B": "3"})

    assert text == "export A=2\nexport B=3\n# end\n"


def test_a_new_line_after_an_unfinished_one_starts_on_its_own() -> None:
    assert assignments.assign("A=1", {"A": "2", "B": "3"}) == "A=2\nB=3\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a~b.c_d-e", "a~b.c_d-e"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("~abc", "'~abc'"),
        ("a:~b", "'a:~b'"),
        ("a b", "'a b'"),
        ("a$b", "'a$b'"),
        ("a#b", "'a#b'"),
        (r"a\b", r"'a\b'"),
    ],
)
def test_a_value_is_quoted_only_where_it_has_to_be(value: str, written: str) -> None:
    assert assignments.assign("", {"K": value}) == f"K={written}\n"


@pytest.mark.parametrize("value", ["it's", "two\nlines", "a\\", r"a\\b", "nul\0", "\udcff"])
def test_a_value_that_readers_read_differently_is_not_written(value: str) -> None:
    with pytest.raises(assignments.Unwritable):
        assignments.assign("", {"K": value})


def test_a_file_whose_open_quote_would_swallow_the_value_is_not_written() -> None:
    with pytest.raises(assignments.Unwritable):
        assignments.assign("A='\n", {"K": "#x"})


def test_a_quoted_value_changes_its_quotes_when_it_must() -> None:
    assert assignments.assign('K="old"\n', {"K": "a$b"}) == "K='a$b'\n"
