"""A credential's life, as it can be seen: which one is in use, which are old, which are others'.

    issued → proven → stored → recorded (active) → retiring (until) → removed

Nothing here is remembered between runs: the tenant's lists of secrets and certificates, the records in its tags and
the store on this machine say it all. What follows from it is decided in `renewal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provision.model import (
    Application,
    DesiredCertificate,
    DesiredStored,
    Held,
    KeyCredential,
    ObservedApplication,
    PasswordCredential,
)
from provision.ownership import Stored, credential_of, own_tags, stored_in
from provision.places import PemFile

Listed = PasswordCredential | KeyCredential
"""A credential with a value, as Graph lists it."""

LATE = timedelta(minutes=10)
"""So long after a write, every replica of the directory shows it."""

EARLIER = timedelta(minutes=5)
"""A certificate begins a little before it is made: clocks differ, and one that begins later is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one credential: its listed secrets or certificates, the one in use, and the record of it.

    `first` when neither the directory nor a record knows of any. `borrowed` when the store still holds what was made
    under another name, such as the credential's own before it was renamed, or another's whose place this was.
    `replaced` are those made elsewhere that the manifest takes over.
    """

    listed: dict[str, Listed]
    current: str | None
    record: Stored | None
    held: Held
    first: bool
    borrowed: bool = False
    replaced: dict[str, Listed] = field(default_factory=dict)

    @property
    def active(self) -> Listed | None:
        """The one in use, if the directory lists it."""
        return self.listed.get(self.current) if self.current else None

    @property
    def elsewhere(self) -> bool:
        """Whether only another machine holds what is in use: renewing it here would lock its reader out.

        Not where the place holds another of the application's secrets: then it is the place that has changed.
        """
        return self._misses and not self.held.shared

    @property
    def astray(self) -> bool:
        """Whether a place that every machine sees does not hold what is in use: it is new, or was emptied."""
        return self._misses and self.held.shared

    @property
    def _misses(self) -> bool:
        missing = self.held.readable and self.record and self.held.key_id != self.record.key_id
        return bool(missing) and not self.borrowed

    def perhaps_stored(self, now: datetime) -> tuple[Listed, ...]:
        """Those that came after the record, where the store cannot be asked: a run may have died before its record."""
        if self.held.readable or self.record is None:
            return ()
        since = self.record.at
        return tuple(
            each
            for each in in_order(self.listed)
            if made_at(each) >= since and not expired(each, now) and each.key_id != self.current
        )

    def unclear(self, now: datetime) -> bool:
        """Whether the store may hold one that no record names, and the record is not just late to be seen."""
        return any(now - made_at(each) > LATE for each in self.perhaps_stored(now))

    def working(self, now: datetime) -> bool:
        """Whether a stored one is known to work: only then may others go."""
        begun = self.active is None or self.active.start <= now
        return self.current is not None and begun and not expired(self.active, now)


def facts_of(
    found: ObservedApplication, *, owner: str, credential: str, replaces: tuple[str, ...] = ()
) -> Facts:
    """Decide which one is in use: the newest that is known to be stored and to exist."""
    application = found.application
    everything = listed_in(application)
    listed = {
        key_id: each
        for key_id, each in everything.items()
        if credential_named(found, owner, each) == credential
    }
    held = _ours(found.held.get(credential, Held(readable=False)), application.app_id)
    borrowed = held.key_id in everything.keys() - listed.keys()
    if borrowed:
        held = Held(readable=held.readable, shared=held.shared)
    records = stored_in(own_tags(owner, application), credential)
    confirmed = {held.key_id} if held.works else set()
    record = next((r for r in records if r.key_id in listed.keys() | confirmed), None)
    current = record.key_id if record else None
    if held.key_id and held.key_id != current and _newer(held, current, listed):
        current, record = held.key_id, None
    taken_over = {key_id.lower() for key_id in replaces}
    return Facts(
        listed=listed,
        current=current,
        record=record,
        held=held,
        first=not (listed or records),
        borrowed=borrowed,
        replaced={
            key_id: each
            for key_id, each in everything.items()
            if key_id.lower() in taken_over and key_id not in listed
        },
    )


def credential_named(found: ObservedApplication, owner: str, each: Listed) -> str | None:
    """Which credential one of ours belongs to: that whose file holds it now, else the one it was made for."""
    mine = credential_of(owner, each.display_name)
    files = (name for name, held in found.held.items() if held.certificate)
    holder = next((name for name in files if found.held[name].key_id == each.key_id), None)
    return (holder or mine[0]) if mine else None


def listed_in(application: Application) -> dict[str, Listed]:
    """All secrets and certificates of an application, whoever made them, by keyId."""
    found: tuple[Listed, ...] = application.password_credentials + application.key_credentials
    return {each.key_id: each for each in found}


def _ours(held: Held, app_id: str) -> Held:
    """A store that holds another application's value tells nothing about ours."""
    if held.app_id in (None, app_id):
        return held
    return Held(readable=held.readable, shared=held.shared)


def _newer(held: Held, current: str | None, listed: Mapping[str, Listed]) -> bool:
    """Whether the stored one works and came after the recorded one: a run died before its record.

    A file that its users keep up, and a place that all of them see, are always right if the directory has what they hold.
    """
    if held.works is False or (held.works is None and held.key_id not in listed):
        return False
    mine = listed.get(held.key_id or "")
    other = listed.get(current or "")
    if held.certificate or held.shared or other is None:
        return True
    return mine is not None and made_at(mine) > made_at(other)


def made_at(each: Listed) -> datetime:
    """When one of ours was made, to be compared with others of its life."""
    return each.start + EARLIER if isinstance(each, KeyCredential) else each.start


def expired(each: Listed | None, now: datetime) -> bool:
    """Whether it works no longer, by its dates."""
    return each is not None and each.end <= now


def due(wanted: DesiredStored, active: Listed, now: datetime) -> bool:
    """Whether it is time for the next one."""
    return active.end - now <= wanted.renew_before


def retires_at(each: Listed, facts: Facts, now: datetime, overlap: timedelta) -> datetime:
    """When an old or unaccounted one goes: when the overlap has passed since the record, and since its own start.

    A certificate out of a file may begin only after its record: the overlap begins then.
    """
    since = facts.record.at if facts.record else now
    begun = facts.active.start if facts.active and facts.held.certificate else since
    return max(since, each.start, begun) + overlap


def is_kept_up(wanted: DesiredStored) -> bool:
    """Whether users keep the certificate up themselves, in a PEM file."""
    return isinstance(wanted.store, PemFile)


def fits(wanted: DesiredStored, each: Listed | None) -> bool:
    """Whether it is of the kind that the manifest wants, as far as the directory lists it."""
    kind = KeyCredential if isinstance(wanted, DesiredCertificate) else PasswordCredential
    return each is None or isinstance(each, kind)


def in_order(listed: Mapping[str, Listed]) -> Iterator[Listed]:
    """Oldest first."""
    yield from sorted(listed.values(), key=lambda each: (each.start, each.key_id))
