"""Texts as they were reviewed: a difference fails, `pytest --golden` writes the new one for review."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"


def comparing(config: pytest.Config) -> Callable[[str, str], None]:
    """What a `golden` fixture gives: `golden("plan-80", text)`."""
    rewrite = bool(config.getoption("--golden", default=False))

    def same(name: str, text: str) -> None:
        file = FOLDER / f"{name}.txt"
        if rewrite:
            file.write_text(text, encoding="utf-8", newline="\n")
        reviewed = file.read_text(encoding="utf-8") if file.exists() else ""
        assert text == reviewed, f"{file.name} differs; `pytest --golden` rewrites it"

    return same
