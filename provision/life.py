"""A secret's life, decided: which one is in use, when it is renewed, when an old one goes.

    issued → proven → stored → recorded (active) → retiring (until) → removed

Nothing here is remembered between runs: the tenant's list of secrets, the records in its tags and the
store on this machine say it all. What might be in use is never removed first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provision.model import (
    DesiredApplication,
    DesiredSecret,
    Held,
    ObservedApplication,
    PasswordCredential,
)
from provision.ownership import (
    Stored,
    credential_of,
    credentials_named_in,
    own_tags,
    stored_in,
)
from provision.plan import AddSecret, Note, RecordStored, RemoveSecret, Step
from provision.wording import roughly


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
class Facts:
    """What is known of one credential: its listed secrets, the one in use, and the record of it.

    `first` when neither the directory nor a record knows of any. `borrowed` when the store still holds what was made
    under another name, such as the credential's own before it was renamed, or another's whose place this was.
    """

    listed: dict[str, PasswordCredential]
    current: str | None
    record: Stored | None
    held: Held
    first: bool
    borrowed: bool = False

    @property
    def active(self) -> PasswordCredential | None:
        return self.listed.get(self.current) if self.current else None


def facts_of(found: ObservedApplication, *, owner: str, credential: str) -> Facts:
    """Decide which secret is in use: the newest that is known to be stored and to exist."""
    application = found.application
    listed = {
        password.key_id: password
        for password in application.password_credentials
        if (mine := credential_of(owner, password.display_name)) and mine[0] == credential
    }
    held = _ours(found.held.get(credential, Held(readable=False)), application.app_id)
    others = {each.key_id for each in application.password_credentials} - listed.keys()
    borrowed = held.key_id in others
    if borrowed:
        held = Held(readable=held.readable)
    records = stored_in(own_tags(owner, application), credential)
    confirmed = {held.key_id} if held.works else set()
    record = next((r for r in records if r.key_id in listed.keys() | confirmed), None)
    current = record.key_id if record else None
    if held.key_id and held.key_id != current and _newer(held, current, listed):
        current, record = held.key_id, None
    first = not (listed or records)
    return Facts(
        listed=listed, current=current, record=record, held=held, first=first, borrowed=borrowed
    )


def _ours(held: Held, app_id: str) -> Held:
    """A store that holds another application's value tells nothing about ours."""
    return held if held.app_id in (None, app_id) else Held(readable=held.readable)


def _newer(held: Held, current: str | None, listed: dict[str, PasswordCredential]) -> bool:
    """Whether the stored secret works and came after the recorded one: a run died before its record."""
    if held.works is False or (held.works is None and held.key_id not in listed):
        return False
    mine = listed.get(held.key_id or "")
    other = listed.get(current or "")
    return other is None or (mine is not None and mine.start > other.start)


def diff_secrets(
    wanted: DesiredApplication,
    found: ObservedApplication | None,
    *,
    owner: str,
    now: datetime,
    rotation: Rotation,
) -> Iterator[Step | Note]:
    """The steps for every secret of one application, and for ours that left the manifest."""
    for secret in wanted.secrets:
        if found is None:
            yield AddSecret(
                app=wanted.key, credential=secret.name, reason="first secret", rotation=False
            )
        elif rotation.restored:
            yield from _replaced(wanted.key, secret, found, owner)
        else:
            facts = facts_of(found, owner=owner, credential=secret.name)
            yield from _one(wanted.key, secret, facts, now, rotation)
    if found is not None:
        yield from _left(wanted, found, owner)


def _one(
    app: str, secret: DesiredSecret, facts: Facts, now: datetime, rotation: Rotation
) -> Iterator[Step | Note]:
    reason = _why_add(app, secret, facts, now, rotation)
    if reason:
        working = _working(facts, now) or facts.borrowed
        yield AddSecret(app=app, credential=secret.name, reason=reason, rotation=working)
    elif facts.record is None and facts.current:
        yield RecordStored(app=app, credential=secret.name, key_id=facts.current)
    else:
        yield from _elsewhere(app, secret, facts)
    at_once = bool(reason) and not (rotation.overlap and secret.overlap)
    for password in sorted(facts.listed.values(), key=lambda p: (p.start, p.key_id)):
        if at_once:
            why = "replaced, without overlap"
            yield RemoveSecret(app=app, credential=secret.name, key_id=password.key_id, reason=why)
        elif password.key_id != facts.current or _expired(password, now):
            overlap = _overlap(secret, password, facts, rotation)
            yield from _retire(app, password, facts, now, credential=secret.name, overlap=overlap)


def _why_add(
    app: str, secret: DesiredSecret, facts: Facts, now: datetime, rotation: Rotation
) -> str | None:
    active = facts.active
    if (app, secret.name) in rotation.forced:
        return "asked for"
    if facts.current is None:
        return "first secret" if facts.first else "no stored secret is known to work"
    if active is None:
        return None  # accepted by the token service, but not listed yet: its dates come with time
    if _expired(active, now):
        return f"expired {roughly(now - active.end)} ago"
    if _due(secret, active, now) and not _is_elsewhere(facts):
        return f"renews: expires in {roughly(active.end - now)}"
    return None


def _due(secret: DesiredSecret, active: PasswordCredential, now: datetime) -> bool:
    return active.end - now <= secret.renew_before


def _is_elsewhere(facts: Facts) -> bool:
    """Whether only another machine holds what is in use: renewing it here would lock its reader out.

    Not where the place holds another of the application's secrets: then it is the place that has changed.
    """
    held, record = facts.held, facts.record
    missing = record is not None and held.readable and held.key_id != record.key_id
    return missing and not facts.borrowed


def _expired(password: PasswordCredential | None, now: datetime) -> bool:
    return password is not None and password.end <= now


def _working(facts: Facts, now: datetime) -> bool:
    """Whether a stored secret is known to work: only then may others go."""
    return facts.current is not None and not _expired(facts.active, now)


def _overlap(
    secret: DesiredSecret, password: PasswordCredential, facts: Facts, rotation: Rotation
) -> timedelta:
    """None where the operator asked so, but only for those that the recorded one has replaced."""
    replaced = facts.record and facts.active and password.start < facts.active.start
    return timedelta() if replaced and not rotation.overlap else secret.overlap


def _retire(
    app: str,
    password: PasswordCredential,
    facts: Facts,
    now: datetime,
    *,
    credential: str,
    overlap: timedelta,
) -> Iterator[Step | Note]:
    """An old or unaccounted secret goes when the overlap has passed, and only if another one works."""
    if not (_expired(password, now) or _working(facts, now)):
        return
    since = max(facts.record.at if facts.record else now, password.start)
    due = since + overlap
    if _expired(password, now):
        why = "expired"
    elif now >= due:
        why = f"replaced {roughly(now - since)} ago"
    else:
        yield Note(
            app=app,
            says=f"{credential}: the old secret {password.key_id} retires in {roughly(due - now)}",
        )
        return
    yield RemoveSecret(app=app, credential=credential, key_id=password.key_id, reason=why)


def _elsewhere(app: str, secret: DesiredSecret, facts: Facts) -> Iterator[Note]:
    record, held = facts.record, facts.held
    if record is None or not _is_elsewhere(facts):
        return
    what = "holds an older one" if held.key_id else "does not hold it"
    since = record.at.strftime("%Y-%m-%d %H:%M UTC")
    yield Note(
        app=app,
        says=f"{secret.name}: held elsewhere since {since}; the store on this machine {what}. "
        f"For a new one here: provision rotate --now --target {app}/{secret.name}",
    )


def _replaced(
    app: str, secret: DesiredSecret, found: ObservedApplication, owner: str
) -> Iterator[Step]:
    facts = facts_of(found, owner=owner, credential=secret.name)
    why = "the application is restored"
    yield AddSecret(app=app, credential=secret.name, reason=why, rotation=False)
    for key_id in sorted(facts.listed):
        yield RemoveSecret(
            app=app, credential=secret.name, key_id=key_id, reason="from before the deletion"
        )


def _left(wanted: DesiredApplication, found: ObservedApplication, owner: str) -> Iterator[Step]:
    """Ours that the manifest names no longer, and records of secrets that are gone."""
    kept = {secret.name for secret in wanted.secrets}
    application = found.application
    pairs = {
        (mine[0], password.key_id)
        for password in application.password_credentials
        if (mine := credential_of(owner, password.display_name))
    }
    tags = own_tags(owner, application)
    for name in credentials_named_in(tags):
        pairs |= {(name, record.key_id) for record in stored_in(tags, name)}
    for name, key_id in sorted(pairs):
        if name not in kept:
            why = "no longer in the manifest"
            yield RemoveSecret(app=wanted.key, credential=name, key_id=key_id, reason=why)
