"""What is wanted against what is there: each difference is one step, and what matches is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provision.diff import diff
from provision.errors import AdoptedMissing, DeletedNamesake, ForeignApplication
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    AppRoleAssignment,
    Desired,
    DesiredFederated,
    DesiredPrincipal,
    Observed,
    Owner,
    ResourceAccess,
)
from provision.ownership import owner_tag
from provision.patch import required_resource_access
from provision.plan import (
    AddSecret,
    Change,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    GrantAppRole,
    Plan,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    UpdateApplication,
    WithdrawPermissions,
)
from tests.build import (
    MAIL,
    NOW,
    OWNER,
    SITES,
    USERS,
    a_grant,
    a_password,
    a_record,
    a_secret,
    an_app,
    asked,
    desired,
    observed,
    registered,
)

SCOPE = ResourceAccess(resource_app_id=GRAPH_APP_ID, id="openid", type="Scope")


def planned(wanted: Desired, seen: Observed) -> Plan:
    return diff(wanted, seen, now=NOW)


def kinds(plan: Plan) -> list[str]:
    return [type(step).__name__ for step in plan.steps]


def notes(plan: Plan) -> list[str]:
    return [note.says for note in plan.notes]


def test_a_tenant_that_matches_needs_no_step() -> None:
    app = an_app(roles=[USERS], secrets=[a_secret()], tags=["team:a"])
    there = registered(
        requested=asked(USERS),
        granted=[a_grant(USERS)],
        passwords=[a_password()],
        tags=["team:a", a_record()],
    )

    plan = planned(desired(app), observed(there))

    assert plan == Plan(owner=OWNER, steps=(), notes=())


def test_an_absent_application_is_made_with_all_that_it_needs() -> None:
    app = an_app(roles=[MAIL, USERS], secrets=[a_secret()], tags=["team:a"])

    plan = planned(desired(app), observed())

    assert plan.steps == (
        CreateApplication(
            app="web",
            unique_name="contoso.web",
            properties={"displayName": "web"},
            tags=("provision:owner:contoso", "team:a"),
            requested=(MAIL, USERS),
        ),
        CreateServicePrincipal(app="web"),
        GrantAppRole(app="web", role=MAIL),
        GrantAppRole(app="web", role=USERS),
        AddSecret(app="web", credential="ci", reason="first secret", rotation=False),
    )


def test_only_properties_that_differ_are_changed() -> None:
    app = an_app(properties={"notes": "new", "displayName": "web", "description": None})
    there = registered(properties={"displayName": "web", "notes": "old", "description": "as it is"})

    plan = planned(desired(app), observed(there))

    changes = (
        Change(property="description", before="as it is", after=None),
        Change(property="notes", before="old", after="new"),
    )
    assert plan.steps == (UpdateApplication(app="web", changes=changes),)


def test_a_property_that_the_manifest_does_not_mention_is_left_as_it_is() -> None:
    there = registered(properties={"displayName": "web", "notes": "somebody's"})

    assert planned(desired(an_app()), observed(there)).steps == ()


def test_tags_are_added_and_none_is_taken_away() -> None:
    app, there = an_app(tags=["b"]), registered(tags=["a", "c"])

    plan = planned(desired(app), observed(there))

    before = sorted({"a", "c", owner_tag(OWNER)})
    change = Change(property="tags", before=before, after=sorted({*before, "b"}))
    assert plan.steps == (UpdateApplication(app="web", changes=(change,)),)


def test_a_permission_that_is_new_is_requested_before_it_is_granted() -> None:
    app = an_app(roles=[USERS, MAIL, SITES])
    there = registered(requested=asked(USERS), granted=[a_grant(USERS)])

    plan = planned(desired(app), observed(there))

    assert plan.steps == (
        RequestPermissions(app="web", permissions=(MAIL, SITES)),
        GrantAppRole(app="web", role=MAIL),
        GrantAppRole(app="web", role=SITES),
    )


def test_a_permission_that_left_is_revoked_and_only_then_forgotten() -> None:
    there = registered(requested=asked(USERS, MAIL), granted=[a_grant(USERS), a_grant(MAIL)])

    plan = planned(desired(an_app(roles=[USERS])), observed(there))

    assert plan.steps == (
        RevokeAppRole(app="web", role=MAIL, assignment_id="grant-r2"),
        WithdrawPermissions(app="web", permissions=(MAIL,)),
    )


def test_a_permission_that_was_requested_but_never_granted_is_withdrawn() -> None:
    there = registered(requested=asked(SITES, MAIL))

    plan = planned(desired(an_app()), observed(there))

    assert plan.steps == (WithdrawPermissions(app="web", permissions=(MAIL, SITES)),)


def test_a_consent_that_nobody_here_requested_is_a_finding() -> None:
    there = registered(granted=[a_grant(MAIL)])

    plan = planned(desired(an_app()), observed(there))

    assert plan.steps == ()
    assert notes(plan) == [
        "Mail.Send is granted, but was not requested here: somebody else's decision, left as it is"
    ]


def test_a_consent_of_others_that_the_manifest_now_wants_becomes_ours() -> None:
    there = registered(granted=[a_grant(MAIL)])

    plan = planned(desired(an_app(roles=[MAIL])), observed(there))

    assert plan == Plan(owner=OWNER, steps=(RequestPermissions(app="web", permissions=(MAIL,)),))


def test_a_role_that_the_resource_offers_no_longer_is_revoked_by_its_id() -> None:
    old = AppRole(resource=GRAPH_APP_ID, id="gone", value="gone")
    there = registered(requested=asked(old), granted=[a_grant(old)])

    plan = planned(desired(an_app()), observed(there))

    assert plan.steps == (
        RevokeAppRole(app="web", role=old, assignment_id="grant-gone"),
        WithdrawPermissions(app="web", permissions=(old,)),
    )


def test_what_is_asked_of_a_resource_that_was_not_read_stays_requested() -> None:
    """Withdrawn without being revoked, its consents would never be found again."""
    elsewhere = AppRole(resource="sharepoint", id="x", value="x")
    there = registered(
        requested=asked(elsewhere), granted=[a_grant(elsewhere, resource_id="sharepoint-id")]
    )

    assert planned(desired(an_app()), observed(there)) == Plan(owner=OWNER, steps=())


def test_a_request_without_consent_grants_nothing_and_says_what_it_waits_for() -> None:
    app = an_app(roles=[USERS, MAIL, SITES], grant=False)
    there = registered(requested=asked(USERS, SITES), granted=[a_grant(SITES)])

    plan = planned(desired(app), observed(there))

    assert plan.steps == (RequestPermissions(app="web", permissions=(MAIL,)),)
    assert notes(plan) == [
        "waits for an administrator's consent, as declared (consent: request): Mail.Send, User.Read.All"
    ]


def test_a_request_that_was_consented_to_says_nothing() -> None:
    app = an_app(roles=[USERS], grant=False)
    there = registered(requested=asked(USERS), granted=[a_grant(USERS)])

    assert planned(desired(app), observed(there)) == Plan(owner=OWNER, steps=())


def test_a_missing_service_principal_is_made_and_granted_anew() -> None:
    there = registered(requested=asked(USERS), principal=False)

    plan = planned(desired(an_app(roles=[USERS])), observed(there))

    assert plan.steps == (CreateServicePrincipal(app="web"), GrantAppRole(app="web", role=USERS))


@pytest.mark.parametrize("holder", ["fabrikam", "contoso.dev", None])
def test_an_application_of_another_owner_stops_the_plan(holder: str | None) -> None:
    there = registered(owner=None, tags=[owner_tag(holder)] if holder else ["team:a"])

    with pytest.raises(ForeignApplication) as stopped:
        planned(desired(an_app()), observed(there))

    assert (holder or "no owner tag") in str(stopped.value)
    assert "app-web" in str(stopped.value)
    assert (
        f"let {holder} give it up" if holder else "adopt: {appId: app-web}"
    ) in stopped.value.hint


def test_a_deleted_application_of_another_owner_stops_the_plan() -> None:
    buried = registered(owner=None, tags=[owner_tag("fabrikam")])

    with pytest.raises(DeletedNamesake) as stopped:
        planned(desired(an_app()), observed(buried=[buried]))

    assert "id-web" in str(stopped.value)


def test_our_deleted_application_is_restored_and_its_secrets_are_replaced() -> None:
    app = an_app(roles=[USERS], secrets=[a_secret()], properties={"displayName": "new"})
    passwords = [a_password("k2"), a_password("k1"), a_password("x", name="by hand")]
    buried = registered(requested=asked(USERS), passwords=passwords, tags=[a_record()])

    plan = planned(desired(app), observed(buried=[buried]))

    old = "from before the deletion"
    change = Change(property="displayName", before="web", after="new")
    assert plan.steps == (
        RestoreApplication(app="web", application_id="id-web"),
        RestoreServicePrincipal(app="web", service_principal_id="sp-web"),
        UpdateApplication(app="web", changes=(change,)),
        GrantAppRole(app="web", role=USERS),
        AddSecret(app="web", credential="ci", reason="the application is restored", rotation=False),
        RemoveSecret(app="web", credential="ci", key_id="k1", reason=old),
        RemoveSecret(app="web", credential="ci", key_id="k2", reason=old),
    )


def test_a_restored_application_whose_service_principal_is_gone_gets_a_new_one() -> None:
    buried = registered(principal=False)

    plan = planned(desired(an_app()), observed(buried=[buried]))

    assert kinds(plan) == ["RestoreApplication", "CreateServicePrincipal"]


def test_a_restored_application_keeps_requests_until_their_consents_can_be_seen() -> None:
    buried = registered(requested=asked(USERS, MAIL))

    plan = planned(desired(an_app()), observed(buried=[buried]))

    assert kinds(plan) == ["RestoreApplication", "RestoreServicePrincipal"]
    assert notes(plan) == [
        "no longer wanted, but not seen before the restore: Mail.Send, User.Read.All. "
        "Apply again to take back"
    ]


def test_an_application_that_lives_is_not_restored() -> None:
    seen = observed(registered(), buried=[registered()])

    assert planned(desired(an_app()), seen).steps == ()


def test_a_stray_is_deleted_by_id_and_named_for_people() -> None:
    nameless = registered("x")
    nameless = replace(nameless, application=replace(nameless.application, unique_name=None))

    plan = planned(desired(), observed(strays=[registered("old"), nameless]))

    assert plan.steps == (
        DeleteApplication(app="old", application_id="id-old", display_name="old"),
        DeleteApplication(app="id-x", application_id="id-x", display_name="x"),
    )


@pytest.mark.parametrize("tags", [[], [owner_tag("fabrikam")], [owner_tag(OWNER), owner_tag("a")]])
def test_a_stray_that_another_owner_claims_is_never_deleted(tags: list[str]) -> None:
    stray = registered("old", owner=None, tags=tags)

    assert planned(desired(), observed(strays=[stray])).steps == ()


def test_a_consent_to_a_resource_that_was_not_read_is_nobodys_concern() -> None:
    unread = AppRoleAssignment(id="a", app_role_id="r1", principal_id="sp-web", resource_id="other")

    assert planned(desired(an_app()), observed(registered(granted=[unread]))).notes == ()


def test_required_resource_access_names_each_resource_once_in_a_stable_order() -> None:
    other = ResourceAccess(resource_app_id="zzz", id="1", type="Role")

    written = required_resource_access([other, SCOPE, *asked(MAIL, USERS), other])

    assert written == [
        {
            "resourceAppId": GRAPH_APP_ID,
            "resourceAccess": [
                {"id": "openid", "type": "Scope"},
                {"id": "r1", "type": "Role"},
                {"id": "r2", "type": "Role"},
            ],
        },
        {"resourceAppId": "zzz", "resourceAccess": [{"id": "1", "type": "Role"}]},
    ]


def adopting(**said: Any) -> Desired:
    return desired(replace(an_app(), adopt="app-web", preserve=True, tags=frozenset(), **said))


@pytest.mark.parametrize("owner", [None, OWNER])
def test_an_adopted_application_is_marked_by_nobody_or_by_us(owner: str | None) -> None:
    there = registered(owner=owner, requested=asked(USERS), granted=[a_grant(USERS)])

    assert planned(adopting(), observed(there)).steps == ()


def test_an_application_that_another_owner_marked_is_not_adopted() -> None:
    there = registered(owner=None, tags=[owner_tag("fabrikam")])

    with pytest.raises(ForeignApplication, match="fabrikam"):
        planned(adopting(), observed(there))


def test_an_application_that_does_not_exist_cannot_be_adopted() -> None:
    with pytest.raises(AdoptedMissing, match="no application with appId app-web"):
        planned(adopting(), observed(buried=[registered()]))


def test_a_restored_application_is_made_as_wide_as_the_manifest_says() -> None:
    app = replace(
        an_app(),
        owners=(Owner(id="1", name="ann@x"),),
        principal=DesiredPrincipal(enabled=False),
        federated=(DesiredFederated(name="main", issuer="i", subject="s", audience="a"),),
        known_clients=("job",),
        offered_roles=(),
    )
    role = {"id": "r", "value": "Read", "isEnabled": True}
    buried = registered(properties={"displayName": "web", "appRoles": [role]})

    assert kinds(planned(desired(app), observed(buried=[buried]))) == [
        "RestoreApplication",
        "RestoreServicePrincipal",
        "DisableEntitlements",
        "UpdateApplication",
        "UpdateServicePrincipal",
        "AddOwner",
        "AuthorizeClients",
        "AddFederated",
    ]
