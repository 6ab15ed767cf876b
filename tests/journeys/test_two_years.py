"""Two years of one manifest: nothing that is in use ever expires, unless nobody applied it for longer than renewBefore.

With --sweep it is applied every day, else every week.
"""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from journey import Provision
from years import CREDENTIALS, DAY, SKIPPED, STORES, TWO_YEARS, Years, steps_of

from provision.sandbox.server import Server

HASTY = [{"scale": 250.0}]
"""A proof takes twenty seconds of the sandbox's time."""

pytestmark = pytest.mark.parametrize("sandbox", HASTY, indirect=True)


@pytest.fixture
def years(sandbox: Server, provision: Provision, workplace: Path) -> Years:
    """The manifest, applied for the first time and proven."""
    began = sandbox.tenant().clock.now()
    years = Years(server=sandbox, provision=provision, folder=workplace, last=began)
    done = years.run("apply", "--yes")
    assert done.exit_code == 0, done.said
    return years


@pytest.fixture
def usual(request: pytest.FixtureRequest) -> timedelta:
    """How often a pipeline applies it."""
    return DAY if request.config.getoption("--sweep") else 7 * DAY


def test_applied_regularly_for_two_years_nothing_in_use_ever_expires(
    years: Years, usual: timedelta
) -> None:
    began, first = years.now, {years.held(each)["keyId"] for each in CREDENTIALS}

    for step in steps_of(1, usual):
        years.server.advance(step)
        assert years.lapsed() == set()
        years.apply()

    assert years.now - began > TWO_YEARS
    assert first.isdisjoint(years.held(each)["keyId"] for each in CREDENTIALS)
    proven = years.run("verify", "--require-proof")
    assert proven.exit_code == 0, proven.said


def test_what_expires_in_use_had_no_apply_for_longer_than_its_renew_before_and_status_says_so(
    years: Years, usual: timedelta
) -> None:
    """The next apply renews it: it waits for no proof before it stores the value, as nothing there works any more."""
    ever = set()
    for step in steps_of(2, usual, skipped=SKIPPED):
        years.server.advance(step)
        lapsed = years.lapsed()
        if lapsed:
            added = {each["credential"] for each in years.planned() if not each.get("rotation", 1)}
            assert added == lapsed
            said = years.run("status").said
            assert said.count("the active credential has expired") == len(lapsed)
        years.apply()
        ever |= lapsed

    assert ever == {each.name for each in CREDENTIALS}


def test_status_changes_nothing_and_calls_due_what_a_plan_would_do_about_credentials(
    years: Years,
) -> None:
    """At any moment of two years, of which only some are followed by an apply."""
    chance = random.Random(3)  # noqa: S311
    for step in steps_of(3, 24 * DAY):
        years.server.advance(step)
        before = everything(years)

        rows = years.status()

        assert everything(years) == before
        due = {(row["credential"], row["keyId"]) for row in rows if row["due"]}
        assert due == {_about(each, years) for each in years.planned()}
        if chance.random() < 0.6:
            years.apply()
            assert not any(row["due"] for row in years.status())


def _about(step: dict[str, Any], years: Years) -> tuple[str, str]:
    """The row that tells of a step: that of the old one, or of the one that is to be renewed."""
    (rules,) = (each for each in CREDENTIALS if each.name == step["credential"])
    return rules.name, step.get("keyId") or years.held(rules)["keyId"]


def everything(years: Years) -> tuple[object, dict[Path, tuple[bytes, int]]]:
    """The number of the tenant's last write; and what stores hold, and since when."""
    files = (each for each in (years.folder / STORES).rglob("*") if each.is_file())
    stores = {each: (each.read_bytes(), each.stat().st_mtime_ns) for each in files}
    return years.server.store.setting("write"), stores
