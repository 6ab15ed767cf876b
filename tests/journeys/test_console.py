"""Screens that cannot show everything: an old Windows code page, no colours, forty columns."""

from __future__ import annotations

from pathlib import Path

import paper
import pytest
from journey import Processes

from provision.sandbox.server import Server

OLD = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
FOREIGN = "工作负载 ✓ Ünïcödé"


@pytest.mark.parametrize("command", ["plan", "apply --yes", "destroy --yes"])
def test_an_old_code_page_shows_what_it_can_and_breaks_nothing(
    sandbox: Server, provision_process: Processes, workplace: Path, command: str
) -> None:
    manifest = paper.write(workplace, paper.an_app(displayName=FOREIGN))
    if command.startswith("destroy"):
        provision_process("apply", manifest, "--yes")
    verb, *flags = command.split()

    told = provision_process(verb, manifest, *flags, env=OLD)

    assert told.exit_code == 0, told.said
    assert "my-workload" in told.stdout
    assert "Traceback" not in told.stderr


def test_an_old_code_page_shows_mistakes_too(provision_process: Processes, workplace: Path) -> None:
    (workplace / "bad.yaml").write_text(f'"{FOREIGN}": 1\n', encoding="utf-8")

    refused = provision_process("validate", "bad.yaml", env=OLD)

    assert refused.exit_code == 1
    assert "bad.yaml:1:1: " in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["plan {0}", "validate {0}", "output {0}", "plan {0} --json"])
def test_a_pipe_gets_no_colours(
    sandbox: Server, provision_process: Processes, workplace: Path, command: str
) -> None:
    manifest = paper.write(workplace)

    told = provision_process(*command.format(manifest).split())

    assert "\x1b" not in told.stdout + told.stderr


@pytest.mark.parametrize("silence", ["NO_COLOR", "--no-color"])
def test_colours_can_be_refused_even_where_they_are_forced(
    sandbox: Server, provision_process: Processes, workplace: Path, silence: str
) -> None:
    manifest = paper.write(workplace)
    env = {"FORCE_COLOR": "1", **({"NO_COLOR": "1"} if silence == "NO_COLOR" else {})}
    flags = () if silence == "NO_COLOR" else (silence,)

    told = provision_process("plan", manifest, *flags, env=env)

    assert "\x1b[3" not in told.stdout


def test_forty_columns_are_enough_for_a_plan(
    sandbox: Server, provision_process: Processes, workplace: Path
) -> None:
    manifest = paper.write(workplace)

    told = provision_process("plan", manifest, env={"COLUMNS": "40"})

    assert max(len(line) for line in told.stdout.splitlines()) <= 40


def test_a_reader_that_goes_away_causes_no_traceback(provision_process: Processes) -> None:
    """`provision schema | head -1` is what people type."""
    running = provision_process.start("schema")
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()

    said = running.stderr.read()

    running.stderr.close()
    running.wait()
    assert "Traceback" not in said
