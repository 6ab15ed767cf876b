"""Certificates of an application, which Graph replaces as a whole list: nobody's is lost, none comes back.

What others have goes back without the certificate itself: so the service, which alone knows what is
there, keeps what it has, and refuses what was removed meanwhile instead of bringing it back.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from provision.clock import backoff
from provision.errors import Interrupted, NotYetVisible, ProvisionError
from provision.graph import directory
from provision.graph.parse import stamp
from provision.model import Certificate
from provision.ownership import credential_of
from provision.run import Run, State
from provision.wait import PATIENCE, pause, until_accepted

Entry: TypeAlias = Mapping[str, Any]
"""One of keyCredentials, as Graph's JSON."""

LOOKS = 3
"""How many replicas are asked at once: what any of them shows is taken for there."""

WATCH, SHORT_WATCH = 60.0, 15.0
"""Seconds for which they are asked after a certificate was added, or removed, until all of them show it."""

SETTLES = 120.0
"""Seconds after which replicas that differ have settled: longer than for an application that may just be gone."""

REPAIRS = 4
"""How often what a stale list made us lose is put back."""


async def add(
    run: Run, app: str, *, key_id: str, certificate: Certificate, display_name: str
) -> bool:
    """Let the application sign in with a certificate too; nothing is written if all replicas show it already.

    Answers whether it is new: one that any replica showed before may be in use, and is not for us to take back.

    Two programs that change the list within seconds may still both succeed and one of them lose: a certificate that the
    token service does not get to know is therefore worth adding again.
    """
    state = run.states[app]
    again = key_id in state.keys
    state.dropped.discard(key_id)
    state.keys[key_id] = {
        "keyId": key_id,
        "displayName": display_name,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(certificate.der).decode("ascii"),
        "startDateTime": stamp(certificate.start),
        "endDateTime": stamp(certificate.end),
    }
    change = _Change(run=run, app=app, what="new certificate", watch=WATCH)
    try:
        await _carry_out(change)
    except ProvisionError:
        if not again:
            # It may be there all the same; no later change of the list is to bring it back.
            del state.keys[key_id]
            state.dropped.add(key_id)
        raise
    return key_id not in (change.before or ())


async def remove(run: Run, app: str, key_id: str, *, what: str) -> None:
    """Let the application sign in with a certificate no longer; nothing is written if no replica shows it.

    `what` it is called while the directory is waited for.
    """
    state = run.states[app]
    forced = key_id in state.keys or key_id in state.dropped
    state.keys.pop(key_id, None)
    state.dropped.add(key_id)
    await _carry_out(_Change(run=run, app=app, what=what, watch=SHORT_WATCH, forced=forced))


@dataclass(slots=True, kw_only=True)
class _Change:
    """One change of the list, until it is there; `lost` are entries of others to put back.

    `before` are those that replicas showed when nothing was sent yet. `forced` when replicas that show no need for it
    may be behind.
    """

    run: Run
    app: str
    what: str
    watch: float
    forced: bool = False
    attempts: int = 0
    lost: dict[str, Entry] = field(default_factory=dict)
    before: set[str] | None = None

    @property
    def state(self) -> State:
        return self.run.states[self.app]

    @property
    def added(self) -> dict[str, Entry]:
        return {**self.lost, **self.state.keys}

    def shown_in(self, look: Iterable[Entry]) -> bool:
        """Whether a replica shows all that this run added and nothing of what it removed."""
        ids = {each["keyId"] for each in look}
        return self.added.keys() <= ids and ids.isdisjoint(self.state.dropped)


async def _carry_out(change: _Change) -> None:
    """Change the list, look whether that lost anything, and if so put it back."""
    for _ in range(REPAIRS):
        sent = await until_accepted(
            lambda: _write(change),
            change.run.target,
            app=change.app,
            what=change.what,
            within=PATIENCE if change.state.new or change.state.restored else SETTLES,
        )
        lost = await _lost(change, sent) if sent is not None else {}
        if not lost:
            return
        change.lost |= lost
        _tell(change, lost.values())


async def _write(change: _Change) -> set[str] | None:
    """Send the list, if it must change; answers with the keyIds of what was sent."""
    state, run = change.state, change.run
    change.attempts += 1
    looks: tuple[tuple[Entry, ...], ...] = ()
    if not state.new or change.attempts > 1:  # in what this run has just made nobody else has any
        looks = await _looks(change)
        if not looks:
            raise NotYetVisible(f"The application {state.app_id} cannot be read yet")
        if change.before is None:
            change.before = {each["keyId"] for look in looks for each in look}
        if not change.forced and all(map(change.shown_in, looks)):
            return None
    entries = _merged(change, looks)
    await directory.set_key_credentials(run.target.graph, state.id, entries)
    change.forced = False
    return {each["keyId"] for each in entries}


def _merged(change: _Change, looks: tuple[tuple[Entry, ...], ...]) -> list[Entry]:
    """What any replica shows and what this run added, without what it removed.

    An entry comes in full where we have it and some replica does not: the service may not know it.
    """
    shown = {each["keyId"]: each for look in looks for each in look}
    everywhere = set.intersection(*({each["keyId"] for each in look} for look in looks), set(shown))
    added = change.added
    entries = []
    for key_id, entry in {**shown, **added}.items():
        if key_id in change.state.dropped:
            continue
        known = key_id not in added or key_id in everywhere
        entries.append({**entry, "key": None} if known else entry)
    return entries


async def _lost(change: _Change, sent: set[str]) -> dict[str, Entry]:
    """What replicas had that have not heard of the change yet, and what was not sent along with it.

    They are asked until all of them show the change, or until `watch` seconds are over.
    """
    if change.state.new and change.attempts == 1:
        return {}
    target, kept = change.run.target, sent | change.state.dropped
    began = target.clock.monotonic()
    for seconds in backoff():
        behind = [look for look in await _looks(change) if not change.shown_in(look)]
        strange = {each["keyId"] for look in behind for each in look} - kept
        lost = await _in_full(change, strange) if strange else {}
        waited = target.clock.monotonic() - began
        if lost or not behind or waited + seconds > change.watch:
            return lost
        target.progress.waiting(change.app, f"the directory: {change.what}", waited, change.watch)
        try:
            await pause(target, seconds)
        except Interrupted:
            return {}  # the change itself is made: whoever waits next hears of the wish to stop
    raise AssertionError("backoff never ends")


async def _in_full(change: _Change, key_ids: set[str]) -> dict[str, Entry]:
    """These entries with their certificates, as far as a replica still shows them."""
    return {
        each["keyId"]: each
        for look in await _looks(change, whole=True)
        for each in look
        if each["keyId"] in key_ids and each.get("key")
    }


async def _looks(change: _Change, *, whole: bool = False) -> tuple[tuple[Entry, ...], ...]:
    return await directory.key_credentials(
        change.run.target.graph, change.state.id, looks=LOOKS, whole=whole
    )


def _tell(change: _Change, lost: Iterable[Entry]) -> None:
    """Somebody else's certificate came back by our hand: whoever had just removed it must hear of it."""
    for each in lost:
        name = str(each.get("displayName") or "")
        if credential_of(change.run.desired.owner, name) is None:
            change.run.target.tell(
                f"{change.app}: the certificate {each['keyId']} of somebody else, added or removed "
                "at the same moment, was put back"
            )
