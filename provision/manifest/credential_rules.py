"""Credentials: each of one kind, durations in order, no two in one place, names that fit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from provision.errors import Problem
from provision.manifest import certificate_rules, values
from provision.manifest.durations import ORDER, out_of_order
from provision.manifest.federation import trusts, unclear
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

KINDS = ("secret", "certificate", "federated")
STORED = ("secret", "certificate")
"""The kinds whose names we write into the directory, and whose values are kept."""

MOST_FEDERATED = 20
LONGEST_NAME = 68
"""Of owner and credential together: with our marks and a nonce a name in the directory has 90 characters."""


def broken(root: Node, folder: Path, environment: str | None) -> Iterator[Problem]:
    """Every mistake in how workloads sign in."""
    owner = len(text(child(root, "name")) or "") + (len(environment) + 1 if environment else 0)
    for application in applications(root).values():
        for name, credential, mark in credentials(application):
            yield from _kinds(credential, mark)
            yield from _out_of_order(child(credential, "secret"))
            if (
                not entries(credential).keys().isdisjoint(STORED)
                and owner + len(name) > LONGEST_NAME
            ):
                yield problem(
                    mark,
                    f'"{shown(name)}" is too long beside the name of manifest and environment: '
                    f"{owner + len(name)} characters, and {LONGEST_NAME} are allowed in all",
                )
        yield from certificate_rules.broken(application, folder)
        yield from _trusts(application)
    yield from _shared_stores(root, folder)


def dotenv_path(folder: Path, written: str) -> Path:
    """A store's file; its spelling alone decides, since a stranger's path must not be followed."""
    return Path(os.path.normpath(folder / written))


def _kinds(credential: Node, mark: Mark) -> Iterator[Problem]:
    if not isinstance(credential.value, dict):
        return
    said = [kind for kind in KINDS if kind in credential.value]
    if len(said) > 1:
        yield problem(
            mark_of(credential, said[1]),
            "a credential is one of secret, certificate and federated",
            "give each a name of its own",
        )
    elif not said:
        yield problem(
            mark, "it is not said how the workload signs in", "add secret, certificate or federated"
        )
    federated = child(credential, "federated")
    if federated is not None and isinstance(federated.value, dict):
        yield from unclear(federated, mark_of(credential, "federated"))


def _trusts(application: Node) -> Iterator[Problem]:
    """https://learn.microsoft.com/graph/api/resources/federatedidentitycredential"""
    first: dict[tuple[str, str], tuple[str, Mark]] = {}
    named: dict[str, Mark] = {}
    federated = [each for each in credentials(application) if "federated" in entries(each[1])]
    for name, credential, mark in federated:
        if name.startswith("-"):
            yield problem(
                mark, f'"{shown(name)}" is no name for a federated credential: it begins with -'
            )
        made = tuple(trusts(name, child(credential, "federated")))
        before = len(named)
        for found in made:
            yield from _named_twice(found.name, name, mark, named)
            named.setdefault(found.name, mark)
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
        if before <= MOST_FEDERATED < len(named):
            yield problem(
                mark,
                f"an application may have {MOST_FEDERATED} federated credentials, and here are more",
                "format: both makes two of one" if len(made) > 1 else "",
            )


def _named_twice(
    found: str, written: str, mark: Mark, named: Mapping[str, Mark]
) -> Iterator[Problem]:
    """A trust in numbers is called NAME-ids, which another credential may be called already."""
    if found in named:
        yield problem(
            mark,
            f'"{shown(written)}" makes a federated credential "{shown(found)}", and there is one of '
            "that name",
            f"it stands at {place(named[found])}; rename one of the two",
        )


def _out_of_order(secret: Node | None) -> Iterator[Problem]:
    if secret is not None and isinstance(secret.value, dict):
        yield from out_of_order(dict.fromkeys(ORDER, secret), secret)


def _shared_stores(root: Node, folder: Path) -> Iterator[Problem]:
    """Two credentials in one place would overwrite each other."""
    first: dict[tuple[str, str], tuple[str, Mark]] = {}
    for key, application in applications(root).items():
        for name, credential, mark in credentials(application):
            kind = next((each for each in STORED if each in entries(credential)), "secret")
            store = child(credential, kind, "store")
            address = _address(store, folder)
            if store is None or address is None:
                continue
            if address in first:
                other, where = first[address]
                # A store out of the defaults stands in one place for all.
                yield problem(
                    mark if where == store.mark else store.mark,
                    f'the store of "{shown(name)}" of "{shown(key)}" is the store of {other} too',
                    f"the first is at {place(where)}; choose another file or another prefix",
                )
            first.setdefault(address, (f'"{shown(name)}" of "{shown(key)}"', store.mark))


def _address(store: Node | None, folder: Path) -> tuple[str, str] | None:
    dotenv, prefix = child(store, "dotenv"), child(store, "prefix")
    if dotenv is None or not isinstance(dotenv.value, str) or "\0" in dotenv.value:
        return None
    path = os.path.normcase(dotenv_path(folder, dotenv.value))
    return path, values.DEFAULTS["prefix"] if prefix is None else str(prefix.value)
