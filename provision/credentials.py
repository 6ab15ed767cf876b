"""The life of a secret or certificate, carried out: make, prove, store, record, retire, take back.

The order is the safety. A first one is stored the moment it exists and proven then; a rotated one is
proven while the old one still works, and only then takes its place. Whatever fails takes the *new* one back.
"""

from __future__ import annotations

import asyncio
import math
from functools import partial

from auth.errors import AuthError
from provision import issuing, keys
from provision.errors import Interrupted, ProvisionError, StoreError, Unconfirmed, Unreadable
from provision.issuing import Made
from provision.model import DesiredStored
from provision.ownership import STORED, Stored, stored_tag
from provision.patch import retag
from provision.places import PemFile
from provision.plan import (
    AddCertificate,
    AddSecret,
    RecordStored,
    RemoveCertificate,
    RemoveSecret,
)
from provision.proof import TOKENS, prove
from provision.run import Outdated, Run
from provision.stores import Belongs, Entry, Store, where

Add = AddSecret | AddCertificate


async def issue(step: Add, run: Run) -> str:
    """Make a secret or certificate, into its store; answers with where it went and how long the proof took."""
    state, wanted = run.states[step.app], run.stored_of(step.app, step.credential)
    place = run.target.place_of(wanted.store)
    store = run.target.open_store(place)
    certified = isinstance(step, AddCertificate)
    owner = Belongs(tenant_id=run.target.tenant_id, client_id=state.app_id, certificate=certified)
    await asyncio.to_thread(store.probe, owner)
    if isinstance(step, AddCertificate) and isinstance(place, PemFile):
        return await _trust_file(step, run, wanted, store)
    made = await issuing.make(step, run, wanted)
    entry = Entry(
        tenant_id=run.target.tenant_id,
        client_id=state.app_id,
        secret=made.secret,
        key_id=made.key_id,
        expires=made.end,
    )
    if step.rotation:
        seconds = await _proven_first(step, run, made, entry, store)
    else:
        seconds = await _stored_first(step, run, made, entry, store)
    run.issued.add((step.app, step.credential))
    await _still_stored(entry, store)
    await _record(run, step.app, step.credential, made.key_id)
    await issuing.remove_lost(step, run)
    return f"{made.key_id} in {where(place)}, proven after {seconds:.0f} s"


async def _stored_first(step: Add, run: Run, made: Made, entry: Entry, store: Store) -> float:
    """A first one: Graph will never show a secret again, so it is stored before anything can go wrong."""
    try:
        await _written(entry, store)
    except ProvisionError:
        await issuing.take_back(step, run, made)
        raise
    try:
        return await _proof(step, run, made, rotation=False)
    except Interrupted:
        raise  # the value is stored: the next run finds it there, tries it and records it
    except (ProvisionError, AuthError):
        if await issuing.take_back(step, run, made):
            await _forget(step, run, entry, store)
        raise


async def _written(entry: Entry, store: Store) -> None:
    """Store it; where the store did not say whether it has, it is asked. Raises Unconfirmed if it cannot tell."""
    try:
        await asyncio.to_thread(store.write, entry)
    except Unconfirmed as unclear:
        try:
            held = await asyncio.to_thread(store.read)
        except StoreError:
            raise unclear from None
        if held is None or held.key_id != entry.key_id:
            raise StoreError(str(unclear), hint=unclear.hint) from unclear


async def _forget(step: Add, run: Run, entry: Entry, store: Store) -> None:
    """Take our value out again, unless another runner has put its own there."""

    def forget() -> None:
        try:
            held = store.read()
        except Unreadable:
            held = None
        if held is None or held.key_id in (None, entry.key_id):
            store.remove(entry.client_id)

    try:
        await asyncio.to_thread(forget)
    except StoreError as error:
        run.target.progress.failed(step.app, f"take {entry.key_id} out of its store: {error}")


async def _proven_first(step: Add, run: Run, made: Made, entry: Entry, store: Store) -> float:
    """A rotation: the store keeps the old one until the new one was accepted everywhere we can tell."""
    try:
        seconds = await _proof(step, run, made, rotation=True)
        await _written(entry, store)
    except Unconfirmed as unclear:
        # It may be in use from now on. The next run cannot know either, and makes another one.
        raise StoreError(
            f"{unclear} It is not known whether the new value was stored",
            hint="Both work, and neither is removed while that is unclear. Apply again in ten minutes.",
        ) from unclear
    except (ProvisionError, AuthError):
        await issuing.take_back(step, run, made)
        raise
    return seconds


async def _proof(step: Add, run: Run, made: Made, *, rotation: bool) -> float:
    """Fresh tokens: one for a first credential, and many over a while where another one works meanwhile."""
    over = run.prove_over if rotation else 0.0
    return await prove(
        run.target,
        step.app,
        run.states[step.app].app_id,
        made.secret,
        tokens=max(TOKENS, math.ceil(over * 0.75)) if rotation else 1,
        over=over,
        waking=run.awake(step.app),
        again=made.again,
    )


async def _trust_file(step: AddCertificate, run: Run, wanted: DesiredStored, store: Store) -> str:
    """Add the certificate that a PEM file holds; its users have the key, and it is proven only if it is there too."""
    held = await asyncio.to_thread(store.read)
    if held is None or held.certificate is None or held.key_id is None:
        raise StoreError(
            f"There is no certificate in {wanted.store.address}",
            hint="Put the certificate there, as PEM, and apply again.",
        )
    certificate = held.certificate
    if step.thumbprint and certificate.thumbprint != step.thumbprint:
        raise Outdated  # it was exchanged since the plan, which says which one will be trusted
    again = partial(issuing.trust, step, run, held.key_id, certificate)
    added = await again()
    said = "not proven: its private key is not in the file"
    if held.secret:
        try:
            made = Made(key_id=held.key_id, secret=held.secret, end=certificate.end, again=again)
            seconds = await _proof(step, run, made, rotation=step.rotation)
        except (ProvisionError, AuthError):
            if added:  # else another run has added it, and its users may sign in with it by now
                await issuing.distrust(step, run, held.key_id)
            raise
        said = f"proven after {seconds:.0f} s"
    run.issued.add((step.app, step.credential))
    await _record(run, step.app, step.credential, held.key_id)
    return f"{certificate.thumbprint} of {wanted.store.address}, {said}"


async def _still_stored(entry: Entry, store: Store) -> None:
    """Another machine may write the same store meanwhile: a record must not name what it no longer holds.

    The one whose value stays is then recorded by a second look; ours retires when the overlap has passed.
    """
    try:
        held = await asyncio.to_thread(store.read)
    except StoreError:
        return  # what was stored cannot be read from here: the store's own word stands
    if held is None or held.client_id != entry.client_id or held.key_id is None:
        return  # it cannot be read, or holds nothing of ours: the record of what was stored stands
    if held.key_id != entry.key_id:
        raise Outdated


async def _record(run: Run, app: str, credential: str, key_id: str) -> None:
    """Tag the application: the store holds this one, and it works."""
    tag = stored_tag(Stored(credential=credential, key_id=key_id, at=run.target.clock.now()))
    await retag(run, app, add=frozenset({tag}), drop=f"{STORED}{credential}:")


async def record(step: RecordStored, run: Run) -> str:
    """Repair the record of what the store holds."""
    await _record(run, step.app, step.credential, step.key_id)
    return step.key_id


async def remove(step: RemoveSecret | RemoveCertificate, run: Run) -> str:
    """Remove an old one, the record of it, and what the store still keeps of it."""
    state = run.states[step.app]
    await _retire_copy(step, run)
    if isinstance(step, RemoveCertificate):
        await keys.remove(run, step.app, step.key_id, what="old certificate")
    else:
        await issuing.remove_secret(run, step.app, step.key_id, what="old secret")
    mark = f"{STORED}{step.credential}:{step.key_id}:"
    if any(tag.startswith(mark) for tag in state.tags):
        await retag(run, step.app, add=frozenset(), drop=mark)
    return step.key_id


async def _retire_copy(step: RemoveSecret | RemoveCertificate, run: Run) -> None:
    """The store's copy goes first, so that nobody finds one that no longer works; but it keeps nobody from retiring."""
    for place in run.places_of(step.app, step.credential):
        try:
            await asyncio.to_thread(run.target.open_store(place).retire, step.key_id)
        except StoreError as error:
            run.target.tell(f"Warning: {step.app}/{step.credential}: {error}")
