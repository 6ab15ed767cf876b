"""Taking everything away again, and coming back from that."""

from __future__ import annotations

from pathlib import Path

import outsider
import paper
import pytest
import truth
from journey import Provision

from provision import destroy
from provision.graph import directory
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

LAGGING = [
    {"profile": "strong"},
    *({"profile": "typical", "seed": seed, "scale": 100.0} for seed in (11, 12, 13)),
]
SLOW = [{"profile": "slow", "seed": seed, "scale": 100.0} for seed in (2, 3, 4, 7)]


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of an application that exists."""
    manifest = paper.write(workplace)
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    return manifest


@pytest.mark.parametrize("sandbox", LAGGING, indirect=True)
def test_destroy_and_apply_in_turns_always_bring_the_same_object_back(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest, ids, ended = paper.write(workplace), [], []

    for _ in range(3):
        ended.append(provision("apply", manifest, "--yes"))
        ids.append(truth.application(sandbox)["id"])
        ended.append(provision("destroy", manifest, "--yes"))

    assert [each.exit_code for each in ended] == [0] * 6, "\n".join(e.said for e in ended)
    assert len(set(ids)) == 1
    assert len(truth.applications(sandbox, deleted=None)) == 1


@pytest.mark.parametrize("sandbox", [*LAGGING, *SLOW], indirect=True)
def test_a_restored_application_has_one_new_secret_that_works_and_its_permissions(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")
    old = truth.key_ids(sandbox)
    provision("destroy", manifest, "--yes")

    provision("apply", manifest, "--yes")

    assert len(truth.key_ids(sandbox)) == 1
    assert truth.key_ids(sandbox) != old
    assert truth.roles(sandbox) == ["User.Read.All"]
    proved = provision("verify", manifest, "--wait", "10m")
    assert proved.exit_code == 0, proved.said


@pytest.mark.parametrize("sandbox", LAGGING[:2], indirect=True)
def test_after_a_purge_apply_makes_a_new_object(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")
    before = truth.application(sandbox)["id"]
    purged = provision("destroy", manifest, "--yes", "--purge")
    left = truth.applications(sandbox, deleted=None)

    again = provision("apply", manifest, "--yes")

    assert (purged.exit_code, again.exit_code) == (0, 0), purged.said + again.said
    assert left == []
    assert truth.application(sandbox)["id"] != before


def test_a_purge_after_a_soft_destroy_empties_the_deleted_items(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    provision("destroy", applied, "--yes")

    done = provision("destroy", applied, "--yes", "--purge")

    assert done.exit_code == 0, done.said
    assert "1 destroyed" in done.stdout
    assert truth.applications(sandbox, deleted=None) == []
    assert truth.principals(sandbox, deleted=None) == []


def test_a_purge_of_what_was_deleted_before_is_shown_and_asked_for(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    """There is no way back from it, so it is no smaller thing than a deletion."""
    provision("destroy", applied, "--yes")

    refused = provision("destroy", applied, "--purge")

    assert refused.exit_code == 64
    assert "gone for good" in " ".join(refused.stdout.split())
    assert len(truth.applications(sandbox, deleted=True)) == 1


def test_a_purge_that_is_refused_leaves_a_receipt_of_what_was_done(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    provision("destroy", applied, "--yes")
    path, code = "directory/deletedItems", "Authorization_RequestDenied"
    sandbox.faults.add(Fault(do="status", status=403, method="DELETE", path=path, code=code))

    refused = provision("destroy", applied, "--yes", "--purge")

    assert refused.exit_code == 1
    assert "0 done, 1 failed" in refused.stdout


def test_a_deleted_application_of_somebody_else_under_our_name_stops_apply_with_the_way_out(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    theirs = outsider.application(sandbox, uniqueName="hello.my-workload")
    outsider.send(sandbox, "DELETE", f"applications/{theirs['id']}")

    stopped = provision("apply", paper.write(workplace), "--yes")

    assert stopped.exit_code == 1
    assert theirs["id"] in stopped.stderr
    assert "Restore it or delete it permanently" in stopped.said
    assert [each["id"] for each in truth.applications(sandbox, deleted=None)] == [theirs["id"]]


def test_destroy_purge_leaves_a_deleted_application_of_somebody_else_under_our_name(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    theirs = outsider.application(sandbox, uniqueName="hello.my-workload")
    outsider.send(sandbox, "DELETE", f"applications/{theirs['id']}")

    provision("destroy", paper.write(workplace), "--yes", "--purge")

    assert truth.application(sandbox, deleted=True)["id"] == theirs["id"]


def test_destroy_takes_our_lines_out_of_the_store_and_keeps_the_others(
    applied: Path, provision: Provision
) -> None:
    store = applied.parent / paper.STORE
    ours = store.read_text(encoding="utf-8")
    store.write_text(f"# theirs\nCOLOUR=blue\n{ours}OTHER='1 2'\n", encoding="utf-8")

    provision("destroy", applied, "--yes")

    assert store.read_text(encoding="utf-8") == "# theirs\nCOLOUR=blue\nOTHER='1 2'\n"


def test_destroy_removes_a_store_that_held_nothing_else(
    applied: Path, provision: Provision
) -> None:
    provision("destroy", applied, "--yes")

    assert not (applied.parent / paper.STORE).exists()


def test_destroy_leaves_a_value_in_the_store_that_is_another_applications(
    applied: Path, provision: Provision
) -> None:
    store = applied.parent / paper.STORE
    theirs = "AZURE_CLIENT_ID=33333333-3333-3333-3333-333333333333\nAZURE_CLIENT_SECRET=theirs\n"
    store.write_text(theirs, encoding="utf-8")

    done = provision("destroy", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert store.read_text(encoding="utf-8") == theirs


def test_destroy_leaves_applications_of_others_alone(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    outsider.application(sandbox, tags=["provision:owner:hello2"])
    outsider.application(sandbox, uniqueName="hello.other", tags=["provision:owner:somebody"])
    theirs = truth.applications(sandbox)
    theirs = [each for each in theirs if each["displayName"] == "Theirs"]

    provision("destroy", applied, "--yes", "--purge")

    assert truth.applications(sandbox, deleted=None) == theirs


def test_destroy_deletes_what_left_the_manifest_too(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    manifest = paper.write(applied.parent, applications={"other": paper.an_app()})

    provision("destroy", manifest, "--yes")

    assert truth.applications(sandbox) == []


def test_destroy_without_a_terminal_asks_for_yes_and_deletes_nothing(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    refused = provision("destroy", applied)

    assert refused.exit_code == 64
    assert "There is no terminal to ask on" in refused.stderr
    assert "--yes" in refused.stderr
    assert truth.application(sandbox)["deletedDateTime"] is None


def test_destroying_nothing_is_no_failure(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    done = provision("destroy", paper.write(workplace))

    assert done.exit_code == 0, done.said


def test_a_purge_is_announced_as_one(
    provision: Provision, sandbox: Server, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    assert provision("apply", manifest, "--yes", "--skip-verify").exit_code == 0

    gone = provision("destroy", manifest, "--yes", "--purge")

    assert "gone for good" in " ".join(gone.stdout.split())
    assert "can be restored" not in " ".join(gone.stdout.split())


def test_destroy_asks_for_all_that_it_deleted_at_once_whether_it_still_shows(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Sixteen looks at three applications and their service principals fill five batches."""
    apps = {f"app-{n}": paper.an_app(credentials=None) for n in range(3)}
    manifest = paper.write(workplace, applications=apps)
    provision("apply", manifest, "--yes", "--skip-verify")

    provision("destroy", manifest, "--yes")

    asked = [f"{each.method} {each.path.rpartition('/')[2]}" for each in sandbox.requests]
    deleted = max(n for n, each in enumerate(asked) if each.startswith("DELETE"))
    assert asked[deleted + 1 :] == ["POST $batch"] * 5


def test_destroy_says_so_when_the_directory_does_not_stop_showing_what_it_deleted(
    sandbox: Server,
    provision: Provision,
    applied: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    async def still_shown(*_: object, looks: int) -> bool:
        asked.append(looks)
        return True

    monkeypatch.setattr(directory, "still_there", still_shown)
    monkeypatch.setattr(destroy, "SETTLING", 20.0)

    done = provision("destroy", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert truth.applications(sandbox) == []
    assert "The directory still shows what was deleted" in done.stderr
    assert len(asked) > 2
