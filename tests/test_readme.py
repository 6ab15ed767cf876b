"""The README tells the truth: its tour and its demo are played, and compared with what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from readme import README, ROOT, alike, blocks, played, run

from provision.manifest import parse


def _compared(name: str, folder: Path, *, rewrite: bool) -> None:
    for index in range(len(blocks(README.read_text(encoding="utf-8"), name))):
        text = README.read_text(encoding="utf-8")
        block = blocks(text, name)[index]
        shown = played(block.body, folder)
        if rewrite:
            README.write_text(text[: block.start] + shown + text[block.end :], encoding="utf-8")
        else:
            assert alike(shown) == alike(block.body)


def test_the_tour_shows_what_a_reader_will_see(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    _compared("tour", tmp_path, rewrite=request.config.getoption("--golden"))


def test_the_demo_shows_what_make_demo_shows(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copy(ROOT / "manifests" / "hello.yaml", tmp_path)

    _compared("demo", tmp_path, rewrite=request.config.getoption("--golden"))


def test_the_recipe_for_other_programs_starts_and_stops_a_sandbox(tmp_path: Path) -> None:
    (recipe,) = blocks(README.read_text(encoding="utf-8"), "recipe")
    (tmp_path / "recipe.py").write_text(
        f"{recipe.body}\nprint(sorted(at), sandbox.wait(timeout=60))\n", encoding="utf-8"
    )

    said = run("python recipe.py", tmp_path)

    keys = ["caBundle", "clientId", "clientSecret", "graph", "login", "tenantId", "url"]
    assert f"{keys} 0" in said


def test_make_demo_runs_the_commands_that_the_readme_shows() -> None:
    """Whoever changes the Makefile's demo changes the README with it."""
    shown = [
        line[2:]
        for block in blocks(README.read_text(encoding="utf-8"), "demo")
        for line in block.body.splitlines()
        if line.startswith("$ ")
    ]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert shown == ["provision apply hello.yaml --yes"] * 2
    assert makefile.count("/provision apply hello.yaml --yes") == len(shown)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_manifest_that_the_readme_explains_is_valid(environment: str) -> None:
    chapter = README.read_text(encoding="utf-8").partition("## The manifest\n")[2]
    (text, *_) = re.findall(r"```yaml\n(.*?)```", chapter, re.DOTALL)

    manifest = parse(
        text,
        file="README.md",
        folder=ROOT,
        environ={},
        variables={},
        environment=environment,
    )

    assert manifest.warnings == ()
    assert manifest.owner == f"contoso-platform.{environment}"
