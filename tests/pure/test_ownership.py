"""The marks that we leave are read back as they were written, and nobody else's is taken for ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.ownership import (
    Stored,
    credential_of,
    credentials_named_in,
    display_name,
    is_mark,
    owner_of,
    owner_tag,
    stored_in,
    stored_tag,
    unique_name,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True)
OWNERS = st.from_regex(r"[a-z0-9-]{3,30}(\.[a-z0-9-]{1,18})?", fullmatch=True)


def a_stored(key_id: str = "k1", *, credential: str = "ci", at: datetime = AT) -> Stored:
    return Stored(credential=credential, key_id=key_id, at=at)


def test_a_unique_name_joins_owner_and_key() -> None:
    assert unique_name("contoso.dev", "web") == "contoso.dev.web"


def test_the_owner_is_read_from_its_tag() -> None:
    assert owner_of(["team:a", owner_tag("contoso.dev"), "zone:b"]) == "contoso.dev"


@pytest.mark.parametrize("tags", [[], ["team:a", "xprovision:owner:contoso", "provision:owner"]])
def test_an_application_that_nobody_marked_has_no_owner(tags: list[str]) -> None:
    assert owner_of(tags) is None


def test_of_two_owner_tags_the_same_one_counts_for_everybody() -> None:
    tags = [owner_tag("fabrikam"), owner_tag("contoso")]

    assert owner_of(tags) == owner_of(tags[::-1]) == "contoso"


def test_a_record_is_written_as_the_design_says() -> None:
    assert stored_tag(a_stored()) == "provision:stored:ci:k1:1772366400"


def test_a_record_keeps_whole_seconds() -> None:
    late = AT + timedelta(milliseconds=999)

    assert stored_in([stored_tag(a_stored(at=late))], "ci") == (a_stored(),)


def test_records_are_read_newest_first_and_by_key_in_the_same_second() -> None:
    records = (
        a_stored("k1", at=AT + timedelta(seconds=1)),
        a_stored("k3"),
        a_stored("k2"),
        a_stored("k4", at=AT - timedelta(seconds=1)),
    )
    tags = [stored_tag(records[index]) for index in (2, 0, 3, 1)]

    assert stored_in(tags, "ci") == records


def test_the_records_of_another_credential_are_not_read() -> None:
    tags = [stored_tag(a_stored(credential=name)) for name in ("c", "ci2", "web")]

    assert stored_in(tags, "ci") == ()


@pytest.mark.parametrize(
    "tag",
    [
        "provision:stored:ci:k1",
        "provision:stored:ci:k1:",
        "provision:stored:ci::1772366400",
        "provision:stored:ci:k1:soon",
        "provision:stored:ci:k1:-1",
        "provision:stored:ci:k1:1:2",
        "provision:stored:ci:k1:²",
        f"provision:stored:ci:k1:{10**11 * 9}",
        f"provision:stored:ci:k1:{'9' * 200}",
        "xprovision:stored:ci:k1:1772366400",
        "ci:k1:1772366400",
    ],
)
def test_a_tag_that_is_not_of_our_making_counts_for_nothing(tag: str) -> None:
    assert stored_in([tag], "ci") == ()


def test_the_credentials_of_all_records_are_named() -> None:
    tags = [stored_tag(a_stored()), stored_tag(a_stored(credential="web")), "team:a", "a:b:c"]

    assert credentials_named_in(tags) == {"ci", "web"}


@pytest.mark.parametrize(
    "name",
    [
        "by hand",
        "ci:0a1b",
        "provision:contoso:ci",
        "provision:contoso:ci:0a1b:x",
        "provision:contoso.dev:ci:0a1b",
        "provision:contos:ci:0a1b",
        "xprovision:contoso:ci:0a1b",
    ],
)
def test_a_secret_of_others_is_not_ours(name: str) -> None:
    assert credential_of("contoso", name) is None


@settings(derandomize=True, max_examples=50, deadline=None)
@given(owner=OWNERS, credential=NAMES, nonce=st.from_regex(r"[0-9a-f]{9}", fullmatch=True))
def test_every_secret_of_ours_is_known_by_its_name_of_at_most_90_characters(
    owner: str, credential: str, nonce: str
) -> None:
    name = display_name(owner, credential, nonce)

    assert credential_of(owner, name) == (credential, nonce)
    assert len(name) <= 90


@settings(derandomize=True, max_examples=50, deadline=None)
@given(mine=OWNERS, theirs=OWNERS, credential=NAMES)
def test_two_owners_never_share_a_secret(mine: str, theirs: str, credential: str) -> None:
    ours = credential_of(mine, display_name(theirs, credential, "0"))

    assert (ours is not None) == (mine == theirs)


@pytest.mark.parametrize(
    ("tag", "mark"),
    [
        ("provision:owner:contoso", True),
        ("provision:stored:ci:1:2", True),
        ("provision:preserve", True),
        ("provision:preserved", False),
        ("team:a", False),
    ],
)
def test_our_marks_are_known_among_other_tags(tag: str, mark: bool) -> None:
    assert is_mark(tag) is mark
