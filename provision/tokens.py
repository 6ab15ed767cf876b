"""One credential, proven by fresh tokens: one for each resource, until they carry the roles that are wanted there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from auth import claims
from auth.errors import AuthError, TokenRefused
from provision import evidence, granted
from provision.clock import backoff
from provision.confirm import FRESH
from provision.errors import GraphError
from provision.evidence import Audience, Evidence
from provision.granted import Holder
from provision.model import GRAPH_APP_ID, DesiredApplication, DesiredStored
from provision.proof import DISABLED, UNTRUSTED_YET, persistently, takes
from provision.receipt import CallProof, Finding, Result
from provision.scene import Scene, audiences, named
from provision.secret import Secret
from provision.stores import Stored
from provision.target import Exchange
from provision.wait import pause

REFUSALS, QUICK = 60.0, 6.0
"""Seconds that a refusal may be lag: for a secret made minutes ago, and for an older one."""

REPLACEABLE = frozenset({7000215, 7000222, 700027})
"""AADSTS codes that mean: the token service does not take this secret or certificate, or no longer."""

LATE = frozenset({500011, 501051})
"""AADSTS codes that mean, soon after a consent: this replica has not heard of the resource, or of the role there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One credential to prove: who it should be, what its tokens should carry, and for whom they are.

    `value` is the secret, or how to exchange a token of the issuer that is trusted.
    """

    scene: Scene
    wanted: DesiredApplication
    name: str
    value: Secret | Exchange
    fresh: bool
    app_id: str
    audiences: tuple[Audience, ...]

    @property
    def holder(self) -> Holder:
        """The application, as one that holds permissions."""
        return Holder.application(self.wanted, self.app_id)

    def finding(self, result: Result, says: str, **facts: object) -> Finding:
        """What was found of this credential."""
        return Finding(
            app=self.wanted.key,
            credential=self.name,
            result=result,
            says=says,
            **facts,  # type: ignore[arg-type]
        )


def check_of(
    scene: Scene,
    wanted: DesiredApplication,
    app_id: str,
    secret: DesiredStored,
    stored: Stored | None,
) -> Check | None:
    """What it takes to prove a value, if its store gives the one that this application has in this tenant.

    A PEM file says neither; what it holds is what was declared for this application.
    """
    if stored is None or stored.secret is None:
        return None
    whose = (stored.tenant_id, stored.client_id)
    if not stored.certificate and whose != (scene.target.tenant_id, app_id):
        return None
    now = scene.target.clock.now()
    fresh = stored.expires is not None and now - (stored.expires - secret.lifetime) < FRESH
    return Check(
        scene=scene,
        wanted=wanted,
        name=secret.name,
        value=stored.secret,
        fresh=fresh,
        app_id=app_id,
        audiences=audiences(wanted.app_roles, scene.known),
    )


def check_of_trust(
    scene: Scene, wanted: DesiredApplication, app_id: str, name: str, exchange: Exchange
) -> Check:
    """What it takes to prove a federated credential; nobody can tell how long the directory has had it."""
    return Check(
        scene=scene,
        wanted=wanted,
        name=name,
        value=exchange,
        fresh=True,
        app_id=app_id,
        audiences=audiences(wanted.app_roles, scene.known),
    )


async def prove(check: Check) -> Finding:
    """Tokens until they carry everything; a resource whose token does is not asked again."""
    clock = check.scene.target.clock
    began = clock.monotonic()
    shown: dict[str, Evidence] = {}
    for seconds in backoff(1.0):
        finding, wait = await _attempt(check, shown)
        waited = clock.monotonic() - began
        if finding.result is Result.PROVEN or waited + seconds > wait:
            return replace(finding, seconds=round(waited, 1))
        what = f"roles in the token of {check.name}"
        check.scene.target.progress.waiting(check.wanted.key, what, waited, wait)
        await pause(check.scene.target, seconds)
    raise AssertionError("backoff never ends")


async def _attempt(check: Check, shown: dict[str, Evidence]) -> tuple[Finding, float]:
    """What the tokens show by now; with it, how many seconds more of them may be worth."""
    roles = check.wanted.app_roles
    due = [each for each in check.audiences if _due(check, each, shown)]
    for found in await asyncio.gather(*(_token(check, each) for each in due)):
        shown[found.audience.name] = found
    wrong = next((each for each in shown.values() if each.wrong), None)
    if wrong:
        return check.finding(Result.FAILED, wrong.wrong, hint=wrong.hint), 0.0
    if evidence.lacking(roles, shown) or any(each.late for each in shown.values()):
        return await _lacking(check, shown)
    token = shown[GRAPH_APP_ID].token
    calls = tuple(
        [await _call(check, token, call.method, call.path) for call in check.wanted.calls]
    )
    refused = [call for call in calls if not 200 <= call.status < 400]
    facts = {**_facts(check, shown), "calls": calls}
    if refused:
        says = "; ".join(f"{c.method} {c.path} answered {c.status or 'nothing'}" for c in refused)
        return check.finding(Result.FAILED, says, **facts), check.scene.patience.roles
    return await _carried(check, facts), 0.0


def _due(check: Check, audience: Audience, shown: Mapping[str, Evidence]) -> bool:
    """Whether to ask for a token: until one carries everything, and for calls always, since tokens age."""
    if audience.is_graph and check.wanted.calls:
        return True
    found = shown.get(audience.name)
    return found is None or not found.shows(check.wanted.app_roles)


def _facts(check: Check, shown: dict[str, Evidence]) -> dict[str, object]:
    roles = check.wanted.app_roles
    return {
        "roles": evidence.roles_shown(roles, shown),
        "extra": evidence.undeclared(roles, shown),
    }


async def _token(check: Check, audience: Audience) -> Evidence:
    """One fresh token for one resource, and what it carries."""
    if not audience.app_id:
        wrong = f"{audience.shown}, whose roles are wanted, does not exist in this tenant"
        return Evidence(audience=audience, wrong=wrong, hint="Run provision apply first.")
    target = check.scene.target
    token = await _asked(check, None if audience.is_graph else audience.app_id)
    if isinstance(token, AuthError):
        waking = DISABLED if check.wanted.principal.enabled else None
        if isinstance(token, TokenRefused) and token.aadsts in {*LATE, waking}:
            late = f"no token for {audience.shown}: {token}"
            return Evidence(audience=audience, late=late, hint=token.hint)
        return Evidence(audience=audience, wrong=str(token), hint=_remedy(check, token))
    carried = claims.read(token)
    wrong = evidence.impostor(
        carried,
        audience,
        graph=target.cloud.graph,
        tenant_id=target.tenant_id,
        app_id=check.app_id,
    )
    return Evidence(audience=audience, carried=carried.roles, token=token, wrong=wrong)


async def _asked(check: Check, resource: str | None) -> str | AuthError:
    target, value = check.scene.target, check.value
    patience = REFUSALS if check.fresh else QUICK
    what = f"the token service: {check.name}"
    if isinstance(value, Secret):
        return await takes(
            target,
            check.wanted.key,
            check.app_id,
            value,
            patience=patience,
            what=what,
            resource=resource,
        )
    return await persistently(
        target,
        check.wanted.key,
        lambda: value(check.app_id, resource),
        patience=patience,
        what=what,
        yet=UNTRUSTED_YET,
    )


def _remedy(check: Check, refused: AuthError) -> str:
    """A secret that is wrong, expired or gone is not repaired but replaced."""
    if not isinstance(refused, TokenRefused) or refused.aadsts not in REPLACEABLE:
        return refused.hint
    name = f"{check.wanted.key}/{check.name}"
    return f"Put the right value back into its store, or replace it: provision rotate --now --target {name}"


async def _lacking(check: Check, shown: dict[str, Evidence]) -> tuple[Finding, float]:
    """A role is missing: granted but not in tokens yet, or not granted at all."""
    scene, grant, facts = check.scene, check.wanted.grant, _facts(check, shown)
    absent = evidence.lacking(check.wanted.app_roles, shown)
    left = await granted.read(scene.target, check.holder, scene.known)
    ungranted = left.roles & absent
    if ungranted:
        scopes = left.waited_for(grant=grant) - left.roles
        says = f"no administrator has consented to {named(ungranted | scopes, scene.known)}"
        found = check.finding(Result.PENDING, says, hint=granted.hint(grant=grant), **facts)
        return found, scene.patience.for_tokens(grant=grant)
    late = next((each for each in shown.values() if each.late), None)
    says = f"granted, but not in the token yet: {named(absent, scene.known)}"
    hint = "The token service takes up to some minutes; run provision verify again."
    if late:
        says, hint = late.late, late.hint
    return check.finding(Result.FAILED, says, hint=hint, **facts), scene.patience.for_tokens(
        grant=True
    )


async def _carried(check: Check, facts: dict[str, object]) -> Finding:
    """Everything that tokens can show is shown; what is delegated, only the directory can tell here."""
    roles = check.wanted.app_roles
    several = len({role.resource for role in roles}) > 1
    says = "fresh tokens, one for each resource, carry " if several else "a fresh token carries "
    says += _count(len(roles), "declared role")
    if not check.wanted.scopes:
        return check.finding(Result.PROVEN, says, **facts)
    scene, grant = check.scene, check.wanted.grant
    left = await granted.settled(
        scene.target,
        replace(check.holder, roles=frozenset()),
        scene.known,
        within=scene.patience.for_reads(grant=grant),
    )
    if left.scopes and grant:
        says = f"no administrator has consented to {named(left.scopes, scene.known)}"
        return check.finding(Result.PENDING, says, hint=granted.hint(grant=grant), **facts)
    return check.finding(Result.PROVEN, f"{says}; {granted.delegated(left, scene.known)}", **facts)


def _count(number: int, noun: str) -> str:
    return (
        f"the {noun}"
        if number == 1
        else f"all {number} {noun}s"
        if number
        else "no role, as declared"
    )


async def _call(check: Check, token: str, method: str, path: str) -> CallProof:
    try:
        status = await check.scene.target.graph.call(method, path, token)
    except GraphError:
        status = 0
    return CallProof(method=method, path=path, status=status)
