"""From where each phase starts: made once for each worker, then only put back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.sweep import wanted
from tests.sweep.bench import Bench, Moment, Start
from tests.sweep.rows import Phase, Row

LIVED = timedelta(hours=40)
"""How old what was created is when it is edited, rotated or destroyed."""


def start_of(bench: Bench, row: Row, phase: Phase) -> Start:
    """The state in which the phase finds tenant and stores, and what its command asks when all goes well."""
    known = bench.starts.get((row.file, phase.name))
    if known is None:
        known = _prepared(bench, row, phase)
        bench.starts[row.file, phase.name] = known
    bench.write(row, edited=phase.edited)
    return known


def _prepared(bench: Bench, row: Row, phase: Phase) -> Start:
    bench.restore(_ground(bench))
    strangers = bench.objects()
    foreign: dict[str, Any] = {}
    if phase.made:
        mine = wanted.Tenancy(bench.server, bench.write(row, edited=False), bench.stores)
        made = bench.run(row, ("apply", "--yes"))
        assert made.exit_code == 0, made.said
        foreign = wanted.meddle(mine)
        bench.server.advance(LIVED)
    bench.write(row, edited=phase.edited)
    moment = bench.keep()
    requests, answers = _asked(bench, row, phase)
    return Start(
        row=row,
        phase=phase,
        moment=moment,
        strangers=strangers,
        foreign=foreign,
        requests=requests,
        answers=answers,
    )


def _ground(bench: Bench) -> Moment:
    """A tenant with nothing of ours in it, but with an application of somebody else's."""
    if bench.ground is None:
        wanted.strangers(bench.server)
        bench.ground = bench.keep()
    return bench.ground


def _asked(bench: Bench, row: Row, phase: Phase) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The requests of an undisturbed run, without and with the parts of batches."""
    bench.restore(bench.keep())
    faults, requests, answers = bench.server.faults, [], []
    judge = faults.acting

    def noticing(method: str, path: str, *, part: bool = False, **about: Any) -> Any:
        answers.append(f"{method} {path.partition('?')[0]}")
        if not part:
            requests.append(answers[-1])
        return judge(method, path, part=part, **about)

    faults.acting = noticing  # type: ignore[method-assign]
    try:
        done = bench.run(row, phase.command)
    finally:
        del faults.acting
    assert done.exit_code == 0, done.said
    return tuple(requests), tuple(answers)
