"""Faults in words: what the command line and the control route understand."""

from __future__ import annotations

import re

import pytest

from provision.sandbox.fault_text import duration, parse
from provision.sandbox.faults import Fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "POST /applications.*addPassword 2 504",
            Fault(do="status", method="POST", path="/applications.*addPassword", nth=2, status=504),
        ),
        ("get|patch /users 503", Fault(do="status", method="GET|PATCH", path="/users", status=503)),
        (
            "* token */3 429 retry-after:5",
            Fault(do="status", path="token", every=3, status=429, retry_after=5),
        ),
        ("PATCH /x 504-after", Fault(do="status_after", method="PATCH", path="/x", status=504)),
        ("GET /x lag", Fault(do="lag404", method="GET", path="/x")),
        ("GET /x delay:1.5s", Fault(do="delay", method="GET", path="/x", seconds=1.5)),
        ("GET /x 1 drop", Fault(do="drop_before", method="GET", path="/x", nth=1)),
        ("GET /x drop-after", Fault(do="drop_after", method="GET", path="/x")),
        ("* / 4 down run:7", Fault(do="refuse_all", path="/", nth=4, run="7")),
        ("GET /x 404 503", Fault(do="status", method="GET", path="/x", nth=404, status=503)),
        ("GET /x 403 code:No", Fault(do="status", method="GET", path="/x", status=403, code="No")),
    ],
)
def test_a_rule_is_understood(text: str, fault: Fault) -> None:
    assert parse(text) == fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it needs a method, a path and an outcome"),
        ("GET /x", "it needs a method, a path and an outcome"),
        ("G3T /x 503", '"G3T" is no method'),
        ("GET ( 503", "is no regular expression"),
        ("GET /x 200", '"200" is no outcome'),
        ("GET /x 2", '"2" is no outcome'),
        ("GET /x 0 503", '"0" is no outcome'),
        ("GET /x soon", "a status from 400 to 599"),
        ("GET /x 503 later:1", '"later:1" is no option'),
        ("GET /x 503 code:", '"code:" is no option'),
        ("GET /x 429 retry-after:1.5", "retry-after takes whole seconds"),
        ("GET /x delay:soon", '"soon" is no duration'),
    ],
)
def test_a_rule_that_makes_no_sense_says_which_word_does_not(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        parse(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("2s", 2), ("3m", 180), ("30min", 1800), ("12h", 43_200), ("31d", 2_678_400)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "s", "-1s", "1 year"])
def test_other_words_are_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration(text)
