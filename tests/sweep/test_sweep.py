"""Killed, refused or unanswered at any request: the next command converges, and nothing is left over."""

from __future__ import annotations

import pytest

from tests.journeys.journey import Outcome
from tests.sweep.bench import KILLED, Bench, Start
from tests.sweep.convergence import assert_converges, state_of
from tests.sweep.rows import PHASES, ROWS, TROUBLES, Phase, Row, Trouble
from tests.sweep.stages import start_of

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""Who is killed in the middle of a handshake leaves a socket open."""


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file.removesuffix(".yaml"))
def test_trouble_at_any_request_is_repaired_by_the_next_run(
    bench: Bench,
    row: Row,
    phase: Phase,
    trouble: Trouble,
    record_property: pytest.RecordProperty,
) -> None:
    start = start_of(bench, row, phase)
    asked = start.answers if trouble.parts else start.requests
    chosen = _chosen(len(asked), phase, trouble, bench)

    broken, reached = [], 0
    for k in chosen:
        try:
            reached += _one(bench, start, trouble, k)
        except AssertionError as error:
            broken.append(f"at request {k}, {asked[k - 1]}: {error}")

    swept = (row.file, phase.name, trouble.name, reached + len(broken), reached)
    record_property("swept", swept)
    assert not broken, "\n\n".join(broken)
    assert reached > len(chosen) * 0.8


def _chosen(requests: int, phase: Phase, trouble: Trouble, bench: Bench) -> list[int]:
    """Every request, or a third of them: which third depends on the fault and the seed."""
    every = range(1, requests + 1)
    if bench.thorough or (trouble.always and not phase.sampled):
        return list(every)
    offset = bench.seed + TROUBLES.index(trouble)
    return [k for k in every if (k + offset) % 3 == 0]


def _one(bench: Bench, start: Start, trouble: Trouble, k: int) -> bool:
    """Disturb one request, then look whether the next runs converge; states that look alike do alike.

    A run may have fewer requests than the one that was counted: it looks again as long as its patience lasts.
    """
    ended = bench.disturbed(start, trouble, k)

    faults = bench.server.faults
    reached = faults._matched[0] >= k
    faults.clear()
    if trouble.kills and reached:
        _assert_dead(bench, ended, k, applied=len(trouble.do(k)) > 1)
    if trouble.survives or (trouble.refuses and _refused_a_write(bench, trouble.refuses)):
        assert ended.exit_code == 0, ended.said
    state = state_of(bench, start, "disturbed")
    if bench.thorough or state not in bench.settled:
        assert_converges(bench, start)
        bench.settled.add(state)
    return reached


def _refused_a_write(bench: Bench, status: int) -> bool:
    return any(
        entry.status == status
        and entry.method != "GET"
        and not entry.path.endswith(("/token", "/$batch"))
        for entry in bench.server.requests
    )


def _assert_dead(bench: Bench, ended: Outcome, k: int, *, applied: bool) -> None:
    """No request of a killed run gets through after its end."""
    answered = [entry for entry in bench.server.requests if entry.status]
    dropped = [entry for entry in bench.server.requests if not entry.status]
    assert ended.exit_code == KILLED, ended.said
    assert len(answered) == k - 1
    assert dropped
    assert not any(entry.applied for entry in dropped[applied:])
