"""The part of a plan that an administrator takes: all consents, and which of them have to wait for what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.consent import consented, granting, only_consent, possible, waits_for
from provision.model import (
    AppRole,
    Observed,
    ObservedApplication,
    ServicePrincipal,
)
from provision.plan import (
    GrantAppRole,
    GrantScopes,
    Plan,
    RequestPermissions,
    RevokeAppRole,
    RevokeScopes,
    Step,
)
from tests.build import MAIL, OWNER, USERS, a_manifest, asked, observed, registered
from tests.worlds import EMAIL, PROFILE, SITES, a_spec, access, resources

READ = AppRole(resource="api", id="r", value="Read")
ROLE = GrantAppRole(app="web", role=USERS)
REQUEST = RequestPermissions(app="web", permissions=(USERS,))
REVOKES = (
    RevokeAppRole(app="web", role=MAIL, assignment_id="a"),
    RevokeScopes(app="web", scopes=(EMAIL,), grant_id="g"),
)


def tenant(*found: ObservedApplication, spo: bool = True) -> Observed:
    return replace(observed(*found), resources=resources(spo=spo, other=False))


def plan(*steps: Step) -> Plan:
    return Plan(owner=OWNER, steps=steps)


def test_an_administrator_reads_every_request_as_one_to_grant() -> None:
    manifest = a_manifest(applications=(a_spec("web", grant=False), a_spec("api")))

    assert [spec.grant for spec in granting(manifest).applications] == [True, True]


def test_only_consents_are_left_of_a_plan() -> None:
    seen = tenant(registered(requested=asked(USERS)))

    assert only_consent(plan(REQUEST, ROLE, *REVOKES), seen) == plan(ROLE, *REVOKES)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (tenant(), "The application does not exist yet"),
        (tenant(registered(principal=False)), "The service principal does not exist yet"),
        (tenant(registered(requested=asked(MAIL))), "The application does not request it yet"),
    ],
)
def test_what_has_to_wait_stays_in_the_plan_and_says_what_for(seen: Observed, why: str) -> None:
    grants = (ROLE, GrantScopes(app="web", scopes=(EMAIL, PROFILE)))

    found = only_consent(plan(*grants, *REVOKES), seen)

    assert found.steps == (*grants, *REVOKES)
    (note,) = found.notes
    assert note.app == "web"
    assert note.says.startswith(f"{why}: run provision apply first. Waits: ")
    assert all(name in note.says for name in ("User.Read.All", "email", "profile"))
    assert possible(found, seen).steps == REVOKES


@pytest.mark.parametrize(
    ("role", "api", "waits"),
    [
        (SITES, None, "The resource has no service principal yet"),
        (replace(SITES, resource="nobody"), None, "The resource has no service principal yet"),
        (
            AppRole(resource="other", id="", value="Do"),
            None,
            "The resource has no service principal yet",
        ),
        (READ, registered("api", principal=False), "The resource has no service principal yet"),
        (READ, registered("api"), ""),
    ],
)
def test_a_consent_waits_for_its_resource(
    role: AppRole, api: ObservedApplication | None, waits: str
) -> None:
    mine = registered(requested=[access(replace(role, resource=f"app-{role.resource}"))])
    seen = tenant(*([mine, api] if api else [mine]), spo=False)

    assert waits_for(GrantAppRole(app="web", role=role), seen) == waits


def test_delegated_permissions_can_be_consented_to_once_they_are_requested() -> None:
    step = GrantScopes(app="web", scopes=(EMAIL, PROFILE))
    some, both = (registered(requested=map(access, each)) for each in ([EMAIL], [EMAIL, PROFILE]))

    assert waits_for(step, tenant(some)) == "The application does not request it yet"
    assert waits_for(step, tenant(both)) == ""


def test_a_managed_identity_requests_nothing_and_waits_for_nothing() -> None:
    seen = replace(tenant(), identities={"web": ServicePrincipal(id="1", app_id="2")})

    assert waits_for(ROLE, seen) == ""


def test_what_a_step_consents_to_is_told() -> None:
    assert consented(ROLE) == (USERS,)
    assert consented(GrantScopes(app="web", scopes=(EMAIL, PROFILE))) == (EMAIL, PROFILE)
    assert consented(REVOKES[0]) == ()
