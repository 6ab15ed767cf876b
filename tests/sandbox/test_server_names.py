"""The certificate's names, and the tables that people see of what is in a sandbox."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from caller import operator_of
from cryptography import x509
from typer.testing import CliRunner

from provision.cli.program import program
from provision.sandbox.authority import Certificates, certificates
from provision.sandbox.journal import without_secrets
from provision.sandbox.server import Server, serve


def names_in(files: Certificates) -> set[str]:
    leaf = x509.load_pem_x509_certificate(files.chain_and_key.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    return {*hosts, *map(str, names.get_values_for_type(x509.IPAddress))}


def test_the_certificate_is_for_loopback(tmp_path: Path) -> None:
    assert names_in(certificates(tmp_path)) == {"localhost", "127.0.0.1", "::1"}


def test_further_names_join_those_of_loopback(tmp_path: Path) -> None:
    certificates(tmp_path)

    made = certificates(tmp_path, names=["Graph.Microsoft.com.", "10.0.0.1", "[::1]"])

    assert names_in(made) == {"localhost", "127.0.0.1", "::1", "graph.microsoft.com", "10.0.0.1"}


def test_a_certificate_with_more_names_than_needed_is_kept(tmp_path: Path) -> None:
    content = certificates(tmp_path, names=["graph.microsoft.com"]).chain_and_key.read_bytes()

    assert certificates(tmp_path).chain_and_key.read_bytes() == content


@pytest.mark.parametrize("name", ["", "a b", "https://x", "a/b", "x:443", "a@b"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a host"):
        certificates(tmp_path, names=[name])


def test_a_label_without_its_certificate_is_not_believed(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    (tmp_path / "ca.pem").unlink()

    certificates(tmp_path, now=datetime.now(UTC) + timedelta(days=1))

    leaf = x509.load_pem_x509_certificate(made.chain_and_key.read_bytes())
    assert leaf.issuer == x509.load_pem_x509_certificate(made.ca_bundle.read_bytes()).subject


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1.0/users", "/v1.0/users"),
        ("/v1.0/users?$top=5&$select=id", "/v1.0/users?$top=5&$select=id"),
        ("/v1.0/users?$FILTER=id eq 'x'", "/v1.0/users?$FILTER=id eq 'x'"),
        ("/v1.0/users?$skiptoken=abc", "/v1.0/users?$skiptoken=..."),
        ("/x?client_secret=a=b&flag", "/x?client_secret=...&flag"),
        ("/x?$filter=a eq 'b&code=c'", "/x?$filter=a eq 'b&code=..."),
    ],
)
def test_a_log_shows_questions_and_no_secrets(path: str, shown: str) -> None:
    assert without_secrets(path) == shown


@pytest.fixture
def looked_at(tmp_path: Path, furnished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose sandbox has two tenants, and an application with a secret in the first."""
    folder = Path(shutil.copytree(furnished, tmp_path / ".provision" / "sandbox"))
    monkeypatch.chdir(tmp_path)
    with serve(folder, profile="strong") as server, operator_of(server) as operator:
        server.operator("other")
        application = operator.application(displayName="Billing")
        operator.post(
            f"applications/{application['id']}/addPassword",
            {"passwordCredential": {"displayName": "ci", "endDateTime": "2300-01-02T00:00:00Z"}},
        )
        principal = operator.principal(application)
        operator.grant(principal, "User.Read.All")
        operator.post("oauth2PermissionGrants", _grant(operator.graph_principal(), principal))
    return folder


def _grant(graph: dict[str, Any], principal: dict[str, Any]) -> dict[str, str]:
    ends = {"clientId": principal["id"], "resourceId": graph["id"]}
    return {**ends, "consentType": "AllPrincipals", "scope": "User.Read offline_access"}


def run(*arguments: str, columns: str = "80") -> tuple[int, str]:
    ran = CliRunner().invoke(program, ["sandbox", *arguments], env={"COLUMNS": columns})
    return ran.exit_code, ran.output


def test_status_shows_what_is_in_the_tenants(looked_at: Path) -> None:
    code, said = run("status")

    rows = [" ".join(line.split()) for line in said.splitlines()]
    assert code == 0
    assert "Billing ci 2300-01-02" in rows
    assert "Billing Application enabled" in rows
    assert "Billing User.Read.All" in rows
    assert "Billing offline_access" in rows
    assert any(row.startswith("sandbox/other ") for row in rows)


@pytest.mark.parametrize("columns", ["40", "80"])
def test_status_fits_the_screen(looked_at: Path, columns: str) -> None:
    said = run("status", columns=columns)[1]

    folder_free = [line for line in said.splitlines() if str(looked_at) not in line]
    assert max(map(len, folder_free)) <= int(columns)


def test_status_tells_the_same_as_json_and_no_secret(looked_at: Path) -> None:
    told = json.loads(run("status", "--json")[1])

    default = told["tenants"][0]
    billing = next(each for each in default["applications"] if each["displayName"] == "Billing")
    assert [(each["displayName"], each["expired"]) for each in billing["credentials"]] == [
        ("ci", False)
    ]
    assert [tenant["name"] for tenant in told["tenants"]] == ["default", "other"]
    assert "_secrets" not in json.dumps(told)


def test_one_tenant_is_emptied_and_the_other_is_not(looked_at: Path) -> None:
    before = json.loads(run("status", "--json")[1])["tenants"]

    code, _ = run("reset", "--yes", "--tenant", "sandbox")

    after = {each["name"]: each for each in json.loads(run("status", "--json")[1])["tenants"]}
    assert code == 0
    assert after["other"] == before[1]
    assert after["default"]["tenantId"] != before[0]["tenantId"]
    assert [each["displayName"] for each in after["default"]["applications"]] == [
        "provision sandbox operator"
    ]


def test_the_operator_of_an_emptied_tenant_can_sign_in(looked_at: Path) -> None:
    run("reset", "--yes", "--tenant", "sandbox/other")

    with serve(looked_at, profile="strong") as server:
        assert server.operator("other")["tenantId"] == server.tenant("other").id


def test_a_tenant_that_is_not_there_is_not_emptied(looked_at: Path) -> None:
    ran = CliRunner().invoke(program, ["sandbox", "reset", "--yes", "--tenant", "sandbox/none"])

    assert ran.exit_code == 64
    assert "There is no tenant sandbox/none in this sandbox" in ran.output


def test_tenants_beside_each_other_do_not_see_each_other(server: Server) -> None:
    server.operator("other")
    with operator_of(server) as operator:
        operator.application(displayName="only here")

    assert server.tenant("other").counts()["applications"] == 1
