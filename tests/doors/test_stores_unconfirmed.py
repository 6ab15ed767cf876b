"""A store that did not say whether it has kept a value: nobody may take the value back as if it had not."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from dotenv_build import an_entry

from provision.errors import StoreError, Unconfirmed
from provision.places import CommandStore
from provision.stores import open_store

ENDS = {
    "fails": "sys.exit(1)",
    "dies": "os.kill(os.getpid(), 9)",
    "hangs": "time.sleep(60)",
}


def failure(folder: Path, how: str, *, told: bool) -> StoreError:
    """What is raised when a program ends so after it has kept a value."""
    program = folder / "keep"
    program.write_text(f"#!{sys.executable} -IS\nimport os, sys, time\n{ENDS[how]}\n", "utf-8")
    program.chmod(0o755)
    place = CommandStore(
        write=("./keep",),
        read=("./keep",) if told else (),
        input="json",
        timeout=timedelta(seconds=1 if how == "hangs" else 20),
        folder=folder,
    )
    with pytest.raises(StoreError) as raised:
        open_store(place).write(an_entry())
    return raised.value


@pytest.mark.parametrize("told", [True, False], ids=["with read", "without read"])
@pytest.mark.parametrize("how", ENDS)
def test_a_program_that_did_not_end_well_may_have_kept_it(
    tmp_path: Path, how: str, told: bool
) -> None:
    assert isinstance(failure(tmp_path, how, told=told), Unconfirmed)
