"""Time as the service counts it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice

import pytest

from provision.clock import SystemClock, backoff


def slept(speed: float, seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The real seconds that a sleep takes."""
    real: list[float] = []

    async def note(duration: float) -> None:
        real.append(duration)

    with monkeypatch.context() as patched:
        patched.setattr("provision.clock.asyncio.sleep", note)
        asyncio.run(SystemClock(speed).sleep(seconds))
    return real


@pytest.mark.parametrize(("speed", "real"), [(1, 30), (20, 1.5)])
def test_a_faster_service_shortens_a_sleep(
    speed: float, real: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slept(speed, 30, monkeypatch) == [real]


def test_a_pause_that_is_over_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert slept(1, -5, monkeypatch) == [0]


def test_a_faster_service_brings_deadlines_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.clock.time.monotonic", lambda: 100.0)

    assert SystemClock(20).monotonic() == 2000


@pytest.mark.parametrize("days", [-31, 31])
def test_a_service_that_lives_in_another_time_is_believed(days: int) -> None:
    clock = SystemClock()
    theirs = datetime.now(UTC) + timedelta(days=days)

    clock.heard(format_datetime(theirs, usegmt=True))

    assert abs(clock.now() - theirs) < timedelta(hours=1)


def test_a_second_of_difference_changes_nothing() -> None:
    """A Date header counts whole seconds: following it would make time jump back and forth."""
    clock = SystemClock()
    before = clock.now()

    clock.heard(format_datetime(before - timedelta(seconds=1), usegmt=True))

    assert clock.now() >= before


@pytest.mark.parametrize("date", ["", "yesterday", "99"])
def test_a_date_that_is_none_changes_nothing(date: str) -> None:
    clock = SystemClock()
    before = clock.now()

    clock.heard(date)

    assert clock.now() >= before


def test_a_date_without_a_zone_is_utc() -> None:
    clock = SystemClock()

    clock.heard("Mon, 23 Nov 2037 12:00:00 -0000")

    assert clock.now().year == 2037


def test_pauses_double_to_a_limit_and_are_never_on_the_beat() -> None:
    pauses = list(islice(backoff(), 40))

    limits = [0.5, 1, 2, 4, 8, 15, *[15] * 34]
    assert all(0.75 * limit <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    assert len(set(pauses)) > 30
