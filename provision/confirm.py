"""A second look at what seems to be missing: directory reads flip between replicas, stores do not.

Before a secret is issued, its absence is confirmed: a value that a store holds is tried at the token
service, and a secret that a record names but the directory does not list is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auth.errors import SignInUnreachable
from provision.clock import backoff
from provision.errors import Unreadable
from provision.graph import directory
from provision.life import facts_of, listed_in
from provision.manifest.spec import ApplicationSpec, Manifest, StoredSpec
from provision.model import Application, Held, ObservedApplication
from provision.ownership import own_tags, stored_in, unique_name
from provision.places import KeyVaultStore, PemFile
from provision.proof import takes
from provision.stores import Stored
from provision.target import Target
from provision.wait import pause

FRESH = timedelta(minutes=10)
"""A secret younger than this may be refused only because the token service has not heard of it."""
FRESH_PATIENCE, PATIENCE, LOOKS = 90.0, 8.0, 4

StoresHeld = Mapping[str, Mapping[str, Stored | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why an application is looked at again.

    `held` are the stored values to try; `unrecorded` are credentials of which nothing is known, so that one
    would be issued: another run may have done so a moment ago.
    """

    spec: ApplicationSpec
    held: tuple[tuple[StoredSpec, Stored], ...]
    unrecorded: frozenset[str] = frozenset()


async def confirm(
    target: Target,
    manifest: Manifest,
    found: Mapping[str, ObservedApplication],
    stored: StoresHeld,
) -> dict[str, ObservedApplication]:
    """What was found, put right where a second look disagrees with the first."""
    doubts = [
        doubt
        for spec in manifest.applications
        if (doubt := _doubt(target, manifest, spec, found.get(spec.key), stored.get(spec.key, {})))
    ]
    settled = await asyncio.gather(
        *(_settle(target, manifest, doubt, found.get(doubt.spec.key)) for doubt in doubts)
    )
    result = dict(found)
    for doubt, application in zip(doubts, settled, strict=True):
        if application:
            result[doubt.spec.key] = application
    return result


def _doubt(
    target: Target,
    manifest: Manifest,
    spec: ApplicationSpec,
    found: ObservedApplication | None,
    stored: Mapping[str, Stored | None],
) -> Doubt | None:
    values = [
        (secret, value)
        for secret in spec.stored
        if (value := stored.get(secret.name))
        and value.tenant_id == target.tenant_id
        and value.client_id
        and value.key_id
    ]
    if found is None:
        return Doubt(spec=spec, held=tuple(values)) if values else None
    unsettled = tuple(
        (secret, value)
        for secret, value in values
        if value.client_id == found.application.app_id
        and not _settled(found, manifest.owner, secret.name, value)
    )
    lost = any(_record_lost(found, manifest.owner, secret.name) for secret in spec.stored)
    gone = found.service_principal is None and bool(_records(found.application, spec))
    unrecorded = frozenset(
        secret.name
        for secret in spec.stored
        if not isinstance(secret.store, PemFile)
        and _unsure(found, manifest.owner, secret.name, target.clock.now())
    )
    if unsettled or lost or gone or unrecorded:
        return Doubt(spec=spec, held=unsettled, unrecorded=unrecorded)
    return None


def _settled(found: ObservedApplication, owner: str, credential: str, value: Stored) -> bool:
    """The record, the directory and the store agree: nothing is in doubt."""
    facts = facts_of(found, owner=owner, credential=credential)
    recorded = facts.record.key_id if facts.record else None
    return recorded == value.key_id and recorded in facts.listed


def _record_lost(found: ObservedApplication, owner: str, credential: str) -> bool:
    records = stored_in(own_tags(owner, found.application), credential)
    listed = facts_of(found, owner=owner, credential=credential).listed
    return bool(records) and records[0].key_id not in listed


def _unsure(found: ObservedApplication, owner: str, credential: str, now: datetime) -> bool:
    """Whether no stored one is known, or one may be stored that no record names: a record may be late to be seen."""
    facts = facts_of(found, owner=owner, credential=credential)
    return facts.current is None or bool(facts.perhaps_stored(now))


def _records(application: Application, spec: ApplicationSpec) -> list[str]:
    return [
        record.key_id
        for secret in spec.stored
        for record in stored_in(application.tags, secret.name)
    ]


async def _settle(
    target: Target, manifest: Manifest, doubt: Doubt, found: ObservedApplication | None
) -> ObservedApplication | None:
    works = {
        secret.name: await _works(target, doubt.spec.key, secret, value)
        for secret, value in doubt.held
    }
    alive = any(works.values())
    again = await _look_again(target, manifest, doubt, found, alive=alive)
    if again is None:
        return None
    held = dict(again.held or (found.held if found else {}))
    for secret, value in doubt.held:
        held[secret.name] = Held(
            readable=True,
            key_id=value.key_id,
            tenant_id=value.tenant_id,
            app_id=value.client_id,
            works=works[secret.name],
            shared=isinstance(secret.store, KeyVaultStore),
        )
    settled = replace(again, held=held)
    meanwhile = await asyncio.to_thread(_stored_meanwhile, target, doubt, settled)
    if meanwhile:
        return await _settle(target, manifest, Doubt(spec=doubt.spec, held=meanwhile), settled)
    return settled


def _stored_meanwhile(
    target: Target, doubt: Doubt, seen: ObservedApplication
) -> tuple[tuple[StoredSpec, Stored], ...]:
    """What another runner put into an empty store while we looked: it is tried before one more is issued."""
    empty = {
        name
        for name in doubt.unrecorded
        if (held := seen.held.get(name)) and held.readable and held.key_id is None
    }
    read = (
        (secret, _reread(target, secret)) for secret in doubt.spec.stored if secret.name in empty
    )
    return tuple(
        (secret, value)
        for secret, value in read
        if value
        and value.key_id
        and value.tenant_id == target.tenant_id
        and value.client_id == seen.application.app_id
    )


def _reread(target: Target, spec: StoredSpec) -> Stored | None:
    """What a store holds by now; nothing where it cannot be read any more."""
    try:
        return target.open_store(target.place_of(spec.store)).read()
    except Unreadable:
        return None


async def _works(target: Target, app: str, secret: StoredSpec, value: Stored) -> bool | None:
    """The token service's word on a stored value; None when it cannot be asked."""
    if value.secret is None or value.client_id is None:
        return None
    issued = value.expires - secret.lifetime if value.expires else None
    fresh = issued is not None and target.clock.now() - issued < FRESH
    patience = FRESH_PATIENCE if fresh else PATIENCE
    token = await takes(
        target,
        app,
        value.client_id,
        value.secret,
        patience=patience,
        what=f"the token service: is the stored secret {secret.name} known",
    )
    return None if isinstance(token, SignInUnreachable) else isinstance(token, str)


async def _look_again(
    target: Target,
    manifest: Manifest,
    doubt: Doubt,
    found: ObservedApplication | None,
    *,
    alive: bool,
) -> ObservedApplication | None:
    """Read until nothing is missing: for long when a stored secret signed in, else a few times."""
    began = target.clock.monotonic()
    seen = found
    for look, seconds in enumerate(backoff()):
        enough = look >= LOOKS
        unsure = _still_unsure(target, manifest.owner, doubt, seen) and not enough
        if seen is not None and not unsure and _complete(seen, doubt):
            return seen
        waited = target.clock.monotonic() - began
        if waited > FRESH_PATIENCE or (enough and not alive):
            return seen
        target.progress.waiting(
            doubt.spec.key, "the directory: a second look", waited, FRESH_PATIENCE
        )
        await pause(target, seconds)
        seen = await _read(target, manifest.owner, doubt.spec, seen)
    raise AssertionError("backoff never ends")


def _still_unsure(
    target: Target, owner: str, doubt: Doubt, seen: ObservedApplication | None
) -> bool:
    now = target.clock.now()
    return seen is None or any(_unsure(seen, owner, name, now) for name in doubt.unrecorded)


def _complete(seen: ObservedApplication, doubt: Doubt) -> bool:
    """Whether nothing that is known to exist is missing."""
    listed = listed_in(seen.application).keys()
    expected = {value.key_id for _, value in doubt.held}
    expected |= set(_records(seen.application, doubt.spec)[:1])
    return seen.service_principal is not None and expected <= listed


async def _read(
    target: Target, owner: str, spec: ApplicationSpec, before: ObservedApplication | None
) -> ObservedApplication | None:
    if spec.adopt:
        read = (await directory.applications_by_app_id(target.graph, [spec.adopt])).get(spec.adopt)
    else:
        name = unique_name(owner, spec.key)
        read = (await directory.applications_named(target.graph, [name])).get(name)
    if read is None:
        return before
    known = before.service_principal if before else None
    asking = any(each.kind == "delegated" for each in spec.permissions)
    read_too = [read.app_id] if asking or (known and known.grants is not None) else []
    principals = await directory.service_principals(target.graph, [read.app_id], delegated=read_too)
    principal = principals.get(read.app_id) or known
    if before is None:
        return ObservedApplication(application=read, service_principal=principal)
    return replace(
        before, application=_richer(read, before.application), service_principal=principal
    )


def _richer(read: Application, before: Application) -> Application:
    """A later read may come from an older replica: keep every secret that any of them listed."""
    passwords = {p.key_id: p for p in (*before.password_credentials, *read.password_credentials)}
    keys = {k.key_id: k for k in (*before.key_credentials, *read.key_credentials)}
    return replace(
        read,
        tags=read.tags | before.tags,
        federated=before.federated,
        password_credentials=tuple(sorted(passwords.values(), key=lambda p: (p.start, p.key_id))),
        key_credentials=tuple(sorted(keys.values(), key=lambda k: (k.start, k.key_id))),
    )
