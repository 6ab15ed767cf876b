"""One secret's life, carried out: issue, prove, store, record, retire, take back.

The order is the safety. A first secret is stored the moment it exists and proven then; a rotated one is
proven while the old one still works, and only then takes its place. Whatever fails takes the *new* one back.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

from auth.errors import AuthError
from provision.clock import backoff
from provision.errors import AnswerLost, GraphError, Interrupted, ProvisionError
from provision.graph import directory
from provision.model import DesiredSecret, Issued
from provision.ownership import STORED, Stored, display_name, stored_tag
from provision.patch import read, retag
from provision.plan import AddSecret, RecordStored, RemoveSecret
from provision.proof import TOKENS, prove
from provision.run import Outdated, Run
from provision.stores import Belongs, Entry, Store, where
from provision.wait import pause, until_accepted

ATTEMPTS = 3
"""How often a secret is asked for when the answer keeps getting lost."""
LOOKS = 4


async def issue(step: AddSecret, run: Run) -> str:
    """Issue a secret into its store; answers with where it went and how long the proof took."""
    state, secret = run.states[step.app], run.secret_of(step.app, step.credential)
    place = run.target.place_of(secret.store)
    store = run.target.open_store(place)
    owner = Belongs(tenant_id=run.target.tenant_id, client_id=state.app_id)
    await asyncio.to_thread(store.probe, owner)
    made = await _add_password(step, run, secret)
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
    if state.lost:
        await _remove_named(run, step.app, state.lost)
    return f"{made.key_id} in {where(place)}, proven after {seconds:.0f} s"


async def _stored_first(
    step: AddSecret, run: Run, made: Issued, entry: Entry, store: Store
) -> float:
    """A first secret: Graph will never show it again, so it is stored before anything can go wrong."""
    try:
        await asyncio.to_thread(store.write, entry)
    except ProvisionError:
        await _take_back(step, run, made)
        raise
    try:
        return await prove(
            run.target, step.app, entry.client_id, made.secret, waking=run.awake(step.app)
        )
    except Interrupted:
        raise  # the value is stored: the next run finds it there, tries it and records it
    except (ProvisionError, AuthError):
        if await _take_back(step, run, made):
            await asyncio.to_thread(_forget, entry, store)
        raise


def _forget(entry: Entry, store: Store) -> None:
    """Take our value out again, unless another runner has put its own there."""
    held = store.read()
    if held is None or held.key_id in (None, entry.key_id):
        store.remove(entry.client_id)


async def _proven_first(
    step: AddSecret, run: Run, made: Issued, entry: Entry, store: Store
) -> float:
    """A rotation: the store keeps the old secret until the new one was accepted everywhere we can tell."""
    over = run.prove_over
    tokens = max(TOKENS, math.ceil(over * 0.75))
    try:
        seconds = await prove(
            run.target,
            step.app,
            entry.client_id,
            made.secret,
            tokens=tokens,
            over=over,
            waking=run.awake(step.app),
        )
        await asyncio.to_thread(store.write, entry)
    except (ProvisionError, AuthError):
        await _take_back(step, run, made)
        raise
    return seconds


async def _still_stored(entry: Entry, store: Store) -> None:
    """Another machine may write the same store meanwhile: a record must not name what it no longer holds.

    The one whose value stays is then recorded by a second look; ours retires when the overlap has passed.
    """
    held = await asyncio.to_thread(store.read)
    if held is None or held.client_id != entry.client_id or held.key_id is None:
        return  # it cannot be read, or holds nothing of ours: the record of what was stored stands
    if held.key_id != entry.key_id:
        raise Outdated


async def _add_password(step: AddSecret, run: Run, secret: DesiredSecret) -> Issued:
    """Ask for a secret; after a lost answer, what it made is removed before asking again."""
    for attempt in range(ATTEMPTS):
        name = display_name(run.desired.owner, step.credential, f"{run.nonce}{attempt}")
        try:
            return await run.until_accepted(
                step.app,
                lambda name=name: directory.add_password(  # type: ignore[misc]
                    run.target.graph,
                    run.states[step.app].id,
                    display_name=name,
                    end=run.target.clock.now() + secret.lifetime,
                ),
                what="application",
            )
        except AnswerLost:
            await _remove_lost(step, run, name)
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt answers or raises")


async def _remove_lost(step: AddSecret, run: Run, name: str) -> None:
    """Look for the secret whose answer was lost; if it does not show, look again at the end of the step."""
    for _, seconds in zip(range(LOOKS), backoff(), strict=False):
        if await _remove_named(run, step.app, {name}):
            return
        run.target.progress.waiting(step.app, "the directory: was the secret made?", 0, 0)
        await pause(run.target, seconds)
    run.states[step.app].lost.add(name)


async def _remove_named(run: Run, app: str, names: set[str]) -> bool:
    """Remove this run's secrets of those names, as far as a replica lists them; one that never shows
    retires as an orphan once the overlap has passed.
    """
    application = await read(run, app)
    lost = [p.key_id for p in application.password_credentials if p.display_name in names]
    for key_id in lost:
        await _remove_password(run, app, key_id, what="lost secret")
    return bool(lost)


async def _take_back(step: AddSecret, run: Run, made: Issued) -> bool:
    """Remove a secret that nobody will use; if that fails too, a later run finds it where it is stored."""
    state, asked = run.states[step.app], run.target.stopping.is_set()
    calm = replace(run.target, stopping=asyncio.Event())  # a stop must not leave the secret behind
    try:
        await until_accepted(
            lambda: directory.remove_password(calm.graph, state.id, made.key_id, fresh=True),
            calm,
            app=step.app,
            what="secret to take back",
            within=20 if asked else 60,
        )
    except (GraphError, Interrupted) as error:
        run.target.progress.failed(step.app, f"take back {made.key_id}: {error}")
        return False
    return True


async def _record(run: Run, app: str, credential: str, key_id: str) -> None:
    """Tag the application: the store holds this secret, and it works."""
    tag = stored_tag(Stored(credential=credential, key_id=key_id, at=run.target.clock.now()))
    await retag(run, app, add=frozenset({tag}), drop=f"{STORED}{credential}:")


async def record(step: RecordStored, run: Run) -> str:
    """Repair the record of what the store holds."""
    await _record(run, step.app, step.credential, step.key_id)
    return step.key_id


async def remove(step: RemoveSecret, run: Run) -> str:
    """Remove an old secret of ours, and the record of it."""
    state = run.states[step.app]
    await _remove_password(run, step.app, step.key_id, what="old secret")
    mark = f"{STORED}{step.credential}:{step.key_id}:"
    if any(tag.startswith(mark) for tag in state.tags):
        await retag(run, step.app, add=frozenset(), drop=mark)
    return step.key_id


async def _remove_password(run: Run, app: str, key_id: str, *, what: str) -> None:
    await run.until_accepted(
        app,
        lambda: directory.remove_password(run.target.graph, run.states[app].id, key_id),
        what=what,
    )
