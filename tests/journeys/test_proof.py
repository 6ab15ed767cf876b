"""What verify says of a credential: proven, not provable here, failed; and of roles that others gave."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Outcome, Provision

from provision.sandbox.faults import Fault
from provision.sandbox.journal import Entry
from provision.sandbox.server import Server


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of an application that exists, its secret no longer fresh."""
    app = paper.an_app(verify={"calls": ["GET /users?$top=1"]})
    manifest = paper.write(workplace, app)
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    sandbox.advance(timedelta(hours=1))
    return manifest


def finding(outcome: Outcome) -> dict[str, Any]:
    """The only finding of a `verify --json`."""
    (found,) = json.loads(outcome.stdout)["findings"]
    told: dict[str, Any] = found
    return told


def spoil(store: Path) -> None:
    """Put another value where the secret stands."""
    lines = store.read_text(encoding="utf-8").splitlines()
    wrong = ["AZURE_CLIENT_SECRET=wr0ng~value" if "SECRET=" in line else line for line in lines]
    store.write_text("\n".join(wrong) + "\n", encoding="utf-8")


def test_a_stored_secret_with_its_roles_and_calls_is_proven(
    applied: Path, provision: Provision
) -> None:
    proven = provision("verify", applied, "--json")

    assert proven.exit_code == 0, proven.said
    found = finding(proven)
    assert found["result"] == "proven"
    assert [(role["value"], role["present"]) for role in found["roles"]] == [
        ("User.Read.All", True)
    ]
    assert [call["status"] for call in found["calls"]] == [200]


def test_a_call_that_is_refused_fails_the_proof_with_its_status(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.faults.add(Fault(do="status", path="^/v1.0/users", status=403))

    refused = provision("verify", applied, "--json")

    assert refused.exit_code == 1
    assert finding(refused)["says"] == "GET /users?$top=1 answered 403"


def test_a_wrong_secret_in_the_store_fails_and_is_explained(
    applied: Path, provision: Provision
) -> None:
    spoil(applied.parent / paper.STORE)

    refused = provision("verify", applied)

    assert refused.exit_code == 1
    assert "The client secret is wrong. AADSTS7000215" in refused.said
    assert "provision rotate --now --target my-workload/ci" in refused.said
    assert "wr0ng~value" not in refused.said


def test_rotate_replaces_a_wrong_secret_in_the_store(applied: Path, provision: Provision) -> None:
    spoil(applied.parent / paper.STORE)

    rotated = provision("rotate", applied, "--now", "--target", "my-workload/ci")

    assert rotated.exit_code == 0, rotated.said
    assert provision("verify", applied).exit_code == 0


def test_an_expired_secret_fails_and_apply_replaces_it(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.advance(timedelta(days=91))

    refused = provision("verify", applied)
    replaced = provision("apply", applied, "--yes")

    assert refused.exit_code == 1
    assert "AADSTS7000222" in refused.said
    assert replaced.exit_code == 0, replaced.said


def test_a_secret_that_is_stored_elsewhere_is_not_provable_here_and_that_is_no_failure(
    applied: Path, provision: Provision
) -> None:
    (applied.parent / paper.STORE).unlink()

    unproven = provision("verify", applied)

    assert unproven.exit_code == 0, unproven.said
    assert "not provable here" in unproven.stdout
    assert "all roles are granted" in unproven.said


def test_a_grant_that_comes_while_verify_waits_is_seen_where_no_token_can_be_had(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    """After another runner granted it, a replica may not show it yet: that alone needs nobody."""
    (applied.parent / paper.STORE).unlink()
    (principal,) = truth.principals(sandbox)
    path = f"servicePrincipals/{principal['id']}/appRoleAssignments"
    (granted,) = outsider.send(sandbox, "GET", path)["value"]
    outsider.send(sandbox, "DELETE", f"{path}/{granted['id']}")
    granting = threading.Thread(
        target=outsider.grant, args=(sandbox, principal["id"], "User.Read.All")
    )
    reads: list[str] = []

    def once_it_was_missed(entry: Entry) -> None:
        reads.extend([entry.path] if entry.path.endswith("/$batch") else [])
        if len(reads) == 4 and granting.ident is None:  # two to look, and two that miss it
            granting.start()

    sandbox.requests.listen(once_it_was_missed)

    waited = provision("verify", applied, "--wait", "2h")

    granting.join()
    assert waited.exit_code == 0, waited.said
    assert "all roles are granted" in waited.said


def test_a_secret_that_is_stored_elsewhere_fails_where_proof_is_required(
    applied: Path, provision: Provision
) -> None:
    (applied.parent / paper.STORE).unlink()

    unproven = provision("verify", applied, "--require-proof")

    assert unproven.exit_code == 1


def test_a_secret_that_is_stored_elsewhere_is_not_issued_again(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    before = truth.key_ids(sandbox)
    (applied.parent / paper.STORE).unlink()

    done = provision("apply", applied, "--yes")

    assert done.exit_code == 0, done.said
    assert truth.key_ids(sandbox) == before
    assert "provision rotate --now --target my-workload/ci" in done.said


@pytest.fixture
def extra(applied: Path, sandbox: Server) -> Path:
    """The same, after somebody else granted one role more."""
    (principal,) = truth.principals(sandbox)
    outsider.grant(sandbox, principal["id"], "Mail.Read")
    return applied


def test_a_role_that_the_manifest_does_not_declare_is_a_warning(
    extra: Path, provision: Provision
) -> None:
    proven = provision("verify", extra)

    assert proven.exit_code == 0, proven.said
    assert "Mail.Read" in proven.said


def test_a_role_that_the_manifest_does_not_declare_fails_under_strict(
    extra: Path, provision: Provision
) -> None:
    refused = provision("verify", extra, "--strict")

    assert refused.exit_code == 1
    assert "Mail.Read" in refused.said


def test_a_role_that_others_granted_is_a_note_of_the_plan_and_no_step(
    extra: Path, provision: Provision
) -> None:
    planned = provision("plan", extra, "--detailed-exitcode")

    assert planned.exit_code == 0, planned.said
    assert "Mail.Read is granted, but was not requested here" in planned.said


def test_apply_leaves_a_role_that_others_granted(
    extra: Path, provision: Provision, sandbox: Server
) -> None:
    provision("apply", extra, "--yes")

    assert truth.roles(sandbox) == ["Mail.Read", "User.Read.All"]


def test_a_role_that_was_taken_away_outside_fails_verify_and_comes_back_with_apply(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    (principal,) = truth.principals(sandbox)
    path = f"servicePrincipals/{principal['id']}/appRoleAssignments"
    (granted,) = outsider.send(sandbox, "GET", path)["value"]
    outsider.send(sandbox, "DELETE", f"{path}/{granted['id']}")

    refused = provision("verify", applied)
    repaired = provision("apply", applied, "--yes")

    assert refused.exit_code == 1
    assert "no administrator has consented to User.Read.All" in refused.said
    assert repaired.exit_code == 0, repaired.said


def test_verify_before_apply_fails_and_names_apply(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    refused = provision("verify", paper.write(workplace))

    assert refused.exit_code == 1
    assert "does not exist in this tenant" in refused.said
    assert "Run provision apply first" in refused.said
