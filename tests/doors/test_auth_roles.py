"""Directory roles by name, as a token's `wids` lists them."""

from __future__ import annotations

from auth import roles
from provision.sandbox import operators


def test_a_role_that_is_known_has_its_name_and_another_keeps_its_id() -> None:
    found = roles.names(["9B895D92-2CD3-44C7-9D02-A6AC2D5EA5C3", "custom"])

    assert found == ("Application Administrator", "custom")


def test_every_role_of_the_sandbox_is_known_by_the_same_name() -> None:
    for name, template in operators.DIRECTORY_ROLES.items():
        assert roles.DIRECTORY_ROLES[template] == name
