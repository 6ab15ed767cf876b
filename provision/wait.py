"""Waiting by trying the next real operation: only that proves that the directory has caught up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from provision.clock import backoff
from provision.errors import Interrupted, NotYetVisible
from provision.target import Target

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds that one step may wait for the directory."""

LOOKS = 3
"""Looks in a row that must not find what a deletion called missing: 404 may come from a replica behind the others."""


async def pause(target: Target, seconds: float) -> None:
    """Sleep by the target's clock; raises Interrupted as soon as the run is asked to stop."""
    await either(target.clock.sleep(seconds), target)


async def either(awaited: Awaitable[Any], target: Target) -> None:
    """Wait for something; raises Interrupted as soon as the run is asked to stop."""
    waiting = asyncio.ensure_future(awaited)
    if target.stopping.is_set():
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        raise Interrupted
    stopping = asyncio.ensure_future(target.stopping.wait())
    await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (waiting, stopping):
        task.cancel()
    await asyncio.gather(waiting, stopping, return_exceptions=True)
    if target.stopping.is_set():
        raise Interrupted


async def until_accepted(
    attempt: Callable[[], Awaitable[T]],
    target: Target,
    *,
    app: str,
    what: str,
    within: float = PATIENCE,
) -> T:
    """Try until the directory accepts; a NotYetVisible that outlives `within` seconds is raised."""
    clock = target.clock
    began = clock.monotonic()
    for seconds in backoff():
        try:
            return await attempt()
        except NotYetVisible:
            waited = clock.monotonic() - began
            if waited + seconds > within:
                raise
            target.progress.waiting(app, f"the directory: {what}", waited, within)
            await pause(target, seconds)
    raise AssertionError("backoff never ends")


async def remove(
    removing: Callable[[], Awaitable[bool]], shown: Callable[[], Awaitable[bool]], target: Target
) -> None:
    """Remove something; what was called missing is believed gone only when nobody shows it any more.

    Raises NotYetVisible where somebody does: try again.
    """
    if await removing():
        return
    for look in range(LOOKS):
        if await shown():
            raise NotYetVisible("What is to be removed was called missing, and is still there")
        if look < LOOKS - 1:
            await pause(target, 0.5)
