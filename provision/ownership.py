"""The marks we leave in a tenant: owner tags, stored tags, credential names. The README lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from provision.model import Application, KeyCredential, PasswordCredential

OWNER = "provision:owner:"
PRESERVE = "provision:preserve"
"""The tag that remembers `preserve: true`, also after the application has left its manifest."""
STORED = "provision:stored:"
CREDENTIAL = "provision:"


def unique_name(owner: str, key: str) -> str:
    """Graph's alternate key of an application: unique in the tenant, immutable, never shown to people."""
    return f"{owner}.{key}"


def owner_tag(owner: str) -> str:
    """The tag that says whose an application is."""
    return f"{OWNER}{owner}"


def owner_of(tags: Iterable[str]) -> str | None:
    """Who owns an application by its tags; None when nobody marked it."""
    return next((tag.removeprefix(OWNER) for tag in sorted(tags) if tag.startswith(OWNER)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The record that a store confirmed a secret: which one, and when by the service's clock."""

    credential: str
    key_id: str
    at: datetime


def stored_tag(stored: Stored) -> str:
    """The tag that keeps such a record on the application."""
    return f"{STORED}{stored.credential}:{stored.key_id}:{int(stored.at.timestamp())}"


def stored_in(tags: Iterable[str], credential: str) -> tuple[Stored, ...]:
    """The records of one credential, newest first; a tag that is not of our making counts for nothing."""
    found = []
    for tag in tags:
        parts = tag.removeprefix(STORED).split(":") if tag.startswith(STORED) else []
        at = _moment(parts[2]) if len(parts) == 3 and parts[0] == credential else None
        if at and parts[1]:
            found.append(Stored(credential=credential, key_id=parts[1], at=at))
    return tuple(sorted(found, key=lambda record: (record.at, record.key_id), reverse=True))


def _moment(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() else None
    except (OverflowError, ValueError, OSError):
        return None  # no calendar has such a day


def credentials_named_in(tags: Iterable[str]) -> frozenset[str]:
    """The credentials of which tags keep a record."""
    return frozenset(tag.split(":")[2] for tag in tags if tag.startswith(STORED))


def others_records(
    owner: str, tags: Iterable[str], listed: Iterable[PasswordCredential | KeyCredential]
) -> frozenset[str]:
    """Records of what bears somebody else's name: two manifests may adopt one application."""
    theirs = {each.key_id for each in listed if credential_of(owner, each.display_name) is None}
    return frozenset(
        tag for tag in tags if tag.startswith(STORED) and not theirs.isdisjoint(tag.split(":"))
    )


def own_tags(owner: str, application: Application) -> frozenset[str]:
    """An application's tags without the records of others."""
    tags = application.tags
    listed: tuple[PasswordCredential | KeyCredential, ...] = (
        application.password_credentials + application.key_credentials
    )
    return tags - others_records(owner, tags, listed)


def display_name(owner: str, credential: str, nonce: str) -> str:
    """The displayName of a secret of ours: at most 90 characters."""
    return f"{CREDENTIAL}{owner}:{credential}:{nonce}"


def credential_of(owner: str, name: str) -> tuple[str, str] | None:
    """The credential and the nonce in a secret's displayName; None when the secret is not ours."""
    prefix = f"{CREDENTIAL}{owner}:"
    parts = name.removeprefix(prefix).split(":")
    return (parts[0], parts[1]) if name.startswith(prefix) and len(parts) == 2 else None


def federated_mark(owner: str, credential: str) -> str:
    """The description of a federated credential of ours, which has no tag and no other place for it."""
    return f"{CREDENTIAL}{owner}:{credential}"


def is_mark(tag: str) -> bool:
    """Whether a tag is one that we leave."""
    return tag.startswith((OWNER, STORED)) or tag == PRESERVE
