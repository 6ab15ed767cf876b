"""How a manifest and a tenant stand, as short lines: for the tests of `status`."""

from __future__ import annotations

from collections.abc import Iterable

from provision.diff import diff
from provision.model import (
    DesiredApplication,
    DesiredFederated,
    Held,
    ObservedApplication,
)
from provision.roster import Row
from provision.status import Standing, standing
from tests.build import DAY, HOUR, NOW, a_password, desired, observed

NEW = a_password("new", age=3 * HOUR, left=89 * DAY)
THEIRS = a_password("k9", name="made in the portal")
EMPTY = Held(readable=True)
TRUST = DesiredFederated(name="main", issuer="https://i", subject="repo:a/b", audience="a")


def holds(key_id: str, *, works: bool | None = None, app: str = "web") -> Held:
    return Held(readable=True, key_id=key_id, tenant_id="t", app_id=f"app-{app}", works=works)


def stand(wanted: DesiredApplication, *found: ObservedApplication) -> Standing:
    """How one application stands against a plan of the same moment."""
    what, seen = desired(wanted), observed(*found)
    return standing(what, seen, diff(what, seen, now=NOW), NOW)


def told(rows: Iterable[Row]) -> list[str]:
    """Each row as a short line; `!` marks what is due."""
    return [
        " ".join(
            filter(
                None,
                (
                    "!" if row.due else "",
                    row.credential or row.name,
                    row.key_id or "",
                    f"{row.state.value},",
                    row.says,
                ),
            )
        ).removesuffix(",")
        for row in rows
    ]
