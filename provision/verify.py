"""The second stage: fresh tokens as each workload, and what they carry against what was declared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from provision import granted
from provision.confirm import StoresHeld
from provision.granted import Holder
from provision.model import Desired, DesiredApplication, DesiredIdentity
from provision.receipt import Finding, Result
from provision.scene import Known, Patience, Scene, named
from provision.target import NotHere, Target
from provision.tokens import Check, check_of, check_of_trust, prove

UNREADABLE = "its value is not readable on this machine"
DISABLED = "its service principal is disabled, as declared: it gets no token"
MANAGED = "a managed identity: only Azure can ask for its token"
UNTRUSTED: Mapping[str, Any] = {
    "result": Result.FAILED,
    "says": "the application has no such federated credential: its issuer's tokens are refused",
    "hint": "Run provision apply.",
}
NO_CREDENTIAL = "it has no credential here"


async def verify(
    desired: Desired,
    known: Known,
    stored: StoresHeld,
    target: Target,
    *,
    patience: Patience,
) -> tuple[Finding, ...]:
    """One finding per credential; what no token can tell here is proven by reading what was granted.

    An application that neither signs in nor asks for anything, such as an API, has nothing to prove.
    """
    scene = Scene(target=target, known=known, patience=patience)
    proofs = [_application(scene, each, stored) for each in desired.applications]
    proofs += [_identity(scene, each) for each in desired.identities]
    return tuple(found for some in await asyncio.gather(*proofs) for found in some)


async def _application(
    scene: Scene, wanted: DesiredApplication, stored: StoresHeld
) -> tuple[Finding, ...]:
    app_id = scene.known.app_ids.get(wanted.key)
    if app_id is None:
        return (_absent(wanted),)
    checks: list[Check] = []
    unread: list[tuple[str, str]] = []
    for secret in wanted.stored:
        held = stored.get(wanted.key, {}).get(secret.name)
        check = check_of(scene, wanted, app_id, secret, held)
        if wanted.principal.enabled is False:
            unread.append((secret.name, DISABLED))
        elif check:
            checks.append(check)
        else:
            unread.append((secret.name, UNREADABLE))
    trusted, away = await _trusts(scene, wanted, app_id)
    unread += away
    if not checks and not trusted and not unread and (wanted.app_roles or wanted.scopes):
        unread.append(("-", NO_CREDENTIAL))
    proven, read, federated = await asyncio.gather(
        asyncio.gather(*(prove(check) for check in checks)),
        _by_grants(scene, Holder.application(wanted, app_id), unread),
        _federated(scene, wanted, trusted),
    )
    found = {each.credential: each for each in (*proven, *read, *federated)}
    return tuple(found[name] for name in _credentials(wanted) or found)


async def _trusts(
    scene: Scene, wanted: DesiredApplication, app_id: str
) -> tuple[list[Check], list[tuple[str, str]]]:
    """The federated credentials whose issuer's token can be had here, and why the others' cannot."""
    checks: list[Check] = []
    away: list[tuple[str, str]] = []
    for each in wanted.federated:
        if wanted.principal.enabled is False:
            away.append((each.name, DISABLED))
            continue
        exchange = await scene.target.exchange_for(each)
        if isinstance(exchange, NotHere):
            away.append((each.name, f"federated: {exchange.says}"))
        else:
            checks.append(check_of_trust(scene, wanted, app_id, each.name, exchange))
    return checks, away


async def _federated(
    scene: Scene, wanted: DesiredApplication, checks: Sequence[Check]
) -> list[Finding]:
    """Proofs of what the directory has as declared; what it has not fails without a token."""
    lost = await granted.untrusted(
        scene.target, scene.known, wanted, within=scene.patience.for_reads(grant=True)
    )
    proofs = [prove(check) for check in checks if check.name not in lost]
    found = [Finding(app=wanted.key, credential=name, **UNTRUSTED) for name in sorted(lost)]
    return [*await asyncio.gather(*proofs), *found]


def _credentials(wanted: DesiredApplication) -> list[str]:
    return [each.name for each in wanted.stored] + [each.name for each in wanted.federated]


async def _identity(scene: Scene, wanted: DesiredIdentity) -> tuple[Finding, ...]:
    return await _by_grants(scene, Holder.identity(wanted), [("-", MANAGED)])


def _absent(wanted: DesiredApplication) -> Finding:
    return Finding(
        app=wanted.key,
        credential=", ".join(_credentials(wanted)) or "-",
        result=Result.FAILED,
        says="the application does not exist in this tenant",
        hint="Run provision apply first.",
    )


async def _by_grants(
    scene: Scene, holder: Holder, credentials: Sequence[tuple[str, str]]
) -> tuple[Finding, ...]:
    """No token can be had here, for the reason given with each credential: the grants are read instead."""
    if not credentials:
        return ()
    within = scene.patience.for_reads(grant=holder.grant)
    left = await granted.settled(scene.target, holder, scene.known, within=within)
    pending = left.waited_for(grant=holder.grant)
    if pending:
        said = f"not granted: {named(pending, scene.known)}"
    elif not (holder.roles or holder.scopes):
        said = "no permission is wanted"
    else:
        said = "all roles are granted" if holder.roles else ""
        more = granted.delegated(left, scene.known) if holder.scopes else ""
        said = "; ".join(filter(None, (said, more)))
    return tuple(
        Finding(
            app=holder.key,
            credential=credential,
            result=Result.PENDING if pending else Result.UNPROVABLE,
            says=f"{reason}; {said}",
            hint=granted.hint(grant=holder.grant) if pending else "",
        )
        for credential, reason in credentials
    )
