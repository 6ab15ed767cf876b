"""Federated credentials: ours are changed and removed, others' are neither."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.diff import diff
from provision.errors import ForeignCredential
from provision.model import (
    DesiredApplication,
    DesiredFederated,
    FederatedIdentityCredential,
    ObservedApplication,
)
from provision.ownership import federated_mark
from provision.plan import AddFederated, Change, RemoveFederated, Step, UpdateFederated
from tests.build import NOW, OWNER, an_app, desired, observed, registered

MAIN = DesiredFederated(name="main", issuer="https://i", subject="s", audience="a")


def trusting(*wanted: DesiredFederated) -> DesiredApplication:
    return replace(an_app(), federated=wanted)


def there(
    name: str = "main", *, subject: str = "s", owner: str = OWNER, of: str | None = None
) -> FederatedIdentityCredential:
    return FederatedIdentityCredential(
        id=f"id-{name}",
        name=name,
        issuer="https://i",
        subject=subject,
        audiences=("a",),
        description=federated_mark(owner, of or name),
    )


def having(*federated: FederatedIdentityCredential) -> ObservedApplication:
    found = registered()
    return replace(found, application=replace(found.application, federated=federated))


def planned(wanted: DesiredApplication, *found: ObservedApplication) -> tuple[Step, ...]:
    return diff(desired(wanted), observed(*found), now=NOW).steps


ADDED = AddFederated(app="web", credential="main", issuer="https://i", subject="s", audience="a")


def test_a_trust_is_added_where_it_is_missing() -> None:
    assert planned(trusting(MAIN), having()) == (ADDED,)
    assert planned(trusting(MAIN))[-1] == ADDED


def test_a_trust_that_is_as_it_is_wanted_needs_no_step() -> None:
    assert planned(trusting(MAIN), having(there())) == ()


def test_what_differs_by_a_letter_is_changed() -> None:
    wanted = replace(MAIN, issuer="https://i/", subject="S", audience="A")

    assert planned(trusting(wanted), having(there())) == (
        UpdateFederated(
            app="web",
            credential="main",
            changes=(
                Change(property="issuer", before="https://i", after="https://i/"),
                Change(property="subject", before="s", after="S"),
                Change(property="audiences", before=["a"], after=["A"]),
            ),
        ),
    )


def test_ours_that_left_the_manifest_are_removed_after_the_new_one_is_added() -> None:
    steps = planned(trusting(MAIN), having(there("z", subject="p"), there("old", subject="o")))

    assert steps == (
        ADDED,
        RemoveFederated(app="web", credential="old", subject="o"),
        RemoveFederated(app="web", credential="z", subject="p"),
    )


@pytest.mark.parametrize(
    "theirs",
    [there(owner="fabrikam"), there(of="other"), replace(there(), description="by hand")],
)
def test_others_trusts_are_left_alone_and_their_names_are_taken(
    theirs: FederatedIdentityCredential,
) -> None:
    other = replace(theirs, subject="somebody else's")

    assert planned(trusting(), having(theirs)) == ()
    with pytest.raises(ForeignCredential, match='"main"'):
        planned(trusting(MAIN), having(other))


def test_anothers_trust_that_says_the_same_is_as_good_and_stays_theirs() -> None:
    """The directory takes a pair of issuer and subject once in an application."""
    theirs = replace(there(), description="by hand")

    assert planned(trusting(MAIN), having(theirs)) == ()


def test_a_trust_that_only_changes_its_name_leaves_before_it_comes() -> None:
    """The directory refuses the same issuer and subject twice: nothing else can be first."""
    steps = planned(trusting(MAIN), having(there("old"), there("z", subject="o")))

    assert steps == (
        RemoveFederated(app="web", credential="old", subject="s"),
        ADDED,
        RemoveFederated(app="web", credential="z", subject="o"),
    )


def crowd(count: int, owner: str, prefix: str) -> tuple[FederatedIdentityCredential, ...]:
    names = [f"{prefix}{number:02}" for number in range(count)]
    return tuple(there(name, subject=f"s-{name}", owner=owner) for name in names)


def wanting(count: int, prefix: str = "new") -> DesiredApplication:
    names = [f"{prefix}{number:02}" for number in range(count)]
    return trusting(*(replace(MAIN, name=name, subject=f"s-{name}") for name in names))


@pytest.mark.parametrize(
    ("theirs", "wanted", "notes"),
    [
        (2, 18, []),
        (1, 20, ["there is 1 federated credential of others, the manifest wants 20"]),
        (20, 1, ["there are 20 federated credentials of others, the manifest wants 1"]),
        (20, 0, []),
    ],
)
def test_others_trusts_count_against_the_limit_and_a_plan_says_so(
    theirs: int, wanted: int, notes: list[str]
) -> None:
    found = having(*crowd(theirs, "fabrikam", "their"))

    plan = diff(desired(wanting(wanted)), observed(found), now=NOW)

    assert [note.says.partition(", and an")[0] for note in plan.notes] == notes
    assert all("an application takes 20" in note.says for note in plan.notes)


def test_a_trust_that_leaves_a_full_application_makes_room_first() -> None:
    steps = planned(wanting(2), having(*crowd(19, OWNER, "old")))

    kinds = [type(step) for step in steps]
    assert kinds == [RemoveFederated, AddFederated, AddFederated] + [RemoveFederated] * 18
    assert sorted(each.credential for each in steps if isinstance(each, RemoveFederated)) == [
        f"old{number:02}" for number in range(19)
    ]


def test_the_directory_never_holds_more_than_it_takes_where_that_can_be_had() -> None:
    for ours, theirs, wanted in ((20, 0, 20), (10, 10, 10), (5, 15, 5), (19, 1, 1), (0, 20, 0)):
        found = having(*crowd(ours, OWNER, "old"), *crowd(theirs, "fabrikam", "their"))
        count = ours + theirs
        for step in planned(wanting(wanted), found):
            count += {AddFederated: 1, RemoveFederated: -1}.get(type(step), 0)
            assert count <= 20
        assert count == theirs + wanted
