"""A length of time is said roughly where people wait for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provision.wording import roughly


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(days=12, hours=23), "12 d"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=1, seconds=-1), "23 h"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=1, seconds=-1), "59 min"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(seconds=59, milliseconds=900), "59 s"),
        (timedelta(0), "0 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_time_is_said_in_its_largest_unit_rounded_down(time: timedelta, said: str) -> None:
    assert roughly(time) == said
