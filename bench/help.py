"""How long `provision --help` takes, as a ratio to an empty typer application with as many commands.

Run by `make bench`. Both run alternately in one go, so that a busy machine slows both alike; the budget is 1.5.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUDGET = 1.5
ROUNDS = 15
EMPTY = """
import typer

program = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
for number in range({commands}):
    def command() -> None:
        "Do nothing."
    program.command(name=f"command-{{number}}")(command)
program()
"""


def main() -> int:
    """Print the ratio; 1 when it is over the budget."""
    from provision.cli.program import program

    commands = len(program.registered_commands) + len(program.registered_groups)
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY.format(commands=commands), encoding="utf-8")
        floor, ours = [], []
        for _ in range(ROUNDS):
            floor.append(seconds([sys.executable, str(empty), "--help"]))
            ours.append(seconds([sys.executable, "-m", "provision", "--help"]))
    ratio = statistics.median(ours) / statistics.median(floor)
    print(f"provision --help: {ratio:.2f} x an empty typer application with {commands} commands")
    print(f"budget: {BUDGET:.2f} x")
    return 0 if ratio <= BUDGET else 1


def seconds(command: list[str]) -> float:
    """The wall time of one process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
