"""Durations mean what they say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provision.manifest.values import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("45s", 45), ("30m", 1800), ("24h", 86400), ("90d", 7776000), ("2w", 1209600), ("0d", 0)),
        *(("P90D", 7776000), ("P2W", 1209600), ("PT36H", 129600), ("P1DT2H3M4S", 93784)),
    ],
)
def test_a_duration_is_read(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", "90", "d", "90 d", "-1d", "1.5h", "1d12h", "1D", "1y", "1234567d", "٣d", "90d\n"),
        *("P", "PT", "P1DT", "P1Y", "P1M", "P1W1D", "p1d", "PT1D"),
    ],
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="mistake"):
        duration(text)
