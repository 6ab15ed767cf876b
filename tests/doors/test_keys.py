"""Certificates of one application, written by several at once to a directory that lags."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import tenant_graph
from certified import APP, Scene, Somebody, add, scene

from provision import keys
from provision.errors import GraphError
from provision.graph import directory
from provision.graph.client import Graph
from provision.run import Run
from provision.sandbox.faults import Fault
from provision.sandbox.server import serve
from tests.keypairs import a_pair

MINE, OTHER = str(uuid4()), str(uuid4())
STRONG = pytest.mark.parametrize("there", [{"profile": "strong"}], indirect=True)
LAGGING = pytest.mark.parametrize(
    "there",
    [
        {"profile": profile, "seed": seed, "scale": scale}
        for profile, scale in (("typical", 20.0), ("slow", 100.0))
        for seed in range(4)
    ],
    indirect=True,
    ids=lambda options: f"{options['profile']}-{options['seed']}",
)


@pytest.fixture
def there(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    with serve(tmp_path / "sandbox", **{"throttle": 0, **request.param}) as server:
        yield scene(server)


@STRONG
def test_a_certificate_is_added_with_what_the_service_shows_of_it(there: Scene) -> None:
    there.do(add(key_id=MINE))

    (entry,) = there.truth().values()
    assert entry["key"] == base64.b64encode(a_pair().certificate.der).decode()
    assert (entry["type"], entry["usage"]) == ("AsymmetricX509Cert", "Verify")
    thumbprint = base64.b64decode(entry["customKeyIdentifier"]).hex().upper()
    assert thumbprint == a_pair().certificate.thumbprint


@STRONG
def test_what_was_added_is_read_in_every_way_of_asking(there: Scene) -> None:
    """A list is asked for with $select, one object without: selecting certificates of one is limited."""
    there.do(add(key_id=MINE))

    async def reads(graph: Graph) -> list[object]:
        one = await directory.application(graph, there.application.id)
        named = await directory.applications_named(graph, ["contoso.web"])
        listed = await directory.applications_all(graph)
        found = [one, named["contoso.web"], *(each for each in listed if each.id == one.id)]
        return [each.key_credentials for each in found]

    shown = tenant_graph.signed_in(there.server, reads)

    assert len(shown) == 3
    for (credential,) in shown:
        assert credential.key_id == MINE
        assert credential.display_name == "provision:contoso:workload:0"
        assert credential.thumbprint == a_pair().certificate.thumbprint
        assert credential.start == a_pair().certificate.start
        assert credential.end == a_pair().certificate.end


@STRONG
def test_what_others_have_stays_as_it_is(there: Scene) -> None:
    somebody = Somebody(there)
    theirs = somebody.add("theirs")
    before = there.truth()[theirs]

    there.do(add(key_id=MINE))
    there.do(lambda run: keys.remove(run, APP, MINE, what="old certificate"))

    assert there.truth() == {theirs: before}


@STRONG
def test_nothing_is_written_when_nothing_changes(there: Scene) -> None:
    there.do(add(key_id=MINE))
    there.server.requests.clear()

    there.do(add(key_id=MINE))
    there.do(lambda run: keys.remove(run, APP, OTHER, what="old certificate"))

    assert there.sent() == 0
    assert list(there.truth()) == [MINE]


@STRONG
def test_the_first_certificate_of_a_new_application_takes_one_request(there: Scene) -> None:
    """Nobody else can have given one to what this run has just made."""

    async def new(run: Run) -> None:
        run.states[APP].new = True
        there.server.requests.clear()
        await add(key_id=MINE)(run)

    there.do(new)

    asked = [entry.method for entry in there.server.requests if "/v1.0/" in entry.path]
    assert asked == ["PATCH"]
    assert list(there.truth()) == [MINE]


@STRONG
@pytest.mark.parametrize(
    "trouble",
    [
        Fault(do=deed, nth=1, method="PATCH", path="applications/[^/]+$")
        for deed in ("drop_after", "drop_before", "status_after", "lag404")
    ],
    ids=lambda trouble: trouble.do,
)
def test_an_answer_that_was_lost_needs_nothing_special(there: Scene, trouble: Fault) -> None:
    there.server.faults.add(Fault(do=trouble.do, nth=1, method="PATCH", path="applications/[^/]+$"))

    there.do(add(key_id=MINE))

    assert list(there.truth()) == [MINE]


@STRONG
def test_a_certificate_that_was_refused_is_not_brought_along_later(there: Scene) -> None:
    async def work(run: Run) -> None:
        certificate = a_pair("late").certificate
        with pytest.raises(GraphError, match="refused to change the certificates") as refused:
            await keys.add(
                run,
                APP,
                key_id=OTHER,
                certificate=type(certificate)(
                    der=certificate.der,
                    thumbprint=certificate.thumbprint,
                    start=certificate.start,
                    end=certificate.end + timedelta(days=1),
                ),
                display_name="provision:contoso:late:0",
            )
        assert "renew it" in refused.value.hint
        assert refused.value.code == "KeyCredentialsInvalidEndDate"
        await add(key_id=MINE)(run)

    there.do(work)

    assert list(there.truth()) == [MINE]


@LAGGING
def test_a_certificate_that_somebody_added_a_moment_ago_is_not_lost(there: Scene) -> None:
    somebody = Somebody(there)
    early = somebody.add("theirs")
    late = somebody.add("more of theirs")

    there.do(add(key_id=MINE))

    assert set(there.truth()) == {early, late, MINE}


@LAGGING
def test_a_certificate_that_somebody_removed_a_moment_ago_does_not_come_back(
    there: Scene,
) -> None:
    somebody = Somebody(there)
    stays, goes = somebody.add("theirs"), somebody.add("stolen")
    there.settle()
    somebody.remove(goes)

    there.do(add(key_id=MINE))

    found = set(there.truth())
    assert {stays, MINE} <= found
    assert (goes not in found) or there.told


@LAGGING
def test_two_runs_keep_each_others_certificates(there: Scene) -> None:
    """One that was lost all the same, since no replica had heard of it in time, is there when it is added again."""

    async def side_by_side(graph: Graph) -> None:
        one, two = there.run(graph), there.run(graph)
        await asyncio.gather(add("workload", MINE)(one), add("theirs", OTHER)(two))
        there.settle()
        for run, name, key_id in ((one, "workload", MINE), (two, "theirs", OTHER)):
            await add(name, key_id)(run)

    tenant_graph.signed_in(there.server, side_by_side)

    assert set(there.truth()) == {MINE, OTHER}


@LAGGING
def test_what_this_run_added_and_removed_stays_so_whatever_a_stale_read_shows(
    there: Scene,
) -> None:
    third = str(uuid4())

    async def life(run: Run) -> None:
        await add("workload", MINE)(run)
        await add("theirs", OTHER)(run)
        await keys.remove(run, APP, MINE, what="old certificate")
        await add("b", third)(run)

    there.do(life)

    assert set(there.truth()) == {OTHER, third}
    assert there.told == []


@LAGGING
def test_a_certificate_that_was_just_added_can_be_taken_back(there: Scene) -> None:
    """A replica that has never heard of it is no reason to leave it there."""

    async def change_of_mind(run: Run) -> None:
        await add(key_id=MINE)(run)
        await keys.remove(run, APP, MINE, what="certificate to take back")

    there.do(change_of_mind)

    assert there.truth() == {}


@STRONG
def test_whoever_adds_what_is_there_hears_that_it_is_not_new(there: Scene) -> None:
    """It may be in use: a proof that fails must not take it back."""
    new: list[bool] = []

    async def adding(run: Run) -> None:
        new.append(await add(key_id=MINE)(run))

    there.do(adding)
    there.do(adding)

    assert new == [True, False]
