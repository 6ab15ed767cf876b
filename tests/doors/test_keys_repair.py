"""What a stale list made us lose, told step by step: a Graph that shows what the test says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certified import APP, a_run, add
from scripted import Answer, Asked, Scripted, serving

from provision import keys
from provision.errors import NotYetVisible
from provision.model import Application
from provision.run import Run

THEIRS = {
    "keyId": "theirs",
    "displayName": "CN=theirs",
    "type": "AsymmetricX509Cert",
    "usage": "Verify",
    "key": None,
}
APPLICATION = Application(
    id="object",
    app_id="app",
    unique_name="contoso.web",
    properties={},
    tags=frozenset(),
    required_resource_access=frozenset(),
    password_credentials=(),
)
DONE = Answer(status=204)


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def showing(*looks: list[dict[str, Any]]) -> Answer:
    """What the replicas show, of which each look asks one."""
    parts = [
        {"id": str(number), "status": 200, "body": {"keyCredentials": look}}
        for number, look in enumerate(looks)
    ]
    return Answer(body={"responses": parts})


def sent(scripted: Scripted) -> list[list[tuple[str, bool]]]:
    """The lists that were written: each entry, and whether its certificate came along."""
    writes: list[Asked] = [asked for asked in scripted.asked if asked.method == "PATCH"]
    return [
        [(each["keyId"], each["key"] is not None) for each in asked.body["keyCredentials"]]
        for asked in writes
    ]


def run(scripted: Scripted, work: Any) -> list[str]:
    """Do some work in a run, and answer with what the user was told."""
    told: list[str] = []

    async def on(graph: Any) -> None:
        await work(a_run(graph, APPLICATION, told, scripted.clock))

    scripted.run(on)
    return told


@pytest.mark.parametrize(("name", "lines"), [("CN=theirs", 1), ("provision:contoso:ci:0", 0)])
def test_what_only_a_replica_that_is_behind_still_shows_is_put_back(
    scripted: Scripted, name: str, lines: int
) -> None:
    """It was added while the list that we read did not have it; whoever had removed it just then must be told."""
    theirs, mine = {**THEIRS, "displayName": name}, {**THEIRS, "keyId": "mine"}
    scripted.will(
        showing([], [], []),
        DONE,
        showing([mine], [theirs], []),
        showing([mine], [{**theirs, "key": "QUJD"}], []),  # now with the certificates
        showing([mine], [], []),
        DONE,
        showing([mine, theirs], [mine, theirs], [mine, theirs]),
    )

    told = run(scripted, add(key_id="mine"))

    assert sent(scripted) == [[("mine", True)], [("mine", True), ("theirs", True)]]
    assert len(told) == lines
    assert all("theirs of somebody else" in line for line in told)


def test_one_that_went_out_of_sight_again_is_looked_for_until_all_agree(
    scripted: Scripted,
) -> None:
    mine = {**THEIRS, "keyId": "mine"}
    scripted.will(
        showing([], [], []),
        DONE,
        showing([mine], [THEIRS], []),
        showing([mine], [mine], []),  # the replica that showed it has caught up meanwhile
        showing([mine], [mine], [mine]),
    )

    told = run(scripted, add(key_id="mine"))

    assert sent(scripted) == [[("mine", True)]]
    assert told == []


def test_replicas_that_never_agree_do_not_keep_a_run(scripted: Scripted) -> None:
    mine = {**THEIRS, "keyId": "mine"}
    scripted.will(showing([], [], []), DONE)
    scripted.otherwise = lambda _: showing([mine], [mine], [])

    run(scripted, add(key_id="mine"))

    assert sum(scripted.clock.slept) < keys.WATCH


def test_a_wish_to_stop_is_heard_once_the_change_is_made(scripted: Scripted) -> None:
    """The certificate is there: to say otherwise would leave its key without an owner."""
    scripted.will(showing([], [], []), DONE)
    scripted.otherwise = lambda _: showing([], [], [])

    async def stopped(run: Run) -> None:
        adding = add(key_id="mine")
        run.target.stopping.set()
        await adding(run)

    run(scripted, stopped)

    assert sent(scripted) == [[("mine", True)]]


def test_an_entry_that_is_shown_but_gone_is_waited_for(scripted: Scripted) -> None:
    """What others have goes back without its certificate, so that nothing of theirs is brought back."""
    mine = {**THEIRS, "keyId": "mine"}
    says = "A value is required for property 'key' of resource 'KeyCredential'."
    gone = Answer(status=400, body={"error": {"code": "Request_BadRequest", "message": says}})
    scripted.will(
        showing([THEIRS], [], []),
        gone,
        showing([], [], []),
        DONE,
        showing([mine], [mine], [mine]),
    )

    run(scripted, add(key_id="mine"))

    assert sent(scripted) == [[("theirs", False), ("mine", True)], [("mine", True)]]


def test_a_certificate_that_could_not_be_added_again_stays(scripted: Scripted) -> None:
    """To ask for more than is there must not cost what is there."""
    mine = {**THEIRS, "keyId": "mine"}
    scripted.will(showing([], [], []), DONE, showing([mine], [mine], [mine]))

    async def twice(run: Run) -> None:
        await add(key_id="mine")(run)
        scripted.otherwise = lambda _: Answer(
            body={"responses": [{"id": str(n), "status": 404, "body": {}} for n in range(3)]}
        )
        with pytest.raises(NotYetVisible):
            await add(key_id="mine")(run)
        assert list(run.states[APP].keys) == ["mine"]
        assert run.states[APP].dropped == set()

    run(scripted, twice)
