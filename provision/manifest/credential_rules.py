"""Credentials: each of one kind, durations in order, no two in one place, names that fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from provision.errors import Problem
from provision.manifest import store_rules, values
from provision.manifest.federation import Trust, trust, unclear
from provision.manifest.marks import Node, shown
from provision.manifest.nodes import (
    applications,
    child,
    credentials,
    entries,
    mark_of,
    place,
    problem,
    text,
)
from provision.manifest.spec import Mark

MOST_FEDERATED = 20
LONGEST_NAME = 68
"""Of owner and credential together: with our marks and a nonce a secret's name has 90 characters."""


def broken(root: Node, folder: Path, environment: str | None) -> Iterator[Problem]:
    """Every mistake in how workloads sign in."""
    owner = len(text(child(root, "name")) or "") + (len(environment) + 1 if environment else 0)
    for application in applications(root).values():
        for name, credential, mark in credentials(application):
            yield from _kinds(credential, mark)
            yield from _out_of_order(child(credential, "secret"))
            if "secret" in entries(credential) and owner + len(name) > LONGEST_NAME:
                yield problem(
                    mark,
                    f'"{shown(name)}" is too long beside the name of manifest and environment: '
                    f"{owner + len(name)} characters, and {LONGEST_NAME} are allowed in all",
                )
        yield from _trusts(application)
    yield from store_rules.broken(root, folder)


def _kinds(credential: Node, mark: Mark) -> Iterator[Problem]:
    if not isinstance(credential.value, dict):
        return
    said = [kind for kind in ("secret", "federated") if kind in credential.value]
    if len(said) > 1:
        yield problem(
            mark_of(credential, said[1]),
            "a credential is either a secret or federated",
            "give each a name of its own",
        )
    elif not said:
        yield problem(mark, "it is not said how the workload signs in", "add secret or federated")
    federated = child(credential, "federated")
    if federated is not None and isinstance(federated.value, dict):
        yield from unclear(federated, mark_of(credential, "federated"))


def _trusts(application: Node) -> Iterator[Problem]:
    """https://learn.microsoft.com/graph/api/resources/federatedidentitycredential"""
    first: dict[tuple[str, str], tuple[str, Mark]] = {}
    federated = [each for each in credentials(application) if "federated" in entries(each[1])]
    for number, (name, credential, mark) in enumerate(federated):
        if number == MOST_FEDERATED:
            yield problem(
                mark,
                f"an application may have {MOST_FEDERATED} federated credentials, and here are more",
            )
        if name.startswith("-"):
            yield problem(
                mark, f'"{shown(name)}" is no name for a federated credential: it begins with -'
            )
        found: Trust | None = trust(child(credential, "federated"))
        if found is None:
            continue
        if len(found.subject) > 600:
            yield problem(mark, "the subject is too long: 600 characters are allowed")
        same = (found.issuer, found.subject)
        if same in first:
            other, where = first[same]
            yield problem(
                mark,
                f'"{shown(name)}" trusts the same issuer and subject as "{shown(other)}"',
                f"the first is at {place(where)}",
            )
        first.setdefault(same, (name, mark))


def _out_of_order(secret: Node | None) -> Iterator[Problem]:
    """A secret must be renewed while it works, and overlap must be over before the next renewal."""
    if secret is None or not isinstance(secret.value, dict):
        return
    for shorter, longer in (("overlap", "renewBefore"), ("renewBefore", "lifetime")):
        low, high = _duration(secret, shorter), _duration(secret, longer)
        if low is None or high is None or low < high:
            continue
        written = shorter if shorter in secret.keys else longer
        yield problem(
            secret.keys.get(written, secret.mark),
            f"{_said(secret, shorter)} must be shorter than {_said(secret, longer)}",
            "the order is overlap < renewBefore < lifetime",
        )


def _duration(secret: Node, key: str) -> timedelta | None:
    node = child(secret, key)
    said = values.DEFAULTS[key] if node is None else str(node.value)
    try:
        return values.duration(values.lifetime(said) if key == "lifetime" else said)
    except ValueError:
        return None


def _said(secret: Node, key: str) -> str:
    node = child(secret, key)
    if node is None:
        return f"{key} ({values.DEFAULTS[key]} if not said)"
    return f"{key} ({shown(node.text)})"
