"""A sample of the sweep with real processes and SIGKILL: what the state at that moment shows holds for them."""

from __future__ import annotations

import random
import signal

import pytest

from tests.journeys.journey import Processes
from tests.sweep.bench import Bench
from tests.sweep.convergence import assert_converges
from tests.sweep.rows import PHASES, ROWS, TROUBLES, Phase, Row, Trouble
from tests.sweep.stages import start_of

KILLS = [trouble for trouble in TROUBLES if trouble.kills]
EVERY = 4


@pytest.mark.parametrize("trouble", KILLS, ids=lambda trouble: trouble.name)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file.removesuffix(".yaml"))
def test_a_process_that_is_killed_is_repaired_by_the_next_run(
    bench: Bench, row: Row, trouble: Trouble
) -> None:
    """One request of one phase, by the seed; every fourth of all phases when everything is swept."""
    drawn = random.Random(f"{bench.seed}/{row.file}/{trouble.name}")  # noqa: S311
    for phase in PHASES if bench.thorough else [drawn.choice(PHASES)]:
        start = start_of(bench, row, phase)
        requests = len(start.requests)
        every = range(1, requests + 1, EVERY)
        for k in every if bench.thorough else [drawn.randint(3, requests)]:
            _kill(bench, row, phase, trouble, k)
            assert_converges(bench, start)


def _kill(bench: Bench, row: Row, phase: Phase, trouble: Trouble, k: int) -> None:
    bench.restore(start_of(bench, row, phase).moment)
    bench.server.faults.add(*trouble.do(k))
    verb, *options = phase.command
    processes = Processes(bench.workplace)
    process = processes.start(verb, row.file, *options)
    try:
        with bench.killing(process.kill):
            ended = processes.finish(process)
    finally:
        processes.end()
    bench.server.faults.clear()
    assert ended.exit_code == -signal.SIGKILL, ended.said
    assert not any(entry.applied for entry in _dropped(bench)[trouble.after :])


def _dropped(bench: Bench) -> list[object]:
    return [entry for entry in bench.server.requests if not entry.status]
