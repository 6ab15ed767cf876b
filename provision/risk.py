"""How much power a permission of Microsoft Graph gives, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

from provision.permissions import Kind

Tier = Literal[0, "high", "medium", "low"]

_ROLES = "it can give any directory role, Global Administrator too"
_ROLE_RULES = "it can take away the approval and the second factor that guard directory roles"
_GROUPS = "it can make anybody a member of groups that hold directory roles"
_SIGN_IN = "it can change how administrators sign in, and so sign in as one"
TIER0: Mapping[str, str] = {
    "RoleManagement.ReadWrite.Directory": _ROLES,
    "RoleAssignmentSchedule.ReadWrite.Directory": _ROLES,
    "RoleAssignmentSchedule.Remove.Directory": "it can take directory roles from all administrators",
    "RoleEligibilitySchedule.ReadWrite.Directory": _ROLES,
    "RoleEligibilitySchedule.Remove.Directory": "it can take directory roles from all administrators",
    "RoleManagementPolicy.ReadWrite.Directory": _ROLE_RULES,
    "PrivilegedAccess.ReadWrite.AzureAD": _ROLES,
    "PrivilegedAccess.ReadWrite.AzureADGroup": _GROUPS,
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup": _GROUPS,
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup": _GROUPS,
    "RoleManagementPolicy.ReadWrite.AzureADGroup": _GROUPS,
    "AppRoleAssignment.ReadWrite.All": "it can grant any permission to any application, itself too",
    "Application.ReadWrite.All": "it can add a secret to any application, and act as that one",
    "Application.ReadUpdate.All": "it can add a secret to any application, and act as that one",
    "Directory.ReadWrite.All": "it can change nearly everything in the directory, "
    "members of groups and owners of applications too",
    "DelegatedPermissionGrant.ReadWrite.All": "it can consent for administrators, and act for them",
    "Policy.ReadWrite.PermissionGrant": "it can let itself consent to any permission",
    "EntitlementManagement.ReadWrite.All": "it can put anybody into packages that hold directory "
    "roles and groups",
    "Domain.ReadWrite.All": "it can make an issuer of its own sign in as any user of a domain",
    "Domain-InternalFederation.ReadWrite.All": "it can make an issuer of its own sign in as any user "
    "of a domain",
    "Organization.ReadWrite.All": "it can add a certificate authority, and sign in as anybody",
    "OnPremDirectorySynchronization.ReadWrite.All": "it can take over how accounts are synchronised",
    "UserAuthenticationMethod.ReadWrite.All": _SIGN_IN,
    "UserAuthMethod-Passkey.ReadWrite.All": _SIGN_IN,
    "UserAuthMethod-Password.ReadWrite.All": _SIGN_IN,
    "UserAuthMethod-TAP.ReadWrite.All": _SIGN_IN,
    "User-PasswordProfile.ReadWrite.All": _SIGN_IN,
    "Policy.ReadWrite.AuthenticationMethod": _SIGN_IN,
    "DeviceManagementConfiguration.ReadWrite.All": "it can run what it likes on the computers of "
    "administrators",
    "DeviceManagementScripts.ReadWrite.All": "it can run what it likes on the computers of "
    "administrators",
    "DeviceManagementRBAC.ReadWrite.All": "it can give itself the management of all devices",
}
"""https://learn.microsoft.com/graph/permissions-reference and Microsoft's own list of privileged ones."""

_READS = re.compile(r"\.(Read(?!Write|Update)|View|List)")
_CONTENT = re.compile(
    r"(Mail|Files|Sites|Calendars|Chat|ChatMessage|ChannelMessage|Notes|Contacts|Tasks|MailboxItem"
    r"|OnlineMeetingTranscript|OnlineMeetingRecording|CallTranscripts|CallRecordings)\b"
)
_OWN = re.compile(r"\.(OwnedBy|Selected|AppFolder|CreatedByApp)$|Selected")
_LEAST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A tier with its reason in plain words; the reason continues "because"."""

    tier: Tier
    reason: str


def tier(value: str, kind: Kind) -> Risk:
    """What somebody could do who got hold of a workload with this permission."""
    if value in TIER0:
        if kind == "application":
            return Risk(tier=0, reason=TIER0[value])
        return Risk(tier="high", reason=f"{TIER0[value]}, when an administrator is signed in")
    if kind == "delegated":
        return _delegated(value)
    if _OWN.search(value):
        reach: Tier = "low" if value.endswith("Selected") or _READS.search(value) else "medium"
        return Risk(tier=reach, reason="it reaches only what was made by it or given to it")
    if _CONTENT.match(value):
        return Risk(tier="high", reason="it reaches what people wrote, of everybody in the tenant")
    if _level(value, "Application") <= _LEAST:
        return Risk(tier="low", reason="Microsoft counts it among the least powerful")
    if _READS.search(value):
        return Risk(tier="medium", reason="it can read things of the whole tenant")
    return Risk(tier="high", reason="it can change things of the whole tenant")


def _delegated(value: str) -> Risk:
    """A user is signed in, and the permission never exceeds what that user may do."""
    if value.endswith((".All", ".AllSites")):
        if _READS.search(value):
            return Risk(tier="medium", reason="it can read whatever the signed-in user may read")
        return Risk(tier="high", reason="it can change whatever the signed-in user may change")
    if _level(value, "DelegatedWork") > _LEAST:
        return Risk(tier="medium", reason="Microsoft counts it among the more powerful")
    return Risk(tier="low", reason="it reaches only the signed-in user's own things")


def _level(value: str, scheme: str) -> int:
    """Microsoft's own level, 1 (least) to 5 (most); unknown ones count as the middle."""
    known = _levels().get(value)
    return 1 if known is None and "." not in value else (known or {}).get(scheme) or 3


@lru_cache(maxsize=1)
def _levels() -> Mapping[str, Mapping[str, int | None]]:
    source = resources.files("provision") / "data" / "graph-permission-levels.json"
    levels: Mapping[str, Mapping[str, int | None]] = json.loads(source.read_text(encoding="utf-8"))[
        "levels"
    ]
    return levels
