"""Each known gap of an eventually consistent directory shows itself, and is gone without lag."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from caller import operator_of
from lagging import ROWS, World, code_of

from provision.sandbox.server import Server, serve

TYPICAL = {"profile": "typical", "scale": 1.0, "seed": 3}
# So slow that the time which a test itself takes does not count; a token lives as long as it runs.
SLOWED = 400
STRONG = {"profile": "strong", "scale": 1.0, "seed": 3}

each_row = pytest.mark.parametrize("gap", ROWS.values(), ids=[f"row {row}" for row in ROWS])


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    with operator_of(server) as operator:
        yield World(server=server, operator=operator)


@pytest.mark.parametrize("server", [TYPICAL], indirect=True)
@each_row
def test_the_gap_shows_with_the_usual_lag(world: World, gap: Callable[[World], bool]) -> None:
    assert gap(world)


@pytest.mark.parametrize("server", [STRONG], indirect=True)
@each_row
def test_the_gap_is_gone_without_lag(world: World, gap: Callable[[World], bool]) -> None:
    assert not gap(world)


def history(server: Server) -> list[tuple[int, str]]:
    """What a run of requests hears, while the clock is moved between them."""
    with operator_of(server) as operator:
        world = World(server=server, operator=operator, pace=SLOWED)
        application = world.application()
        address = f"applications/{application['id']}"
        asked = itertools.cycle([address, "applications?$filter=displayName eq 'Billing'"])
        heard = world.watch(lambda: operator.get(next(asked)), seconds=8)
        heard += [operator.patch(address, {"notes": note}) for note in ("one", "two", "three")]
        heard += [operator.get(address) for _ in range(9)]
        return [(answer.status_code, _told(answer, application["id"])) for answer in heard]


def _told(answer: httpx.Response, id: str) -> str:
    """What tells one history from another, without the identifiers and times of day."""
    if answer.status_code >= 400 or not answer.content:
        return code_of(answer) if answer.content else ""
    body = answer.json()
    return f"{body.get('notes')} {id in answer.text}"


@pytest.mark.parametrize("profile", ["typical", "adverse"])
def test_the_same_seed_and_the_same_requests_give_the_same_history(
    tmp_path: Path, furnished: Path, profile: str
) -> None:
    heard = []
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        folder = Path(shutil.copytree(furnished, tmp_path / name))
        lag = {"profile": profile, "scale": 1 / SLOWED, "seed": seed}
        with serve(folder, predictable=True, **lag) as server:  # type: ignore[arg-type]
            heard.append(history(server))

    assert heard[0] == heard[1] != heard[2]


@pytest.mark.parametrize("server", [{**TYPICAL, "profile": "adverse"}], indirect=True)
def test_an_adverse_tenant_conflicts_loses_answers_and_throttles(world: World) -> None:
    statuses: list[int] = []
    for number in range(60):
        answer = world.operator.post("applications", {"displayName": f"app {number}"})
        statuses.append(answer.status_code)
    made = world.server.tenant().counts()["applications"] - 1

    assert set(statuses) == {201, 409, 429, 503, 504}
    assert made == statuses.count(201) + statuses.count(504)
