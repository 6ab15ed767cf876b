"""What becomes of each secret and certificate: a first one, a renewal, the end of an old one.

What might be in use is never removed first: an old one goes only when `overlap` has passed since a newer one was
proven, stored and recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from provision.life import (
    Facts,
    Listed,
    credential_named,
    due,
    expired,
    facts_of,
    fits,
    in_order,
    is_kept_up,
    listed_in,
    made_at,
    retires_at,
)
from provision.model import (
    Certificate,
    DesiredApplication,
    DesiredCertificate,
    DesiredStored,
    KeyCredential,
    ObservedApplication,
)
from provision.ownership import CREDENTIAL, credentials_named_in, own_tags, stored_in
from provision.plan import (
    AddCertificate,
    AddSecret,
    Note,
    RecordStored,
    RemoveCertificate,
    RemoveSecret,
    Step,
)
from provision.wording import exactly, roughly

AddStored = AddSecret | AddCertificate

PENDING = 3
"""So many values that a store may hold without having said so are enough: something is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What the operator asks beyond what is due.

    `forced` names (application, credential) pairs to renew now, `chosen` those that may be touched at all;
    without `overlap` the old ones go as soon as a newer one is known to be stored; `restored` replaces all that
    came back with a deleted application.
    """

    forced: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    chosen: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    overlap: bool = True
    restored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One credential of one application, and all that its fate depends on."""

    app: str
    wanted: DesiredStored
    facts: Facts
    now: datetime
    rotation: Rotation

    def note(self, says: str) -> Note:
        """Something worth saying of this credential."""
        return Note(app=self.app, says=f"{self.wanted.name}: {says}")

    def remove(self, each: Listed, reason: str) -> RemoveSecret | RemoveCertificate:
        """The step that removes it."""
        return removal(self.app, self.wanted.name, each, reason)

    @property
    def noun(self) -> str:
        return "certificate" if isinstance(self.wanted, DesiredCertificate) else "secret"


def diff_stored(
    wanted: DesiredApplication,
    found: ObservedApplication | None,
    *,
    owner: str,
    now: datetime,
    rotation: Rotation,
) -> Iterator[Step | Note]:
    """The steps for every secret and certificate of one application, and for ours that left the manifest."""
    if found is None:
        yield from (_first(wanted.key, each, now) for each in wanted.stored)
        return
    cases = [
        Case(
            app=wanted.key,
            wanted=each,
            facts=facts_of(found, owner=owner, credential=each.name, replaces=each.replaces),
            now=now,
            rotation=rotation,
        )
        for each in wanted.stored
    ]
    for case in cases:
        if is_kept_up(case.wanted):
            yield from _kept_up(case)
        elif rotation.restored:
            yield from _replaced(case)
        else:
            yield from _one(case)
    yield from _left(wanted, found, owner, cases)


def _first(app: str, wanted: DesiredStored, now: datetime) -> Step | Note:
    """What an application begins with that does not exist yet."""
    known = wanted.certificate if isinstance(wanted, DesiredCertificate) else None
    if known and known.end <= now:
        return Note(app=app, says=f"{wanted.name}: {_ran_out(known, wanted, now)}")
    noun = "certificate" if isinstance(wanted, DesiredCertificate) else "secret"
    return _addition(app, wanted, reason=f"first {noun}", rotation=False)


def _one(case: Case) -> Iterator[Step | Note]:
    facts, wanted = case.facts, case.wanted
    reason = _why_add(case)
    if reason:
        yield _addition(case.app, wanted, reason=reason, rotation=_careful(case))
    elif facts.record is None and facts.current:
        yield RecordStored(app=case.app, credential=wanted.name, key_id=facts.current)
    else:
        yield from _elsewhere(case)
    yield from _old_ones(case, replacing=bool(reason))


def _old_ones(case: Case, *, replacing: bool) -> Iterator[Step | Note]:
    """Those that are not in use, and those that the manifest takes over."""
    facts, at_once = case.facts, replacing and not (case.rotation.overlap and case.wanted.overlap)
    for each in in_order(facts.listed):
        if at_once:
            yield case.remove(each, "replaced, without overlap")
        elif each.key_id != facts.current or expired(each, case.now):
            yield from _retire(case, each)
    for each in in_order(facts.replaced):
        if each.display_name.startswith(CREDENTIAL):
            yield case.note(f"{each.key_id} is another manifest's, and is not taken over")
        elif at_once:
            yield case.remove(each, "taken over, without overlap")
        else:
            yield from _take_over(case, each)


def _careful(case: Case) -> bool:
    """Whether another one may be in use: then the new one is proven before it takes the place."""
    facts, now = case.facts, case.now
    perhaps = dict(facts.replaced) if facts.held.readable else {**facts.replaced, **facts.listed}
    in_use = any(not expired(each, now) for each in perhaps.values())
    return facts.working(now) or facts.borrowed or in_use


def _why_add(case: Case) -> str | None:
    facts, now, active = case.facts, case.now, case.facts.active
    if (case.app, case.wanted.name) in case.rotation.forced:
        return "asked for"
    if facts.current is None:
        if facts.first:
            return f"first {case.noun}"
        return f"no stored {case.noun} is known to work"
    if active is None:
        return None  # accepted by the token service, but not listed yet: its dates come with time
    if expired(active, now):
        return f"expired {roughly(now - active.end)} ago"
    if len(facts.perhaps_stored(now)) >= PENDING:
        return None  # a store that fails each time must not be given one more each time
    if facts.unclear(now):
        return "an earlier run did not say what it has stored"
    if facts.borrowed:
        return f"its place holds another {case.noun}"
    if facts.astray:
        return f"{case.wanted.store.address} does not hold it"
    if not fits(case.wanted, active) and not facts.elsewhere:
        return f"a {case.noun} is wanted in place of what there is"
    if due(case.wanted, active, now) and not facts.elsewhere:
        return f"renews: expires in {roughly(active.end - now)}"
    return None


def _retire(case: Case, each: Listed) -> Iterator[Step | Note]:
    """An old or unaccounted one goes when the overlap has passed, and only if another one works."""
    facts, now = case.facts, case.now
    if expired(each, now):
        yield case.remove(each, "expired")
        return
    if not facts.working(now):
        return
    if each in facts.perhaps_stored(now):
        yield case.note(
            f"the store may hold {each.key_id}: a run ended before it said so. "
            f"It retires when another one is stored{_soon(case)}"
        )
        return
    goes = retires_at(each, facts, now, _overlap(case, each))
    if now >= goes:
        since = max(facts.record.at if facts.record else now, each.start)
        yield case.remove(each, f"replaced {roughly(now - since)} ago")
    else:
        noun = _noun(each)
        yield case.note(f"the old {noun} {each.key_id} retires in {roughly(goes - now)}")


def _soon(case: Case) -> str:
    if len(case.facts.perhaps_stored(case.now)) < PENDING:
        return ", which is soon made"
    target = f"{case.app}/{case.wanted.name}"
    return f": look what is wrong with it, then provision rotate --now --target {target}"


def _overlap(case: Case, each: Listed) -> timedelta:
    """None where the operator asked so, but only for those that the recorded one has replaced."""
    facts = case.facts
    replaced = facts.record and facts.active and each.start < facts.active.start
    return timedelta() if replaced and not case.rotation.overlap else case.wanted.overlap


def _take_over(case: Case, each: Listed) -> Iterator[Step | Note]:
    """One made elsewhere goes when the overlap has passed since ours was proven and stored."""
    facts, now = case.facts, case.now
    if facts.record is None or not facts.working(now):
        return
    goes = facts.record.at + (case.wanted.overlap if case.rotation.overlap else timedelta())
    if now >= goes:
        yield case.remove(each, f"taken over {roughly(now - facts.record.at)} ago")
    else:
        noun = _noun(each)
        yield case.note(
            f"the {noun} {each.key_id}, which it takes over, retires in {roughly(goes - now)}"
        )


def _elsewhere(case: Case) -> Iterator[Note]:
    record, held = case.facts.record, case.facts.held
    if record is None or not case.facts.elsewhere:
        return
    what = "holds an older one" if held.key_id else "does not hold it"
    since = record.at.strftime("%Y-%m-%d %H:%M UTC")
    yield case.note(
        f"held elsewhere since {since}; the store on this machine {what}. "
        f"For a new one here: provision rotate --now --target {case.app}/{case.wanted.name}",
    )


def _replaced(case: Case) -> Iterator[Step]:
    why = "the application is restored"
    yield _addition(case.app, case.wanted, reason=why, rotation=False)
    for each in sorted(case.facts.listed.values(), key=lambda each: each.key_id):
        yield case.remove(each, "from before the deletion")


def _kept_up(case: Case) -> Iterator[Step | Note]:
    """A certificate that its users keep up: what their file holds is trusted, what it held before retires."""
    facts, held = case.facts, case.facts.held
    if facts.borrowed:
        yield case.note(
            f"another manifest lets the application sign in with {case.wanted.store.address}, "
            "and may end that: nothing is changed"
        )
    elif not held.readable:
        yield case.note(f"{case.wanted.store.address} cannot be read here: nothing is changed")
    elif held.certificate is None and facts.current:
        yield case.note(f"{case.wanted.store.address} is not there: nothing is changed")
    elif _untrusted(case):
        another = f"{case.wanted.store.address} holds another one"
        reason = another if facts.current else "first certificate"
        yield _addition(case.app, case.wanted, reason=reason, rotation=_careful(case))
    elif facts.record is None and facts.current:
        yield RecordStored(app=case.app, credential=case.wanted.name, key_id=facts.current)
    yield from _running_out(case)
    if (case.app, case.wanted.name) in case.rotation.forced:
        place = case.wanted.store.address
        yield case.note(f"its users keep it up: put a new certificate into {place}, and apply")
    if facts.held.certificate:
        yield from _old_ones(case, replacing=False)


def _untrusted(case: Case) -> bool:
    """Whether what the file holds is to be added; one that has run out would be of no use to anybody."""
    held = case.facts.held
    if held.certificate is None:
        return True
    return held.key_id not in case.facts.listed and held.certificate.end > case.now


def _running_out(case: Case) -> Iterator[Note]:
    """Nobody but its users can renew it."""
    last = case.facts.held.certificate or case.facts.active
    if last is None or last.end - case.now > case.wanted.renew_before:
        return
    yield case.note(_ran_out(last, case.wanted, case.now))


def _ran_out(last: Certificate | Listed, wanted: DesiredStored, now: datetime) -> str:
    when = (
        f"expired {roughly(now - last.end)} ago"
        if last.end <= now
        else f"expires in {roughly(last.end - now)}"
    )
    return f"its certificate {when}: put a new one into {wanted.store.address}"


def _left(
    wanted: DesiredApplication, found: ObservedApplication, owner: str, heirs: Sequence[Case]
) -> Iterator[Step | Note]:
    """Ours that the manifest names no longer, and records of what is gone.

    One whose place another credential takes was renamed, and its readers have that one's overlap.
    """
    kept = {each.name for each in wanted.stored}
    application = found.application
    listed = listed_in(application)
    belongs = {
        key_id: name
        for key_id, each in listed.items()
        if (name := credential_named(found, owner, each))
    }
    pairs = {(name, key_id) for key_id, name in belongs.items()}
    tags = own_tags(owner, application)
    for name in credentials_named_in(tags):
        pairs |= {(name, record.key_id) for record in stored_in(tags, name)}
    for name, key_id in sorted(pairs):
        if name not in kept and belongs.get(key_id) not in kept:
            each = listed.get(key_id)
            stays = next((note for heir in heirs if (note := _inherits(heir, found, each))), None)
            if stays:
                yield replace(stays, says=f"{name}: {stays.says}")
                continue
            why = "no longer in the manifest"
            yield removal(wanted.key, name, each, why, key_id=key_id)


def _inherits(heir: Case, found: ObservedApplication, each: Listed | None) -> Note | None:
    """What to say of one that stays, since its readers may turn to this credential: it has its place, or is just new."""
    facts, now, overlap = heir.facts, heir.now, heir.wanted.overlap
    if each is None or expired(each, now) or heir.rotation.restored or not heir.rotation.overlap:
        return None
    noun, successor = _noun(each), heir.wanted.name
    place = found.held.get(successor)
    if facts.borrowed and place and place.key_id == each.key_id and overlap:
        says = f"the {noun} {each.key_id} retires {exactly(overlap)} after {successor} has taken its place"
        return Note(app=heir.app, says=says)
    if facts.active is None or facts.record is None or made_at(facts.active) <= made_at(each):
        return None
    goes = facts.record.at + overlap
    if now >= goes:
        return None
    says = f"the {noun} {each.key_id} retires in {roughly(goes - now)}, when the overlap of {successor} is over"
    return Note(app=heir.app, says=says)


def _addition(app: str, wanted: DesiredStored, *, reason: str, rotation: bool) -> AddStored:
    if not isinstance(wanted, DesiredCertificate):
        return AddSecret(app=app, credential=wanted.name, reason=reason, rotation=rotation)
    known = wanted.certificate
    return AddCertificate(
        app=app,
        credential=wanted.name,
        reason=reason,
        rotation=rotation,
        thumbprint=known.thumbprint if known else "",
    )


def removal(
    app: str, credential: str, each: Listed | None, reason: str, *, key_id: str = ""
) -> RemoveSecret | RemoveCertificate:
    """The step that removes a secret or a certificate; of one that is not listed only the record is left."""
    make = RemoveCertificate if isinstance(each, KeyCredential) else RemoveSecret
    return make(
        app=app, credential=credential, key_id=each.key_id if each else key_id, reason=reason
    )


def _noun(each: Listed) -> str:
    return "certificate" if isinstance(each, KeyCredential) else "secret"
