"""`--json`: one document on stdout, whatever happens; people's words go to stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import paper
import pytest
import truth
from journey import Outcome, Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server


def document(outcome: Outcome) -> dict[str, Any]:
    """All of stdout as one JSON document."""
    found = json.loads(outcome.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("command", "format"),
    [
        ("plan", "provision/plan"),
        ("apply --yes", "provision/apply"),
        ("apply --yes --skip-verify", "provision/apply"),
        ("verify", "provision/verify"),
        ("status", "provision/status"),
        ("rotate --now", "provision/apply"),
        ("output", "provision/output"),
        ("validate", "provision/validate"),
        ("destroy --yes", "provision/apply"),
    ],
)
def test_stdout_is_one_document_that_names_its_format(
    sandbox: Server, provision: Provision, workplace: Path, command: str, format: str
) -> None:
    manifest = paper.write(workplace)
    if command != "apply --yes":
        provision("apply", manifest, "--yes")
    verb, *flags = command.split()

    told = provision(verb, manifest, *flags, "--json")

    assert told.exit_code == 0, told.said
    found = document(told)
    assert (found["format"], found["version"]) == (format, 1)


@pytest.mark.parametrize(
    ("command", "kind", "exit_code"),
    [
        ("plan absent.yaml", "ProvisionError", 1),
        ("plan bad.yaml", "ManifestError", 1),
        ("plan nowhere.yaml", "UsageError", 64),
        ("apply hello.yaml", "UsageError", 64),
        ("destroy hello.yaml", "UsageError", 64),
        ("plan hello.yaml --target nobody", "UsageError", 64),
        ("plan hello.yaml --var broken", "UsageError", 64),
        ("verify hello.yaml --wait soon", "UsageError", 64),
        ("token hello.yaml my-workload", "StoreError", 1),
        ("token hello.yaml nobody", "UsageError", 64),
        ("plan hello.yaml --login http://127.0.0.1 --graph https://x --tenant t", "AuthError", 1),
    ],
)
def test_a_failure_is_one_document_too(
    sandbox: Server,
    provision: Provision,
    workplace: Path,
    command: str,
    kind: str,
    exit_code: int,
) -> None:
    paper.write(workplace, tenant=None).rename(workplace / "nowhere.yaml")
    paper.write(workplace)
    (workplace / "bad.yaml").write_text("version: 1\n", encoding="utf-8")
    if command.startswith("destroy"):
        provision("apply", "hello.yaml", "--yes")

    failed = provision(*command.split(), "--json")

    found = document(failed)
    assert failed.exit_code == exit_code
    assert (found["format"], found["kind"]) == ("provision/error", kind)
    assert found["message"]


def test_the_mistakes_of_a_manifest_carry_their_places(
    provision: Provision, workplace: Path
) -> None:
    (workplace / "bad.yaml").write_text("version: 1\nname: x\nextra: 1\n", encoding="utf-8")

    found = document(provision("validate", "bad.yaml", "--json"))

    (file,) = found["files"]
    assert found["valid"] is False
    assert [(each["line"], each["column"]) for each in file["problems"]] == [(1, 1), (2, 7), (3, 1)]


def test_a_refusal_of_graph_carries_its_code_and_request_id(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    sandbox.faults.add(
        Fault(do="status", status=403, path="addPassword", code="Authorization_RequestDenied")
    )

    applied = provision("apply", manifest, "--yes", "--json")

    (failed,) = document(applied)["failed"]
    assert applied.exit_code == 1
    assert failed["error"]["code"] == "Authorization_RequestDenied"
    assert failed["error"]["requestId"]


def test_an_applied_document_says_what_was_done_and_proven(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    found = document(provision("apply", manifest, "--yes", "--json"))

    assert [each["step"] for each in found["done"]] == [
        "CreateApplication",
        "CreateServicePrincipal",
        "GrantAppRole",
        "AddSecret",
    ]
    assert [each["result"] for each in found["findings"]] == ["proven"]
    assert found["tenantId"] == sandbox.operator()["tenantId"]


def test_output_names_the_ids_that_the_tenant_holds(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    found = document(provision("output", manifest, "--json"))

    made, (principal,) = truth.application(sandbox), truth.principals(sandbox)
    assert found["applications"] == [
        {
            "app": "my-workload",
            "clientId": made["appId"],
            "applicationObjectId": made["id"],
            "servicePrincipalObjectId": principal["id"],
        }
    ]


def test_output_is_fit_for_a_shell(sandbox: Server, provision: Provision, workplace: Path) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    lines = provision("output", manifest).stdout.splitlines()

    pairs = dict(line.split("=", 1) for line in lines)
    assert pairs["AZURE_TENANT_ID"] == sandbox.operator()["tenantId"]
    assert pairs["AZURE_CLIENT_ID"] == truth.application(sandbox)["appId"]
    assert "AZURE_CLIENT_SECRET" not in pairs


def test_a_decoded_token_shows_the_workloads_claims(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    decoded = provision("token", manifest, "my-workload", "--decode")

    claims = json.loads(decoded.stdout)
    assert claims["roles"] == ["User.Read.All"]
    assert claims["appid"] == truth.application(sandbox)["appId"]


def test_a_raw_token_is_all_that_stands_on_stdout(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    raw = provision("token", manifest, "my-workload", "--raw")

    (line,) = raw.stdout.splitlines()
    assert [bool(part) for part in line.split(".")] == [True, True, True]


def test_a_token_is_described_and_not_shown_unless_asked(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    described = provision("token", manifest, "my-workload")

    assert "User.Read.All" in described.stdout
    assert "eyJ" not in described.said
