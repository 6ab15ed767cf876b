"""What an administrator consents to, and what still has to wait for a developer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.consent import granting, only_consent, possible, waits_for
from provision.manifest.spec import ApplicationSpec, Mark
from provision.model import (
    AppRole,
    Observed,
    PermissionScope,
    ResourceAccess,
    ServicePrincipal,
)
from provision.plan import (
    AddSecret,
    CreateApplication,
    GrantAppRole,
    GrantScopes,
    Note,
    Plan,
    RevokeAppRole,
    RevokeScopes,
    Step,
)
from tests.build import MAIL, USERS, a_manifest, asked, observed, registered

GRANT = GrantAppRole(app="web", role=MAIL)
SCOPE = PermissionScope(resource=MAIL.resource, id="s1", value="Mail.Read")
LISTED = ResourceAccess(resource_app_id=MAIL.resource, id="s1", type="Scope")
READY = observed(registered("web", requested=asked(MAIL)))


def a_plan(*steps: Step) -> Plan:
    return Plan(owner="contoso", steps=steps, notes=(Note(app="web", says="about a secret"),))


def test_only_consents_are_left_of_a_plan() -> None:
    consents = (
        GRANT,
        GrantScopes(app="web", scopes=(SCOPE,)),
        RevokeAppRole(app="web", role=USERS, assignment_id="1"),
        RevokeScopes(app="web", scopes=(SCOPE,), grant_id="1"),
    )
    create = CreateApplication(app="api", unique_name="o.api", properties={}, tags=(), requested=())
    secret = AddSecret(app="web", credential="ci", reason="", rotation=False)

    assert only_consent(a_plan(create, *consents, secret), READY).steps == consents


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (observed(), "The application does not exist yet"),
        (
            observed(registered("web", requested=asked(MAIL), principal=False)),
            "The service principal does not exist yet",
        ),
        (observed(registered("web", requested=asked(USERS))), "does not request it yet"),
        (replace(READY, resources={}), "The resource has no service principal yet"),
    ],
)
def test_what_is_not_there_yet_is_said_and_waits(seen: Observed, why: str) -> None:
    planned = only_consent(a_plan(GRANT), seen)

    (note,) = planned.notes
    assert planned.steps == (GRANT,)
    assert why in note.says
    assert "run provision apply first. Waits: Mail.Send of Microsoft Graph" in note.says
    assert possible(planned, seen).steps == ()


def test_what_is_there_does_not_wait() -> None:
    planned = only_consent(a_plan(GRANT), READY)

    assert (planned.steps, planned.notes) == ((GRANT,), ())
    assert possible(planned, READY) == planned


def test_one_note_is_enough_for_all_that_waits_for_one_thing() -> None:
    planned = only_consent(a_plan(GRANT, GrantAppRole(app="web", role=USERS)), observed())

    assert [note.says for note in planned.notes] == [
        "The application does not exist yet: run provision apply first. "
        "Waits: Mail.Send, User.Read.All of Microsoft Graph"
    ]


def test_a_revocation_waits_for_nothing() -> None:
    assert waits_for(RevokeAppRole(app="web", role=MAIL, assignment_id="1"), observed()) == ""


def test_delegated_permissions_wait_until_all_of_them_are_requested() -> None:
    other = replace(SCOPE, id="s2", value="openid")
    step = GrantScopes(app="web", scopes=(SCOPE, other))

    def seen(*requested: ResourceAccess) -> Observed:
        return observed(registered("web", requested=requested))

    assert waits_for(step, seen(LISTED)) == "The application does not request it yet"
    assert waits_for(step, seen(LISTED, replace(LISTED, id="s2"))) == ""


def test_a_managed_identity_requests_nothing_and_waits_for_nothing() -> None:
    seen = replace(observed(), identities={"web": ServicePrincipal(id="1", app_id="2")})

    assert waits_for(GRANT, seen) == ""


def _an_api(*, with_principal: bool) -> tuple[AppRole, Observed]:
    role = AppRole(resource="api", id="o1", value="Orders.Read")
    access = ResourceAccess(resource_app_id="app-api", id="o1", type="Role")
    api = registered("api", principal=with_principal)
    return role, observed(registered("web", requested={access}), api)


@pytest.mark.parametrize(
    ("there", "why"), [(True, ""), (False, "The resource has no service principal yet")]
)
def test_a_permission_of_another_application_of_the_manifest_waits_for_its_principal(
    there: bool, why: str
) -> None:
    role, seen = _an_api(with_principal=there)

    assert waits_for(GrantAppRole(app="web", role=role), seen) == why


def test_for_an_administrator_a_request_is_a_wish() -> None:
    spec = ApplicationSpec(
        key="web",
        properties={},
        tags=frozenset(),
        permissions=(),
        grant=False,
        secrets=(),
        calls=(),
        mark=Mark(line=1, column=1),
    )

    assert [each.grant for each in granting(a_manifest(applications=(spec,))).applications] == [
        True
    ]
