"""Where no token can be had here: federated credentials, managed identities, and nothing to sign in with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Outcome, Provision

from provision.sandbox import identities, issuers
from provision.sandbox.server import Server
from provision.sandbox.tokens import public_keys, signing_key

EXAMPLES = Path(__file__).resolve().parents[2] / "manifests"
PIPELINE = EXAMPLES / "github-actions.yaml"
LAGGING = pytest.mark.parametrize("sandbox", [{}, {"profile": "typical"}], indirect=True)
TRUST = {"federated": {"github": {"repository": "contoso/shop", "environment": "production"}}}


def findings(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What a `--json` says was found, by application and credential."""
    found = json.loads(outcome.stdout)["findings"]
    return {f"{each['app']}/{each['credential']}": each for each in found}


def results(outcome: Outcome) -> dict[str, str]:
    return {name: each["result"] for name, each in findings(outcome).items()}


def revoke(server: Server, principal_id: str) -> None:
    """Take away every role that a service principal has."""
    path = f"servicePrincipals/{principal_id}/appRoleAssignments"
    for each in outsider.send(server, "GET", path)["value"]:
        outsider.send(server, "DELETE", f"{path}/{each['id']}")


@pytest.fixture
def closed(sandbox: Server) -> Server:
    """A sandbox that has GitHub's own keys: nobody but GitHub can sign for it."""
    keys = public_keys(signing_key(sandbox.store, "theirs"))
    issuers.trust(sandbox.store, "https://token.actions.githubusercontent.com", keys)
    return sandbox


@pytest.fixture
def deployed(closed: Server, provision: Provision) -> Path:
    """The example of a pipeline, applied."""
    done = provision("apply", PIPELINE, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    return PIPELINE


@pytest.fixture
def function(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """The manifest of a managed identity that may read users, not applied yet."""
    made = identities.add(sandbox.tenant(), "nightly-function")
    wanted = {
        "managedIdentity": made.principal_id,
        "permissions": {"Microsoft Graph": ["User.Read.All"]},
    }
    return paper.write(workplace, applications={}, identities={"nightly-function": wanted})


@LAGGING
def test_a_pipeline_that_is_trusted_and_granted_is_not_provable_here_and_that_is_no_failure(
    closed: Server, provision: Provision
) -> None:
    applied = provision("apply", PIPELINE, "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    assert results(applied) == {
        "deploy/production-ids": "not provable here",
        "deploy/main": "not provable here",
        "deploy/main-ids": "not provable here",
    }
    assert findings(applied)["deploy/main"]["says"] == (
        "federated: its issuer's token is not here; all roles are granted"
    )


def test_a_pipeline_fails_where_proof_is_required(deployed: Path, provision: Provision) -> None:
    assert provision("verify", deployed).exit_code == 0
    assert provision("verify", deployed, "--require-proof").exit_code == 1


def test_a_pipeline_whose_role_was_taken_away_is_pending(
    deployed: Path, provision: Provision, sandbox: Server
) -> None:
    (principal,) = truth.principals(sandbox)
    revoke(sandbox, principal["id"])

    refused = provision("verify", deployed, "--json")

    assert refused.exit_code == 1
    found = findings(refused)["deploy/main"]
    assert found["result"] == "pending consent"
    assert "not granted: Application.Read.All" in found["says"]
    assert found["hint"] == "An administrator runs: provision apply --only consent"


def test_a_pipeline_that_is_trusted_no_longer_fails_and_the_other_does_not(
    deployed: Path, provision: Provision, sandbox: Server
) -> None:
    application = truth.application(sandbox, "contoso-deploy.deploy")
    path = f"applications/{application['id']}/federatedIdentityCredentials"
    listed = outsider.send(sandbox, "GET", path)["value"]
    (gone,) = (each for each in listed if each["name"] == "main")
    outsider.send(sandbox, "DELETE", f"{path}/{gone['id']}")

    refused = provision("verify", deployed, "--json")

    assert refused.exit_code == 1
    assert results(refused) == {
        "deploy/production-ids": "not provable here",
        "deploy/main": "failed",
        "deploy/main-ids": "not provable here",
    }
    assert "its issuer's tokens are refused" in findings(refused)["deploy/main"]["says"]


def test_a_secret_beside_a_federated_credential_is_proven_and_the_other_is_read(
    closed: Server, provision: Provision, workplace: Path
) -> None:
    app = paper.an_app(credentials={"pipeline": TRUST, "ci": paper.a_secret()})

    applied = provision("apply", paper.write(workplace, app), "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    assert results(applied) == {
        "my-workload/ci": "proven",
        "my-workload/pipeline": "not provable here",
    }


def test_an_application_without_a_credential_is_read_where_it_has_permissions(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, paper.an_app(credentials=None))

    applied = provision("apply", manifest, "--yes")
    (principal,) = truth.principals(sandbox)
    revoke(sandbox, principal["id"])
    refused = provision("verify", manifest, "--json")

    assert applied.exit_code == 0, applied.said
    assert "it has no credential here; all roles are granted" in applied.said
    assert refused.exit_code == 1
    assert results(refused) == {"my-workload/-": "pending consent"}


def test_an_application_that_only_offers_something_has_nothing_to_prove(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace, paper.an_app(credentials=None, permissions=None))

    applied = provision("apply", manifest, "--yes")
    proven = provision("verify", manifest, "--require-proof")

    assert applied.exit_code == 0, applied.said
    assert proven.exit_code == 0, proven.said
    assert "Nothing to prove" in proven.said


def test_a_pipeline_that_needs_no_permission_is_only_trusted(
    closed: Server, provision: Provision, workplace: Path
) -> None:
    app = paper.an_app(credentials={"pipeline": TRUST}, permissions=None)

    applied = provision("apply", paper.write(workplace, app), "--yes")

    assert applied.exit_code == 0, applied.said
    assert "its issuer's token is not here; no permission is wanted" in applied.said


@LAGGING
def test_a_managed_identity_that_was_granted_its_roles_is_not_provable_here(
    function: Path, provision: Provision
) -> None:
    applied = provision("apply", function, "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    found = findings(applied)["nightly-function/-"]
    assert found["result"] == "not provable here"
    assert found["says"] == (
        "a managed identity: only Azure can ask for its token; all roles are granted"
    )


def test_a_managed_identity_without_its_roles_is_pending_and_named_alone(
    function: Path, provision: Provision
) -> None:
    refused = provision("verify", function)

    assert refused.exit_code == 1
    assert refused.stdout.startswith("nightly-function  pending consent")
    assert "not granted: User.Read.All" in refused.said
