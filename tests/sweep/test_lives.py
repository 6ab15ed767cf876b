"""First issue, rotation and retirement in every kind of store, disturbed anywhere: nobody is ever locked out."""

from __future__ import annotations

import signal

import pytest

from tests.journeys.journey import Processes
from tests.sweep import stages
from tests.sweep.bench import Bench
from tests.sweep.kinds import KINDS, Kind
from tests.sweep.lives import STAGES, Beginning, Life, Stage, assert_survives, begin
from tests.sweep.rows import TROUBLES, Trouble
from tests.sweep.workshop import FILE, Workshop

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""A run that fails while another of its requests is in the middle of a handshake leaves a socket open."""

ALIVE = [trouble for trouble in TROUBLES if not trouble.kills]
SHARE = 40
"""Of so many requests, one meets each trouble in a run that is not thorough."""
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
each_stage = pytest.mark.parametrize(
    "stage", STAGES, ids=lambda stage: stage.name.replace(" ", "-")
)

_beginnings: dict[tuple[str, str], Beginning] = {}


@pytest.fixture(scope="session")
def opened(served: Bench) -> Workshop:
    """The sandbox of this worker, with real stores."""
    return Workshop(
        server=served.server,
        workplace=served.workplace,
        thorough=served.thorough,
        seed=served.seed,
        ground=stages._ground(served),
    )


@pytest.fixture
def shop(bench: Bench, opened: Workshop) -> Workshop:
    """The same; commands run in its workplace."""
    return opened


def beginning(shop: Workshop, kind: Kind, stage: Stage) -> Beginning:
    """From where the stage begins: made once for each worker."""
    key = (kind.name, stage.name)
    if key not in _beginnings:
        assert shop.ground is not None
        _beginnings[key] = begin(shop, kind, stage, shop.ground)
    shop.lay_out(kind)
    return _beginnings[key]


@each_stage
@each_kind
def test_a_death_at_any_moment_locks_nobody_out(
    shop: Workshop, kind: Kind, stage: Stage, record_property: pytest.RecordProperty
) -> None:
    """Before and after each request, and between any two changes of the store."""
    start = beginning(shop, kind, stage)
    deaths = shop.deaths(stage.command, start.moment)
    readers = Life(shop=shop, kind=kind)
    shop.restore(start.moment)
    readers.read()

    broken: list[tuple[str, str]] = []
    for before, death in zip([None, *deaths], deaths, strict=False):
        if before and death.moment is before.moment:
            continue
        shop.restore(death.moment)
        life = Life(shop=shop, kind=kind, readers=dict(readers.readers))
        try:
            assert_survives(shop, start, life)
        except AssertionError as error:
            broken.append((death.when, f"{death.when} {death.what}: {error}"))

    for when in sorted({death.when for death in deaths}):
        cases = sum(death.when == when for death in deaths)
        failed = sum(how == when for how, _ in broken)
        record_property("lived", (kind.name, stage.name, when, cases, cases - failed))
    assert not broken, "\n\n".join(says for _, says in broken)


@pytest.mark.parametrize("trouble", ALIVE, ids=lambda trouble: trouble.name)
@each_stage
@each_kind
def test_trouble_at_any_request_locks_nobody_out(
    shop: Workshop,
    kind: Kind,
    stage: Stage,
    trouble: Trouble,
    record_property: pytest.RecordProperty,
) -> None:
    start = beginning(shop, kind, stage)
    readers = Life(shop=shop, kind=kind)
    shop.restore(start.moment)
    readers.read()
    chosen = _chosen(start, trouble, shop)

    broken, reached = [], 0
    for k in chosen:
        life = Life(shop=shop, kind=kind, readers=dict(readers.readers))
        try:
            reached += _one(shop, start, life, trouble, k)
        except AssertionError as error:
            broken.append(f"at request {k}, {start.requests[k - 1]}: {error}")

    lived = (kind.name, stage.name, trouble.name, reached + len(broken), reached)
    record_property("lived", lived)
    assert not broken, "\n\n".join(broken)


def _chosen(start: Beginning, trouble: Trouble, shop: Workshop) -> list[int]:
    """Every request, or by the seed a share of them; a lost answer to a write is always among them."""
    every = range(1, len(start.requests) + 1)
    if shop.thorough:
        return list(every)
    if start.kind.name in ("certificate in json", "certificate in vault"):
        return []  # their deaths are all swept, and what troubles them troubles their like
    turn = ALIVE.index(trouble) + KINDS.index(start.kind) + shop.seed
    share = {k for k in every if (k + turn) % SHARE == 0}
    if trouble.always:
        share |= {k for k in every if _writes(start.requests[k - 1])}
    return sorted(share)


def _writes(request: str) -> bool:
    return not request.startswith("GET ") and not request.endswith(("/token", "/$batch"))


def _one(shop: Workshop, start: Beginning, life: Life, trouble: Trouble, k: int) -> bool:
    """Disturb one request; a run may have fewer of them than the one that was counted."""
    shop.restore(start.moment)
    shop.server.faults.add(*trouble.do(k))
    ended = shop.command(*start.stage.command)

    reached = shop.server.faults._matched[0] >= k
    shop.server.faults.clear()
    if trouble.survives:
        assert ended.exit_code == 0, ended.said
    assert ended.exit_code in (0, 1), ended.said
    assert_survives(shop, start, life)
    return reached


KEEPERS = [kind for kind in KINDS if "command" in kind.store]
UPSETS = [
    (kind, how)
    for kind in KEEPERS
    for how in ("refuses", "fails", "dies")
    if kind.told or how != "fails"
]
"""A program that cannot be asked is believed when it says that it has failed."""


@pytest.mark.parametrize(("kind", "how"), UPSETS, ids=lambda each: getattr(each, "name", each))
@pytest.mark.parametrize("stage", STAGES[:2], ids=lambda stage: stage.name.replace(" ", "-"))
def test_a_program_that_keeps_a_value_and_says_otherwise_locks_nobody_out(
    shop: Workshop, kind: Kind, stage: Stage, how: str, record_property: pytest.RecordProperty
) -> None:
    """It refuses it, or keeps it and then fails or dies."""
    start = beginning(shop, kind, stage)
    shop.restore(start.moment)
    life = Life(shop=shop, kind=kind)
    life.read()
    shop.upset_keeper(how)

    ended = shop.command(*stage.command)

    assert ended.exit_code == (0 if kind.told and how != "refuses" else 1), ended.said
    assert_survives(shop, start, life)
    record_property("lived", (kind.name, stage.name, f"program {how}", 1, 1))


@pytest.mark.parametrize("stage", STAGES[:2], ids=lambda stage: stage.name.replace(" ", "-"))
@pytest.mark.parametrize("kind", KEEPERS, ids=lambda kind: kind.name.replace(" ", "-"))
def test_a_process_that_is_killed_when_a_value_is_kept_locks_nobody_out(
    shop: Workshop, kind: Kind, stage: Stage, record_property: pytest.RecordProperty
) -> None:
    """With a real process and SIGKILL, between the store and the record of it."""
    start = beginning(shop, kind, stage)
    shop.restore(start.moment)
    life = Life(shop=shop, kind=kind)
    life.read()
    shop.upset_keeper("kills")
    verb, *options = stage.command
    processes = Processes(shop.workplace)

    try:
        ended = processes(verb, FILE, "--real-stores", *options)
    finally:
        processes.end()

    assert ended.exit_code == -signal.SIGKILL, ended.said
    assert kind.read(shop) is not None
    assert_survives(shop, start, life)
    record_property("lived", (kind.name, stage.name, "SIGKILL", 1, 1))
