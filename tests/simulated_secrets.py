"""Secrets in a simulated tenant: listed, stored, recorded, removed, each at its own moment."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from provision.model import Desired, Held, Observed, PasswordCredential
from provision.ownership import STORED, display_name
from provision.plan import AddSecret, RemoveSecret
from tests.altered import app_of, patched, put
from tests.build import a_record

_serial = itertools.count()


def issued(step: AddSecret, wanted: Desired, seen: Observed, now: datetime) -> Iterator[Observed]:
    """Listed, then stored, then recorded: a run may die in between."""
    app = next(app for app in wanted.applications if app.key == step.app)
    secret = next(secret for secret in app.secrets if secret.name == step.credential)
    made = PasswordCredential(
        key_id=f"made-{next(_serial):08}",
        display_name=display_name(wanted.owner, step.credential, "0"),
        start=now,
        end=now + secret.lifetime,
    )
    listed = app_of(seen, step.app).password_credentials
    seen = patched(seen, step.app, password_credentials=(*listed, made))
    yield seen
    found = seen.applications[step.app]
    if found.held.get(step.credential, Held(readable=True)).readable:
        kept = Held(readable=True, key_id=made.key_id, app_id=found.application.app_id)
        seen = put(seen, step.app, replace(found, held={**found.held, step.credential: kept}))
        yield seen
    yield recorded(seen, step.app, step.credential, made.key_id, now)


def recorded(seen: Observed, app: str, credential: str, key_id: str, now: datetime) -> Observed:
    others = {tag for tag in app_of(seen, app).tags if not tag.startswith(f"{STORED}{credential}:")}
    tag = a_record(key_id, credential=credential, age=timedelta(), at=now)
    return patched(seen, app, tags=frozenset(others | {tag}))


def removed(step: RemoveSecret, seen: Observed) -> Iterator[Observed]:
    listed = app_of(seen, step.app).password_credentials
    left = tuple(password for password in listed if password.key_id != step.key_id)
    seen = patched(seen, step.app, password_credentials=left)
    found = seen.applications[step.app]
    held = {
        name: replace(each, works=False) if each.key_id == step.key_id else each
        for name, each in found.held.items()
    }
    seen = put(seen, step.app, replace(found, held=held))
    yield seen
    mark = f"{STORED}{step.credential}:{step.key_id}:"
    tags = app_of(seen, step.app).tags
    yield patched(seen, step.app, tags=frozenset(t for t in tags if not t.startswith(mark)))
