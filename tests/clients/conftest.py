"""Clients that nobody here wrote, against a served sandbox; run by `make test-clients` only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure import Azure

from provision.sandbox.server import Server, serve


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A sandbox that lags as it does for everybody."""
    with serve(tmp_path_factory.mktemp("sandbox"), profile="typical", scale=20, seed=1) as server:
        yield server


@pytest.fixture(scope="session")
def az(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Azure:
    """Azure CLI, signed in as the operator's service principal."""
    program = os.environ.get("PROVISION_AZ", "az")
    azure = Azure(program=program, folder=tmp_path_factory.mktemp("azure"), server=server)
    sign_in(azure, server.operator())
    return azure


def sign_in(azure: Azure, identity: dict[str, str]) -> None:
    """`az login` with a secret."""
    azure(
        "login",
        "--service-principal",
        "--allow-no-subscriptions",
        *("--tenant", identity["tenantId"]),
        *("--username", identity["clientId"]),
        *("--password", identity["clientSecret"]),
    )


@pytest.fixture
def place(az: Azure) -> Path:
    """A folder for files that Azure CLI reads."""
    return az.folder
