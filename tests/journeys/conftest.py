"""A served sandbox per test, and the command line that finds it: in this process or in one of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from journey import PACE, Processes, Provision, StartSandbox, run_here

from provision.sandbox import folder as folders
from provision.sandbox.server import Server, serve
from tests import quick


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox folder with keys and a tenant, to be copied: making RSA keys takes a while."""
    folder = tmp_path_factory.mktemp("furnished")
    with serve(folder, profile="strong"):
        return folder


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this process share what is the same for all of them."""
    quick.once(monkeypatch)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands run: it has a manifest to write and no sandbox yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def start_sandbox(workplace: Path, furnished: Path) -> Iterator[StartSandbox]:
    """Serves the workplace's sandbox with the options given, published as `sandbox serve` does it."""
    folder = workplace / ".provision" / "sandbox"
    with ExitStack() as stack:

        def start(**options: Any) -> Server:
            if not folder.exists():
                shutil.copytree(furnished, folder)
            chosen = {"profile": "strong", "scale": PACE, "seed": 1, **options}
            server = stack.enter_context(serve(folder, **chosen))
            folders.publish(folder, server.url, scale=server.scale)
            stack.callback(folders.withdraw, folder)
            return server

        yield start


@pytest.fixture
def sandbox(start_sandbox: StartSandbox, request: pytest.FixtureRequest) -> Server:
    """The workplace's sandbox, served; without lag unless the test asks (indirectly) for other options."""
    return start_sandbox(**getattr(request, "param", {}))


@pytest.fixture
def provision(workplace: Path) -> Provision:
    """The command line in this process; a failure that it does not expect fails the test."""
    return run_here


@pytest.fixture
def provision_process(workplace: Path) -> Iterator[Processes]:
    """The command line in processes of its own."""
    processes = Processes(workplace)
    try:
        yield processes
    finally:
        processes.end()
