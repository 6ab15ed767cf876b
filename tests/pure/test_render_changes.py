"""Properties before and after, as lines that people can read."""

from __future__ import annotations

from typing import Any

import pytest

from provision.plan import Change
from provision.render.changes import change_details, set_details


def lines(name: str, before: Any, after: Any) -> list[str]:
    return [
        f"{'  ' * each.depth}{each.sign} {each.text}"
        for each in change_details(Change(property=name, before=before, after=after))
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("a", "b", ['~ p: "a" → "b"']),
        (None, "b", ['~ p: (none) → "b"']),
        ("1", 1, ['~ p: "1" → 1']),
        (True, None, ["~ p: true → (none)"]),
        (["a"], None, ['~ p: ["a"] → (none)']),
        (["a", "b"], ["b", "c"], ["~ p:", '  + "c"', '  - "a"']),
        (None, ["a"], ["~ p:", '  + "a"']),
        (("a",), (), ["~ p:", '  - "a"']),
        (["a", "b"], ["b", "a"], ["~ p: another order"]),
        (None, [], ["~ p: emptied"]),
        (
            {"x": 1, "y": 2, "w": 0},
            {"x": 1, "y": 3, "z": 4},
            ["~ p:", "  ~ w: 0 → (none)", "  ~ y: 2 → 3", "  ~ z: (none) → 4"],
        ),
        (None, {"x": 1}, ['~ p: (none) → {"x": 1}']),
    ],
)
def test_a_property_is_a_line_and_a_list_is_what_comes_and_goes(
    before: Any, after: Any, said: list[str]
) -> None:
    assert lines("p", before, after) == said


@pytest.mark.parametrize("name", ["appRoles", "api.oauth2PermissionScopes"])
def test_what_an_application_offers_is_told_by_value(name: str) -> None:
    before = [{"id": "1", "value": "A", "isEnabled": True}, {"id": "2", "value": "B"}]
    after = [{"id": "1", "value": "A", "isEnabled": False}, {"id": "3", "value": "C"}]

    assert lines(name, before, after) == [
        f"~ {name}:",
        "  ~ A: isEnabled: true → false",
        "  + C",
        "  - B",
    ]


def test_an_entitlement_under_another_id_is_told_without_the_id() -> None:
    assert lines("appRoles", [{"id": "1", "value": "A"}], [{"id": "2", "value": "A"}]) == [
        "~ appRoles:",
        "  ~ A: another id",
    ]


def test_an_entitlement_without_a_value_is_known_by_its_id() -> None:
    assert lines("appRoles", [], [{"id": "1", "value": None}]) == ["~ appRoles:", "  + 1"]


def test_what_is_new_has_no_signs() -> None:
    said = set_details(
        {
            "web.redirectUris": ["a", "b"],
            "identifierUris": ["c"],
            "tags": [],
            "appRoles": [{"value": "A", "displayName": "Do A", "isEnabled": False}, "odd"],
            "isFallbackPublicClient": True,
        }
    )

    assert [f"{'  ' * each.depth}{each.sign}{each.text}" for each in said] == [
        "appRoles:",
        '  A: "Do A" (disabled)',
        '  "odd"',
        'identifierUris: "c"',
        "isFallbackPublicClient: true",
        "tags: (empty)",
        "web.redirectUris:",
        '  "a"',
        '  "b"',
    ]
