"""Certificates at Graph's door: how they are told, asked for and replaced."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Scripted, parts_of, refusal, serving

from provision.errors import Forbidden, GraphError, NotYetVisible
from provision.graph import directory
from provision.graph.parse import EARLIEST, LATEST
from provision.model import KeyCredential

PRINT = "52ED9B5038A47B9E2E2190715CC238359D4F8F73"
BARE = {"id": "object", "appId": "app", "displayName": "web"}
ENTRY = {
    "keyId": "key-1",
    "displayName": "CN=web",
    "type": "AsymmetricX509Cert",
    "usage": "Verify",
    "key": None,
    "customKeyIdentifier": PRINT,
    "startDateTime": "2026-01-01T00:00:00Z",
    "endDateTime": "2027-01-01T00:00:00Z",
}


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def read(scripted: Scripted, *entries: dict[str, Any]) -> tuple[KeyCredential, ...]:
    """What an application with these entries signs in with."""
    scripted.will(Answer(body={**BARE, "keyCredentials": list(entries)}))
    found: tuple[KeyCredential, ...] = scripted.run(
        lambda graph: directory.application(graph, "object")
    ).key_credentials
    return found


@pytest.mark.parametrize(
    ("told", "thumbprint"),
    [
        (PRINT, PRINT),
        (PRINT.lower(), PRINT),
        (base64.b64encode(bytes.fromhex(PRINT)).decode(), PRINT),
        (base64.b64encode(PRINT.encode()).decode(), PRINT),
        (base64.b64encode(b"my own identifier").decode(), ""),
        ("no base64!", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_thumbprint_is_understood_in_every_spelling(
    scripted: Scripted, told: str | None, thumbprint: str
) -> None:
    """Portals show digits, JSON has base64, and programs put whatever they like there."""
    (found,) = read(scripted, {**ENTRY, "customKeyIdentifier": told})

    assert found == KeyCredential(
        key_id="key-1",
        display_name="CN=web",
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=datetime(2027, 1, 1, tzinfo=UTC),
        thumbprint=thumbprint,
    )


def test_a_certificate_without_name_and_dates_is_one_all_the_same(scripted: Scripted) -> None:
    (found,) = read(scripted, {"keyId": "key-1", "usage": "Verify"})

    assert (found.display_name, found.start, found.end) == ("", EARLIEST, LATEST)


def test_a_key_for_something_else_is_nothing_to_sign_in_with(scripted: Scripted) -> None:
    """The certificate that tokens are encrypted for must not pass for the workload's own."""
    entries = [{**ENTRY, "keyId": usage, "usage": usage} for usage in ("Encrypt", "Verify", "Sign")]

    assert [each.key_id for each in read(scripted, *entries)] == ["Verify"]


def test_only_whole_certificates_are_selected(scripted: Scripted) -> None:
    """Selecting them is what the service limits; the entries come as they are, to be sent back so."""
    scripted.otherwise = parts_of({"/applications/object": {"keyCredentials": [ENTRY]}})

    plain = scripted.run(lambda graph: directory.key_credentials(graph, "object", looks=2))
    whole = scripted.run(lambda graph: directory.key_credentials(graph, "object", whole=True))

    paths = [[part["url"] for part in asked.body["requests"]] for asked in scripted.asked]
    assert plain == ((ENTRY,), (ENTRY,))
    assert whole == ((ENTRY,),)
    assert paths == [
        ["/applications/object"] * 2,
        ["/applications/object?$select=keyCredentials"],
    ]


def test_an_application_that_no_replica_shows_has_no_list_at_all(scripted: Scripted) -> None:
    scripted.otherwise = parts_of({})

    assert scripted.run(lambda graph: directory.key_credentials(graph, "object", looks=2)) == ()


@pytest.mark.parametrize("entries", [None, [{}], [{"keyId": None}], ["key-1"]])
def test_a_list_that_could_not_be_sent_back_is_a_failure(scripted: Scripted, entries: Any) -> None:
    """What was not understood must not be replaced."""
    scripted.otherwise = parts_of({"/applications/object": {"keyCredentials": entries}})

    with pytest.raises(GraphError, match="cannot be understood"):
        scripted.run(lambda graph: directory.key_credentials(graph, "object"))


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (refusal(404, "Request_ResourceNotFound"), NotYetVisible),
        (refusal(409, "Directory_ConcurrencyViolation"), NotYetVisible),
        (refusal(400, "Request_BadRequest", "A value is required for property 'key' of resource 'KeyCredential'."), NotYetVisible),
        (refusal(400, "Request_BadRequest", "Update to existing credential with KeyId 'key-1' is not allowed."), NotYetVisible),
        (refusal(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid."), GraphError),
        (refusal(400, "DuplicateValue", "Request contains a property with duplicate values."), GraphError),
        (refusal(403, "Authorization_RequestDenied"), Forbidden),
    ],
)  # fmt: skip
def test_a_refusal_says_whether_another_look_helps(
    scripted: Scripted, refused: Answer, kind: type[GraphError]
) -> None:
    scripted.will(refused)

    with pytest.raises(GraphError) as failure:
        scripted.run(lambda graph: directory.set_key_credentials(graph, "object", [ENTRY]))

    assert type(failure.value) is kind
    assert failure.value.hint
    assert scripted.asked[0].body == {"keyCredentials": [ENTRY]}
