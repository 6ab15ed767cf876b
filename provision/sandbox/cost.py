"""What a request costs in resource units: https://learn.microsoft.com/graph/throttling-limits"""

from __future__ import annotations

import re
from functools import cache

from provision.sandbox.call import Call, parameter


def _at(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{pattern}/?", re.IGNORECASE)


_DEAR = (
    (_at(r"GET /users"), 2),
    (_at(r"GET /applications"), 2),
    (_at(r"GET /applications[^/]*/[^/]+/extensionProperties"), 2),
    (_at(r"GET /contracts"), 3),
    (_at(r"GET /domains/[^/]+/domainNameReferences"), 4),
    (_at(r"GET /oauth2PermissionGrants(/[^/]*)?"), 2),
    (_at(r"GET /servicePrincipals[^/]*/[^/]+/appRoleAssignments"), 2),
    (_at(r"GET /servicePrincipals\([^/]+\)/appRoleAssignments"), 2),
    (_at(r"GET /subscribedSkus"), 3),
    (_at(r"GET /groups/[^/]+/members"), 3),
    (_at(r"GET /groups/[^/]+/transitiveMembers"), 5),
    (_at(r"GET /me/(licenseDetails|memberOf|ownedObjects|transitiveMemberOf)"), 2),
    (_at(r"POST /directoryObjects/getByIds"), 3),
    (_at(r"POST /getObjectsById"), 3),
    (_at(r"POST /([^/]+/)*isMemberOf"), 4),
    (_at(r"POST /([^/]+/)*(checkMemberGroups|checkMemberObjects)"), 4),
    (_at(r"POST /([^/]+/)*(getMemberGroups|getMemberObjects)"), 2),
)
_BATCH = _at(r"POST /\$batch")
_SMALL_PAGE = 20


@cache
def _dear(method: str) -> tuple[tuple[re.Pattern[str], int], ...]:
    """What costs more than usual, for one method: this is asked for every request."""
    return tuple(entry for entry in _DEAR if entry[0].pattern.startswith(f"{method} "))


def units(call: Call) -> int:
    """The base cost, lower for `$select` and small pages, higher for `$expand`, never under one.

    A batch costs nothing by itself: its parts do.
    """
    named = f"{call.method} /{call.path.lstrip('/')}"
    if _BATCH.fullmatch(named):
        return 0
    base = next((dear for pattern, dear in _dear(call.method) if pattern.fullmatch(named)), 1)
    if not call.query:
        return base
    if parameter(call, "$select"):
        base -= 1
    if parameter(call, "$expand"):
        base += 1
    top = parameter(call, "$top") or ""
    if top.isdecimal() and int(top) < _SMALL_PAGE:
        base -= 1
    return max(base, 1)


def first_segment(call: Call) -> str:
    """The collection that the address begins with, in lower case and without a key."""
    return call.path.lstrip("/").partition("/")[0].partition("(")[0].lower()
