"""Edits, other people, lag, trouble and time in any order: an apply makes the tenant what the manifest says.

Every example is a list of plain commands, so that a failure shrinks to the few that matter.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from upheaval import COMMANDS, Upheaval

from provision.sandbox import folder as folders
from provision.sandbox.server import serve

PACE = 100.0
FEW, MANY = 8, 400
"""Examples: always the same few, and with --sweep new ones each time, shrunk when they fail."""


@contextmanager
def a_world(furnished: Path, workplace: Path) -> Iterator[Upheaval]:
    """A tenant of its own in a folder of its own, served."""
    place = Path(mkdtemp(dir=workplace))
    folder = place / ".provision" / "sandbox"
    shutil.copytree(furnished, folder)
    os.chdir(place)
    with serve(folder, profile="strong", scale=PACE, seed=1, predictable=True) as server:
        folders.publish(folder, server.url, scale=server.scale)
        yield Upheaval(server, place)
        folders.withdraw(folder)
    os.chdir(workplace)
    shutil.rmtree(place)


def test_whatever_happens_an_apply_makes_the_tenant_what_the_manifest_says(
    furnished: Path, workplace: Path, request: pytest.FixtureRequest
) -> None:
    sweep = request.config.getoption("--sweep")

    @settings(
        max_examples=MANY if sweep else FEW,
        derandomize=not sweep,
        phases=(Phase.generate, Phase.shrink) if sweep else (Phase.generate,),
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(COMMANDS)
    def holds(commands: list[Any]) -> None:
        with a_world(furnished, workplace) as world:
            for command in commands:
                world.carry_out(command)
            world.come_to_rest()

    holds()
