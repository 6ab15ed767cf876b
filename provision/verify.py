"""The second stage: a fresh token as each workload, and what it carries against what was declared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from auth import claims
from auth.errors import AuthError, TokenRefused
from provision.clock import backoff
from provision.confirm import FRESH, StoresHeld
from provision.errors import GraphError
from provision.graph import directory
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    DesiredApplication,
    DesiredSecret,
    Secret,
)
from provision.proof import takes
from provision.receipt import CallProof, Finding, Result, RoleProof
from provision.stores import Stored
from provision.target import Target
from provision.wait import pause
from provision.wording import resource

REFUSALS, QUICK = 60.0, 6.0
"""Seconds that a refusal may be lag: for a secret made minutes ago, and for an older one."""

REPLACEABLE = frozenset({7000215, 7000222})
"""AADSTS codes that mean: the token service does not take this secret, or no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, in seconds: for roles that were granted, and for a consent still to come."""

    roles: float = 60.0
    consent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One credential to prove: who it should be, what it should carry, how long that may take."""

    target: Target
    wanted: DesiredApplication
    secret: DesiredSecret
    app_id: str
    patience: Patience

    def finding(self, result: Result, says: str, **facts: object) -> Finding:
        return Finding(
            app=self.wanted.key,
            credential=self.secret.name,
            result=result,
            says=says,
            **facts,  # type: ignore[arg-type]
        )


async def verify(
    desired: Desired,
    app_ids: Mapping[str, str],
    stored: StoresHeld,
    target: Target,
    *,
    patience: Patience,
) -> tuple[Finding, ...]:
    """One finding per credential; an application without any is proven by reading its grants."""
    proofs = []
    for wanted in desired.applications:
        app_id = app_ids.get(wanted.key)
        if app_id is None:
            proofs.append(_absent(wanted))
        elif not wanted.secrets:
            reason = "it has no credential here"
            proofs.append(_unprovable(target, wanted, app_id, "-", reason, patience=patience))
        for secret in wanted.secrets if app_id else ():
            check = Check(
                target=target, wanted=wanted, secret=secret, app_id=app_id or "", patience=patience
            )
            proofs.append(_prove(check, stored.get(wanted.key, {}).get(secret.name)))
    return tuple(await asyncio.gather(*proofs))


async def _absent(wanted: DesiredApplication) -> Finding:
    return Finding(
        app=wanted.key,
        credential=", ".join(secret.name for secret in wanted.secrets) or "-",
        result=Result.FAILED,
        says="the application does not exist in this tenant",
        hint="Run provision apply first.",
    )


async def _prove(check: Check, stored: Stored | None) -> Finding:
    value = _usable(check, stored)
    if value is None:
        reason = "its secret is not readable on this machine"
        return await _unprovable(
            check.target,
            check.wanted,
            check.app_id,
            check.secret.name,
            reason,
            patience=check.patience,
        )
    began = check.target.clock.monotonic()
    for seconds in backoff(1.0):
        finding, wait = await _attempt(check, value, stored)
        waited = check.target.clock.monotonic() - began
        if finding.result is Result.PROVEN or waited + seconds > wait:
            return _timed(finding, waited)
        what = f"roles in the token of {check.secret.name}"
        check.target.progress.waiting(check.wanted.key, what, waited, wait)
        await pause(check.target, seconds)
    raise AssertionError("backoff never ends")


def _timed(finding: Finding, seconds: float) -> Finding:
    return replace(finding, seconds=round(seconds, 1))


def _usable(check: Check, stored: Stored | None) -> Secret | None:
    """The stored secret, if it is this application's in this tenant."""
    if stored is None or stored.client_id != check.app_id:
        return None
    return stored.secret if stored.tenant_id == check.target.tenant_id else None


async def _attempt(check: Check, secret: Secret, stored: Stored | None) -> tuple[Finding, float]:
    """One token and what it shows; with it, how many seconds more tokens may be worth."""
    fresh = (
        stored is not None
        and stored.expires is not None
        and check.target.clock.now() - (stored.expires - check.secret.lifetime) < FRESH
    )
    token = await takes(
        check.target,
        check.wanted.key,
        check.app_id,
        secret,
        patience=REFUSALS if fresh else QUICK,
        what=f"the token service: {check.secret.name}",
    )
    if isinstance(token, AuthError):
        return check.finding(Result.FAILED, str(token), hint=_remedy(check, token)), 0.0
    carried = claims.read(token)
    wrong = _impostor(check, carried)
    if wrong:
        return check.finding(Result.FAILED, wrong), 0.0
    roles = tuple(
        RoleProof(
            resource=resource(role.resource),
            value=role.value,
            present=role.value in carried.roles,
        )
        for role in sorted(check.wanted.app_roles, key=lambda role: role.value)
    )
    extra = tuple(sorted(carried.roles - {role.value for role in check.wanted.app_roles}))
    if not all(role.present for role in roles):
        return await _lacking(check, roles, extra)
    calls = tuple(
        [await _call(check, token, call.method, call.path) for call in check.wanted.calls]
    )
    refused = [call for call in calls if not 200 <= call.status < 400]
    if refused:
        says = "; ".join(f"{c.method} {c.path} answered {c.status or 'nothing'}" for c in refused)
        found = check.finding(Result.FAILED, says, roles=roles, calls=calls, extra=extra)
        return found, check.patience.roles
    says = f"a fresh token carries {_count(len(roles), 'declared role')}"
    return check.finding(Result.PROVEN, says, roles=roles, calls=calls, extra=extra), 0.0


def _remedy(check: Check, refused: AuthError) -> str:
    """A secret that is wrong, expired or gone is not repaired but replaced."""
    if not isinstance(refused, TokenRefused) or refused.aadsts not in REPLACEABLE:
        return refused.hint
    name = f"{check.wanted.key}/{check.secret.name}"
    return f"Put the right value back into its store, or replace it: provision rotate --now --target {name}"


def _count(number: int, noun: str) -> str:
    return (
        f"the {noun}"
        if number == 1
        else f"all {number} {noun}s"
        if number
        else "no role, as declared"
    )


def _impostor(check: Check, carried: claims.Claims) -> str | None:
    """Whether the token is another's, or for another: a proof of that proves nothing."""
    graph = check.target.cloud.graph.rstrip("/")
    if carried.aud not in (graph, f"{graph}/", GRAPH_APP_ID):
        return f"the token is for {carried.aud}, not for Microsoft Graph"
    if carried.tid != check.target.tenant_id:
        return f"the token is of tenant {carried.tid}, not of {check.target.tenant_id}"
    if carried.app_id != check.app_id:
        return f"the token is of application {carried.app_id}, not of {check.app_id}"
    return None


async def _lacking(
    check: Check, roles: tuple[RoleProof, ...], extra: tuple[str, ...]
) -> tuple[Finding, float]:
    """A role is missing: granted but not in tokens yet, or not granted at all."""
    missing = {role.value for role in roles if not role.present}
    granted = await _granted(check.target, check.app_id)
    ungranted = sorted(
        role.value
        for role in check.wanted.app_roles
        if role.value in missing and role.id not in granted
    )
    if ungranted:
        says = f"no administrator has consented to {', '.join(ungranted)}"
        hint = (
            "An administrator runs: provision apply"
            if check.wanted.grant
            else (
                "As declared (consent: request): an administrator grants it, then run provision verify again."
            )
        )
        pending = check.finding(Result.PENDING, says, roles=roles, extra=extra, hint=hint)
        return pending, max(
            check.patience.consent, check.patience.roles if check.wanted.grant else 0
        )
    says = f"granted, but not in the token yet: {', '.join(sorted(missing))}"
    hint = "The token service takes up to some minutes; run provision verify again."
    return check.finding(Result.FAILED, says, roles=roles, extra=extra, hint=hint), max(
        check.patience.roles, check.patience.consent
    )


async def _granted(target: Target, app_id: str) -> set[str]:
    principals = await directory.service_principals(target.graph, [app_id])
    principal = principals.get(app_id)
    assignments = principal.app_role_assignments if principal else ()
    return {assignment.app_role_id for assignment in assignments}


async def _unprovable(
    target: Target,
    wanted: DesiredApplication,
    app_id: str,
    credential: str,
    reason: str,
    *,
    patience: Patience,
) -> Finding:
    """No token can be had here: the grants that the directory shows are read instead, until all are there.

    A replica may not show yet what another runner granted a moment ago.
    """
    within = max(patience.consent, patience.roles if wanted.grant else 0.0)
    began = target.clock.monotonic()
    for seconds in backoff(1.0):
        granted = await _granted(target, app_id)
        missing: list[AppRole] = sorted(r for r in wanted.app_roles if r.id not in granted)
        waited = target.clock.monotonic() - began
        if not missing or waited + seconds > within:
            break
        target.progress.waiting(wanted.key, "the directory: permissions", waited, within)
        await pause(target, seconds)
    result = Result.PENDING if missing else Result.UNPROVABLE
    names = ", ".join(role.value for role in missing)
    says = f"{reason}; " + (f"not granted: {names}" if missing else "all roles are granted")
    return Finding(app=wanted.key, credential=credential, result=result, says=says)


async def _call(check: Check, token: str, method: str, path: str) -> CallProof:
    try:
        status = await check.target.graph.call(method, path, token)
    except GraphError:
        status = 0
    return CallProof(method=method, path=path, status=status)
