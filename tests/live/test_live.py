"""One throw-away application in a real tenant: made, proven, rotated, purged. Run by `make live` only."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

MANIFEST = """\
version: 1
name: live-{nonce}
applications:
  throw-away:
    displayName: provision live check {nonce} (delete me)
    permissions:
      Microsoft Graph: [User.Read.All]
    credentials:
      check:
        secret: {{lifetime: 1d, renewBefore: 3h, overlap: 1h, store: {{dotenv: .env, prefix: AZURE_}}}}
    verify:
      calls: [GET /users?$top=1]
"""
PACKAGES = ("entra-provision", "azure-identity", "msgraph-sdk", "httpx")


@pytest.fixture
def tenant() -> str:
    """The tenant that the person named; without one there is nothing to do, and that is an error."""
    named = os.environ.get("PROVISION_LIVE_TENANT", "")
    if not named:
        pytest.fail("name your tenant: make live TENANT=contoso.onmicrosoft.com", pytrace=False)
    return named


def _run(folder: Path, tenant: str, *arguments: str) -> tuple[int, Any, float]:
    """One command with --json: its exit code, its document, and how long it took."""
    command = [sys.executable, "-m", "provision", *arguments, "--tenant", tenant, "--json"]
    began = time.monotonic()
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    sys.stderr.write(ran.stderr)
    return ran.returncode, json.loads(ran.stdout) if ran.stdout.strip() else None, took


def test_one_application_lives_and_dies(tmp_path: Path, tenant: str) -> None:
    (tmp_path / "live.yaml").write_text(MANIFEST.format(nonce=token_hex(4)), encoding="utf-8")
    report: list[str] = []

    def step(*arguments: str) -> int:
        code, document, took = _run(tmp_path, tenant, *arguments)
        findings = (document or {}).get("findings") or []
        results = ", ".join(f"{f['result']} after {f['seconds']} s" for f in findings)
        report.append(f"| {' '.join(arguments)} | {code} | {took:.0f} s | {results} |")
        return code

    try:
        applied = step("apply", "live.yaml", "--yes")
        again = step("plan", "live.yaml", "--detailed-exitcode")
        rotated = step("rotate", "live.yaml", "--now", "--no-overlap")
        proven = step("verify", "live.yaml", "--require-proof")
    finally:
        gone = step("destroy", "live.yaml", "--yes", "--purge")
        _print(report)

    assert (applied, again, rotated, proven, gone) == (0, 0, 0, 0, 0)


def _print(report: list[str]) -> None:
    """What can be pasted into an issue: no tenant, no ids, no secrets."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    lines = [
        "",
        "### Live report (paste this into an issue)",
        f"{versions}; Python {platform.python_version()} on {platform.system()}",
        "",
        "| command | exit code | took | proof |",
        "|---|---|---|---|",
        *report,
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
