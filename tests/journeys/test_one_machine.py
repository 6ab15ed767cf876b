"""Two runs of one manifest on one machine: the second waits for the first, and makes nothing again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import runners

from provision.sandbox.server import Server

APPLY = ("apply", "--yes")
WAITING = "Another run of one-machine is at work"
MAKING = r"/v1\.0/(applications|servicePrincipals)(/[^/]+/(addPassword|appRoleAssignedTo|appRoleAssignments))?$"
LATE = [
    {"profile": profile, "scale": 40.0, "seed": seed}
    for profile, seed in (("typical", 7), ("slow", 0), ("slow", 4))
]


def test_the_second_waits_says_so_and_finds_nothing_to_do(sandbox: Server, workplace: Path) -> None:
    places = runners.machines(workplace, "one machine", 2, name="one-machine")

    ended = runners.race(sandbox, places, APPLY)

    assert [each.exit_code for each in ended] == [0, 0], [each.said for each in ended]
    assert sum(WAITING in each.stderr for each in ended) == 1
    assert sum("No changes" in each.stdout for each in ended) == 1, [each.said for each in ended]
    runners.assert_one_result(sandbox, places, most=1)


@pytest.mark.parametrize("sandbox", LATE, indirect=True)
def test_under_lag_the_second_may_not_see_all_that_the_first_did_and_makes_none_of_it_again(
    sandbox: Server, workplace: Path
) -> None:
    places = runners.machines(workplace, "one machine", 2, name="one-machine")

    ended = runners.race(sandbox, places, APPLY)

    assert [each.exit_code for each in ended] == [0, 0], [each.said for each in ended]
    assert sum(WAITING in each.stderr for each in ended) == 1
    made = [
        entry.path.partition("?")[0].rpartition("/")[2]
        for entry in sandbox.requests
        if entry.method == "POST" and entry.applied and re.search(MAKING, entry.path)
    ]
    assert sorted(made) == ["addPassword", "appRoleAssignments", "servicePrincipals"]
    runners.assert_one_result(sandbox, places, most=1)
    runners.assert_settles(sandbox, places)
