"""What holds for every filter and for every way of paging."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from caller import EVENTUAL, Caller, operator_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.sandbox import edm
from provision.sandbox.predicate import compiled
from provision.sandbox.server import Server, serve
from provision.sandbox.tenant import Seen

ONE, TWO = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00.5Z"
TEXTS = ("displayName", "description", "web/homePageUrl")
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture(scope="module")
def server(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("properties") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong", throttle=0) as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


# Filters: trees of tuples, written out as text for ours and read as they are by the naive one.
WORDS = st.sampled_from(["a", "B", "ab", "o'b", "", "Ä"])
GUIDS = st.sampled_from([ONE, TWO])
MOMENTS = st.sampled_from([EARLY, LATE])
LEAVES = st.one_of(
    st.tuples(st.sampled_from(["eq", "ne", *ORDERS]), st.sampled_from(TEXTS), WORDS),
    st.tuples(st.sampled_from(["eq", "ne"]), st.sampled_from(TEXTS), st.none()),
    st.tuples(st.just("in"), st.sampled_from(TEXTS), st.lists(WORDS, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["startsWith", "endsWith"]), st.sampled_from(TEXTS), WORDS),
    st.tuples(st.just("any"), st.sampled_from(["tags", "identifierUris"]), WORDS),
    st.tuples(st.just("anyStarts"), st.just("tags"), WORDS),
    st.tuples(st.just("role"), st.booleans(), WORDS),
    st.tuples(st.just("count"), st.sampled_from(["eq", "ne", *ORDERS]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["eq", "ne", *ORDERS]), st.just("createdDateTime"), MOMENTS),
    st.tuples(st.sampled_from(["eq", "ne"]), st.sampled_from(["id", "appId"]), GUIDS),
    st.tuples(st.just("nonempty"), st.just("tags")),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)
    ),
    max_leaves=8,
)
ROLES = st.fixed_dictionaries({"isEnabled": st.booleans(), "value": st.none() | WORDS})
OBJECTS = st.fixed_dictionaries(
    {
        "id": GUIDS,
        "appId": GUIDS,
        "displayName": WORDS,
        "description": st.none() | WORDS,
        "web": st.none() | st.fixed_dictionaries({"homePageUrl": st.none() | WORDS}),
        "tags": st.lists(WORDS, max_size=3),
        "identifierUris": st.lists(WORDS, max_size=2),
        "appRoles": st.lists(ROLES, max_size=2),
        "createdDateTime": MOMENTS,
    }
)


def literal(name: str, value: Any) -> str:
    if value is None:
        return "null"
    if name == "createdDateTime":
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def text_of(tree: Any) -> str:
    match tree:
        case ("not", part):
            return f"not ({text_of(part)})"
        case ("and" | "or" as word, left, right):
            return f"({text_of(left)}) {word} ({text_of(right)})"
        case ("in", name, words):
            return f"{name} in ({','.join(literal(name, word) for word in words)})"
        case ("startsWith" | "endsWith" as word, name, value):
            return f"{word}({name},{literal(name, value)})"
        case ("any", name, value):
            return f"{name}/any(x:x eq {literal(name, value)})"
        case ("anyStarts", name, value):
            return f"{name}/any(x:startsWith(x,{literal(name, value)}))"
        case ("role", enabled, value):
            condition = f"r/isEnabled eq {str(enabled).lower()} and r/value eq {literal('', value)}"
            return f"appRoles/any(r:{condition})"
        case ("count", word, number):
            return f"tags/$count {word} {number}"
        case ("nonempty", name):
            return f"{name}/any()"
        case (word, name, value):
            return f"{name} {word} {literal(name, value)}"
    raise AssertionError(tree)


def value_of(obj: dict[str, Any], name: str) -> Any:
    if name == "web/homePageUrl":
        return (obj["web"] or {}).get("homePageUrl")
    return obj[name]


def same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.lower() == other.lower()


def naive(tree: Any, obj: dict[str, Any]) -> bool:
    match tree:
        case ("not", part):
            return not naive(part, obj)
        case ("and", left, right):
            return naive(left, obj) and naive(right, obj)
        case ("or", left, right):
            return naive(left, obj) or naive(right, obj)
        case ("in", name, words):
            return any(same(value_of(obj, name), word) for word in words)
        case ("startsWith", name, word):
            value = value_of(obj, name)
            return value is not None and value.lower()[: len(word)] == word.lower()
        case ("endsWith", name, word):
            value = (value_of(obj, name) or "").lower()
            return word == "" or value[-len(word) :] == word.lower()
        case ("any", name, word):
            return any(same(entry, word) for entry in obj[name])
        case ("anyStarts", name, word):
            return any(entry.lower()[: len(word)] == word.lower() for entry in obj[name])
        case ("role", enabled, word):
            return any(
                role["isEnabled"] is enabled and same(role["value"], word)
                for role in obj["appRoles"]
            )
        case ("count", word, number):
            return compared(word, len(obj["tags"]), number)
        case ("nonempty", name):
            return len(obj[name]) > 0
        case (word, name, value):
            have = value_of(obj, name)
            lower = [None if each is None else each.lower() for each in (have, value)]
            return compared(word, *lower)
    raise AssertionError(tree)


def compared(word: str, one: Any, other: Any) -> bool:
    if word in {"eq", "ne"}:
        return (one == other) is (word == "eq")
    return one is not None and ORDERS[word](one, other)


@bounded(400)
@given(TREES, OBJECTS)
def test_the_evaluator_agrees_with_a_naive_one(tree: Any, obj: dict[str, Any]) -> None:
    predicate = compiled(text_of(tree), edm.KINDS["applications"], version="v1.0")

    assert predicate.keeps(obj) is naive(tree, obj), text_of(tree)


@pytest.fixture(scope="module")
def population(operator: Caller) -> list[dict[str, Any]]:
    """A few applications that differ in what filters ask about."""
    names, tags = ("a", "B", "ab", "a"), ((), ("a",), ("A", "b"), ("ab",), ("B", "a", "o'b"))
    for number in range(20):
        operator.application(
            displayName=names[number % 4],
            description=[None, "a", "AB"][number % 3],
            tags=tags[number % 5],
        )
    found: list[dict[str, Any]] = operator.get("applications?$top=999").json()["value"]
    return found


INDEXED = st.one_of(
    st.tuples(st.just("any"), st.just("tags"), st.sampled_from(["a", "A", "b", "o'b", "none"])),
    st.tuples(st.just("eq"), st.just("displayName"), st.sampled_from(["A", "b", "ab", "none"])),
)


@bounded(60)
@given(
    tree=st.tuples(st.just("and"), INDEXED, TREES)
    | st.tuples(st.just("or"), INDEXED, INDEXED)
    | INDEXED,
    top=st.sampled_from([1, 2, 5, 999]),
)
def test_an_index_finds_what_a_look_at_everything_finds(
    operator: Caller, population: list[dict[str, Any]], tree: Any, top: int
) -> None:
    query = f"$filter={quote(text_of(tree))}&$count=true&$select=id&$top={top}"

    page = operator.get(f"applications?{query}", **EVENTUAL).json()
    count, found = page["@odata.count"], [each["id"] for each in page["value"]]
    while "@odata.nextLink" in page:
        page = operator.get(page["@odata.nextLink"], **EVENTUAL).json()
        found += [each["id"] for each in page["value"]]

    wanted = {each["id"] for each in population if naive(tree, each)}
    assert len(found) == len(set(found)) == count
    assert set(found) == wanted, text_of(tree)


@pytest.mark.parametrize(
    "query", ["$filter=tags/any(t:t eq 'RARE')", "$filter=displayName eq 'rare'", "$top=3"]
)
def test_a_list_costs_what_it_returns(start_server: Callable[..., Server], query: str) -> None:
    """Counted in steps of the database, so that a busy machine does not matter."""
    server = start_server(throttle=0)
    with operator_of(server) as caller:
        for _ in range(3):
            row = caller.application(displayName="Rare", tags=["rare"])
        fill(server, row["id"], 300)
        few = steps(server, lambda: caller.get(f"applications?{query}"))
        fill(server, row["id"], 1200)
        many = steps(server, lambda: caller.get(f"applications?{query}"))

    assert many < 2 * few


def fill(server: Server, like: str, count: int) -> None:
    tenant = server.tenant()
    row = tenant.get("applications", like, Seen.truth()) or {}
    with tenant.writing():
        for number in range(count):
            changed = {"displayName": f"x{number}", "tags": ["common"], "id": tenant.new_guid()}
            tenant.put("applications", {**row, **changed}, lag="none")


def steps(server: Server, deed: Callable[[], Any]) -> int:
    done = [0]

    def count() -> int:
        done[0] += 1
        return 0

    with server.store.reading() as db:
        db.set_progress_handler(count, 10)
    deed()
    with server.store.reading() as db:
        db.set_progress_handler(None, 0)
    return done[0]


MEANWHILE = st.lists(
    st.tuples(st.sampled_from(["create", "rename", "delete"]), st.integers(0, 30)), max_size=4
)


@bounded(25)
@given(
    meanwhile=st.lists(MEANWHILE, min_size=1, max_size=6),
    top=st.integers(1, 4),
    order=st.sampled_from(["", "&$orderby=displayName", "&$orderby=displayName desc"]),
)
def test_paging_lists_each_object_once_while_others_write(
    operator: Caller, meanwhile: list[list[tuple[str, int]]], top: int, order: str
) -> None:
    """What is there from the first page to the last is on exactly one page."""
    tag = f"run-{sum(1 for _ in RUNS)}"
    RUNS.append(tag)
    still = {f"still{n}": operator.application(displayName=f"n{n}", tags=[tag]) for n in range(5)}
    moving = [operator.application(displayName=f"m{n}", tags=[tag])["id"] for n in range(3)]
    query = f"$filter=tags/any(t:t eq '{tag}')&$top={top}&$count=true&$select=id{order}"

    page = operator.get(f"applications?{query}", **EVENTUAL).json()
    found = [each["id"] for each in page["value"]]
    writes = iter(meanwhile)
    while "@odata.nextLink" in page:
        for deed, number in next(writes, []):
            write(operator, deed, moving, number, tag)
        page = operator.get(page["@odata.nextLink"], **EVENTUAL).json()
        found += [each["id"] for each in page["value"]]

    for application in still.values():
        assert found.count(application["id"]) == 1
    if not order:  # a new name moves an object within an order by names
        assert len(found) == len(set(found))


RUNS: list[str] = []


def write(operator: Caller, deed: str, moving: list[str], number: int, tag: str) -> None:
    if deed == "create":
        moving.append(operator.application(displayName=f"c{number}", tags=[tag])["id"])
        return
    address = f"applications/{moving[number % len(moving)]}"
    if deed == "rename":
        operator.patch(address, {"displayName": f"r{number}"})
    else:
        operator.delete(address)
