"""Federated credentials: whose tokens an application trusts; ours bear our mark in their description."""

from __future__ import annotations

from collections.abc import Iterator

from provision.errors import ForeignCredential
from provision.model import (
    DesiredApplication,
    DesiredFederated,
    FederatedIdentityCredential,
    ObservedApplication,
)
from provision.ownership import federated_mark
from provision.plan import AddFederated, Change, Note, RemoveFederated, Step, UpdateFederated

MOST = 20
"""https://learn.microsoft.com/graph/api/resources/federatedidentitycredential"""


def added(
    wanted: DesiredApplication, found: ObservedApplication | None, owner: str
) -> Iterator[Step | Note]:
    """Trusts to add, and those of ours to change; raises ForeignCredential where a name is taken.

    Somebody else's that says just what the manifest says is as good, and stays theirs. One of ours whose issuer and
    subject move to another name has to go first: the directory takes them once. So has one that leaves a full
    application.
    """
    yield from _too_many(wanted, found, owner)
    there = {each.name: each for each in found.application.federated} if found else {}
    for early in (*_moving(wanted, found, owner), *_in_the_way(wanted, found, owner)):
        yield _removal(wanted, early)
        del there[early.name]
    for each in wanted.federated:
        present = there.get(each.name)
        if present is None:
            yield AddFederated(
                app=wanted.key,
                credential=each.name,
                issuer=each.issuer,
                subject=each.subject,
                audience=each.audience,
            )
            continue
        changes = tuple(changes_of(each, present))
        if changes and not ours(present, owner):
            raise ForeignCredential(wanted.key, each.name)
        if changes:
            yield UpdateFederated(app=wanted.key, credential=each.name, changes=changes)


def removed(
    wanted: DesiredApplication, found: ObservedApplication, owner: str
) -> Iterator[RemoveFederated]:
    """Trusts of ours that the manifest names no longer."""
    early = (*_moving(wanted, found, owner), *_in_the_way(wanted, found, owner))
    gone_already = {each.name for each in early}
    for each in _left(wanted, found, owner):
        if each.name not in gone_already:
            yield _removal(wanted, each)


def _left(
    wanted: DesiredApplication, found: ObservedApplication | None, owner: str
) -> list[FederatedIdentityCredential]:
    kept = {each.name for each in wanted.federated}
    return [each for each in _of_ours(found, owner) if each.name not in kept]


def _moving(
    wanted: DesiredApplication, found: ObservedApplication | None, owner: str
) -> list[FederatedIdentityCredential]:
    """Those whose issuer and subject the manifest gives to another name."""
    pairs = {each.name: (each.issuer, each.subject) for each in wanted.federated}
    return [
        each
        for each in _of_ours(found, owner)
        if pairs.get(each.name) != (each.issuer, each.subject)
        and (each.issuer, each.subject) in pairs.values()
    ]


def _in_the_way(
    wanted: DesiredApplication, found: ObservedApplication | None, owner: str
) -> list[FederatedIdentityCredential]:
    """Those that leave, as far as what comes would find no room beside them."""
    if found is None:
        return []
    moving = {each.name for each in _moving(wanted, found, owner)}
    staying = {each.name for each in found.application.federated} - moving
    coming = [each for each in wanted.federated if each.name not in staying]
    leaving = [each for each in _left(wanted, found, owner) if each.name not in moving]
    return leaving[: max(0, len(staying) + len(coming) - MOST)] if coming else []


def _too_many(
    wanted: DesiredApplication, found: ObservedApplication | None, owner: str
) -> Iterator[Note]:
    """Others' count too, and nobody but them can say which may go."""
    named = {each.name for each in wanted.federated}
    there = found.application.federated if found else ()
    theirs = [each for each in there if not ours(each, owner) and each.name not in named]
    if named and theirs and len(named) + len(theirs) > MOST:
        are = "is 1 federated credential" if len(theirs) == 1 else f"are {len(theirs)}"
        are += "" if len(theirs) == 1 else " federated credentials"
        yield Note(
            app=wanted.key,
            says=f"there {are} of others, the manifest wants {len(named)}, and an application takes {MOST}: "
            "the last will be refused; remove some of theirs, or spread the subjects over two applications",
        )


def _of_ours(found: ObservedApplication | None, owner: str) -> list[FederatedIdentityCredential]:
    there = sorted(found.application.federated, key=lambda each: each.name) if found else ()
    return [each for each in there if ours(each, owner)]


def _removal(wanted: DesiredApplication, each: FederatedIdentityCredential) -> RemoveFederated:
    return RemoveFederated(app=wanted.key, credential=each.name, subject=each.subject)


def changes_of(wanted: DesiredFederated, present: FederatedIdentityCredential) -> Iterator[Change]:
    """What differs; issuer and subject are compared to the letter, as the token service does."""
    pairs = (
        ("issuer", present.issuer, wanted.issuer),
        ("subject", present.subject, wanted.subject),
        ("audiences", list(present.audiences), [wanted.audience]),
    )
    for name, before, after in pairs:
        if before != after:
            yield Change(property=name, before=before, after=after)


def ours(present: FederatedIdentityCredential, owner: str) -> bool:
    """Whether this manifest made it."""
    return present.description == federated_mark(owner, present.name)
