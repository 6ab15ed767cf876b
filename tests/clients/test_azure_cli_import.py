"""What Azure CLI made becomes a manifest that changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure import Azure

from provision.sandbox.server import Server

GRAPH = "00000003-0000-0000-c000-000000000000"
READ_USERS = "df021288-bdef-4463-88db-98f22de89214"
READ_ME = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
COMMAND = (sys.executable, "-c", "from provision.cli import main; main()")
SETTLING = 40
"""Looks at a tenant whose replicas still differ."""


@pytest.fixture
def made(az: Azure, place: Path) -> dict[str, dict[str, Any]]:
    """Applications as scripts with Azure CLI leave them."""
    mine = f"import {uuid4().hex[:8]}"
    access = [
        {
            "resourceAppId": GRAPH,
            "resourceAccess": [
                {"id": READ_USERS, "type": "Role"},
                {"id": READ_ME, "type": "Scope"},
            ],
        }
    ]
    roles = [
        {
            "allowedMemberTypes": ["Application"],
            "description": "Read it: all of it # really",
            "displayName": "Reader",
            "isEnabled": True,
            "value": "Data.Read",
        }
    ]
    (place / "access.json").write_text(json.dumps(access), encoding="utf-8")
    (place / "roles.json").write_text(json.dumps(roles), encoding="utf-8")
    web = az.patiently(
        *("ad", "app", "create", "--display-name", f"{mine} web"),
        *("--web-redirect-uris", "https://import.contoso.com/auth", "http://localhost:8080/"),
        *("--enable-id-token-issuance", "true", "--sign-in-audience", "AzureADMultipleOrgs"),
        *("--required-resource-accesses", "@access.json", "--app-roles", "@roles.json"),
    )
    az.patiently("ad", "sp", "create", "--id", web["appId"])
    az.patiently(
        "ad", "app", "update", "--id", web["id"], "--identifier-uris", f"api://{web['appId']}"
    )
    az.patiently("ad", "app", "credential", "reset", "--id", web["id"], "--append")
    trust = {
        "name": "github",
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:contoso/app:ref:refs/heads/main",
        "audiences": ["api://AzureADTokenExchange"],
    }
    (place / "trust.json").write_text(json.dumps(trust), encoding="utf-8")
    az.patiently(
        *("ad", "app", "federated-credential", "create", "--id", web["id"]),
        *("--parameters", "@trust.json"),
    )
    robot = az.patiently(
        "ad", "sp", "create-for-rbac", "--name", f"{mine} rbac: # yes", "--create-cert"
    )
    bare = az.patiently("ad", "app", "create", "--display-name", f"{mine} bare")
    return {"web": web, "robot": robot, "bare": bare}


def provision(server: Server, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, against the same sandbox."""
    operator = server.operator()
    return subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env={
            **os.environ,
            "AZURE_TENANT_ID": operator["tenantId"],
            "AZURE_CLIENT_ID": operator["clientId"],
            "AZURE_CLIENT_SECRET": operator["clientSecret"],
            "PROVISION_LOGIN": server.url,
            "PROVISION_GRAPH": server.url,
            "PROVISION_CA_BUNDLE": str(server.ca_bundle),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def test_everything_that_azure_cli_made_plans_empty(
    made: dict[str, dict[str, Any]], server: Server, tmp_path: Path
) -> None:
    manifest = tmp_path / "imported.yaml"

    for _ in range(SETTLING):
        imported = provision(server, tmp_path, "import", "--all")
        manifest.write_text(imported.stdout, encoding="utf-8")
        planned = provision(server, tmp_path, "plan", str(manifest), "--detailed-exitcode")
        if planned.returncode == 0:
            break
        time.sleep(0.2)

    assert imported.returncode == 0, imported.stderr
    assert planned.returncode == 0, planned.stdout + planned.stderr
    for app in made.values():
        assert f"adopt: {{appId: {app['appId']}}}" in imported.stdout
    assert provision(server, tmp_path, "validate", str(manifest)).returncode == 0
