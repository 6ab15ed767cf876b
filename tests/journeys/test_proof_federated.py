"""Federated credentials, proven where an issuer's token can be had: the sandbox signs for all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Outcome, Provision

from provision.sandbox.server import Server

PIPELINE = Path(__file__).resolve().parents[2] / "manifests" / "github-actions.yaml"
LAGGING = pytest.mark.parametrize("sandbox", [{}, {"profile": "typical"}], indirect=True)
JOB = {"repository": "contoso/shop", "branch": "main"}
IDS = {"ownerId": 5544123, "repositoryId": 821093847}


def findings(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What a `--json` says was found, by credential."""
    return {each["credential"]: each for each in json.loads(outcome.stdout)["findings"]}


def results(outcome: Outcome) -> dict[str, str]:
    return {name: each["result"] for name, each in findings(outcome).items()}


def trusts(server: Server) -> dict[str, dict[str, Any]]:
    """The application's federated credentials as they are in truth, by name."""
    application = truth.application(server)
    path = f"applications/{application['id']}/federatedIdentityCredentials"
    return {each["name"]: each for each in outsider.send(server, "GET", path)["value"]}


def workload(workplace: Path, *permissions: str, **github: Any) -> Path:
    """A manifest with one credential that trusts a job of GitHub's."""
    trust = {"federated": {"github": {**JOB, **github}}}
    return paper.write(workplace, paper.an_app(*permissions, credentials={"ci": trust}))


@LAGGING
def test_the_example_of_a_pipeline_proves_itself(sandbox: Server, provision: Provision) -> None:
    applied = provision("apply", PIPELINE, "--yes", "--json")
    verified = provision("verify", PIPELINE, "--require-proof", "--json")

    assert applied.exit_code == 0, applied.said
    assert verified.exit_code == 0, verified.said
    proven = {"production-ids": "proven", "main": "proven", "main-ids": "proven"}
    assert results(applied) == results(verified) == proven
    found = findings(verified)["main"]
    assert found["says"] == "a fresh token carries the declared role"
    assert "eyJ" not in applied.said + verified.said


def test_a_sandbox_that_nobody_serves_proves_it_too(workplace: Path, provision: Provision) -> None:
    manifest = workload(workplace, format="names")

    applied = provision("apply", manifest, "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    assert results(applied) == {"ci": "proven"}


def test_a_tenant_of_its_own_in_the_sandbox_proves_it_too(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    manifest = workload(workplace, format="names")

    applied = provision("apply", manifest, "--tenant", "sandbox/other", "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    assert results(applied) == {"ci": "proven"}


def test_any_issuers_token_is_exchanged_for_what_the_workload_may_call(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    cluster = {"issuer": "https://k.example/x/", "namespace": "shop", "serviceAccount": "web"}
    own = {"issuer": "https://ci.example", "subject": "job:1", "audience": "mine"}
    app = paper.an_app(
        "User.Read.All",
        credentials={"pod": {"federated": {"kubernetes": cluster}}, "job": {"federated": own}},
        verify={"calls": ["GET /users?$top=1"]},
    )

    applied = provision("apply", paper.write(workplace, app), "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    assert results(applied) == {"pod": "proven", "job": "proven"}
    assert [call["status"] for call in findings(applied)["pod"]["calls"]] == [200]


def test_a_subject_that_was_changed_behind_our_back_fails_until_it_is_applied_again(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    manifest = workload(workplace, format="names")
    assert provision("apply", manifest, "--yes").exit_code == 0
    application = truth.application(sandbox)
    path = f"applications/{application['id']}/federatedIdentityCredentials/ci"
    outsider.send(sandbox, "PATCH", path, {"subject": "repo:Contoso/shop:ref:refs/heads/main"})

    broken = provision("verify", manifest, "--json")
    applied = provision("apply", manifest, "--yes", "--json")

    assert broken.exit_code == 1
    assert results(broken) == {"ci": "failed"}
    assert findings(broken)["ci"]["hint"] == "Run provision apply."
    assert applied.exit_code == 0, applied.said
    assert results(applied) == {"ci": "proven"}


def test_a_role_that_nobody_consented_to_is_missing_from_the_token(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    trust = {"federated": {"github": {**JOB, "format": "names"}}}
    app = paper.an_app("User.Read.All", consent="request", credentials={"ci": trust})

    applied = provision("apply", paper.write(workplace, app), "--yes", "--json")

    found = findings(applied)["ci"]
    assert found["result"] == "pending consent"
    assert found["says"] == "no administrator has consented to User.Read.All"


def test_a_workload_that_is_disabled_gets_no_token_and_none_is_asked_for(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    trust = {"federated": {"github": {**JOB, "format": "names"}}}
    app = paper.an_app(credentials={"ci": trust}, servicePrincipal={"enabled": False})

    applied = provision("apply", paper.write(workplace, app), "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    found = findings(applied)["ci"]
    assert found["result"] == "not provable here"
    assert found["says"].startswith("its service principal is disabled, as declared")


@LAGGING
def test_a_repository_moves_to_numbers_and_is_trusted_all_the_way(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    names = provision("apply", workload(workplace, format="names"), "--yes", "--json")
    first = trusts(sandbox)
    both = provision("apply", workload(workplace, format="both", **IDS), "--yes", "--json")
    second = trusts(sandbox)
    ids = provision("apply", workload(workplace, format="ids", **IDS), "--yes", "--json")
    third = trusts(sandbox)

    assert [each.exit_code for each in (names, both, ids)] == [0, 0, 0]
    assert results(names) == {"ci": "proven"}
    assert results(both) == {"ci": "proven", "ci-ids": "proven"}
    assert results(ids) == {"ci-ids": "proven"}
    assert second["ci"] == first["ci"]
    assert third == {"ci-ids": second["ci-ids"]}
    assert third["ci-ids"]["subject"] == "repo:contoso@5544123/shop@821093847:ref:refs/heads/main"


def test_nothing_is_left_to_do_while_both_formats_are_trusted(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    manifest = workload(workplace, format="both", **IDS)
    assert provision("apply", manifest, "--yes").exit_code == 0

    planned = provision("plan", manifest, "--json")

    assert json.loads(planned.stdout)["steps"] == []
