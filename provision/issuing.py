"""Brings a secret or a certificate into being, and takes back what nobody will use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from provision import certificates, keys
from provision.clock import backoff
from provision.errors import AnswerLost, GraphError, Interrupted, NotYetVisible
from provision.graph import directory
from provision.life import EARLIER
from provision.model import Certificate, DesiredCertificate, DesiredSecret, DesiredStored
from provision.ownership import display_name
from provision.patch import read
from provision.plan import AddCertificate, AddSecret
from provision.run import Run
from provision.secret import Secret
from provision.wait import pause, until_accepted

ATTEMPTS = 3
"""How often a secret is asked for when the answer keeps getting lost."""
LOOKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new credential in the only moment in which its value is at hand.

    `again` puts back what another writer of the same list may have lost; it writes nothing where nothing is missing.
    """

    key_id: str
    secret: Secret
    end: datetime
    again: Callable[[], Awaitable[object]] | None = None


async def make(step: AddSecret | AddCertificate, run: Run, wanted: DesiredStored) -> Made:
    """Let Graph issue a secret, or make a key pair here and have its certificate accepted."""
    if isinstance(wanted, DesiredCertificate):
        return await _certificate(step, run, wanted)
    return await _password(step, run, wanted)


async def _certificate(
    step: AddSecret | AddCertificate, run: Run, wanted: DesiredCertificate
) -> Made:
    start = run.target.clock.now().replace(microsecond=0) - head_start(wanted)
    pair = await asyncio.to_thread(
        certificates.generate,
        key_size=wanted.key_size,
        subject=wanted.subject or f"CN={step.app}",
        start=start,
        end=start + wanted.lifetime,  # tenants limit what lies between the two
    )
    if pair.key is None:
        raise AssertionError("a pair that was just made has a key")
    key_id = str(uuid4())
    again = partial(
        keys.add,
        run,
        step.app,
        key_id=key_id,
        certificate=pair.certificate,
        display_name=display_name(run.desired.owner, step.credential, run.nonce),
    )
    await again()
    return Made(key_id=key_id, secret=pair.key, end=pair.certificate.end, again=again)


def head_start(wanted: DesiredCertificate) -> timedelta:
    """How long before it is made a certificate begins; one that lives shortly is not to be due the moment it is there."""
    return min(EARLIER, (wanted.lifetime - wanted.renew_before) / 2)


async def trust(step: AddCertificate, run: Run, key_id: str, certificate: Certificate) -> bool:
    """Have a certificate accepted whose key others have; false where it was accepted before."""
    return await keys.add(
        run,
        step.app,
        key_id=key_id,
        certificate=certificate,
        display_name=display_name(run.desired.owner, step.credential, certificate.thumbprint[:8]),
    )


async def _password(step: AddSecret | AddCertificate, run: Run, wanted: DesiredSecret) -> Made:
    """Ask for a secret; after a lost answer, what it made is removed before asking again."""
    for attempt in range(ATTEMPTS):
        name = display_name(run.desired.owner, step.credential, f"{run.nonce}{attempt}")
        try:
            issued = await run.until_accepted(
                step.app,
                lambda name=name: directory.add_password(  # type: ignore[misc]
                    run.target.graph,
                    run.states[step.app].id,
                    display_name=name,
                    end=run.target.clock.now() + wanted.lifetime,
                ),
                what="application",
            )
            return Made(key_id=issued.key_id, secret=issued.secret, end=issued.end)
        except AnswerLost:
            await _find_lost(step.app, run, name)
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt answers or raises")


async def _find_lost(app: str, run: Run, name: str) -> None:
    """Look for the secret whose answer was lost; if it does not show, look again at the end of the step."""
    for _, seconds in zip(range(LOOKS), backoff(), strict=False):
        if await _remove_named(run, app, {name}):
            return
        run.target.progress.waiting(app, "the directory: was the secret made?", 0, 0)
        await pause(run.target, seconds)
    run.states[app].lost.add(name)


async def remove_lost(step: AddSecret | AddCertificate, run: Run) -> None:
    """A last look for secrets of this run whose answers were lost."""
    if lost := run.states[step.app].lost:
        await _remove_named(run, step.app, lost)


async def _remove_named(run: Run, app: str, names: set[str]) -> bool:
    """Remove this run's secrets of those names, as far as a replica lists them; one that never shows
    retires as an orphan once the overlap has passed.
    """
    application = await read(run, app)
    lost = [p.key_id for p in application.password_credentials if p.display_name in names]
    for key_id in lost:
        await remove_secret(run, app, key_id, what="lost secret")
    return bool(lost)


async def remove_secret(run: Run, app: str, key_id: str, *, what: str) -> None:
    """Remove a secret; one that seems to be gone already is looked for, as after a restoration."""
    state = run.states[app]

    async def shown() -> bool:
        application = await directory.application(run.target.graph, state.id)
        if application is None and state.restored:
            raise NotYetVisible(f"The application {state.app_id} cannot be read yet")
        listed = application.password_credentials if application else ()
        return any(each.key_id == key_id for each in listed)

    async def removing() -> bool:
        return await directory.remove_password(run.target.graph, state.id, key_id)

    await run.until_removed(app, removing, shown, what=what)


async def take_back(step: AddSecret | AddCertificate, run: Run, made: Made) -> bool:
    """Remove what nobody will use; if that fails too, a later run finds it where it is stored."""
    if isinstance(step, AddCertificate):
        return await distrust(step, run, made.key_id)
    state = run.states[step.app]
    return await _calmly(
        step.app,
        run,
        made.key_id,
        lambda calm: until_accepted(
            lambda: directory.remove_password(calm.target.graph, state.id, made.key_id, fresh=True),
            calm.target,
            app=step.app,
            what="secret to take back",
            within=20 if run.target.stopping.is_set() else 60,
        ),
    )


async def distrust(step: AddCertificate, run: Run, key_id: str) -> bool:
    """Take a certificate back that was just added."""
    return await _calmly(
        step.app,
        run,
        key_id,
        lambda calm: keys.remove(calm, step.app, key_id, what="certificate to take back"),
    )


async def _calmly(
    app: str, run: Run, key_id: str, attempt: Callable[[Run], Awaitable[object]]
) -> bool:
    """Try it although the run was asked to stop: that must not leave the credential behind."""
    calm = replace(run, target=replace(run.target, stopping=asyncio.Event()))
    try:
        await attempt(calm)
    except (GraphError, Interrupted) as error:
        run.target.progress.failed(app, f"take back {key_id}: {error}")
        return False
    return True
