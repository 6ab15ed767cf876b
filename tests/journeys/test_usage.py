"""A command line that cannot be read ends with 64: 2 says that a plan has changes."""

from __future__ import annotations

from pathlib import Path

import paper
import pytest
from journey import Provision


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("plan",),
        ("plan", "hello.yaml", "--nonsense"),
        ("apply", "hello.yaml", "--parallelism", "many"),
        ("sandbox", "nonsense"),
        ("sandbox", "advance"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_64_and_says_where_help_is(
    provision: Provision, words: tuple[str, ...]
) -> None:
    refused = provision(*words)

    assert refused.exit_code == 64
    assert "--help" in refused.stderr
    assert refused.stdout == ""


def test_help_is_no_failure(provision: Provision) -> None:
    helped = provision("rotate", "--help")

    assert helped.exit_code == 0
    assert "--no-overlap" in helped.stdout


def test_a_proof_cannot_be_made_shorter_than_replicas_take(
    provision: Provision, workplace: Path
) -> None:
    refused = provision("rotate", paper.write(workplace), "--now", "--prove", "3s")

    assert refused.exit_code == 64
    assert "Give 20s or more" in refused.stderr
