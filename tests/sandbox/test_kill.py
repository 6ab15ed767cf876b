"""Every write that was acknowledged survives kill -9 at any moment."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hammer import Acknowledged, missing, round_of

KILLS_PER_TEST = 5


@pytest.mark.parametrize("seed", range(5))
def test_what_was_acknowledged_survives_a_kill(folder: Path, seed: int) -> None:
    said, chance = Acknowledged(), random.Random(seed)  # noqa: S311

    for _ in range(KILLS_PER_TEST):
        round_of(folder, said, chance)

    assert missing(folder, said) == []
    assert said.count() > 0
