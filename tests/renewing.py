"""What is decided about one credential of one application, for tables of states."""

from __future__ import annotations

from typing import Any

from provision.model import DesiredStored, Held, ObservedApplication
from provision.plan import Note, Step
from provision.renewal import Rotation, diff_stored
from tests.build import NOW, OWNER, an_app, registered


def holds(key_id: str) -> Held:
    """A store that can be read and holds this value of the application."""
    return Held(readable=True, key_id=key_id, tenant_id="t", app_id="app-web")


def decided(
    wanted: DesiredStored, found: ObservedApplication | None, **rotation: Any
) -> list[Step | Note]:
    """The steps and notes for an application that wants just this credential."""
    kind = "certificates" if hasattr(wanted, "key_size") else "secrets"
    app = an_app(**{kind: (wanted,)})
    return [*diff_stored(app, found, owner=OWNER, now=NOW, rotation=Rotation(**rotation))]


def tenant(**facts: Any) -> ObservedApplication:
    """The application as the tenant shows it."""
    return registered("web", **facts)
