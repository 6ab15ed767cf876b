"""Permissions: what is asked for, granted, taken back, and what is somebody else's decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from provision.desired import resolve
from provision.diff import diff
from provision.manifest.spec import ApplicationSpec, IdentitySpec, PermissionSpec
from provision.model import (
    AppRole,
    AppRoleAssignment,
    OAuth2PermissionGrant,
    Observed,
    ObservedApplication,
    PermissionScope,
    ServicePrincipal,
)
from provision.plan import (
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    GrantAppRole,
    GrantScopes,
    Plan,
    RequestPermissions,
    RevokeAppRole,
    RevokeScopes,
    Step,
    WithdrawPermissions,
)
from tests.build import (
    GRAPH_APP_ID,
    MAIL,
    NOW,
    USERS,
    a_grant,
    a_manifest,
    asked,
    observed,
    registered,
)
from tests.worlds import (
    EMAIL,
    FILES,
    HERE,
    PROFILE,
    SITES,
    a_role_spec,
    a_scope_spec,
    a_spec,
    access,
    asks,
    resources,
)

NAMES = {
    "Microsoft Graph": GRAPH_APP_ID,
    "SharePoint": "spo",
    "other": "other",
    "app-api": "app-api",
}
READ = {"id": "r", "value": "Read", "isEnabled": True, "allowedMemberTypes": ["Application"]}
SEE = {"id": "s", "value": "see", "isEnabled": True, "type": "Admin"}


def tenant(*found: ObservedApplication, spo: bool = True, other: bool = True) -> Observed:
    return replace(observed(*found), resources=resources(spo=spo, other=other), names=NAMES)


def plan_of(
    *specs: ApplicationSpec, seen: Observed, identities: Iterable[IdentitySpec] = ()
) -> Plan:
    manifest = a_manifest(applications=specs, identities=tuple(identities))
    return diff(resolve(manifest, seen), seen, now=NOW)


def steps(*permissions: PermissionSpec, seen: Observed, **said: Any) -> tuple[Step, ...]:
    return plan_of(a_spec("web", permissions=permissions, **said), seen=seen).steps


def says(plan: Plan) -> list[str]:
    return [note.says for note in plan.notes]


def consent(
    *scopes: PermissionScope, who: str | None = None, to: str = "graph"
) -> OAuth2PermissionGrant:
    return OAuth2PermissionGrant(
        id=f"consent-{to}-{who}",
        client_id="sp-web",
        resource_id=to,
        principal_id=who,
        scopes=frozenset(each.value for each in scopes),
    )


def web(
    *requested: AppRole | PermissionScope,
    grants: tuple[OAuth2PermissionGrant, ...] | None = (),
    granted: Iterable[AppRoleAssignment] = (),
) -> ObservedApplication:
    found = registered(requested=[access(each) for each in requested], granted=granted)
    assert found.service_principal
    return replace(found, service_principal=replace(found.service_principal, grants=grants))


def api(
    *, roles: Iterable[Any] = (READ,), scopes: Iterable[Any] = (SEE,), principal: bool = True
) -> ObservedApplication:
    offered = {"appRoles": list(roles), "api": {"oauth2PermissionScopes": list(scopes)}}
    return registered("api", properties={"displayName": "api", **offered}, principal=principal)


EMAIL_SPEC = asks("Microsoft Graph", "email", delegated=True)
PROFILE_SPEC = asks("Microsoft Graph", "profile", delegated=True)


# --- delegated permissions


def test_delegated_permissions_are_requested_and_granted_as_one_list_per_resource() -> None:
    files = asks("SharePoint", "Files.Read", delegated=True)

    assert steps(files, PROFILE_SPEC, EMAIL_SPEC, seen=tenant(web())) == (
        RequestPermissions(app="web", permissions=(EMAIL, PROFILE, FILES)),
        GrantScopes(app="web", scopes=(EMAIL, PROFILE)),
        GrantScopes(app="web", scopes=(FILES,)),
    )


def test_only_the_delegated_permissions_that_are_missing_are_granted() -> None:
    seen = tenant(web(EMAIL, PROFILE, grants=(consent(EMAIL),)))

    assert steps(EMAIL_SPEC, PROFILE_SPEC, seen=seen) == (
        GrantScopes(app="web", scopes=(PROFILE,)),
    )


def test_delegated_permissions_that_left_are_revoked_and_then_withdrawn() -> None:
    seen = tenant(web(EMAIL, PROFILE, grants=(consent(EMAIL, PROFILE),)))

    assert steps(EMAIL_SPEC, seen=seen) == (
        RevokeScopes(app="web", scopes=(PROFILE,), grant_id="consent-graph-None"),
        WithdrawPermissions(app="web", permissions=(PROFILE,)),
    )


def test_a_single_users_consent_neither_counts_nor_is_taken_back() -> None:
    seen = tenant(web(EMAIL, PROFILE, grants=(consent(EMAIL, PROFILE, who="carol"),)))

    assert steps(EMAIL_SPEC, seen=seen) == (
        GrantScopes(app="web", scopes=(EMAIL,)),
        WithdrawPermissions(app="web", permissions=(PROFILE,)),
    )


def test_a_delegated_consent_that_was_not_requested_is_a_finding() -> None:
    plan = plan_of(a_spec("web"), seen=tenant(web(grants=(consent(PROFILE),))))

    assert plan.steps == ()
    assert says(plan) == [
        "profile is granted, but was not requested here: somebody else's decision, left as it is"
    ]


@pytest.mark.parametrize(
    ("wanted", "left"), [((EMAIL_SPEC,), ()), ((), ()), ((EMAIL_SPEC, PROFILE_SPEC), (PROFILE,))]
)
def test_where_delegated_consents_cannot_be_read_none_is_changed_or_forgotten(
    wanted: tuple[PermissionSpec, ...], left: tuple[PermissionScope, ...]
) -> None:
    plan = plan_of(a_spec("web", permissions=wanted), seen=tenant(web(EMAIL, grants=None)))

    assert plan.steps == ((RequestPermissions(app="web", permissions=left),) if left else ())
    assert "cannot be read by this operator" in says(plan)[0]


def test_where_nothing_delegated_is_of_interest_nothing_is_said_of_it() -> None:
    assert says(plan_of(a_spec("web"), seen=tenant(web(grants=None)))) == []


def test_a_request_for_consent_names_both_kinds() -> None:
    spec = a_spec(
        "web", permissions=(EMAIL_SPEC, asks("Microsoft Graph", "Mail.Send")), grant=False
    )

    plan = plan_of(spec, seen=tenant(web(EMAIL, MAIL)))

    assert plan.steps == ()
    assert says(plan)[0].endswith("(consent: request): Mail.Send, email")


# --- resources


def test_a_resource_without_service_principal_is_made_once_by_the_first_that_needs_it() -> None:
    specs = [a_spec(key, permissions=(asks("SharePoint", "Sites.Read"),)) for key in ("b", "a")]

    plan = plan_of(*specs, seen=tenant(spo=False))

    made = [step for step in plan.steps if isinstance(step, CreateResourcePrincipal)]
    assert made == [CreateResourcePrincipal(app="b", resource="spo", name="SharePoint")]
    assert plan.steps[0] == made[0]


def test_what_an_unknown_resource_offers_shows_only_when_it_is_made() -> None:
    spec = a_spec("web", permissions=(asks("other", "Do"), asks("other", "see", delegated=True)))

    plan = plan_of(spec, seen=tenant(other=False))

    role = AppRole(resource="other", id="", value="Do")
    scope = PermissionScope(resource="other", id="", value="see")
    assert plan.steps == (
        CreateResourcePrincipal(app="web", resource="other", name="other"),
        CreateApplication(
            app="web",
            unique_name="contoso.web",
            properties={"displayName": "web"},
            tags=("provision:owner:contoso",),
            requested=(role, scope),
        ),
        CreateServicePrincipal(app="web"),
        GrantAppRole(app="web", role=role),
        GrantScopes(app="web", scopes=(scope,)),
    )


def test_two_resources_are_revoked_each_by_its_own_consent() -> None:
    sites = replace(a_grant(SITES), resource_id="spo-sp")
    found = web(USERS, SITES, FILES, EMAIL, granted=[a_grant(USERS), sites])
    assert found.service_principal
    both = (consent(FILES, to="spo-sp"), consent(EMAIL))
    found = replace(found, service_principal=replace(found.service_principal, grants=both))

    assert steps(seen=tenant(found)) == (
        RevokeAppRole(app="web", role=USERS, assignment_id="grant-r1"),
        RevokeAppRole(app="web", role=SITES, assignment_id="grant-sites"),
        RevokeScopes(app="web", scopes=(EMAIL,), grant_id="consent-graph-None"),
        RevokeScopes(app="web", scopes=(FILES,), grant_id="consent-spo-sp-None"),
        WithdrawPermissions(app="web", permissions=(USERS, EMAIL, SITES, FILES)),
    )


# --- APIs of the same manifest


def test_what_an_api_of_the_manifest_offers_is_requested_after_both_are_made() -> None:
    offering = a_spec("api", app_roles=(a_role_spec("Read"),), scopes=(a_scope_spec("see"),))
    client = a_spec("web", permissions=(asks("api", "Read"), asks("api", "see", delegated=True)))

    plan = plan_of(client, offering, seen=tenant())

    created, principal, requested, role, scopes, *_ = plan.steps
    assert isinstance(created, CreateApplication)
    assert created.requested == ()
    assert isinstance(principal, CreateServicePrincipal)
    assert isinstance(requested, RequestPermissions)
    assert [(each.resource, each.value) for each in requested.permissions] == [
        ("api", "Read"),
        ("api", "see"),
    ]
    assert isinstance(role, GrantAppRole)
    assert isinstance(scopes, GrantScopes)


@pytest.mark.parametrize("name", ["api", "app-api"])
def test_an_api_of_the_manifest_may_be_named_by_its_key_or_its_app_id(name: str) -> None:
    client = a_spec("web", permissions=(asks(name, "Read"),))
    role = AppRole(resource="api", id="r", value="Read")
    there = web(replace(role, resource="app-api"))

    plan = plan_of(a_spec("api"), client, seen=tenant(api(), there))

    assert plan.steps == (GrantAppRole(app="web", role=role),)


def test_consents_to_a_scope_that_is_gone_from_our_api_are_still_taken_back() -> None:
    """A run died between taking the scope away and revoking it: only its value and its id are left."""
    gone = PermissionScope(resource="app-api", id="gone", value="gone")
    there = web(gone, grants=(consent(replace(gone, value="look"), to="sp-api"),))

    plan = plan_of(a_spec("api"), a_spec("web"), seen=tenant(api(), there))

    called = PermissionScope(resource="api", id="", value="look")
    assert plan.steps == (
        RevokeScopes(app="web", scopes=(called,), grant_id="consent-sp-api-None"),
        WithdrawPermissions(app="web", permissions=(replace(gone, resource="api"),)),
    )
    assert plan.notes == ()


def test_what_an_api_that_is_not_applied_now_has_yet_to_offer_is_not_taken_for_strange() -> None:
    offering = a_spec("api", app_roles=(a_role_spec("New"),))
    client = a_spec("web", permissions=(asks("api", "New"),))
    manifest = a_manifest(applications=(client,), others=(offering,), partial=True)
    seen = tenant(api())
    (role,) = resolve(manifest, seen).applications[0].app_roles
    seen = tenant(api(), web(replace(role, resource="app-api")))

    plan = diff(resolve(manifest, seen), seen, now=NOW)

    assert plan.steps == (GrantAppRole(app="web", role=role),)


# --- adopted applications and managed identities


def test_an_adopted_application_loses_nothing() -> None:
    found = web(USERS, EMAIL, grants=(consent(EMAIL),), granted=[a_grant(USERS), a_grant(MAIL)])

    plan = plan_of(a_spec("web", adopt="app-web", preserve=True), seen=tenant(found))

    assert plan.steps == ()
    assert says(plan) == [
        "User.Read.All is granted, but not in the manifest: adopted, so left as it is",
        "email is granted, but not in the manifest: adopted, so left as it is",
        "Mail.Send is granted, but was not requested here: somebody else's decision, left as it is",
    ]


def test_a_managed_identity_is_granted_what_it_lacks_and_loses_nothing() -> None:
    principal = ServicePrincipal(
        id="sp-func", app_id="app-func", app_role_assignments=(a_grant(MAIL),)
    )
    seen = replace(tenant(spo=False), identities={"func": principal})
    spec = IdentitySpec(
        key="func",
        managed_identity="sp-func",
        permissions=(asks("Microsoft Graph", "User.Read.All"), asks("SharePoint", "Sites.Read")),
        mark=HERE,
    )

    plan = plan_of(seen=seen, identities=[spec])

    assert plan.steps == (
        CreateResourcePrincipal(app="func", resource="spo", name="SharePoint"),
        GrantAppRole(app="func", role=USERS),
        GrantAppRole(app="func", role=SITES),
    )
    assert says(plan) == ["Mail.Send is granted, but not in the manifest: left as it is"]


def test_what_was_asked_of_a_resource_without_service_principal_stays_requested() -> None:
    seen = tenant(registered(requested=[*asked(USERS), access(SITES)]), spo=False)

    assert steps(seen=seen) == (WithdrawPermissions(app="web", permissions=(USERS,)),)
