"""Secrets and certificates in a simulated tenant: listed, stored, recorded, removed, each at its own moment."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from provision.model import Desired, Held, KeyCredential, Observed, PasswordCredential
from provision.ownership import STORED, display_name
from provision.plan import AddCertificate, AddSecret, RemoveCertificate, RemoveSecret
from tests.altered import app_of, patched, put
from tests.build import a_record

_serial = itertools.count()


def issued(
    step: AddSecret | AddCertificate, wanted: Desired, seen: Observed, now: datetime
) -> Iterator[Observed]:
    """Listed, then stored, then recorded: a run may die in between."""
    app = next(app for app in wanted.applications if app.key == step.app)
    asked = next(each for each in app.stored if each.name == step.credential)
    facts = {
        "key_id": f"made-{next(_serial):08}",
        "display_name": display_name(wanted.owner, step.credential, "0"),
        "start": now,
        "end": now + asked.lifetime,
    }
    made = KeyCredential(**facts) if isinstance(step, AddCertificate) else None
    there = app_of(seen, step.app)
    if made:
        seen = patched(seen, step.app, key_credentials=(*there.key_credentials, made))
    else:
        secrets = (*there.password_credentials, PasswordCredential(**facts))
        seen = patched(seen, step.app, password_credentials=secrets)
    key_id = facts["key_id"]
    yield seen
    found = seen.applications[step.app]
    if found.held.get(step.credential, Held(readable=True)).readable:
        kept = Held(readable=True, key_id=key_id, app_id=found.application.app_id)
        seen = put(seen, step.app, replace(found, held={**found.held, step.credential: kept}))
        yield seen
    yield recorded(seen, step.app, step.credential, key_id, now)


def recorded(seen: Observed, app: str, credential: str, key_id: str, now: datetime) -> Observed:
    others = {tag for tag in app_of(seen, app).tags if not tag.startswith(f"{STORED}{credential}:")}
    tag = a_record(key_id, credential=credential, age=timedelta(), at=now)
    return patched(seen, app, tags=frozenset(others | {tag}))


def removed(step: RemoveSecret | RemoveCertificate, seen: Observed) -> Iterator[Observed]:
    there = app_of(seen, step.app)
    if isinstance(step, RemoveCertificate):
        keys = tuple(key for key in there.key_credentials if key.key_id != step.key_id)
        seen = patched(seen, step.app, key_credentials=keys)
    else:
        left = tuple(each for each in there.password_credentials if each.key_id != step.key_id)
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
