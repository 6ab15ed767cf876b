"""`status`: what is there and what the calendar says of it, through a credential's whole life; nothing is written."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import somebody
import truth
from journey import Outcome, Provision

from provision.sandbox import identities
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen
from provision.schemas import status_schema
from tests.fitting import misfits

APP = "my-workload"


@pytest.fixture
def applied(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of an application with a secret in its store, an hour old."""
    manifest = paper.write(workplace)
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    sandbox.advance(timedelta(hours=1))
    return manifest


def document(outcome: Outcome) -> dict[str, Any]:
    """What --json printed, once it is known to fit its schema."""
    found = json.loads(outcome.stdout)
    assert misfits(found, status_schema()) == []
    assert isinstance(found, dict)
    return found


def told(outcome: Outcome, app: str = APP) -> list[tuple[str | None, str, bool]]:
    """The credentials of one application: name, state, and whether it is due."""
    (found,) = (each for each in document(outcome)["applications"] if each["app"] == app)
    return [(each["credential"], each["state"], each["due"]) for each in found["credentials"]]


def whole(server: Server) -> dict[str, list[Any]]:
    """Everything that a tenant holds of applications: what a $batch may have changed is seen here."""
    tables = ("applications", "servicePrincipals", "appRoleAssignments", "oauth2PermissionGrants")
    now = Seen.truth()
    return {table: list(server.tenant().scan(table, now, deleted=None)) for table in tables}


def kept(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """What stores hold, and when they were written."""
    return {each: (each.read_bytes(), each.stat().st_mtime_ns) for each in folder.rglob("*.env")}


def test_before_the_first_apply_everything_is_missing_and_due(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    said = provision("status", manifest, "--detailed-exitcode")
    shown = provision("status", manifest, "--json")

    assert said.exit_code == 2
    assert f"{APP}: does not exist in this tenant: run provision apply" in said.stdout
    assert told(shown) == [("ci", "missing", True)]
    assert document(shown)["due"] is True


def test_after_apply_the_secret_is_active_and_nothing_is_due(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    (listed,) = truth.application(sandbox)["passwordCredentials"]

    said = provision("status", applied, "--detailed-exitcode")
    shown = document(provision("status", applied, "--json"))

    (app,) = shown["applications"]
    (row,) = app["credentials"]
    assert said.exit_code == 0, said.said
    assert f"key {listed['keyId']}" in said.stdout
    assert "consent granted (1 of 1); matches the manifest" in said.stdout
    assert f"Nothing is due. The next to expire is {APP}/ci" in said.stdout
    assert (row["keyId"], row["store"], row["held"]) == (listed["keyId"], ".env (AZURE_*)", "here")
    assert [row["created"], row["expires"]] == [
        listed[name].partition(".")[0].removesuffix("Z") + "Z"
        for name in ("startDateTime", "endDateTime")
    ]
    assert datetime.fromisoformat(row["lastProof"]) >= datetime.fromisoformat(row["created"])
    assert (shown["tenantId"], shown["owner"]) == (sandbox.operator()["tenantId"], "hello")


def test_a_fresh_secret_that_was_just_rotated_leaves_one_that_retires(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    (old,) = truth.key_ids(sandbox)
    provision("rotate", applied, "--now")
    sandbox.advance(timedelta(hours=1))

    said = provision("status", applied, "--detailed-exitcode")
    shown = provision("status", applied, "--json")

    assert said.exit_code == 0, said.said
    assert "goes in 22 h" in said.stdout
    assert told(shown) == [("ci", "active", False), ("ci", "retiring", False)]
    retiring = document(shown)["applications"][0]["credentials"][1]
    assert (retiring["keyId"], retiring["held"]) == (old, None)
    assert retiring["until"]


def test_an_old_secret_whose_overlap_has_passed_is_due(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    provision("rotate", applied, "--now")
    sandbox.advance(timedelta(hours=25))

    said = provision("status", applied, "--detailed-exitcode")

    assert said.exit_code == 2
    assert told(provision("status", applied, "--json")) == [
        ("ci", "active", False),
        ("ci", "retiring", True),
    ]
    assert provision("apply", applied, "--yes").exit_code == 0
    assert provision("status", applied, "--detailed-exitcode").exit_code == 0


def test_inside_renew_before_the_secret_is_due_until_it_is_renewed(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.advance(timedelta(days=65))

    said = provision("status", applied, "--detailed-exitcode")
    calm = provision("status", applied)

    assert (said.exit_code, calm.exit_code) == (2, 0)
    assert "renewed with the next provision apply" in said.stdout
    assert told(provision("status", applied, "--json")) == [("ci", "due", True)]
    assert provision("rotate", applied).exit_code == 0
    assert told(provision("status", applied, "--json"))[0] == ("ci", "active", False)


def test_after_too_long_a_gap_it_says_that_the_active_one_has_expired(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.advance(timedelta(days=92))

    said = provision("status", applied, "--detailed-exitcode")

    assert said.exit_code == 2
    assert "the active credential has expired" in said.said
    assert told(provision("status", applied, "--json")) == [("ci", "expired", True)]


def test_what_another_machine_holds_is_held_elsewhere_and_due_only_in_time(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    (applied.parent / paper.STORE).unlink()

    calm = provision("status", applied, "--detailed-exitcode", "--json")
    sandbox.advance(timedelta(days=65))
    late = provision("status", applied, "--detailed-exitcode", "--json")

    assert (calm.exit_code, told(calm)) == (0, [("ci", "held elsewhere", False)])
    assert (late.exit_code, told(late)) == (2, [("ci", "held elsewhere", True)])
    row = document(late)["applications"][0]["credentials"][0]
    assert f"provision rotate --now --target {APP}/ci" in row["says"]


def test_other_peoples_secrets_are_shown_and_never_due(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    application = truth.application(sandbox)
    body = {"passwordCredential": {"displayName": "made in the portal"}}
    theirs = outsider.send(sandbox, "POST", f"applications/{application['id']}/addPassword", body)

    said = provision("status", applied, "--detailed-exitcode")
    shown = provision("status", applied, "--json")

    assert said.exit_code == 0, said.said
    assert '"made in the portal"' in said.stdout
    assert theirs["keyId"] in said.stdout
    assert told(shown) == [("ci", "active", False), (None, "not ours", False)]
    assert theirs["secretText"] not in said.stdout + shown.stdout


def test_drift_and_a_missing_consent_are_shown_and_not_due(
    applied: Path, provision: Provision, sandbox: Server, workplace: Path
) -> None:
    changed = paper.an_app("User.Read.All", "Mail.Send", displayName="Another Name")
    paper.write(workplace, {**changed, "consent": "request"})

    said = provision("status", applied, "--detailed-exitcode")

    assert said.exit_code == 0, said.said
    assert "consent pending, 1 of 2 granted: waits for an administrator" in said.said
    assert "not granted: Mail.Send of Microsoft Graph" in said.said
    assert "2 changes: run provision plan" in said.said


@pytest.mark.parametrize("days", [0, 65, 92], ids=["fresh", "due", "expired"])
def test_it_only_reads(
    applied: Path, provision: Provision, sandbox: Server, workplace: Path, days: int
) -> None:
    sandbox.advance(timedelta(days=days))
    tenant, files = whole(sandbox), kept(workplace)
    sandbox.requests.clear()

    done = provision("status", applied)

    sent = {(each.method, each.path.rpartition("/")[2]) for each in sandbox.requests}
    assert done.exit_code == 0, done.said
    assert {path for method, path in sent if method != "GET"} <= {"$batch", "token"}
    assert whole(sandbox) == tenant
    assert kept(workplace) == files


def test_a_store_outside_the_folder_of_a_strangers_manifest_is_not_read(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    outside = workplace / "outside"
    inside = workplace / "project"
    outside.mkdir()
    inside.mkdir()
    store = paper.a_secret(dotenv="../outside/.env")
    manifest = paper.write(inside, paper.an_app(credentials={"ci": store}), tenant=None)
    as_ci = somebody.application(
        sandbox, provision, "CI", "Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"
    )
    done = as_ci("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said

    shown = as_ci("status", manifest, "--json")

    row = document(shown)["applications"][0]["credentials"][0]
    assert (row["state"], row["held"], row["due"]) == ("active", "unreadable", False)


def test_who_may_not_read_grants_is_told_so_in_a_line(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, tenant=None)
    as_ci = somebody.application(sandbox, provision, "CI", "Application.ReadWrite.OwnedBy")
    as_ci("apply", manifest, "--yes", "--skip-verify")

    said = as_ci("status", manifest, "--detailed-exitcode")

    assert said.exit_code == 0, said.said
    assert "its consents cannot be read by this operator; matches the manifest" in said.said


def test_a_read_that_graph_refuses_is_a_failure_in_words(
    applied: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.faults.add(
        Fault(do="status", status=403, path="/applications", code="Authorization_RequestDenied")
    )

    failed = provision("status", applied, "--json")

    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["format"] == "provision/error"


def test_several_applications_environments_trusts_and_identities_stand_side_by_side(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    identity = identities.add(sandbox.tenant(), "nightly-function")
    github = {"github": {"repository": "contoso/shop", "branch": "main"}}
    apps = {
        "deploy": {"displayName": "Deploy", "credentials": {"main": {"federated": github}}},
        "daemon": paper.an_app(credentials={"ci": paper.a_secret(prefix="DAEMON_")}),
    }
    content = {
        "version": 1,
        "name": "hello",
        "environments": {"dev": {"tenant": "sandbox"}, "prod": {"tenant": "contoso.com"}},
        "applications": apps,
        "identities": {
            "func": {
                "managedIdentity": identity.principal_id,
                "permissions": {"Microsoft Graph": ["User.Read.All"]},
            }
        },
    }
    manifest = workplace / "hello.yaml"
    manifest.write_text(json.dumps(content), encoding="utf-8")
    done = provision("apply", manifest, "--yes", "--skip-verify", "--env", "dev")
    assert done.exit_code == 0, done.said

    shown = provision("status", manifest, "--env", "dev", "--json")
    narrow = provision("status", manifest, "--env", "dev", "--target", "daemon", "--json")

    assert told(shown, "deploy") == [("main", "active", False)]
    assert told(shown, "daemon") == [("ci", "active", False)]
    assert told(shown, "func") == []
    found = document(shown)
    assert found["owner"] == "hello.dev"
    func = next(each for each in found["applications"] if each["app"] == "func")
    assert (func["kind"], func["consent"]["state"]) == ("managedIdentity", "granted")
    trust = found["applications"][0]["credentials"][0]
    assert trust["issuer"] == "https://token.actions.githubusercontent.com"
    assert trust["expires"] is None
    assert [each["app"] for each in document(narrow)["applications"]] == ["daemon"]


def test_an_adopted_application_shows_what_it_had_beside_ours(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    made = outsider.application(sandbox, displayName="Legacy")
    outsider.send(sandbox, "POST", f"applications/{made['id']}/addPassword", {})
    manifest = paper.write(
        workplace, paper.an_app(displayName=None, adopt={"appId": made["appId"]})
    )
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said

    shown = provision("status", manifest, "--json")

    assert told(shown) == [("ci", "active", False), (None, "not ours", False)]


@pytest.mark.parametrize("columns", ["40", "80", "160"])
def test_a_key_id_is_whole_on_every_screen(
    applied: Path, provision: Provision, sandbox: Server, columns: str
) -> None:
    (key_id,) = truth.key_ids(sandbox)

    said = provision("status", applied, env={"COLUMNS": columns, "NO_COLOR": "1"})

    assert key_id in said.stdout
    assert "\x1b" not in said.stdout
