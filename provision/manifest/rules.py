"""What a manifest must fulfil beyond its shape; a rule skips what another mistake covers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from provision.errors import Problem
from provision.manifest import credential_rules, offer_rules, permission_rules
from provision.manifest.marks import Node


def broken(root: Node, folder: Path, environment: str | None) -> Iterator[Problem]:
    """Every broken rule of the whole manifest."""
    yield from permission_rules.broken(root)
    yield from offer_rules.broken(root)
    yield from credential_rules.broken(root, folder, environment)
