"""A plan as canonical JSON: one meaning, one text, one digest, and nothing in it that is only said or only now."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.diff import diff
from provision.document import digest, document, identity, written
from provision.errors import PlanError
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Desired,
    Observed,
    ObservedApplication,
    Owner,
    PermissionScope,
    PreAuthorized,
)
from provision.plan import (
    AddOwner,
    AddSecret,
    AuthorizeClients,
    Change,
    CreateApplication,
    DeleteApplication,
    GrantAppRole,
    GrantScopes,
    Plan,
    RemoveSecret,
    RevokeAppRole,
    RevokeScopes,
    Step,
    UpdateApplication,
)
from tests.build import DAY, MAIL, NOW, USERS, a_manifest, a_secret, an_app, desired
from tests.samples import DESIRED, ID, PLAN
from tests.tenants import State, states, tenant

TENANT = "t-1"
SCOPE = PermissionScope(resource=GRAPH_APP_ID, id="s1", value="Mail.Read")
NOBODY = desired()


bounded = settings(derandomize=True, max_examples=60, deadline=None)


def planned(*steps: Step, wanted: Desired = NOBODY, only: str | None = None) -> dict[str, Any]:
    plan = Plan(owner="contoso", steps=steps)
    return document(plan, wanted, a_manifest(), tenant_id=TENANT, only=only)


def shuffled(seen: Observed, seed: int) -> Observed:
    """The same tenant, as another replica would list it: in another order, with other assignment ids."""
    dice = random.Random(seed)  # noqa: S311

    def mixed(found: ObservedApplication) -> ObservedApplication:
        passwords = list(found.application.password_credentials)
        dice.shuffle(passwords)
        principal = found.service_principal
        if principal:
            granted = [
                replace(each, id=f"other-{each.id}") for each in principal.app_role_assignments
            ]
            dice.shuffle(granted)
            principal = replace(principal, app_role_assignments=tuple(granted))
        application = replace(found.application, password_credentials=tuple(passwords))
        return replace(found, application=application, service_principal=principal)

    items = [(key, mixed(found)) for key, found in seen.applications.items()]
    dice.shuffle(items)
    return replace(seen, applications=dict(items))


def text_of(wanted: Desired, seen: Observed) -> str:
    plan = diff(wanted, seen, now=NOW)
    return written(document(plan, wanted, a_manifest(), tenant_id=TENANT))


@bounded
@given(states(), st.integers(0, 1000))
def test_two_equal_states_give_the_same_bytes(state: State, seed: int) -> None:
    wanted, seen = state
    try:
        once = text_of(wanted, seen)
    except PlanError:  # somebody else's object is in the way: no plan, no document
        return

    assert text_of(wanted, shuffled(seen, seed)) == once


@bounded
@given(st.binary(min_size=180, max_size=180))
def test_a_tenant_that_is_read_again_gives_the_same_bytes(thrown: bytes) -> None:
    texts = [text_of(*tenant(thrown, ("there", "absent"))) for _ in range(2)]

    assert texts[0] == texts[1]


def test_a_plan_with_every_kind_of_step_is_one_plain_document() -> None:
    body = document(PLAN, DESIRED, a_manifest(), tenant_id=ID)

    assert json.loads(written(body)) == body
    assert [step["step"] for step in body["steps"]] == [type(step).__name__ for step in PLAN.steps]


def test_a_document_holds_no_absolute_path() -> None:
    said = written(document(PLAN, DESIRED, a_manifest(), tenant_id=ID))

    assert str(a_manifest().folder) not in said
    assert "project" not in said


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            RevokeAppRole(app="a", role=MAIL, assignment_id="1"),
            RevokeAppRole(app="a", role=MAIL, assignment_id="2"),
        ),
        (
            RevokeScopes(app="a", scopes=(SCOPE,), grant_id="1"),
            RevokeScopes(app="a", scopes=(SCOPE,), grant_id="2"),
        ),
        (
            RemoveSecret(app="a", credential="ci", key_id="k", reason="replaced 2 d ago"),
            RemoveSecret(app="a", credential="ci", key_id="k", reason="replaced 3 d ago"),
        ),
        (
            AddSecret(app="a", credential="ci", reason="expires in 9 d", rotation=True),
            AddSecret(app="a", credential="ci", reason="expires in 8 d", rotation=True),
        ),
        (
            DeleteApplication(app="a", application_id="1", display_name="Old"),
            DeleteApplication(app="a", application_id="1", display_name="Older"),
        ),
        (
            GrantAppRole(app="a", role=MAIL),
            GrantAppRole(app="a", role=replace(MAIL, id="not known yet")),
        ),
        (
            UpdateApplication(
                app="a",
                changes=(Change(property="tags", before=["moment:1"], after=["moment:1", "x"]),),
            ),
            UpdateApplication(
                app="a",
                changes=(Change(property="tags", before=["moment:2"], after=["moment:2", "x"]),),
            ),
        ),
        (
            UpdateApplication(
                app="a",
                changes=(
                    Change(property="appRoles", before=[], after=[{"id": "1", "value": "R"}]),
                ),
            ),
            UpdateApplication(
                app="a",
                changes=(
                    Change(property="appRoles", before=[], after=[{"value": "R", "id": "2"}]),
                ),
            ),
        ),
    ],
    ids=lambda step: type(step).__name__,
)
def test_what_is_only_said_of_a_step_does_not_change_it(one: Step, other: Step) -> None:
    assert identity(one, NOBODY) == identity(other, NOBODY)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (GrantAppRole(app="a", role=MAIL), GrantAppRole(app="a", role=USERS)),
        (GrantAppRole(app="a", role=MAIL), GrantAppRole(app="b", role=MAIL)),
        (
            GrantAppRole(app="a", role=MAIL),
            RevokeAppRole(app="a", role=MAIL, assignment_id="1"),
        ),
        (
            RemoveSecret(app="a", credential="ci", key_id="1", reason=""),
            RemoveSecret(app="a", credential="ci", key_id="2", reason=""),
        ),
        (
            DeleteApplication(app="a", application_id="1", display_name="A"),
            DeleteApplication(app="a", application_id="1", display_name="A", purge=True),
        ),
        (
            AddOwner(app="a", of="application", owner=Owner(id="1", name="ada")),
            AddOwner(app="a", of="servicePrincipal", owner=Owner(id="1", name="ada")),
        ),
    ],
    ids=lambda step: type(step).__name__,
)
def test_what_a_step_does_tells_it_from_others(one: Step, other: Step) -> None:
    assert planned(one)["digest"] != planned(other)["digest"]


def test_a_permission_is_named_by_resource_kind_and_value() -> None:
    said = identity(GrantScopes(app="a", scopes=(SCOPE,)), NOBODY)

    assert said["scopes"] == [{"resource": GRAPH_APP_ID, "type": "Scope", "value": "Mail.Read"}]


def test_a_client_is_named_with_its_scopes() -> None:
    client = PreAuthorized(client="web", scopes=(SCOPE,))

    said = identity(AuthorizeClients(app="a", pre_authorized=(client,), known=None), NOBODY)

    assert said["preAuthorized"][0]["client"] == "web"
    assert said["known"] is None


def test_a_secret_is_told_by_lifetime_and_store() -> None:
    wanted = desired(an_app("web", secrets=[a_secret("ci")]))
    issue = AddSecret(app="web", credential="ci", reason="first", rotation=False)

    said = identity(issue, wanted)

    assert said == {
        "step": "AddSecret",
        "app": "web",
        "credential": "ci",
        "lifetimeSeconds": 90 * 86400,
        "store": ".env (CI_*)",
    }


def test_a_secret_of_another_lifetime_is_another_plan() -> None:
    issue = AddSecret(app="web", credential="ci", reason="first", rotation=False)
    digests = {
        planned(
            issue,
            wanted=desired(an_app("web", secrets=[replace(a_secret("ci"), lifetime=days * DAY)])),
        )["digest"]
        for days in (90, 180)
    }

    assert len(digests) == 2


def test_a_secret_that_the_manifest_lacks_has_no_lifetime() -> None:
    issue = AddSecret(app="a", credential="ci", reason="", rotation=False)

    assert identity(issue, desired(an_app("a"))) == {
        "step": "AddSecret",
        "app": "a",
        "credential": "ci",
    }


def test_the_order_of_steps_and_the_name_of_the_file_leave_the_digest_alone() -> None:
    steps = (GrantAppRole(app="a", role=MAIL), GrantAppRole(app="a", role=USERS))
    body = planned(*steps)

    assert planned(*reversed(steps))["digest"] == body["digest"]
    assert digest({**body, "folder": ".", "file": "other.yaml"}) == body["digest"]


def test_the_folder_that_stores_start_from_is_in_the_digest() -> None:
    """A plan that is changed in transit must not lead a secret to another place."""
    body = planned(GrantAppRole(app="a", role=MAIL))
    consents = {**body, "only": "consent"}

    assert digest({**body, "folder": "../public"}) != body["digest"]
    assert digest({**consents, "folder": "../public"}) == digest({**consents, "folder": "."})


@pytest.mark.parametrize(
    "other",
    [{"tenantId": "t-2"}, {"owner": "fabrikam"}, {"environment": "prod"}, {"targets": ["web"]}],
)
def test_the_digest_is_of_one_manifest_and_one_tenant(other: Mapping[str, Any]) -> None:
    body = planned(GrantAppRole(app="a", role=MAIL))

    assert digest({**body, **other}) != body["digest"]


def test_a_plan_of_consents_has_the_same_digest_whatever_else_the_manifest_says() -> None:
    """What a developer changes meanwhile does not outdate what an administrator reviewed."""
    grant = Plan(owner="contoso", steps=(GrantAppRole(app="a", role=MAIL),))
    other = a_manifest(source={"version": 1, "name": "contoso", "description": "changed"})

    def of(only: str | None) -> set[str]:
        return {
            document(grant, NOBODY, manifest, tenant_id=TENANT, only=only)["digest"]
            for manifest in (a_manifest(), other)
        }

    assert (len(of("consent")), len(of(None))) == (1, 2)


def test_a_partial_plan_names_its_targets() -> None:
    body = document(
        Plan(owner="contoso", steps=()), NOBODY, a_manifest(partial=True), tenant_id=TENANT
    )

    assert body["targets"] == []
    assert planned()["targets"] is None


def test_lists_are_told_in_one_order() -> None:
    def create(*uris: str) -> Step:
        return CreateApplication(
            app="a",
            unique_name="o.a",
            properties={"web.redirectUris": list(uris)},
            tags=(),
            requested=(AppRole(resource="r", id=uris[0], value="V"),),
        )

    assert identity(create("b", "a"), NOBODY) == identity(create("a", "b"), NOBODY)


def test_no_date_is_in_a_document() -> None:
    later = NOW + timedelta(minutes=5)
    wanted, seen = tenant(bytes(range(180)), ("there",))
    texts = {
        written(document(diff(wanted, seen, now=now), wanted, a_manifest(), tenant_id=TENANT))
        for now in (NOW, later)
    }

    assert len(texts) == 1
