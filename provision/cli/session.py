"""One command's time with a tenant: read the manifest, connect, do one verb, stop in good order."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from provision.cli.options import Options
from provision.cli.output import INTERRUPTED, TERMINATED, look, say, wrong_usage

if TYPE_CHECKING:
    from datetime import timedelta

    from provision.connect import Wishes
    from provision.manifest.spec import Manifest
    from provision.progress import Progress
    from provision.target import Target

T = TypeVar("T")

GRACE = 1.0
"""Seconds that requests under way may take to end when another has failed."""


def read_manifest(path: Path, options: Options) -> Manifest:
    """The manifest, narrowed to the targets; its warnings are told."""
    from provision.manifest import load

    manifest = load(
        path, environ=os.environ, variables=variables_of(options), environment=options.env
    )
    for warning in manifest.warnings:
        say(f"Warning: {warning}")
    return _narrowed(manifest, options)


def variables_of(options: Options) -> dict[str, str]:
    """What --var gives."""
    variables = {}
    for text in options.var:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise wrong_usage(
                f'--var takes NAME=VALUE, not "{text}"', hint="For example --var suffix=-dev"
            )
        variables[name] = value
    return variables


def duration_of(option: str, text: str) -> timedelta:
    """A length of time on the command line, spelled as in a manifest."""
    from provision.manifest.values import duration

    try:
        return duration(text)
    except ValueError as error:
        raise wrong_usage(
            f'{option} takes a duration, not "{text}"', hint="For example 30s, 20m, 2h or 31d"
        ) from error


def _narrowed(manifest: Manifest, options: Options) -> Manifest:
    """Only what --target names; the rest of the manifest stays as it is in the tenant."""
    if not options.target:
        return manifest
    from provision.manifest.narrow import only, targets

    known = targets(manifest)
    for target in options.target:
        if target not in known:
            raise wrong_usage(
                f'--target "{target}" is not in {manifest.file}',
                hint=f"Choose from: {', '.join(sorted(known))}",
            )
    return only(manifest, {target.partition("/")[0] for target in options.target})


def wishes_of(options: Options, *, replace_store: bool = False, parallel: int = 16) -> Wishes:
    """Where to go and as whom, from the command line and the environment."""
    from provision.connect import Wishes

    return Wishes(
        environ=dict(os.environ),
        tenant=options.tenant,
        cloud=options.cloud,
        auth=options.auth,
        login=options.login,
        graph=options.graph,
        ca_bundle=options.ca_bundle,
        real_stores=options.real_stores,
        replace_store=replace_store,
        parallel=parallel,
    )


@dataclass(slots=True)
class Stop:
    """Which signal asked the run to stop, if any."""

    code: int = 0


def work(
    manifest: Manifest,
    options: Options,
    verb: Callable[[Target], Awaitable[T]],
    *,
    looking: bool = False,
    replace_store: bool = False,
    parallel: int = 16,
) -> T:
    """Connect and do one verb."""
    import asyncio

    from provision.connect import connect

    wishes = wishes_of(options, replace_store=replace_store, parallel=parallel)

    async def session() -> T:
        async with connect(
            manifest, wishes, tell=say, progress=_progress(options), looking=looking
        ) as target:
            try:
                return await verb(target)
            finally:
                target.progress.close()
                await _alone()

    return asyncio.run(session())


async def _alone() -> None:
    """End what still asks beside a request that failed: its connections are about to be closed.

    A moment first: who is stopped while shaking hands leaves a socket behind.
    """
    import asyncio

    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=GRACE)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _progress(options: Options) -> Progress:
    from provision.render.progress import progress_on

    # Log lines would break lines that move in place.
    live = False if options.debug else None
    return progress_on(sys.stderr, look(sys.stderr, options), live=live)


@contextmanager
def stopping(target: Target, stop: Stop) -> Iterator[None]:
    """While inside, the first Ctrl-C or SIGTERM lets the request in flight finish; a second one ends at once."""
    import asyncio

    loop = asyncio.get_running_loop()

    def told() -> None:
        target.progress.close()  # lines that move in place would wipe this one out
        say("Stopping: the request in flight is finished first. Once more stops at once.")
        target.stopping.set()

    def asked(number: int, _frame: object) -> None:
        if stop.code:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.code = TERMINATED if number == signal.SIGTERM else INTERRUPTED
        loop.call_soon_threadsafe(told)

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, asked)
    except ValueError:  # not in the main thread: somebody else takes the signals
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
