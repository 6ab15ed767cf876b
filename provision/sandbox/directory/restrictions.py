"""What the tenant's app management policies forbid, asked whenever a credential is to be added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from provision.sandbox import edm
from provision.sandbox.call import Call
from provision.sandbox.directory.shape import APPLICATIONS, DEFAULT_POLICY, POLICIES
from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import Seen, Tenant

DEFAULT_ID = "00000000-0000-0000-0000-000000000000"
ASSIGNED = "_appManagementPolicy"
LISTS = ("passwordCredentials", "keyCredentials")
_BEFORE_ALL = datetime(2019, 1, 1, tzinfo=UTC)
"""Objects of unknown age count as made then."""
_DURATION = re.compile(
    r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One restriction in force, and the policy that it comes from."""

    longest: timedelta | None
    policy: str


def default_policy(tenant: Tenant) -> dict[str, Any]:
    """The one policy that every tenant has; until somebody changes it, it restricts nothing.

    https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-get
    """
    set_down = tenant.get(DEFAULT_POLICY.collection, DEFAULT_ID, Seen.truth())
    return set_down or {
        "id": DEFAULT_ID,
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy that enforces app management restrictions on "
        "applications and service principals. To apply policy to targeted resources, create a "
        "new policy under appManagementPolicies collection.",
        "isEnabled": False,
        "applicationRestrictions": {name: [] for name in LISTS},
        "servicePrincipalRestrictions": {name: [] for name in LISTS},
    }


def duration(text: str) -> timedelta | None:
    """An ISO 8601 duration of days and less; None when it is not one."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def check_password(
    call: Call, row: Mapping[str, Any], kind: edm.Kind, life: tuple[datetime, datetime]
) -> None:
    """https://learn.microsoft.com/graph/api/resources/passwordcredentialconfiguration"""
    rules = _in_force(call, row, kind)
    if "passwordAddition" in rules:
        raise _forbidden(rules["passwordAddition"])
    _check_life(rules.get("passwordLifetime"), life)


def check_keys(
    call: Call, row: Mapping[str, Any], before: Iterable[Mapping[str, Any]], kind: edm.Kind
) -> None:
    """The keys that were not there before: https://learn.microsoft.com/graph/api/resources/keycredentialconfiguration"""
    known = {key["keyId"] for key in before}
    new = [key for key in row["keyCredentials"] if key["keyId"] not in known]
    rules = _in_force(call, row, kind) if new else {}
    for key in new:
        life = _moment(key["startDateTime"]), _moment(key["endDateTime"])
        if key["type"] != "Symmetric":
            _check_life(rules.get("asymmetricKeyLifetime"), life)
            continue
        if "symmetricKeyAddition" in rules:
            raise _forbidden(rules["symmetricKeyAddition"])
        _check_life(rules.get("symmetricKeyLifetime"), life)


def _in_force(call: Call, row: Mapping[str, Any], kind: edm.Kind) -> dict[str, _Rule]:
    """By restrictionType; what a policy of the object's own says goes before the tenant's default.

    https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
    """
    whose = "application" if kind is APPLICATIONS else "servicePrincipal"
    default = default_policy(call.tenant)
    said = dict(_entries(default, f"{whose}Restrictions"))
    policies = dict.fromkeys(said, default["id"])
    own = call.tenant.get(POLICIES.collection, row.get(ASSIGNED) or "", Seen.truth())
    if own is not None:
        for type, entry in _entries(own, "restrictions"):
            said[type], policies[type] = entry, own["id"]
    made = _moment(row["createdDateTime"]) if row["createdDateTime"] else _BEFORE_ALL
    return {
        type: _Rule(longest=duration(entry["maxLifetime"] or ""), policy=policies[type])
        for type, entry in said.items()
        if _concerns(entry, made)
    }


def _entries(policy: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if policy["isEnabled"]:
        restrictions = policy[where] or {}
        for name in LISTS:
            for entry in restrictions.get(name) or ():
                yield entry["restrictionType"], entry


def _concerns(entry: Mapping[str, Any], made: datetime) -> bool:
    since = entry["restrictForAppsCreatedAfterDateTime"]
    return entry["state"] != "disabled" and (since is None or made >= _moment(since))


def _check_life(rule: _Rule | None, life: tuple[datetime, datetime]) -> None:
    start, end = life
    if rule is None or rule.longest is None or end - start <= rule.longest:
        return
    message = (
        f"Credential lifetime exceeds the max value allowed as per assigned policy '{rule.policy}'."
    )
    detail = {"code": "InvalidKeyEndDate", "message": message, "target": "EndDate"}
    raise Refusal(400, "CredentialInvalidLifetimeAsPerAppPolicy", message, details=[detail])


def _forbidden(rule: _Rule) -> Refusal:
    message = f"Credential type not allowed as per assigned policy '{rule.policy}'."
    return Refusal(400, "CredentialTypeNotAllowedAsPerAppPolicy", message)


def _moment(text: str) -> datetime:
    return edm.moment(text) or _BEFORE_ALL
