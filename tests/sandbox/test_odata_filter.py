"""What a $filter keeps, and what is refused, without a server."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.sandbox import edm
from provision.sandbox.predicate import Predicate, compiled
from provision.sandbox.refusal import Refusal

ID = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
APPLICATION: dict[str, Any] = {
    "id": ID,
    "appId": OTHER,
    "displayName": "Billing o'clock",
    "description": None,
    "createdDateTime": "2026-02-13T10:17:06Z",
    "tags": ["team:pay", "Nightly"],
    "identifierUris": [],
    "appRoles": [{"id": ID, "value": "Read.All", "isEnabled": True}],
    "web": {"homePageUrl": "https://localhost", "redirectUris": ["https://localhost/in"]},
    "api": {"requestedAccessTokenVersion": 2},
    "verifiedPublisher": None,
}
ASSIGNMENT: dict[str, Any] = {"id": "x", "resourceId": ID, "principalDisplayName": "Billing"}


def an_application_filter(text: str) -> Predicate:
    return compiled(text, edm.KINDS["applications"], version="v1.0")


def refusal_of(text: str, collection: str = "applications") -> Refusal:
    with pytest.raises(Refusal) as refused:
        compiled(text, edm.KINDS[collection], version="v1.0")
    return refused.value


@pytest.mark.parametrize(
    "text",
    [
        "displayName eq 'Billing o''clock'",
        "displayName eq 'BILLING O''CLOCK'",
        "DISPLAYNAME EQ 'billing o''clock'",
        f"id eq '{ID.upper()}'",
        f"appId in ('x', '{OTHER}')",
        "startsWith(displayName,'bill')",
        "startswith(displayName, 'Billing o''')",
        "endsWith(displayName, 'CLOCK')",
        "tags/any(t:t eq 'TEAM:pay')",
        "tags/any(t: startsWith(t, 'night'))",
        "tags/any()",
        "tags/any(t:t eq 'nothing') or displayName ne 'x'",
        "not(displayName eq 'x')",
        "NOT displayName eq 'x'",
        "not tags/any(t:t eq 'x') and not (identifierUris/any())",
        "createdDateTime ge 2026-02-13T10:17:06Z",
        "createdDateTime eq 2026-02-13T11:17:06+01:00",
        "createdDateTime lt 2026-02-14",
        "createdDateTime gt 2026-02-13T10:17:05.9999999Z",
        "description eq null",
        "displayName ne null",
        "identifierUris/$count eq 0",
        "tags/$count ge 2",
        f"appRoles/any(r:r/id eq {ID} and r/isEnabled)",
        "web/homePageUrl eq 'https://LOCALHOST'",
        "web/redirectUris/any(u:u eq 'https://localhost/in')",
        "api/requestedAccessTokenVersion eq 2",
        "displayName eq 'a' or displayName eq 'b' or startsWith(displayName,'B')",
        "(displayName eq 'a' or startsWith(displayName,'B')) and description eq null",
        "displayName ge 'a'",
    ],
)
def test_an_expression_that_is_true_keeps_the_object(text: str) -> None:
    assert an_application_filter(text).keeps(APPLICATION)


@pytest.mark.parametrize(
    "text",
    [
        "displayName eq 'Billing'",
        "displayName in ('a','b')",
        "startsWith(description,'a')",
        "startsWith(displayName,'illing')",
        "endsWith(displayName,'bill')",
        "tags/any(t:t eq 'team')",
        "identifierUris/any()",
        "not displayName ne 'x'",
        "displayName eq 'x' and tags/any()",
        "displayName eq 'Billing o''clock' and description ne null",
        "description ge 'a'",
        "createdDateTime gt 2026-02-13T10:17:06Z",
        "appRoles/any(r:r/isEnabled eq false)",
        "verifiedPublisher/displayName eq 'x'",
        "tags/$count eq 1",
        "displayName eq 'a' or displayName eq 'b' and startsWith(displayName,'B')",
    ],
)
def test_an_expression_that_is_false_drops_the_object(text: str) -> None:
    assert not an_application_filter(text).keeps(APPLICATION)


def test_a_guid_typed_property_is_compared_with_a_bare_guid() -> None:
    predicate = compiled(f"resourceId eq {ID}", edm.KINDS["appRoleAssignments"], version="v1.0")

    assert predicate.keeps(ASSIGNMENT)
    assert not predicate.keeps({**ASSIGNMENT, "resourceId": OTHER})


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("displayName ne 'x'", "ne"),
        ("not startsWith(displayName,'x')", "not"),
        ("endsWith(displayName,'x')", "endsWith"),
        ("displayName ge 'x'", "ge"),
        ("description eq null", "eq"),
        ("appRoles/$count eq 0", "$count"),
        ("tags/any()", "any"),
        ("displayName eq 'x' and signInAudience ne 'y'", "ne"),
        ("displayName eq 'x'", None),
        ("startsWith(displayName,'x') or tags/any(t:t eq 'x')", None),
        ("createdDateTime ge 2026-01-01T00:00:00Z", None),
        ("displayName in ('x','y')", None),
    ],
)
def test_an_advanced_operator_is_named(text: str, operator: str | None) -> None:
    assert an_application_filter(text).advanced == operator


@pytest.mark.parametrize(
    "text",
    [
        "",
        "displayName",
        "displayName eq",
        "displayName eq 'x",
        "displayName eq x",
        "displayName = 'x'",
        "displayName eq 'x' and",
        "displayName eq 'x')",
        "(displayName eq 'x'",
        "displayName in ()",
        "displayName in 'x'",
        "tags/any(t t eq 'x')",
        "tags/many(t:t eq 'x')",
        "eq 'x' displayName",
        "frobnicate(displayName,'x')",
        "startsWith(displayName)",
        "startsWith(displayName, 1)",
        f"displayName eq {ID}",
        "displayName eq 1",
        "displayName eq true",
        "createdDateTime ge '2026-01-01T00:00:00Z'",
        "createdDateTime ge 2026-99-01T00:00:00Z",
        "createdDateTime ge 9999-12-31T23:59:59-14:00",
        "(" * 5000 + "id eq 'x'" + ")" * 5000,
        "not " * 5000 + "id eq 'x'",
        "id eq '" + "x" * 50_000 + "'",
    ],
)
def test_a_malformed_expression_is_an_invalid_filter_clause(text: str) -> None:
    refused = refusal_of(text)

    assert (refused.status, refused.code) == (400, "BadRequest")
    assert refused.message.startswith("Invalid filter clause: ")


@pytest.mark.parametrize("text", ["colour eq 'x'", "web/colour eq 'x'", "displayName/x eq 'x'"])
def test_an_unknown_property_is_named(text: str) -> None:
    name = text.split()[0].split("/")[-1]

    refused = refusal_of(text)

    assert (refused.status, refused.code) == (400, "Request_UnsupportedQuery")
    assert refused.message == (
        f"Property '{name}' does not exist as a declared property or extension property."
    )


@pytest.mark.parametrize(
    "text",
    [
        "contains(displayName,'x')",
        "notes eq 'x'",
        "tags eq 'x'",
        "web eq 'x'",
        "tags/all(t:t eq 'x')",
        "displayName/any(t:t eq 'x')",
        "displayName/$count eq 1",
        "startsWith(tags,'x')",
        "keyCredentials/any(k:k/key eq 'x')",
        f"tokenEncryptionKeyId eq {ID}",
    ],
)
def test_a_filter_that_the_directory_cannot_answer_is_refused(text: str) -> None:
    refused = refusal_of(text)

    assert (refused.status, refused.code) == (400, "Request_UnsupportedQuery")
    assert refused.message.startswith(
        "Unsupported or invalid query filter clause specified for property '"
    )
    assert refused.message.endswith("' of resource 'Application'.")


def test_a_quoted_guid_does_not_match_a_guid_typed_property() -> None:
    refused = refusal_of(f"resourceId eq '{ID}'", "appRoleAssignments")

    assert refused.code == "BadRequest"
    assert "'Edm.Guid' and 'Edm.String' for operator kind 'Equal'" in refused.message


def test_only_the_indexed_properties_of_an_assignment_can_be_filtered() -> None:
    assert refusal_of(f"appRoleId eq {ID}", "appRoleAssignments").code == "Request_UnsupportedQuery"


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        (f"appId eq '{OTHER}'", [("appId", OTHER)]),
        (f"APPID eq '{OTHER}'", [("appId", OTHER)]),
        ("tags/any(t:t eq 'x')", [("tags", "x")]),
        (
            "tags/any(t:t eq 'x') and startsWith(displayName,'a') and displayName eq 'ab'",
            [("tags", "x"), ("displayName", "ab")],
        ),
        ("(displayName eq 'a') and (appId eq 'b' or appId eq 'c')", [("displayName", "a")]),
        ("tags/any(t:startsWith(t,'x'))", []),
        ("tags/any(t:displayName eq 'x')", []),
        ("appRoles/any(r:r/value eq 'x')", []),
        ("not(displayName eq 'a')", []),
        (f"appId ne '{OTHER}'", []),
        (f"appId eq '{OTHER}' or id eq 'x'", []),
        ("appId eq null", []),
        ("web/homePageUrl eq 'x'", []),
    ],
)
def test_equalities_that_all_must_hold_can_be_answered_by_an_index(
    text: str, anchors: object
) -> None:
    assert list(an_application_filter(text).anchors) == anchors


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=60) | st.text(alphabet="ab(),:/'$ eqnot1-", max_size=60))
def test_random_text_is_understood_or_refused(text: str) -> None:
    with suppress(Refusal):
        an_application_filter(text).keeps(APPLICATION)
