"""What a request costs in resource units: https://learn.microsoft.com/graph/throttling-limits"""

from __future__ import annotations

import re

from provision.sandbox.call import Call, parameter

_DEAR = (
    (re.compile(r"^GET /users/?$", re.IGNORECASE), 2),
    (re.compile(r"^GET /applications/?$", re.IGNORECASE), 2),
    (re.compile(r"^GET /oauth2PermissionGrants(/[^/]*)?/?$", re.IGNORECASE), 2),
    (re.compile(r"^GET /servicePrincipals[^/]*/[^/]+/appRoleAssignments/?$", re.IGNORECASE), 2),
    (re.compile(r"^GET /groups/[^/]+/members/?$", re.IGNORECASE), 3),
    (re.compile(r"^GET /groups/[^/]+/transitiveMembers/?$", re.IGNORECASE), 5),
    (re.compile(r"^POST /directoryObjects/getByIds/?$", re.IGNORECASE), 3),
    (re.compile(r"^GET /me/(memberOf|ownedObjects|transitiveMemberOf)/?$", re.IGNORECASE), 2),
)
_SMALL_PAGE = 20


def units(call: Call) -> int:
    """The base cost, lower for `$select` and small pages, higher for `$expand`, never under one."""
    named = f"{call.method} /{call.path.lstrip('/')}"
    cost = next((dear for pattern, dear in _DEAR if pattern.match(named)), 1)
    if parameter(call, "$select"):
        cost -= 1
    if parameter(call, "$expand"):
        cost += 1
    top = parameter(call, "$top") or ""
    if top.isdecimal() and int(top) < _SMALL_PAGE:
        cost -= 1
    return max(cost, 1)
