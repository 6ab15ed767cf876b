"""Other tools replace an application's tags as a whole, and other machines have stores of their own: nobody is locked out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import consumer
import outsider
import paper
import pytest
import runners
import truth
from journey import Provision

from provision.sandbox.server import Server

NAME = "hello.my-workload"
OWNED = "provision:owner:hello"


def retag(server: Server, *tags: str) -> None:
    """What `az ad app update --set tags=...` and Terraform do: the whole list is theirs."""
    path = f"applications/{truth.application(server)['id']}"
    outsider.send(server, "PATCH", path, {"tags": list(tags)})


def signs_in(server: Server, store: Path) -> bool:
    answer = consumer.sign_in(server.url, outsider.trust(server), consumer.settings(store))
    return not answer.startswith("refused")


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of an application whose secret was rotated an hour ago: the old one still works."""
    manifest = paper.write(workplace)
    for words in (("apply", manifest, "--yes"), ("rotate", manifest, "--now")):
        sandbox.advance(timedelta(days=1))
        done = provision(*words)
        assert done.exit_code == 0, done.said
    sandbox.advance(timedelta(hours=1))
    return manifest


Wiping = Callable[[Server], None]
WIPED: dict[str, Wiping] = {
    "the record is gone": lambda server: retag(server, OWNED, "terraform"),
    "the record names what does not exist": lambda server: retag(
        server, OWNED, f"provision:stored:ci:00000000-0000-4000-8000-000000000000:{10**9}"
    ),
    "the record names the one before": lambda server: retag(
        server, OWNED, f"provision:stored:ci:{truth.key_ids(server)[0]}:{10**9}"
    ),
    "the record is nonsense": lambda server: retag(server, OWNED, "provision:stored:ci:x:y:z"),
}


@pytest.mark.parametrize("wipe", WIPED.values(), ids=WIPED)
def test_a_record_that_somebody_wiped_is_written_again_and_nothing_is_issued_or_removed(
    wipe: Wiping, applied: Path, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    before = truth.key_ids(sandbox)
    wipe(sandbox)
    assert signs_in(sandbox, workplace / paper.STORE)

    done = provision("apply", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert "the store holds it" in done.said
    assert truth.key_ids(sandbox) == before
    assert runners.recorded(sandbox, NAME) == before[-1]
    assert signs_in(sandbox, workplace / paper.STORE)
    assert provision("plan", applied, "--detailed-exitcode").exit_code == 0


def test_an_application_without_its_owner_tag_is_left_alone_until_it_has_it_again(
    applied: Path, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    before = truth.key_ids(sandbox)
    retag(sandbox, "terraform")

    stopped = provision("apply", applied, "--yes")

    assert stopped.exit_code == 1
    assert "somebody replaced its tags" in " ".join(stopped.said.split())
    assert f'give it the tag "{OWNED}" back' in " ".join(stopped.said.split())
    assert truth.key_ids(sandbox) == before
    assert signs_in(sandbox, workplace / paper.STORE)

    retag(sandbox, "terraform", OWNED)
    done = provision("apply", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert truth.key_ids(sandbox) == before
    assert runners.recorded(sandbox, NAME) == before[-1]


def test_tags_wiped_again_and_again_lock_nobody_out(
    applied: Path, sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """The time of renewal comes meanwhile. Old ones stay for longer, since nobody knows when they were replaced."""
    for _ in range(10):
        sandbox.advance(timedelta(days=9))
        retag(sandbox, OWNED)
        assert signs_in(sandbox, workplace / paper.STORE)
        done = provision("apply", applied, "--yes", "--skip-verify")
        assert done.exit_code == 0, done.said
        assert signs_in(sandbox, workplace / paper.STORE)
    for _ in range(2):
        sandbox.advance(timedelta(days=2))
        provision("apply", applied, "--yes", "--skip-verify")
    assert truth.key_ids(sandbox) == [paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"]]


def laptop(folder: Path) -> Path:
    """A folder with the manifest, and a store of its own beside it."""
    folder.mkdir()
    return paper.write(folder)


def test_two_laptops_with_a_store_each_leave_each_other_alone(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    mine, yours = laptop(workplace / "mine"), laptop(workplace / "yours")

    def run(*words: object) -> str:
        done = provision(*words, "--real-stores")
        assert done.exit_code == 0, done.said
        return " ".join(done.said.split())

    run("apply", mine, "--yes")
    issued = truth.key_ids(sandbox)
    for _ in range(3):
        sandbox.advance(timedelta(days=2))
        told = run("apply", yours, "--yes")
        run("apply", mine, "--yes")
        assert "held elsewhere" in told
        assert truth.key_ids(sandbox) == issued
        assert signs_in(sandbox, mine.with_name(".env"))

    # Within the time of renewal only the laptop that holds it renews it.
    sandbox.advance(timedelta(days=60))
    run("apply", yours, "--yes")
    assert truth.key_ids(sandbox) == issued
    run("apply", mine, "--yes")
    assert len(truth.key_ids(sandbox)) == 2
    assert signs_in(sandbox, mine.with_name(".env"))
    assert not yours.with_name(".env").exists()


def test_a_laptop_that_asks_for_a_secret_of_its_own_leaves_the_other_one_its_overlap(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    mine, yours = laptop(workplace / "mine"), laptop(workplace / "yours")
    provision("apply", mine, "--yes", "--real-stores")
    sandbox.advance(timedelta(days=2))

    done = provision("rotate", yours, "--now", "--target", "my-workload/ci", "--real-stores")

    assert done.exit_code == 0, done.said
    sandbox.advance(timedelta(hours=23))
    for each in (mine, yours):
        provision("apply", each, "--yes", "--real-stores")
        assert signs_in(sandbox, each.with_name(".env"))
