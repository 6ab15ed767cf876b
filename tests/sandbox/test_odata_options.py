"""Query options and paging, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from provision.sandbox import edm
from provision.sandbox.odata import (
    Options,
    next_link,
    one_object_options,
    options_of,
    page,
    projected,
)
from provision.sandbox.refusal import Refusal

APPLICATIONS = edm.KINDS["applications"]


def read(*query: tuple[str, str], eventual: bool = False, counting: bool = False) -> Options:
    return options_of(
        query,
        APPLICATIONS,
        version="v1.0",
        eventual=eventual,
        relations=("owners",),
        counting=counting,
    )


def refusal_of(*query: tuple[str, str], eventual: bool = False) -> Refusal:
    with pytest.raises(Refusal) as refused:
        read(*query, eventual=eventual)
    return refused.value


def some_rows(count: int) -> list[dict[str, Any]]:
    names = [f"app {number % 7}" for number in range(count)]
    return [
        {"id": f"{number:04}", "displayName": None if number == 3 else name}
        for number, name in enumerate(names)
    ]


def walk(rows: list[dict[str, Any]], *query: tuple[str, str]) -> list[str]:
    ids: list[str] = []
    token: str | None = None
    while True:
        extra = [] if token is None else [("$skiptoken", token)]
        found = page(rows, read(*query, *extra))
        ids += [row["id"] for row in found.rows]
        if found.token is None:
            return ids
        token = found.token


def test_a_page_has_a_hundred_objects_when_nobody_says_otherwise() -> None:
    found = page(some_rows(101), read())

    assert len(found.rows) == 100
    assert found.token is not None


def test_the_last_page_leads_nowhere() -> None:
    assert page(some_rows(100), read()).token is None


@pytest.mark.parametrize("top", ["1", "3", "7", "50"])
@pytest.mark.parametrize(
    "order", [(), (("$orderby", "displayName"),), (("$orderby", "displayName desc"),)]
)
def test_paging_shows_every_object_once(top: str, order: tuple[tuple[str, str], ...]) -> None:
    ids = walk(some_rows(20), ("$top", top), *order)

    assert sorted(ids) == [f"{number:04}" for number in range(20)]


def test_paging_goes_on_behind_an_object_that_is_gone() -> None:
    rows = some_rows(10)
    first = page(rows, read(("$top", "4")))

    rest = page(rows[4:], read(("$top", "9"), ("$skiptoken", first.token or "")))

    assert [row["id"] for row in rest.rows] == [f"{number:04}" for number in range(4, 10)]


def test_order_by_name_sorts_and_breaks_ties_by_id() -> None:
    ids = walk(some_rows(9), ("$orderby", "displayName"))

    assert ids == ["0003", "0000", "0007", "0001", "0008", "0002", "0004", "0005", "0006"]


def test_the_count_is_of_all_matches_and_on_page_one_only() -> None:
    query = (("$count", "true"), ("$top", "3"), ("$filter", "startsWith(displayName,'app 1')"))
    rows = some_rows(30)

    first = page(rows, read(*query, eventual=True))
    second = page(rows, read(*query, ("$skiptoken", first.token or ""), eventual=True))

    assert (first.count, second.count) == (5, None)


def test_the_count_is_ignored_without_the_header() -> None:
    assert page(some_rows(3), read(("$count", "true"))).count is None


@pytest.mark.parametrize(
    "query",
    [
        [("$filter", "displayName ne 'x'")],
        [("$filter", "displayName ne 'x'"), ("$count", "true")],
    ],
)
def test_an_advanced_filter_needs_its_header(query: list[tuple[str, str]]) -> None:
    refused = refusal_of(*query)

    assert refused.code == "Request_UnsupportedQuery"
    assert refused.message.startswith("Operator 'ne' is not supported because the required")


def test_an_advanced_filter_needs_its_count_too() -> None:
    refused = refusal_of(("$filter", "displayName ne 'x'"), eventual=True)

    assert refused.message.startswith("Operator 'ne' is not supported because the required")


def test_an_advanced_filter_is_served_with_both() -> None:
    options = read(("$filter", "displayName ne 'x'"), ("$count", "true"), eventual=True)

    assert options.keeps({"displayName": "y"})


def test_counting_the_collection_counts_as_the_count() -> None:
    assert read(("$filter", "displayName ne 'x'"), eventual=True, counting=True).keeps({})


def test_a_filter_with_an_order_is_an_advanced_query() -> None:
    query = [("$filter", "displayName eq 'x'"), ("$orderby", "displayName")]

    assert refusal_of(*query).message == "Sorting not supported for current query."
    assert read(*query, ("$count", "true"), eventual=True).order == ("displayName", False)


def test_search_needs_its_header() -> None:
    assert refusal_of(("$search", '"displayName:x"')).message == (
        "Request with $search query parameter only works through MSGraph with a special request "
        "header: 'ConsistencyLevel: eventual'"
    )


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ('"displayName:Web"', True),
        ('"displayName:dotnet"', True),
        ('"displayName:etweb"', False),
        ('"displayName:web" AND "displayName:app"', True),
        ('"displayName:web" AND "displayName:none"', False),
        ('"displayName:none" OR "displayName:app"', True),
        ('"identifierUris:api://one"', True),
        ('"identifierUris:one"', False),
    ],
)
def test_search_finds_words(search: str, *, found: bool) -> None:
    row = {"displayName": "DotNetWeb-App", "identifierUris": ["api://one"]}

    assert read(("$search", search), eventual=True).keeps(row) is found


@pytest.mark.parametrize(
    "search", ["", "x", '"x"', '"colour:x"', '"displayName:"', '"displayName:a" AND', 'AND "a:b"']
)
def test_a_search_that_cannot_be_read_is_refused(search: str) -> None:
    assert refusal_of(("$search", search), eventual=True).code == "Request_UnsupportedQuery"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (("$top", "0"), "Request_UnsupportedQuery"),
        (("$top", "1000"), "Request_UnsupportedQuery"),
        (("$top", "many"), "BadRequest"),
        (("$top", "-1"), "BadRequest"),
        (("$skip", "1"), "Request_BadRequest"),
        (("$frobnicate", "1"), "BadRequest"),
        (("$count", "maybe"), "BadRequest"),
        (("$select", "colour"), "BadRequest"),
        (("$orderby", "tags"), "Request_UnsupportedQuery"),
        (("$orderby", "displayName sideways"), "Request_UnsupportedQuery"),
        (("$expand", "colour"), "BadRequest"),
        (("$expand", "owners,owners"), "Request_UnsupportedQuery"),
        (("$skiptoken", "!"), "Directory_ExpiredPageToken"),
        (("$skiptoken", "é"), "Directory_ExpiredPageToken"),
        (("$skiptoken", "WzFd"), "Directory_ExpiredPageToken"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(query: tuple[str, str], code: str) -> None:
    refused = refusal_of(query)

    assert (refused.status, refused.code) == (400, code)


def test_an_option_given_twice_is_refused() -> None:
    assert "more than once" in refusal_of(("$top", "1"), ("top", "2")).message


def test_an_option_may_lack_its_dollar_and_other_parameters_are_ignored() -> None:
    assert read(("top", "5"), ("api-version", "1")).top == 5


def test_select_knows_names_in_any_case_and_shows_only_them() -> None:
    options = read(("$select", "DISPLAYNAME,tags"))

    shown = projected(
        {"id": "1", "displayName": "x"}, APPLICATIONS, version="v1.0", select=options.select
    )

    assert options.select == ("displayName", "tags")
    assert shown == {"displayName": "x", "tags": []}


def test_what_is_private_or_selected_only_is_not_shown() -> None:
    shown = projected({"id": "1", "_secrets": "x"}, APPLICATIONS, version="v1.0", select=None)

    assert "_secrets" not in shown
    assert "managerApplications" not in shown
    assert shown["description"] is None


@pytest.mark.parametrize(("version", "shown"), [("v1.0", False), ("beta", True)])
def test_a_beta_property_is_shown_by_beta_only(version: str, *, shown: bool) -> None:
    answer = projected({"id": "1"}, APPLICATIONS, version=version, select=None)

    assert ("oauth2RequirePostResponse" in answer) is shown


def test_a_single_object_cannot_be_filtered() -> None:
    with pytest.raises(Refusal) as refused:
        one_object_options([("$filter", "id eq 'x'")], APPLICATIONS, version="v1.0")

    assert refused.value.status == 400


def test_a_relation_is_expanded_with_its_own_selection() -> None:
    expand = read(("$expand", "Owners($select=id,displayName)")).expand

    assert expand is not None
    assert (expand.relation, expand.select) == ("owners", ("id", "displayName"))


def test_the_next_link_keeps_the_options_and_replaces_the_position() -> None:
    link = next_link(
        "https://localhost/v1.0/applications",
        [("$filter", "displayName eq 'a b'"), ("$skiptoken", "old"), ("$top", "2")],
        "new",
    )

    assert link == (
        "https://localhost/v1.0/applications?$filter=displayName%20eq%20%27a%20b%27&$top=2"
        "&$skiptoken=new"
    )


def test_paging_while_others_write_repeats_nothing_and_loses_nothing() -> None:
    """Objects that were there all the time are shown exactly once, whatever comes and goes."""
    stable = {f"{number:04}" for number in range(0, 200, 2)}
    coming = [f"{number * 37 % 200:04}" for number in range(100)]
    seen: list[str] = []
    token: str | None = None
    for come in range(100):
        rows = [{"id": name} for name in sorted(stable | set(coming[come : come + 40]))]
        extra = [("$skiptoken", token)] if token else []
        found = page(rows, read(("$top", "9"), *extra))
        seen += [row["id"] for row in found.rows]
        token = found.token
        if token is None:
            break

    assert [name for name in seen if name in stable] == sorted(stable)
    assert len(seen) == len(set(seen))


def test_a_relation_is_not_expanded_by_the_advanced_index() -> None:
    with pytest.raises(Refusal, match="Expand is not supported"):
        read(("$expand", "owners"), ("$count", "true"), eventual=True)
