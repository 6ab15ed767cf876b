"""Fixtures of every test: a sandbox, the command line, and no network beyond this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.schema import watching

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite the files in tests/golden")
    parser.addoption("--sweep", action="store_true", help="disturb every request (tests/sweep)")
    parser.addoption("--sweep-seed", type=int, default=1, help="which third is swept otherwise")


@pytest.fixture(autouse=True)
def complaints(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Whatever a test is about, no body that a sandbox in it sends may contradict Graph's own model."""
    with watching(monkeypatch) as found:
        yield found
    assert found == []


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another host fails at once instead of waiting for it."""
    connect = socket.socket.connect
    connect_ex = socket.socket.connect_ex

    def guarded(call: Any) -> Any:
        def checked(self: socket.socket, address: Any) -> Any:
            if isinstance(address, tuple) and address[0] not in LOOPBACK:
                raise OSError(f"a test tried to reach {address[0]}")
            return call(self, address)

        return checked

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests reaches them: sign-in, proxies, colours, home."""
    import os

    for name in list(os.environ):
        if name.startswith(
            ("AZURE_", "ARM_", "PROVISION_", "ACTIONS_", "SYSTEM_", "IDENTITY_", "MSI_")
        ):
            monkeypatch.delenv(name)
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_ACTIONS", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
