"""Properties: what is mentioned is compared by its meaning, and what is not is left as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provision.compare import looked_up, nested
from provision.diff import diff
from provision.model import (
    DesiredApplication,
    DesiredPrincipal,
    ObservedApplication,
    Owner,
    PermissionScope,
    PreAuthorized,
)
from provision.ownership import PRESERVE, owner_tag
from provision.plan import (
    AddOwner,
    AuthorizeClients,
    Change,
    CreateApplication,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    Note,
    Step,
    UpdateApplication,
    UpdateServicePrincipal,
)
from tests.build import NOW, OWNER, an_app, desired, observed, registered

ROLE = {
    "id": "r",
    "value": "Read",
    "displayName": "Read",
    "description": "Read",
    "allowedMemberTypes": ["Application", "User"],
    "isEnabled": True,
    "origin": "Application",
}
SCOPE = {
    "id": "s",
    "value": "see",
    "type": "Admin",
    "isEnabled": True,
    "userConsentDisplayName": None,
}
SEE = PermissionScope(resource="web", id="s", value="see")
ANN, BOB = Owner(id="1", name="ann@x"), Owner(id="2", name="bob@x")


def planned(wanted: DesiredApplication, *found: ObservedApplication) -> tuple[Step, ...]:
    return diff(desired(wanted), observed(*found), now=NOW).steps


def offering(roles: Any = (), scopes: Any = (), **api: Any) -> ObservedApplication:
    properties = {
        "displayName": "web",
        "appRoles": list(roles),
        "api": {"oauth2PermissionScopes": list(scopes), **api},
    }
    return registered(properties=properties)


def changed(wanted: DesiredApplication, found: ObservedApplication) -> list[Change]:
    (step,) = planned(wanted, found)
    assert isinstance(step, UpdateApplication)
    return list(step.changes)


# --- values that mean the same


@pytest.mark.parametrize(
    ("name", "there", "wanted"),
    [
        ("web.redirectUris", {"web": {"redirectUris": ["b", "a"]}}, ["a", "b"]),
        ("identifierUris", {"identifierUris": ["api://app-web", "x"]}, ["x", "api://{appId}"]),
        ("description", {"description": None}, ""),
        ("description", {}, None),
        ("description", {"description": ""}, None),
        ("spa.redirectUris", {"spa": {"redirectUris": []}}, []),
        (
            "optionalClaims",
            {
                "optionalClaims": {
                    "idToken": [
                        {
                            "name": "email",
                            "source": None,
                            "essential": False,
                            "additionalProperties": [],
                        },
                        {"name": "acct"},
                    ],
                    "accessToken": [],
                    "saml2Token": [],
                }
            },
            {"idToken": [{"name": "acct"}, {"name": "email"}]},
        ),
        ("optionalClaims", {"optionalClaims": None}, {"idToken": []}),
    ],
)
def test_values_that_mean_the_same_need_no_step(
    name: str, there: dict[str, Any], wanted: Any
) -> None:
    app = an_app(properties={"displayName": "web", name: wanted})
    found = registered(properties={"displayName": "web", **there})

    assert planned(app, found) == ()


@pytest.mark.parametrize(
    ("name", "there", "wanted"),
    [
        ("web.redirectUris", ["a"], []),
        ("web.redirectUris", ["a"], ["A"]),
        ("api.requestedAccessTokenVersion", None, 2),
        ("web.implicitGrantSettings.enableIdTokenIssuance", False, True),
        ("isFallbackPublicClient", True, False),
    ],
)
def test_values_that_differ_are_changed(name: str, there: Any, wanted: Any) -> None:
    app = an_app(properties={"displayName": "web", name: wanted})
    found = registered(properties={"displayName": "web", **nested({name: there})})

    assert changed(app, found) == [Change(property=name, before=there, after=wanted)]


def test_claims_that_are_not_mentioned_go() -> None:
    app = an_app(properties={"optionalClaims": {"idToken": [{"name": "email"}]}})
    found = registered(properties={"optionalClaims": {"accessToken": [{"name": "acct"}]}})

    (change,) = changed(app, found)
    assert change.after == {"accessToken": [], "idToken": [{"name": "email"}], "saml2Token": []}


def test_claims_can_be_taken_away_altogether() -> None:
    app = an_app(properties={"optionalClaims": None})
    found = registered(properties={"optionalClaims": {"idToken": [{"name": "email"}]}})

    assert changed(app, found)[0].after is None
    assert planned(app, registered(properties={"optionalClaims": None})) == ()


def test_an_address_that_names_the_application_itself_waits_until_that_exists() -> None:
    uris = ["api://{appId}", "x"]
    app = an_app(properties={"displayName": "web", "identifierUris": uris})

    created, updated, principal = planned(app)

    assert isinstance(created, CreateApplication)
    assert created.properties == {"displayName": "web"}
    change = Change(property="identifierUris", before=None, after=uris)
    assert updated == UpdateApplication(app="web", changes=(change,))
    assert principal == CreateServicePrincipal(app="web")


def test_dotted_names_are_members_of_members() -> None:
    body = nested({"a.b.c": 1, "a.b.d": 2, "a.e": 3, "f": 4})

    assert body == {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": 4}
    assert looked_up(body, "a.b.d") == 2
    assert looked_up(body, "f.b") is None


# --- app roles and scopes


def offers(roles: Any = None, scopes: Any = None, **said: Any) -> DesiredApplication:
    return replace(an_app(), offered_roles=roles, offered_scopes=scopes, **said)


WANTED = {name: value for name, value in ROLE.items() if name != "origin"}


def test_what_is_offered_as_it_is_wanted_needs_no_step() -> None:
    role = {**WANTED, "allowedMemberTypes": ["User", "Application"]}
    scope = {name: value for name, value in SCOPE.items() if value is not None}
    other = {**ROLE, "id": "q", "value": "Other"}

    found = offering([other, ROLE], [SCOPE])

    assert planned(offers((role, {**WANTED, "id": "q", "value": "Other"}), (scope,)), found) == ()
    assert planned(offers(), found) == ()


def test_a_role_is_switched_off_before_it_is_changed_and_keeps_what_is_not_mentioned() -> None:
    wanted = {"id": "r", "value": "Read", "description": "new", "isEnabled": True}

    disabled, updated = planned(offers((wanted,)), offering([ROLE]))

    assert disabled == DisableEntitlements(app="web", values=("Read",))
    after = [{**WANTED, "description": "new"}]
    change = Change(property="appRoles", before=[ROLE], after=after)
    assert updated == UpdateApplication(app="web", changes=(change,))


def test_roles_and_scopes_that_left_are_switched_off_and_removed() -> None:
    disabled, updated = planned(offers((), ()), offering([ROLE], [SCOPE]))

    assert disabled == DisableEntitlements(app="web", values=("Read", "see"))
    assert isinstance(updated, UpdateApplication)
    assert [(change.property, change.after) for change in updated.changes] == [
        ("api.oauth2PermissionScopes", []),
        ("appRoles", []),
    ]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ([{**ROLE, "isEnabled": False}], ()),
        ([ROLE], ({**WANTED, "isEnabled": False},)),
        ([{**ROLE, "isEnabled": False}], ({**WANTED, "description": "new"},)),
        ([], (WANTED,)),
    ],
)
def test_what_is_off_or_only_switched_or_new_needs_no_switching_off(
    there: Any, wanted: Any
) -> None:
    (step,) = planned(offers(wanted), offering(there))

    assert isinstance(step, UpdateApplication)


# --- clients


@pytest.mark.parametrize("client", ["job", "app-job"])
def test_a_client_of_the_manifest_is_the_same_by_key_and_by_app_id(client: str) -> None:
    listed = [
        {"appId": "app-job", "delegatedPermissionIds": ["s"]},
        {"appId": "empty", "delegatedPermissionIds": []},
    ]
    found = offering(
        (), [SCOPE], preAuthorizedApplications=listed, knownClientApplications=["app-job"]
    )
    authorized = (PreAuthorized(client=client, scopes=(SEE,)),)
    app = offers(pre_authorized=authorized, known_clients=(client,))

    assert (
        diff(desired(app, an_app("job")), observed(found, registered("job")), now=NOW).steps == ()
    )


@pytest.mark.parametrize(
    ("pre_authorized", "known_clients"),
    [((PreAuthorized(client="job", scopes=(SEE,)),), None), (None, ("zoo", "job")), ((), ())],
)
def test_only_the_lists_of_clients_that_differ_are_written(
    pre_authorized: Any, known_clients: Any
) -> None:
    found = offering(
        (),
        [SCOPE],
        preAuthorizedApplications=[{"appId": "old", "delegatedPermissionIds": ["s"]}],
        knownClientApplications=["old"],
    )
    app = offers(pre_authorized=pre_authorized, known_clients=known_clients)

    written = tuple(sorted(known_clients)) if known_clients is not None else None
    assert planned(app, found) == (
        AuthorizeClients(app="web", pre_authorized=pre_authorized, known=written),
    )


def test_a_new_api_is_told_its_clients_once_it_has_a_service_principal() -> None:
    authorized = (PreAuthorized(client="job", scopes=(SEE,)),)
    app = offers(scopes=(SCOPE,), pre_authorized=authorized, known_clients=())

    created, principal, clients = planned(app)

    assert isinstance(created, CreateApplication)
    assert created.properties["api.oauth2PermissionScopes"] == [SCOPE]
    assert isinstance(principal, CreateServicePrincipal)
    assert clients == AuthorizeClients(app="web", pre_authorized=authorized, known=None)


# --- service principals, owners, preserve, adopt


def test_a_new_service_principal_is_changed_only_where_it_differs_from_a_fresh_one() -> None:
    principal = DesiredPrincipal(enabled=True, assignment_required=True, tags=frozenset({"a", "h"}))
    app = replace(an_app(tags=["a"]), principal=principal)

    tags = [owner_tag(OWNER), "a"]
    assert planned(app)[-1] == UpdateServicePrincipal(
        app="web",
        changes=(
            Change(property="appRoleAssignmentRequired", before=False, after=True),
            Change(property="tags", before=sorted(tags), after=sorted([*tags, "h"])),
        ),
    )


def test_a_service_principal_is_as_the_manifest_says_and_keeps_other_tags() -> None:
    found = registered(tags=["theirs"])
    assert found.service_principal
    off = replace(found.service_principal, enabled=False, assignment_required=True)
    found = replace(found, service_principal=off)
    principal = DesiredPrincipal(enabled=True, tags=frozenset({"h"}))

    (step,) = planned(replace(an_app(), principal=principal), found)

    before = sorted([owner_tag(OWNER), "theirs"])
    assert step == UpdateServicePrincipal(
        app="web",
        changes=(
            Change(property="accountEnabled", before=False, after=True),
            Change(property="tags", before=before, after=sorted([*before, "h"])),
        ),
    )
    assert planned(an_app(), found) == ()


def test_owners_are_added_and_none_is_removed() -> None:
    app = replace(an_app(), owners=(BOB, ANN), principal=DesiredPrincipal(owners=(ANN,)))
    found = replace(registered(), owners=frozenset({"2", "9"}), principal_owners=frozenset({"9"}))

    added = AddOwner(app="web", of="application", owner=ANN)
    too = AddOwner(app="web", of="servicePrincipal", owner=ANN)
    assert planned(app, found) == (added, too)
    assert planned(app)[-3:] == (added, replace(added, owner=BOB), too)


def test_the_mark_of_preserve_is_added_and_taken_off_again() -> None:
    mine = owner_tag(OWNER)
    kept = replace(an_app(tags=[PRESERVE]), preserve=True)

    on = Change(property="tags", before=[mine], after=sorted([mine, PRESERVE]))
    off = Change(property="tags", before=on.after, after=on.before)
    assert changed(kept, registered()) == [on]
    assert changed(an_app(), registered(tags=[PRESERVE])) == [off]
    assert planned(kept, registered(tags=[PRESERVE])) == ()


def test_a_stray_that_was_marked_preserve_is_kept_and_named() -> None:
    seen = observed(strays=[registered("kept", tags=[PRESERVE]), registered("old")])

    plan = diff(desired(), seen, now=NOW)

    assert plan.steps == (
        DeleteApplication(app="old", application_id="id-old", display_name="old"),
    )
    says = "kept is no longer in the manifest, and kept: it was marked preserve"
    assert plan.notes == (Note(app="kept", says=says),)


def test_a_text_of_a_role_that_speaks_of_the_app_id_is_a_text_and_no_address() -> None:
    role = {**ROLE, "description": "Reads what {appId} keeps."}
    wanted = replace(an_app(), offered_roles=(role,))

    created = next(each for each in planned(wanted) if isinstance(each, CreateApplication))

    assert created.properties["appRoles"][0]["description"] == role["description"]
    assert planned(wanted, offering([role])) == ()
