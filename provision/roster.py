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
from provision.life import (
    Facts,
    Listed,
    due,
    expired,
    facts_of,
    in_order,
    is_kept_up,
    listed_in,
    retires_at,
)
from provision.model import (
    DesiredApplication,
    DesiredFederated,
    DesiredSecret,
    DesiredStored,
    FederatedIdentityCredential,
    KeyCredential,
    ObservedApplication,
)
from provision.ownership import CREDENTIAL, credential_of
from provision.wording import exactly, roughly

Kind = Literal["secret", "certificate", "federated"]

NEXT = "with the next provision apply"
IDLE = "nothing is issued while the service principal is disabled"
UNLISTED = "the token service accepts it; the directory does not list it yet"
UNRECORDED = "there is no record of its proof yet: the next provision apply writes it"
BY_USERS = "its users must put a newer one into the file"
HEIR = "when what has taken its place has been there for its overlap"
KEPT = "kept until another one is known to work"
PERHAPS = "the store may hold it: a run ended before it said so"
ANOTHERS = "another manifest's: it is not taken over"


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
        return listed_in(self.found.application) if self.found else {}


def rows(case: Case) -> Iterator[Row]:
    """Declared ones with their old ones first, then trusts, then ours that are dropped, then other people's."""
    told: set[str | None] = set()
    for wanted in case.wanted.stored:
        for row in _of_credential(wanted, case):
            if row.key_id is None or row.key_id not in told:
                told.add(row.key_id)
                yield row
    yield from _trusts(case)
    for listed in in_order(case.listed):
        if listed.key_id not in told:
            yield _left(listed, case)


def _of_credential(wanted: DesiredStored, case: Case) -> Iterator[Row]:
    if case.found is None:
        yield _missing(wanted, case, first=True)
        return
    facts = facts_of(case.found, owner=case.owner, credential=wanted.name, replaces=wanted.replaces)
    if facts.active:
        yield _in_use(wanted, facts.active, facts, case)
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
    for each in in_order(facts.listed):
        if each.key_id != facts.current:
            yield _old(wanted, each, facts, case)
    for each in in_order(facts.replaced):
        if not each.display_name.startswith(CREDENTIAL):
            yield _taken_over(wanted, each, facts, case)


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
    state = _state_in_use(wanted, active, facts, case)
    late = due(wanted, active, case.now) and not case.idle
    planned = wanted.name in case.adds or active.key_id in case.removes
    return Row(
        app=case.wanted.key,
        credential=wanted.name,
        kind=_kind(active),
        state=state,
        due=late or planned,
        key_id=active.key_id,
        store=wanted.store.address,
        kept=_kept(active, facts),
        created=active.start,
        expires=active.end,
        proven=facts.record.at if facts.record else None,
        says="; ".join(_said_in_use(wanted, active, facts, case, state)),
    )


def _state_in_use(wanted: DesiredStored, active: Listed, facts: Facts, case: Case) -> State:
    late = due(wanted, active, case.now)
    if expired(active, case.now):
        return State.EXPIRED
    if wanted.name in case.adds:
        return State.DUE
    if facts.elsewhere:
        return State.ELSEWHERE
    if late and is_kept_up(wanted):
        return State.EXPIRES
    return State.DUE if late and not case.idle else State.ACTIVE


def _said_in_use(
    wanted: DesiredStored, active: Listed, facts: Facts, case: Case, state: State
) -> Iterator[str]:
    late = due(wanted, active, case.now)
    reason = case.adds.get(wanted.name, "")
    if state is State.EXPIRED:
        yield (
            f"the active credential has expired {roughly(case.now - active.end)} ago: nothing renewed it in the "
            f"{exactly(wanted.renew_before)} of its renewBefore, and it signs in no longer"
        )
    elif state is State.ELSEWHERE:
        has = "holds another" if facts.held.key_id else "does not hold it"
        yield f"the store on this machine {has}"
    if reason:
        yield f"renewed {NEXT}" if late else f"{reason}: renewed {NEXT}"
    elif late and case.idle:
        yield IDLE
    elif late and is_kept_up(wanted):
        yield BY_USERS
    elif late and state is State.ELSEWHERE:
        target = f"{case.wanted.key}/{wanted.name}"
        yield f"renewed where it is held, or here by provision rotate --now --target {target}"
    if facts.record is None:
        yield UNRECORDED


def _old(wanted: DesiredStored, each: Listed, facts: Facts, case: Case) -> Row:
    """One that is not in use: replaced by the one that is, or never known to be stored."""
    active = facts.active
    replaced = active is not None and each.start < active.start
    perhaps = each in facts.perhaps_stored(case.now)
    until = retires_at(each, facts, case.now, wanted.overlap)
    state = State.RETIRING if replaced else State.ORPHAN
    row = _going(wanted, each, facts, case, state=state, until=None if perhaps else until)
    if expired(each, case.now):
        says = f"not in use; {row.says}" if row.due else "not in use"
        return replace(row, state=State.EXPIRED, until=None, says=says)
    if row.state is State.ORPHAN:
        why = PERHAPS if perhaps else "no store is known to hold it"
        return replace(row, says=f"{why}; {row.says}")
    return row


def _taken_over(wanted: DesiredStored, each: Listed, facts: Facts, case: Case) -> Row:
    until = facts.record.at + wanted.overlap if facts.record else None
    row = _going(wanted, each, facts, case, state=State.TAKEN_OVER, until=until)
    return replace(row, name=each.display_name)


def _going(
    wanted: DesiredStored,
    each: Listed,
    facts: Facts,
    case: Case,
    *,
    state: State,
    until: datetime | None,
) -> Row:
    """One that goes at that time, if another one works then and the record of its proof says since when."""
    planned = each.key_id in case.removes
    if facts.record is None or not facts.working(case.now):
        until = None
    later = f"goes in {roughly(until - case.now)}" if until else KEPT
    held = _kept(each, facts) is Kept.HERE
    return Row(
        app=case.wanted.key,
        credential=wanted.name,
        kind=_kind(each),
        state=state,
        due=planned,
        key_id=each.key_id,
        store=wanted.store.address if held else "",
        kept=Kept.HERE if held else None,
        created=each.start,
        expires=each.end,
        until=until,
        says=f"goes {NEXT}" if planned else later,
    )


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
    named = {key_id.lower() for stored in case.wanted.stored for key_id in stored.replaces}
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
        says=f"no longer in the manifest: goes {NEXT if each.key_id in case.removes else HEIR}"
        if mine
        else ANOTHERS
        if each.key_id.lower() in named
        else "",
    )


def _kept(each: Listed, facts: Facts) -> Kept:
    if not facts.held.readable:
        return Kept.UNREADABLE
    return Kept.HERE if facts.held.key_id == each.key_id else Kept.ELSEWHERE


def _kind(each: Listed) -> Kind:
    return "certificate" if isinstance(each, KeyCredential) else "secret"


def _kind_of(wanted: DesiredStored) -> Kind:
    return "secret" if isinstance(wanted, DesiredSecret) else "certificate"
