"""How many objects a tenant and a person may have."""

from __future__ import annotations

from itertools import islice

from provision.sandbox.call import Call
from provision.sandbox.directory.authorisation import ADMINISTRATORS
from provision.sandbox.directory.objects import KINDS
from provision.sandbox.directory.refusals import over_quota
from provision.sandbox.tenant import Seen

MOST_OBJECTS = 50_000
MOST_OF_A_PERSON = 250


def check(call: Call) -> None:
    """https://learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions"""
    if _made_by_caller(call, MOST_OF_A_PERSON) >= MOST_OF_A_PERSON:
        raise over_quota()
    if not call.tenant.has_room([kind.collection for kind in KINDS], MOST_OBJECTS):
        raise over_quota()


def _made_by_caller(call: Call, most: int) -> int:
    """Deleted ones count too; applications and administrators have no quota of their own."""
    caller = call.caller
    if not caller.is_user or ADMINISTRATORS & caller.wids:
        return 0
    made = (
        row
        for kind in KINDS
        for row in call.tenant.find_all(
            kind.collection, "_createdBy", caller.object_id, Seen.truth(), deleted=None
        )
    )
    return sum(1 for _ in islice(made, most))
