"""Every credential of one application as a row: those declared, those of ours that are old, and other people's.

A row decides nothing: what goes and what is renewed is told by the plan, so that both always agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from provision import trust
from provision.life import Facts, facts_of
from provision.model import (
    DesiredApplication,
    DesiredFederated,
    DesiredSecret,
    DesiredStored,
    FederatedIdentityCredential,
    KeyCredential,
    ObservedApplication,
    PasswordCredential,
)
from provision.ownership import credential_of
from provision.places import PemFile
from provision.wording import exactly, roughly

Listed = PasswordCredential | KeyCredential
Kind = Literal["secret", "certificate", "federated"]

NEXT = "with the next provision apply"
IDLE = "nothing is issued while the service principal is disabled"
UNLISTED = "the token service accepts it; the directory does not list it yet"
UNRECORDED = "there is no record of its proof yet: the next provision apply writes it"
BY_USERS = "its users must put a newer one into the file"
KEPT = "kept until another one is known to work"


class State(StrEnum):
    """What a credential is in its life, in the word that is shown."""

    ACTIVE = "active"
    DUE = "due"
    EXPIRES = "expires"
    EXPIRED = "expired"
    MISSING = "missing"
    ELSEWHERE = "held elsewhere"
    RETIRING = "retiring"
    ORPHAN = "orphan"
    DROPPED = "dropped"
    DIFFERS = "differs"
    TAKEN_OVER = "taken over"
    NOT_OURS = "not ours"


class Kept(StrEnum):
    """Whether the store on this machine holds a credential's value."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One credential of one application; never its value.

    `credential` is empty for somebody else's, which only has the `name` that they gave it. `until` is when an old one
    goes, `proven` when the one in use was last proven. A federated one has an issuer and a subject instead of dates.
    """

    app: str
    credential: str
    kind: Kind
    state: State
    due: bool = False
    name: str = ""
    key_id: str | None = None
    store: str = ""
    kept: Kept | None = None
    created: datetime | None = None
    expires: datetime | None = None
    until: datetime | None = None
    proven: datetime | None = None
    issuer: str = ""
    subject: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One application with what a plan does about its credentials.

    `adds` has reasons by credential, `removes` key ids, `trusts` the federated credentials that change.
    """

    wanted: DesiredApplication
    found: ObservedApplication | None
    owner: str
    now: datetime
    adds: Mapping[str, str] = field(default_factory=dict)
    removes: frozenset[str] = frozenset()
    trusts: frozenset[str] = frozenset()

    @property
    def idle(self) -> bool:
        """Whether nobody can sign in as it, so that nothing is issued."""
        return self.wanted.principal.enabled is False

    @property
    def listed(self) -> dict[str, Listed]:
        """Everything that the directory lists, whoever made it."""
        if self.found is None:
            return {}
        application = self.found.application
        some: tuple[Listed, ...] = (
            *application.password_credentials,
            *application.key_credentials,
        )
        return {each.key_id: each for each in some}


def rows(case: Case) -> Iterator[Row]:
    """Declared ones with their old ones first, then trusts, then ours that are dropped, then other people's."""
    told: set[str | None] = set()
    for wanted in case.wanted.stored:
        for row in _of_credential(wanted, case):
            if row.key_id is None or row.key_id not in told:
                told.add(row.key_id)
                yield row
    yield from _trusts(case)
    for listed in _in_order(case.listed):
        if listed.key_id not in told:
            yield _left(listed, case)


def _of_credential(wanted: DesiredStored, case: Case) -> Iterator[Row]:
    if case.found is None:
        yield _missing(wanted, case, first=True)
        return
    facts, listed = _facts(wanted, case.found, case.owner), case.listed
    active = listed.get(facts.current or "")
    if active:
        yield _in_use(wanted, active, facts, case)
    elif facts.current:
        yield Row(
            app=case.wanted.key,
            credential=wanted.name,
            kind=_kind_of(wanted),
            state=State.ACTIVE,
            key_id=facts.current,
            store=wanted.store.address,
            kept=Kept.HERE if facts.held.key_id == facts.current else Kept.ELSEWHERE,
            says=UNLISTED,
        )
    else:
        yield _missing(wanted, case, first=facts.first)
    for each in _in_order({key: listed[key] for key in facts.listed}):
        if each.key_id != facts.current:
            yield _old(wanted, each, facts, case)
    for key_id in wanted.replaces:
        if key_id in listed and key_id not in facts.listed:
            yield _taken_over(wanted, listed[key_id], facts, case)


def _facts(wanted: DesiredStored, found: ObservedApplication, owner: str) -> Facts:
    """What is known of a credential, a certificate's keys listed as a secret's are."""
    application = found.application
    keys = tuple(
        PasswordCredential(
            key_id=each.key_id, display_name=each.display_name, start=each.start, end=each.end
        )
        for each in application.key_credentials
    )
    both = (*application.password_credentials, *keys)
    seen = replace(found, application=replace(application, password_credentials=both))
    return facts_of(seen, owner=owner, credential=wanted.name)


def _missing(wanted: DesiredStored, case: Case, *, first: bool) -> Row:
    """That the first one is still to come needs no reason."""
    why = IDLE if case.idle else "" if first else case.adds.get(wanted.name, "")
    return Row(
        app=case.wanted.key,
        credential=wanted.name,
        kind=_kind_of(wanted),
        state=State.MISSING,
        due=wanted.name in case.adds or not case.idle,
        store=wanted.store.address,
        says=why,
    )


def _in_use(wanted: DesiredStored, active: Listed, facts: Facts, case: Case) -> Row:
    kept = _kept(active, facts)
    state = _state_in_use(wanted, active, facts, case)
    late = active.end - case.now <= wanted.renew_before and not case.idle
    planned = wanted.name in case.adds or active.key_id in case.removes
    return Row(
        app=case.wanted.key,
        credential=wanted.name,
        kind=_kind(active),
        state=state,
        due=late or planned,
        key_id=active.key_id,
        store=wanted.store.address,
        kept=kept,
        created=active.start,
        expires=active.end,
        proven=facts.record.at if facts.record else None,
        says="; ".join(_said_in_use(wanted, active, facts, case, state)),
    )


def _state_in_use(wanted: DesiredStored, active: Listed, facts: Facts, case: Case) -> State:
    if active.end <= case.now:
        return State.EXPIRED
    if _only_elsewhere(active, facts):
        return State.ELSEWHERE
    late = active.end - case.now <= wanted.renew_before
    if wanted.name in case.adds:
        return State.DUE
    if late and isinstance(wanted.store, PemFile):
        return State.EXPIRES
    return State.DUE if late and not case.idle else State.ACTIVE


def _said_in_use(
    wanted: DesiredStored, active: Listed, facts: Facts, case: Case, state: State
) -> Iterator[str]:
    late = active.end - case.now <= wanted.renew_before
    pem = isinstance(wanted.store, PemFile)
    reason = case.adds.get(wanted.name, "")
    if state is State.EXPIRED:
        yield (
            f"the active credential has expired {roughly(case.now - active.end)} ago: nothing renewed it in the "
            f"{exactly(wanted.renew_before)} of its renewBefore, and it signs in no longer"
        )
    elif state is State.ELSEWHERE:
        yield f"the store on this machine {'holds another' if facts.held.key_id else 'does not hold it'}"
    if reason:
        yield f"renewed {NEXT}" if late else f"{reason}: renewed {NEXT}"
    elif late and case.idle:
        yield IDLE
    elif late and pem:
        yield BY_USERS
    elif late and state is State.ELSEWHERE:
        target = f"{case.wanted.key}/{wanted.name}"
        yield f"renewed where it is held, or here by provision rotate --now --target {target}"
    elif late:
        yield f"renewed {NEXT}"
    if facts.record is None:
        yield UNRECORDED


def _old(wanted: DesiredStored, each: Listed, facts: Facts, case: Case) -> Row:
    """One that is not in use: replaced by the one that is, or never known to be stored."""
    active = case.listed.get(facts.current or "")
    replaced = active is not None and each.start < active.start
    row = _going(wanted, each, facts, case, State.RETIRING if replaced else State.ORPHAN)
    if each.end <= case.now:
        says = f"not in use; {row.says}" if row.due else "not in use"
        return replace(row, state=State.EXPIRED, until=None, says=says)
    if row.state is State.ORPHAN:
        return replace(row, says=f"no store is known to hold it; {row.says}")
    return row


def _taken_over(wanted: DesiredStored, each: Listed, facts: Facts, case: Case) -> Row:
    row = _going(wanted, each, facts, case, State.TAKEN_OVER)
    return replace(row, name=each.display_name)


def _going(wanted: DesiredStored, each: Listed, facts: Facts, case: Case, state: State) -> Row:
    until = _goes_at(wanted, each, facts, case)
    due = each.key_id in case.removes
    at = f"goes in {roughly(until - case.now)}" if until else KEPT
    held = _kept(each, facts) is Kept.HERE
    return Row(
        app=case.wanted.key,
        credential=wanted.name,
        kind=_kind(each),
        state=state,
        due=due,
        key_id=each.key_id,
        store=wanted.store.address if held else "",
        kept=Kept.HERE if held else None,
        created=each.start,
        expires=each.end,
        until=until,
        says=f"goes {NEXT}" if due else at,
    )


def _goes_at(wanted: DesiredStored, each: Listed, facts: Facts, case: Case) -> datetime | None:
    """When the overlap has passed; None while nothing else is known to work."""
    active = case.listed.get(facts.current or "")
    works = facts.current is not None and (active is None or active.end > case.now)
    if not works or facts.record is None:
        return None
    return max(facts.record.at, each.start) + wanted.overlap


def _trusts(case: Case) -> Iterator[Row]:
    there = {each.name: each for each in case.found.application.federated} if case.found else {}
    declared = {each.name for each in case.wanted.federated}
    for wanted in case.wanted.federated:
        yield _trust(wanted, there.get(wanted.name), case)
    for name in sorted(there.keys() - declared):
        each = there[name]
        ours = trust.ours(each, case.owner)
        yield Row(
            app=case.wanted.key,
            credential=name if ours else "",
            kind="federated",
            state=State.DROPPED if ours else State.NOT_OURS,
            due=name in case.trusts,
            name="" if ours else name,
            issuer=each.issuer,
            subject=each.subject,
            says=f"no longer in the manifest: goes {NEXT}" if ours else "",
        )


def _trust(
    wanted: DesiredFederated, present: FederatedIdentityCredential | None, case: Case
) -> Row:
    state, says = State.ACTIVE, ""
    if present is None:
        state = State.MISSING
    elif wanted.name in case.trusts:
        changed = ", ".join(each.property for each in trust.changes_of(wanted, present))
        state, says = State.DIFFERS, f"{changed}: put right {NEXT}"
    elif not trust.ours(present, case.owner):
        says = "somebody else made it, just as it is declared"
    return Row(
        app=case.wanted.key,
        credential=wanted.name,
        kind="federated",
        state=state,
        due=wanted.name in case.trusts,
        issuer=present.issuer if present else wanted.issuer,
        subject=present.subject if present else wanted.subject,
        says=says,
    )


def _left(each: Listed, case: Case) -> Row:
    """What no declared credential accounts for: ours that was dropped, or somebody else's."""
    mine = credential_of(case.owner, each.display_name)
    return Row(
        app=case.wanted.key,
        credential=mine[0] if mine else "",
        kind=_kind(each),
        state=State.DROPPED if mine else State.NOT_OURS,
        due=each.key_id in case.removes,
        name="" if mine else each.display_name,
        key_id=each.key_id,
        created=each.start,
        expires=each.end,
        says=f"no longer in the manifest: goes {NEXT}" if mine else "",
    )


def _only_elsewhere(active: Listed, facts: Facts) -> bool:
    """As the plan sees it: what is in use is recorded, and the store that can be read here has not got it."""
    recorded = facts.record is not None and not facts.borrowed
    return recorded and _kept(active, facts) is Kept.ELSEWHERE


def _kept(each: Listed, facts: Facts) -> Kept:
    held = facts.held
    if not held.readable:
        return Kept.UNREADABLE
    by_thumbprint = (
        isinstance(each, KeyCredential)
        and held.certificate is not None
        and held.certificate.thumbprint == each.thumbprint
    )
    return Kept.HERE if by_thumbprint or held.key_id == each.key_id else Kept.ELSEWHERE


def _in_order(some: Mapping[str, Listed]) -> list[Listed]:
    return sorted(some.values(), key=lambda each: (each.start, each.key_id))


def _kind(each: Listed) -> Kind:
    return "certificate" if isinstance(each, KeyCredential) else "secret"


def _kind_of(wanted: DesiredStored) -> Kind:
    return "secret" if isinstance(wanted, DesiredSecret) else "certificate"
