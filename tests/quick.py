"""What each command of a test would do anew, though it is always the same: it is done once."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pytest
import typer.testing
from cryptography.hazmat.primitives import serialization

from provision.cli.program import program


@cache
def _put_together() -> Any:
    """The command line: putting it together takes longer than most commands."""
    return typer.main.get_command(program)


def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For commands in this process: one command line, and keys whose primes are not checked with each token."""
    monkeypatch.setattr(typer.testing, "_get_command", lambda _: _put_together())
    trusting = partial(serialization.load_pem_private_key, unsafe_skip_rsa_key_validation=True)
    monkeypatch.setattr(serialization, "load_pem_private_key", trusting)
