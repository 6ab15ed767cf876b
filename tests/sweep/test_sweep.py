"""Killed, refused or unanswered at any request: the next command converges, and nothing is left over."""

from __future__ import annotations

import pytest

from tests.sweep.bench import Bench, Start
from tests.sweep.convergence import assert_converges, state_of
from tests.sweep.rows import PHASES, ROWS, TROUBLES, Phase, Row, Trouble
from tests.sweep.stages import start_of

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""A run that fails while another of its requests is in the middle of a handshake leaves a socket open."""

KILLS = [trouble for trouble in TROUBLES if trouble.kills]
ALIVE = [trouble for trouble in TROUBLES if not trouble.kills]
PHASES_ALIVE = [phase for phase in PHASES if not phase.deadly]


@pytest.mark.parametrize("trouble", KILLS, ids=lambda trouble: trouble.name)
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file.removesuffix(".yaml"))
def test_a_death_at_any_request_is_repaired_by_the_next_run(
    bench: Bench,
    row: Row,
    phase: Phase,
    trouble: Trouble,
    record_property: pytest.RecordProperty,
) -> None:
    """What a killed process leaves is what is there at that moment; requests that only read leave nothing new."""
    start = start_of(bench, row, phase)
    moments = bench.left_behind(start, after=trouble.after)

    broken = []
    for k, moment in enumerate(moments, 1):
        if k > 1 and moment is moments[k - 2]:
            continue
        bench.restore(moment)
        try:
            _assert_repaired(bench, start)
        except AssertionError as error:
            broken.append(f"at request {k} of {len(moments)}: {error}")

    swept = (row.file, phase.name, trouble.name, len(moments), len(moments) - len(broken))
    record_property("swept", swept)
    assert not broken, "\n\n".join(broken)
    assert len(moments) > len(start.requests) * 0.8


@pytest.mark.parametrize("trouble", ALIVE, ids=lambda trouble: trouble.name)
@pytest.mark.parametrize("phase", PHASES_ALIVE, ids=lambda phase: phase.name)
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
    assert reached > len(chosen) * 0.7 - 1


def _chosen(requests: int, phase: Phase, trouble: Trouble, bench: Bench) -> list[int]:
    """Every request, or a third of them, which the troubles share: whose turn it is depends on the seed."""
    every = range(1, requests + 1)
    if bench.thorough or (trouble.always and not phase.sampled):
        return list(every)
    sharing = [each for each in ALIVE if phase.sampled or not each.always]
    turn = sharing.index(trouble) + bench.seed
    third = (k for k in every if (k + bench.seed) % 3 == 0)
    return [k for k in third if (k // 3 + turn) % len(sharing) == 0]


def _one(bench: Bench, start: Start, trouble: Trouble, k: int) -> bool:
    """Disturb one request, then look whether the next runs converge; states that look alike do alike.

    A run may have fewer requests than the one that was counted: it looks again as long as its patience lasts.
    """
    ended = bench.disturbed(start, trouble, k)

    faults = bench.server.faults
    reached = faults._matched[0] >= k
    faults.clear()
    if trouble.survives or (trouble.refuses and _refused_a_write(bench, trouble.refuses)):
        assert ended.exit_code == 0, ended.said
    assert ended.exit_code in (0, 1), ended.said
    _assert_repaired(bench, start)
    return reached


def _assert_repaired(bench: Bench, start: Start) -> None:
    state = state_of(bench, start, "disturbed")
    if state not in bench.settled:
        assert_converges(bench, start)
        bench.settled.add(state)


def _refused_a_write(bench: Bench, status: int) -> bool:
    return any(
        entry.status == status
        and entry.method != "GET"
        and not entry.path.endswith(("/token", "/$batch"))
        for entry in bench.server.requests
    )
