"""A tenant that never settles ends a run with words, not with a loop."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from provision import apply
from provision.errors import NotYetVisible, ProvisionError
from provision.run import Outdated, Run
from tests.build import GRAPH, desired, observed


async def never(app: str) -> Any:
    """A second look that must not be taken."""
    raise AssertionError(f"{app} was looked at again")


def again(surprise: Outdated | NotYetVisible, *, made: bool, times: int) -> None:
    run: Any = SimpleNamespace(made=lambda app: made)
    asyncio.run(apply._planned_again(run, "reader", never, surprise, times))


def test_an_application_that_keeps_changing_is_given_up_with_a_hint() -> None:
    with pytest.raises(ProvisionError, match="reader keeps changing") as given_up:
        again(Outdated(), made=False, times=apply.REPLANS + 1)

    assert "again" in given_up.value.hint


@pytest.mark.parametrize(("made", "times"), [(True, 1), (False, apply.REPLANS + 1)])
def test_lag_is_told_as_lag_where_a_second_look_cannot_help(made: bool, times: int) -> None:
    """What this run made itself is hidden by nothing else."""
    lag = NotYetVisible("the application cannot be read yet")

    with pytest.raises(NotYetVisible) as told:
        again(lag, made=made, times=times)

    assert told.value is lag


def test_a_resource_that_somebody_else_has_made_is_there_for_all_who_wait_for_it() -> None:
    """The second look finds it, so no step of this run will make it any more."""
    seen = observed()

    async def look(_app: str) -> Any:
        return seen, []

    async def waited() -> bool:
        clock = SimpleNamespace(sleep=lambda _: asyncio.sleep(0))
        target: Any = SimpleNamespace(clock=clock, stopping=asyncio.Event())
        run = Run(target=target, desired=desired(), observed=seen)
        run.making[GRAPH.app_id] = asyncio.Event()
        await apply._planned_again(run, "reader", look, Outdated(), 1)
        return run.making[GRAPH.app_id].is_set()

    assert GRAPH.id
    assert asyncio.run(waited())
