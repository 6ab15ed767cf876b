"""Certificates for tests: making RSA keys takes a while, so each is made once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from provision import certificates
from provision.certificates import Pair

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
END = START + timedelta(days=90)


def a_pair(name: str = "workload", *, key_size: int = 2048) -> Pair:
    """A key and its certificate, valid since an hour ago."""
    return _made(name, key_size)


@cache
def _made(name: str, key_size: int) -> Pair:
    return certificates.generate(key_size=key_size, subject=f"CN={name}", start=START, end=END)
