"""What the doors open to: the sandbox tenant, and a token service whose answers a test dictates."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

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
