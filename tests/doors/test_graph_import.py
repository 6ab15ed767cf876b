"""What an import reads besides: who owners are, and what a manifest has no words for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from scripted import Scripted, parts_of, refusal, serving

from provision.errors import GraphError
from provision.graph import directory
from tests.existing import existing

ANA = {"@odata.type": "#microsoft.graph.user", "userPrincipalName": "ana@contoso.com"}
ROBOT = {"@odata.type": "#microsoft.graph.servicePrincipal", "displayName": "robot"}
GROUP = {"@odata.type": "#microsoft.graph.group", "displayName": "everybody"}
DENIED = refusal(403, "Authorization_RequestDenied")
APP = existing().application


@pytest.fixture
def scripted(signed: tuple[ssl.SSLContext, Path]) -> Iterator[Scripted]:
    context, bundle = signed
    with serving(context, bundle) as server:
        yield server


def test_owners_have_names_unless_the_operator_may_not_look_or_they_cannot_own(
    scripted: Scripted,
) -> None:
    known = {"ana": ANA, "robot": ROBOT, "group": GROUP, "hidden": DENIED}
    scripted.otherwise = parts_of({f"/directoryObjects/{id}": each for id, each in known.items()})

    wanted = [*known, "gone", "ana"]
    found = scripted.run(lambda graph: directory.names_of(graph, wanted))

    assert found == {"ana": "ana@contoso.com", "robot": "robot", "hidden": ""}


def test_settings_beside_are_read_of_the_application_and_of_its_service_principal(
    scripted: Scripted,
) -> None:
    scripted.otherwise = parts_of(
        {
            f"/applications/{APP.id}": {"addIns": [{}]},
            f"/servicePrincipals(appId='{APP.app_id}')": {"preferredSingleSignOnMode": "saml"},
        }
    )
    other = replace(APP, id="other", app_id="00000000-0000-0000-0000-00000000000f")

    found = scripted.run(lambda graph: directory.settings_beside(graph, [APP, other]))

    assert found[APP.app_id] == ({"addIns": [{}]}, {"preferredSingleSignOnMode": "saml"})
    assert found[other.app_id] == ({}, {})
    assert len(scripted.asked) == 1


def test_settings_that_may_not_be_read_are_no_absence(scripted: Scripted) -> None:
    scripted.otherwise = parts_of({f"/applications/{APP.id}": DENIED})

    with pytest.raises(GraphError):
        scripted.run(lambda graph: directory.settings_beside(graph, [APP]))
