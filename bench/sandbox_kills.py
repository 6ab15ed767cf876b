"""A thousand kills of a sandbox that is being written to; whatever it acknowledged must still be there.

Run by `make bench-kills`; the same with twenty-five kills is part of the tests.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "sandbox"))

KILLS = 1_000
CHECKED_EVERY = 50


def main() -> int:
    """Kill, check, tell; 1 when something acknowledged was lost."""
    from hammer import Acknowledged, missing, round_of

    from provision.sandbox.server import serve

    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    chance = random.Random(1)
    writes = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with serve(folder, profile="strong"):
            said = Acknowledged()
        for number in range(1, kills + 1):
            round_of(folder, said, chance)
            if number % CHECKED_EVERY and number != kills:
                continue
            lost = missing(folder, said)
            if lost:
                print("\n".join(lost))
                return 1
            writes += said.count()
            said = Acknowledged()
            print(f"{number} kills, {writes} acknowledged writes, none lost", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
