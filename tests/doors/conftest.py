"""What the doors open to: the sandbox tenant, and a token service whose answers a test dictates."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import families
import pytest
import trustme
from token_endpoint import Authority, answering

from provision.sandbox.server import Server, serve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A sandbox without lag, in a folder of its own."""
    with serve(tmp_path / "sandbox", profile="strong") as server:
        yield server


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A certificate for loopback, and the file with the authority that signed it."""
    signer = trustme.CA()
    bundle = tmp_path_factory.mktemp("authority") / "ca.pem"
    signer.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signer.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context, bundle


@pytest.fixture
def authority(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Authority]:
    """A token service over TLS that answers as the test says."""
    with answering(*signed) as service:
        yield service


@pytest.fixture
def ci_runner(tmp_path: Path) -> Iterator[Authority]:
    """The place on a CI machine that hands out tokens, on loopback and without TLS."""
    with answering(None, tmp_path) as service:
        yield service


@pytest.fixture
def unused_port() -> int:
    """A port on loopback at which nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox without lag for all tests of a file that change nothing in each other's way."""
    with serve(tmp_path_factory.mktemp("served") / "sandbox", profile="strong") as running:
        yield running


@pytest.fixture(scope="module")
def known(served: Server) -> families.Known:
    """An operator of that sandbox who can prove itself in every way."""
    return families.register(served)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH: nobody is signed in at a CLI unless a test puts one there."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], str]:
    """Writes a file that a setting can name."""

    def write(content: str | bytes) -> str:
        path = tmp_path / f"file{len(list(tmp_path.iterdir()))}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write
