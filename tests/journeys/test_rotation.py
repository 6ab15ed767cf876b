"""Rotation: the new secret proves itself while the old one works, and nobody is ever locked out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import consumer
import outsider
import paper
import pytest
import truth
import unheard
from journey import Provision

from provision.sandbox.server import Server

HASTY = [{"scale": 250.0}]
"""For tests that wait for patience to end."""


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of an application with a secret in its store, an hour old."""
    manifest = paper.write(workplace)
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    sandbox.advance(timedelta(hours=1))
    return manifest


def held(folder: Path) -> str:
    """The id of the stored secret."""
    return paper.stored(folder)["AZURE_CLIENT_SECRET_ID"]


def proof_of(server: Server) -> Iterator[int]:
    """What the token service answered between the making of a secret and the record of its being stored."""
    entries = iter(server.requests)
    made = next(each for each in entries if each.path.endswith("/addPassword"))
    for each in entries:
        if each.method == "PATCH":
            return
        if each.path.endswith("/token") and each.sequence > made.sequence:
            yield each.status


def signs_in(server: Server, folder: Path) -> bool:
    """Whether the stored secret is accepted, asked without code of ours."""
    trusted = outsider.trust(server)
    answer = consumer.sign_in(server.url, trusted, consumer.settings(folder / paper.STORE))
    return not answer.startswith("refused")


def test_a_rotation_is_proven_by_fifteen_tokens(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.requests.clear()

    provision("rotate", applied, "--now")

    assert [*proof_of(sandbox)] == [200] * 15


@pytest.mark.parametrize("sandbox", [{"profile": "typical", "seed": 41}], indirect=True)
def test_a_new_secret_that_was_refused_at_first_is_proven_by_twice_as_many_tokens(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    """Fifteen in a row that miss the one replica of three which is late are rare: a thousand rotations meet some."""
    sandbox.requests.clear()

    provision("rotate", applied, "--now")

    assert [*proof_of(sandbox)][-31:] == [401, *[200] * 30]


def test_rotate_without_anything_due_changes_nothing(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    before = truth.application(sandbox)

    done = provision("rotate", applied)

    assert done.exit_code == 0, done.said
    assert truth.application(sandbox) == before


def test_the_old_secret_stays_beside_the_new_one_during_the_overlap(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    (old,) = truth.key_ids(sandbox)
    provision("rotate", applied, "--now")
    sandbox.advance(timedelta(hours=23))

    done = provision("apply", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert truth.key_ids(sandbox) == [old, held(applied.parent)]
    assert f"the old secret {old} retires in" in done.said


@pytest.mark.parametrize("command", [("rotate",), ("apply", "--yes")], ids=["rotate", "apply"])
def test_the_old_secret_is_removed_by_the_next_command_after_the_overlap(
    applied: Path, provision: Provision, sandbox: Server, command: tuple[str, ...]
) -> None:
    provision("rotate", applied, "--now")
    sandbox.advance(timedelta(hours=25))

    done = provision(command[0], applied, *command[1:])

    assert done.exit_code == 0, done.said
    assert truth.key_ids(sandbox) == [held(applied.parent)]
    assert signs_in(sandbox, applied.parent)


def test_the_old_secret_goes_at_once_without_overlap(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    done = provision("rotate", applied, "--now", "--no-overlap")

    assert done.exit_code == 0, done.said
    assert truth.key_ids(sandbox) == [held(applied.parent)]


@pytest.mark.parametrize("sandbox", HASTY, indirect=True)
def test_a_new_secret_that_is_never_accepted_is_taken_back_and_the_old_one_still_works(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    (old,) = truth.key_ids(sandbox)

    with unheard.secrets(sandbox):
        failed = provision("rotate", applied, "--now")

    assert failed.exit_code == 1
    assert truth.key_ids(sandbox) == [old]
    assert held(applied.parent) == old
    assert signs_in(sandbox, applied.parent)


@pytest.mark.parametrize("sandbox", HASTY, indirect=True)
def test_a_failed_rotation_leaves_nothing_that_keeps_the_next_one_from_working(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    with unheard.secrets(sandbox):
        provision("rotate", applied, "--now")

    done = provision("rotate", applied, "--now")

    assert done.exit_code == 0, done.said
    assert held(applied.parent) == truth.key_ids(sandbox)[-1]


@pytest.mark.parametrize("sandbox", HASTY, indirect=True)
def test_a_first_secret_that_is_never_accepted_is_taken_back_and_leaves_the_store(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    with unheard.secrets(sandbox):
        failed = provision("apply", manifest, "--yes")

    assert failed.exit_code == 1
    assert truth.key_ids(sandbox) == []
    assert not (workplace / paper.STORE).exists()


def test_apply_renews_a_secret_that_is_within_its_time_of_renewal(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    (old,) = truth.key_ids(sandbox)
    sandbox.advance(timedelta(days=61))

    done = provision("apply", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert "renews: expires in" in done.said
    assert truth.key_ids(sandbox) == [old, held(applied.parent)]


def test_apply_does_not_renew_into_a_store_that_does_not_hold_the_secret(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    """Else the overlap would end for whoever reads the store of another machine, and lock it out."""
    before = truth.key_ids(sandbox)
    (applied.parent / paper.STORE).unlink()
    sandbox.advance(timedelta(days=61))

    done = provision("apply", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert "held elsewhere" in done.said
    assert truth.key_ids(sandbox) == before


def test_apply_leaves_a_secret_alone_before_its_time_of_renewal(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.advance(timedelta(days=59))

    planned = provision("plan", applied, "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said


def test_rotation_touches_only_the_credential_that_it_is_aimed_at(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    credentials = {"ci": paper.a_secret(), "second": paper.a_secret(".env2", "SECOND_")}
    manifest = paper.write(workplace, paper.an_app(credentials=credentials))
    provision("apply", manifest, "--yes", "--skip-verify")
    sandbox.advance(timedelta(hours=1))
    first, store = held(workplace), (workplace / paper.STORE).with_name(".env2")
    before = store.read_text(encoding="utf-8")

    done = provision("rotate", manifest, "--now", "--target", "my-workload/second")

    assert done.exit_code == 0, done.said
    assert held(workplace) == first
    assert store.read_text(encoding="utf-8") != before
    assert len(truth.key_ids(sandbox)) == 3


def test_secrets_that_others_made_survive_every_rotation(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    path = f"applications/{truth.application(sandbox)['id']}/addPassword"
    body = {"passwordCredential": {"displayName": "provision:hello2:ci:00000000"}}
    theirs = outsider.send(sandbox, "POST", path, body)["keyId"]

    provision("rotate", applied, "--now", "--no-overlap")

    assert truth.key_ids(sandbox) == [theirs, held(applied.parent)]


def test_rotate_before_apply_says_that_there_is_nothing_to_rotate(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    done = provision("rotate", paper.write(workplace), "--now")

    assert "run provision apply first" in done.said
    assert truth.applications(sandbox) == []


def test_a_credential_that_is_renamed_gets_a_secret_of_its_own_and_the_old_one_has_its_overlap(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Its store still holds the old one, which must not pass for the new; but whoever has read it goes on with it."""
    provision("apply", paper.write(workplace), "--yes")
    (old,) = truth.key_ids(sandbox)
    sandbox.advance(timedelta(hours=1))
    renamed = paper.an_app(credentials={"deploy": paper.a_secret()})
    manifest = paper.write(workplace, renamed)

    done = provision("apply", manifest, "--yes")

    assert done.exit_code == 0, done.said
    new = paper.stored(workplace)["AZURE_CLIENT_SECRET_ID"]
    assert truth.key_ids(sandbox) == [old, new]
    proven = provision("verify", manifest, "--require-proof")
    assert proven.exit_code == 0, proven.said
    assert provision("plan", manifest, "--detailed-exitcode").exit_code == 0
    sandbox.advance(timedelta(hours=25))
    provision("apply", manifest, "--yes")
    assert truth.key_ids(sandbox) == [new]


def test_the_key_file_of_a_renamed_certificate_goes_with_it(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    def named(name: str) -> Path:
        made = {"generate": {}, "store": {"dotenv": ".env", "prefix": "AZURE_"}}
        return paper.write(workplace, paper.an_app(credentials={name: {"certificate": made}}))

    folder = (workplace / paper.STORE).parent
    provision("apply", named("ci"), "--yes", "--skip-verify")
    sandbox.advance(timedelta(hours=1))

    provision("apply", named("deploy"), "--yes", "--skip-verify")
    assert len([*folder.glob(".env.*.pem")]) == 2
    sandbox.advance(timedelta(hours=25))
    done = provision("apply", named("deploy"), "--yes")

    assert done.exit_code == 0, done.said
    (kept,) = folder.glob(".env.*.pem")
    assert str(kept) == paper.stored(workplace)["AZURE_CLIENT_CERTIFICATE_PATH"]


def test_credentials_that_exchange_their_places_are_renewed_into_them(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """What each place holds works until it expires, so it is renewed in time, and nobody is locked out."""

    def placed(ci: str, spare: str) -> Path:
        both = {"ci": paper.a_secret(prefix=ci), "spare": paper.a_secret(prefix=spare)}
        return paper.write(workplace, paper.an_app(credentials=both))

    provision("apply", placed("A_", "B_"), "--yes", "--skip-verify")
    before = truth.key_ids(sandbox)
    sandbox.advance(timedelta(days=75))
    manifest = placed("B_", "A_")

    done = provision("apply", manifest, "--yes")

    assert done.exit_code == 0, done.said
    held = paper.stored(workplace)
    names = {
        each["keyId"]: each["displayName"].split(":")[2]
        for each in truth.application(sandbox)["passwordCredentials"]
    }
    new = {prefix: held[f"{prefix}CLIENT_SECRET_ID"] for prefix in ("A_", "B_")}
    assert {prefix: names[id] for prefix, id in new.items()} == {"A_": "spare", "B_": "ci"}
    assert {*before} < {*names}
    assert provision("plan", manifest, "--detailed-exitcode").exit_code == 0
