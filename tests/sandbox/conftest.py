"""A sandbox per test, spoken to over plain HTTPS by a client that shares no code with ours."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from provision.sandbox.server import Server, serve

CANARY = "CaNaRy"

StartServer = Callable[..., Server]
ClientOf = Callable[..., httpx.Client]
AskToken = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox folder with keys and a tenant, to be copied: making RSA keys takes a while."""
    folder = tmp_path_factory.mktemp("furnished")
    with serve(folder, profile="strong"):
        return folder


@pytest.fixture
def folder(tmp_path: Path, furnished: Path) -> Path:
    """The folder of this test's sandbox."""
    return Path(shutil.copytree(furnished, tmp_path / "sandbox"))


@pytest.fixture
def start_server(folder: Path) -> Iterator[StartServer]:
    """Starts a sandbox in the test's folder with the options given; ends it after the test."""
    with ExitStack() as stack:

        def start(**options: Any) -> Server:
            return stack.enter_context(
                serve(folder, **{"profile": "strong", "seed": 1, "canary": CANARY, **options})
            )

        yield start


@pytest.fixture
def server(start_server: StartServer, request: pytest.FixtureRequest) -> Server:
    """A sandbox without lag, unless the test asks (indirectly) for other options."""
    return start_server(**getattr(request, "param", {}))


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Makes plain HTTPS clients that trust nothing but the sandbox that they are for."""
    with ExitStack() as stack:

        def make(server: Server, **headers: str) -> httpx.Client:
            trusted = ssl.create_default_context(cafile=str(server.ca_bundle))
            client = httpx.Client(
                base_url=server.url, verify=trusted, trust_env=False, headers=headers, timeout=30
            )
            return stack.enter_context(client)

        yield make


@pytest.fixture
def http(server: Server, client_of: ClientOf) -> httpx.Client:
    """A client without any token."""
    return client_of(server)


@pytest.fixture
def ask_token(server: Server, http: httpx.Client) -> AskToken:
    """Posts a client-credentials request; what is not given is the operator's, "" leaves it out."""

    def ask(**form: str) -> httpx.Response:
        operator = server.operator()
        tenant = form.pop("tenant", operator["tenantId"])
        fields = {
            "grant_type": "client_credentials",
            "client_id": operator["clientId"],
            "client_secret": operator["clientSecret"],
            "scope": f"{server.url}/.default",
            **form,
        }
        given = {name: value for name, value in fields.items() if value}
        return http.post(f"/{tenant}/oauth2/v2.0/token", data=given)

    return ask


@pytest.fixture
def graph(server: Server, client_of: ClientOf, ask_token: AskToken) -> httpx.Client:
    """A client that carries the operator's token."""
    bearer = ask_token().json()["access_token"]
    return client_of(server, authorization=f"Bearer {bearer}")
