"""What must hold after any trouble: the next run repairs, and nothing of ours is left over."""

from __future__ import annotations

from datetime import timedelta

from tests.sweep import wanted
from tests.sweep.bench import Bench, Start
from tests.sweep.rows import Row

SETTLED = timedelta(minutes=30)


def assert_converges(bench: Bench, start: Start) -> None:
    """The next run repairs, the plan is empty, and once the overlap has passed nothing is left over."""
    row, phase = start.row, start.phase
    mine = wanted.Tenancy(bench.server, bench.write(row, edited=phase.edited), bench.stores)
    _assert_runs(bench, row, phase.again)
    if phase.gone:
        wanted.assert_gone(mine)
    else:
        wanted.assert_whole(mine, retired=False, foreign=start.foreign)
    state = state_of(bench, start, "repaired")
    if state in bench.settled:
        return
    if phase.gone:
        _assert_strangers_untouched(bench, start)
        _assert_runs(bench, row, ("apply", "--yes"))
    bench.server.advance(SETTLED)
    _assert_runs(bench, row, ("plan", "--detailed-exitcode"))
    bench.server.advance(row.overlap)
    _assert_runs(bench, row, ("apply", "--yes"))
    wanted.assert_whole(mine, retired=True, foreign=start.foreign)
    _assert_runs(bench, row, ("plan", "--detailed-exitcode"))
    _assert_strangers_untouched(bench, start)
    bench.settled.add(state)


def _assert_runs(bench: Bench, row: Row, command: tuple[str, ...]) -> None:
    done = bench.run(row, command)
    assert done.exit_code == 0, f"{' '.join(command)} ended with {done.exit_code}: {done.said}"


def _assert_strangers_untouched(bench: Bench, start: Start) -> None:
    now = bench.objects()
    changed = [key for key, body in start.strangers.items() if now.get(key) != body]
    assert changed == []


def state_of(bench: Bench, start: Start, what: str) -> tuple[str, ...]:
    """What is known of a state once it was found to converge: what differs by chance alone does the same."""
    return (start.row.file, start.phase.name, what, bench.likeness(start.strangers))
