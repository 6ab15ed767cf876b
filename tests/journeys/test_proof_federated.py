"""Federated credentials, proven where an issuer's token can be had: the sandbox signs for all of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Outcome, Processes, Provision

from provision.sandbox import issuers
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen
from provision.sandbox.tokens import public_keys, signing_key

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
    id = truth.application(server)["id"]
    kind = "federatedIdentityCredentials"
    rows = server.tenant().find_all(kind, "_application", id, Seen.truth())
    return {each["name"]: dict(each) for each in rows}


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


def test_a_sandbox_that_another_process_serves_proves_it_too(
    workplace: Path, provision: Provision, provision_process: Processes
) -> None:
    ready = workplace / "settings.json"
    running = provision_process.start("sandbox", "serve", "--port", "0", "--settings", ready)
    deadline = time.monotonic() + 60
    while not ready.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)

    applied = provision("apply", workload(workplace, format="names"), "--yes", "--json")
    running.terminate()
    provision_process.finish(running)

    assert applied.exit_code == 0, applied.said
    assert "Using the sandbox that is served at" in applied.stderr
    assert results(applied) == {"ci": "proven"}


def test_a_managed_identitys_token_can_be_had_from_nobody_but_the_tenant(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    trust = {"managedIdentity": {"principalId": "5c0e7d1c-0000-4000-8000-000000000000"}}
    app = paper.an_app(credentials={"function": {"federated": trust}})

    applied = provision("apply", paper.write(workplace, app), "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    assert results(applied) == {"function": "not provable here"}
    assert "its issuer's token is not here" in findings(applied)["function"]["says"]


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


def verified_elsewhere(
    server: Server, provision: Provision, manifest: Path, *, token: str
) -> Outcome:
    """`verify` on a machine that reaches the tenant by its address, and has a token of an issuer in a file."""
    who = outsider.operator(server)
    file = manifest.parent / "token"
    file.write_text(token)
    reach = ("--login", server.url, "--graph", server.url, "--ca-bundle", server.ca_bundle)
    env = {**who.variables, "AZURE_FEDERATED_TOKEN_FILE": str(file)}
    pinned = ("--tenant", who.tenant_id, "--auth", "env", "--json")
    return provision("verify", manifest, *reach, *pinned, env=env)


@pytest.fixture
def two_jobs(sandbox: Server, workplace: Path, provision: Provision) -> Path:
    """A manifest that trusts two jobs of an issuer, applied."""
    jobs = {
        name: {"federated": {"issuer": "https://ci.example", "subject": f"job:{name}"}}
        for name in ("one", "two")
    }
    manifest = paper.write(workplace, paper.an_app(credentials=jobs))
    applied = provision("apply", manifest, "--yes")
    assert applied.exit_code == 0, applied.said
    return manifest


def test_the_token_in_a_file_proves_what_trusts_it_and_nothing_else(
    sandbox: Server, provision: Provision, two_jobs: Path
) -> None:
    token = sandbox.issue_token("job:one", issuer="https://ci.example")

    verified = verified_elsewhere(sandbox, provision, two_jobs, token=token)

    assert verified.exit_code == 0, verified.said
    assert results(verified) == {"one": "proven", "two": "not provable here"}
    says = findings(verified)["two"]["says"]
    assert says.startswith("federated: the token here is about job:one; ")
    assert token not in verified.said


def test_a_token_that_its_issuer_did_not_sign_fails_with_what_to_do(
    sandbox: Server, provision: Provision, two_jobs: Path
) -> None:
    token = sandbox.issue_token("job:one", issuer="https://ci.example")
    theirs = public_keys(signing_key(sandbox.store, "theirs"))
    issuers.trust(sandbox.store, "https://ci.example", theirs)

    refused = verified_elsewhere(sandbox, provision, two_jobs, token=token)

    assert refused.exit_code == 1
    found = findings(refused)["one"]
    assert found["result"] == "failed"
    assert "AADSTS7000272" in found["says"]
    assert "serves its keys" in found["hint"]


def test_a_token_that_is_none_is_told_and_the_grants_are_read(
    sandbox: Server, provision: Provision, two_jobs: Path
) -> None:
    verified = verified_elsewhere(sandbox, provision, two_jobs, token="none")

    assert verified.exit_code == 0, verified.said
    assert set(results(verified).values()) == {"not provable here"}
    assert "The token cannot be read" in findings(verified)["one"]["says"]


def test_others_trusts_that_fill_the_application_are_told_in_the_plan_and_in_the_refusal(
    sandbox: Server, workplace: Path, provision: Provision
) -> None:
    first = paper.write(workplace, paper.an_app(credentials=None))
    assert provision("apply", first, "--yes").exit_code == 0
    path = f"applications/{truth.application(sandbox)['id']}/federatedIdentityCredentials"
    for number in range(20):
        body = {
            "name": f"their-{number}",
            "issuer": "https://ci.example",
            "subject": f"job:{number}",
            "audiences": ["api://AzureADTokenExchange"],
        }
        outsider.send(sandbox, "POST", path, body)
    manifest = workload(workplace, format="names")

    planned = provision("plan", manifest)
    refused = provision("apply", manifest, "--yes")

    assert "there are 20 federated credentials of others, the manifest wants 1" in planned.said
    assert refused.exit_code == 1
    assert "An application takes 20 federated credentials at most" in refused.said
