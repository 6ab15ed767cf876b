"""Lengths of time in words that people read at a glance."""

from __future__ import annotations

from datetime import timedelta


def span(length: timedelta) -> str:
    """`12 d`, `3 h`, `5 min` or `40 s`: the largest unit that fits, rounded down; never negative."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
