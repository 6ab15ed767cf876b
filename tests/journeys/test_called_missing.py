"""A replica that is behind calls missing what is to be removed: that is not taken for done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import outsider
import paper
import pytest
import truth
from journey import Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

MISSING = {"status": 404, "code": "Request_ResourceNotFound"}
GONE = {
    "status": 400,
    "code": "Request_BadRequest",
    "message": "No password credential found with keyId.",
}
BRANCH = {"repository": "contoso/api", "ownerId": 1, "repositoryId": 2, "branch": "main"}
TRUSTED = {"federated": {"github": BRANCH}}


def behind(sandbox: Server, method: str, path: str, times: int = 2, **said: object) -> None:
    """The next such requests meet a replica that has not heard of what they are about."""
    for nth in range(1, times + 1):
        fault = Fault(do="status", method=method, path=path, nth=nth, **{**MISSING, **said})  # type: ignore[arg-type]
        sandbox.faults.add(fault)


def test_an_application_is_deleted_although_it_was_called_missing(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes", "--skip-verify")
    behind(sandbox, "DELETE", "/v1.0/applications/")

    done = provision("destroy", manifest, "--yes")

    assert done.exit_code == 0, done.said
    assert truth.applications(sandbox) == []


def test_what_left_the_manifest_is_deleted_although_it_was_called_missing(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    two = {"my-workload": paper.an_app(), "other": paper.an_app(credentials=None)}
    provision("apply", paper.write(workplace, applications=two), "--yes", "--skip-verify")
    behind(sandbox, "DELETE", "/v1.0/applications/")

    done = provision("apply", paper.write(workplace), "--yes", "--skip-verify", "--allow-destroy")

    assert done.exit_code == 0, done.said
    assert [each["uniqueName"] for each in truth.applications(sandbox)] == ["hello.my-workload"]


@pytest.mark.parametrize("said", [MISSING, GONE], ids=["application", "secret"])
def test_an_old_secret_is_removed_although_it_was_called_missing(
    sandbox: Server, provision: Provision, workplace: Path, said: dict[str, object]
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes", "--skip-verify")
    provision("rotate", manifest, "--now")
    sandbox.advance(timedelta(hours=25))
    before = truth.key_ids(sandbox)
    behind(sandbox, "POST", "/removePassword", **said)

    done = provision("apply", manifest, "--yes", "--skip-verify")

    assert done.exit_code == 0, done.said
    assert sum("removePassword" in entry.path for entry in sandbox.requests) == 3
    assert len(before) == 2
    assert truth.key_ids(sandbox) == before[1:]


def test_a_federated_credential_is_removed_although_it_was_called_missing(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    trusting = paper.an_app(credentials={"ci": paper.a_secret(), "github": TRUSTED})
    made = provision("apply", paper.write(workplace, trusting), "--yes", "--skip-verify")
    path = f"applications/{truth.application(sandbox)['id']}/federatedIdentityCredentials"
    before = outsider.send(sandbox, "GET", path)["value"]
    behind(sandbox, "DELETE", "/federatedIdentityCredentials")

    done = provision("apply", paper.write(workplace), "--yes", "--skip-verify")

    assert (made.exit_code, done.exit_code) == (0, 0), made.said + done.said
    assert [each["name"] for each in before] == ["github-ids"]
    assert outsider.send(sandbox, "GET", path)["value"] == []


def test_what_somebody_else_has_deleted_meanwhile_is_as_good(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes", "--skip-verify")
    path = "/v1.0/applications/"
    sandbox.faults.add(Fault(do="status_after", method="DELETE", path=path, nth=1, **MISSING))  # type: ignore[arg-type]

    done = provision("destroy", manifest, "--yes")

    assert done.exit_code == 0, done.said
    assert truth.applications(sandbox) == []
    assert sum(e.method == "DELETE" and path in e.path for e in sandbox.requests) == 1
