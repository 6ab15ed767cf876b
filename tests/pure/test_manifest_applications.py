"""What an application is, offers and trusts: everything is read, and every limit is told."""

from __future__ import annotations

import pytest

from provision.manifest.spec import (
    AppRoleSpec,
    IdentitySpec,
    Mark,
    OwnerSpec,
    PermissionSpec,
    PreAuthorizedSpec,
    PrincipalSpec,
    ScopeSpec,
)
from tests.written import HEAD, application, read, refusals, with_application

ID = "0000000a-0000-0000-0000-000000000001"

EVERYTHING = f"""\
description: Copies.
notes: Ask Ana.
signInAudience: AzureADMultipleOrgs
isFallbackPublicClient: true
groupMembershipClaims: SecurityGroup, ApplicationGroup
identifierUris: ['api://{{appId}}', 'api://{{tenantId}}/x']
web: {{redirectUris: [https://a.example/x], logoutUrl: https://a.example/out, homePageUrl: http://a.example}}
spa: {{redirectUris: [http://localhost:3000]}}
publicClient: {{redirectUris: ['msal1://auth', http://localhost]}}
optionalClaims: {{idToken: [{{name: email, essential: true}}], accessToken: [{{name: groups, source: user, additionalProperties: [emit_as_roles]}}]}}
preserve: true
owners: [ana@contoso.com, {ID.upper()}]
servicePrincipal: {{enabled: true, assignmentRequired: false, owners: [bo@contoso.com], tags: [HideApp]}}
appRoles:
  Jobs.Run: {{}}
  Jobs.Read: {{displayName: Read jobs, description: Reads., allowedMemberTypes: [User, Application], enabled: false}}
api:
  requestedAccessTokenVersion: 2
  scopes:
    Jobs.Look: {{}}
    Jobs.Do: {{type: User, adminConsentDisplayName: Do, userConsentDescription: Does., enabled: false}}
  preAuthorizedApplications: [{{client: app, scopes: [Jobs.Look]}}]
  knownClientApplications: [{ID.upper()}, app]
"""


def test_everything_that_an_application_says_is_read():
    found = application(EVERYTHING)

    claim = {"source": None, "essential": False, "additionalProperties": []}
    assert found.properties == {
        "displayName": "x",
        "description": "Copies.",
        "notes": "Ask Ana.",
        "signInAudience": "AzureADMultipleOrgs",
        "isFallbackPublicClient": True,
        "groupMembershipClaims": "SecurityGroup, ApplicationGroup",
        "identifierUris": ["api://{appId}", "api://{tenantId}/x"],
        "web.redirectUris": ["https://a.example/x"],
        "web.logoutUrl": "https://a.example/out",
        "web.homePageUrl": "http://a.example",
        "spa.redirectUris": ["http://localhost:3000"],
        "publicClient.redirectUris": ["msal1://auth", "http://localhost"],
        "api.requestedAccessTokenVersion": 2,
        "optionalClaims": {
            "idToken": [{**claim, "name": "email", "essential": True}],
            "accessToken": [
                {
                    **claim,
                    "name": "groups",
                    "source": "user",
                    "additionalProperties": ["emit_as_roles"],
                }
            ],
            "saml2Token": [],
        },
    }
    assert (found.preserve, found.adopt) == (True, None)
    assert found.owners == (
        OwnerSpec(name="ana@contoso.com", mark=Mark(line=17, column=14)),
        OwnerSpec(name=ID.upper(), mark=Mark(line=17, column=31)),
    )
    assert found.service_principal == PrincipalSpec(
        enabled=True,
        assignment_required=False,
        owners=(OwnerSpec(name="bo@contoso.com", mark=Mark(line=18, column=75)),),
        tags=frozenset({"HideApp"}),
    )


def test_what_an_application_offers_is_read_with_friendly_defaults():
    found = application(EVERYTHING)

    assert found.app_roles == (
        AppRoleSpec(
            value="Jobs.Run",
            display_name="Jobs.Run",
            description="Jobs.Run",
            allowed_member_types=("Application",),
            enabled=True,
            mark=Mark(line=20, column=7),
        ),
        AppRoleSpec(
            value="Jobs.Read",
            display_name="Read jobs",
            description="Reads.",
            allowed_member_types=("Application", "User"),
            enabled=False,
            mark=Mark(line=21, column=7),
        ),
    )
    assert found.scopes == (
        ScopeSpec(
            value="Jobs.Look",
            type="Admin",
            texts={
                "adminConsentDisplayName": "Jobs.Look",
                "adminConsentDescription": "Jobs.Look",
            },
            enabled=True,
            mark=Mark(line=25, column=9),
        ),
        ScopeSpec(
            value="Jobs.Do",
            type="User",
            texts={
                "adminConsentDisplayName": "Do",
                "adminConsentDescription": "Do",
                "userConsentDescription": "Does.",
            },
            enabled=False,
            mark=Mark(line=26, column=9),
        ),
    )
    assert found.pre_authorized == (
        PreAuthorizedSpec(client="app", scopes=("Jobs.Look",), mark=Mark(line=27, column=35)),
    )
    assert found.known_clients == (ID, "app")


def test_what_is_not_mentioned_is_left_as_it_is():
    found = application("web: {}\napi: {}\nspa: {}")

    assert found.properties == {"displayName": "x"}
    assert (found.app_roles, found.scopes) == (None, None)
    assert (found.pre_authorized, found.known_clients) == (None, None)
    assert found.service_principal == PrincipalSpec()


def test_what_is_mentioned_as_empty_is_wanted_empty():
    found = application(
        "identifierUris: []\nappRoles: {}\n"
        "api: {scopes: {}, preAuthorizedApplications: [], knownClientApplications: []}"
    )

    assert found.properties["identifierUris"] == []
    assert (found.app_roles, found.scopes) == ((), ())
    assert (found.pre_authorized, found.known_clients) == ((), ())


def test_an_adopted_application_is_never_deleted():
    found = application(f"adopt: {{appId: {ID.upper()}}}")

    assert (found.adopt, found.preserve) == (ID, True)


def test_a_managed_identity_is_read():
    manifest = read(
        f"{HEAD}applications: {{}}\nidentities:\n"
        f"  nightly: {{managedIdentity: {ID.upper()}, permissions: {{Microsoft Graph: [Mail.Send]}}}}"
    )

    assert manifest.identities == (
        IdentitySpec(
            key="nightly",
            managed_identity=ID,
            permissions=(
                PermissionSpec(
                    resource="Microsoft Graph",
                    value="Mail.Send",
                    mark=Mark(line=5, column=100),
                ),
            ),
            mark=Mark(line=5, column=3),
        ),
    )


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        *(("api://{appId}", True), (f"api://{ID}", True), ("api://{tenantId}/{appId}", True)),
        *(("api://{tenantId}/x/y", True), ("api://x/{appId}", True), ("https://a.example/x", True)),
        *(("https://a.example", True), ("api://x.a.example/y", True)),
        *(("api://x", False), ("api://x/y", False), ("https://x/y", False), ("urn:x:y", False)),
        *(("api://{appId}/", False), ("api://{appID}", False), ("https://a.example/*", False)),
        *(("https://a.example/?x", False), ("https://a.example/#x", False), ("api:// {appId}", False)),
        *(("https://me@a.example/x", False), ("api://{appId}//x", False), ("http://a.example/x", False)),
        *(("api://{appId}/" + "x" * 242, False), ("", False)),
    ],
)  # fmt: skip
def test_an_identifier_uri_has_one_of_the_forms_that_the_directory_takes(uri, fits):
    lines = f"identifierUris: ['{uri}']"

    if fits:
        assert application(lines).properties["identifierUris"] == [uri]
    else:
        (found,) = refusals(with_application(lines))
        assert found.startswith("6:22: ")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("web: {redirectUris: [http://a.example]}", '6:26: "http://a.example" is no redirect URI: https://, or http:// on localhost'),
        ("web: {redirectUris: ['https://a.example/#x']}", '6:26: "https://a.example/#x" is no redirect URI'),
        (f"spa: {{redirectUris: [https://a.example/{'x' * 256}]}}", "is too long: 274 characters, and 256 are allowed"),
        ("publicClient: {redirectUris: [localhost]}", '6:35: "localhost" is no redirect URI: a scheme, a colon'),
        ("web: {redirectUris: [https://a.example, https://a.example]}", '6:45: the redirect URI "https://a.example" stands here for the second time'),
        ("web: {redirectUris: [https://a.example]}\nspa: {redirectUris: [https://a.example]}", '7:26: the redirect URI "https://a.example" stands here for the second time'),
        (f"web: {{redirectUris: [{', '.join(f'https://a.example/{n}' for n in range(257))}]}}", "may have 256 redirect URIs, and here are more"),
        ("web: {logoutUrl: http://a.example}", '6:22: "http://a.example" is no logout URL: it begins with https://'),
        ("web: {homePageUrl: a.example}", '6:24: "a.example" is no home page'),
        ("web: {redirectUri: []}", '6:11: "redirectUri" is not a key of the web - did you mean "redirectUris"?'),
        ("isFallbackPublicClient: 'true'", '6:29: true or false is wanted here, not the text "true"'),
        ("groupMembershipClaims: Everything", '6:28: "Everything" is none of None, SecurityGroup'),
        ("optionalClaims: {idToken: [{essential: true}]}", '6:32: the key "name" is missing'),
        ("optionalClaims: {idToken: [{nme: x, name: y}]}", '6:33: "nme" is not a key of the claim - did you mean "name"?'),
        ("optionalClaims: {idToken: [{name: x}, {name: x}]}", '6:50: the claim "x" stands here for the second time'),
        ("owners: [ana]", '6:14: "ana" is no owner: write an object id, or a user principal name'),
        ("owners: [Ana@a.com, ana@a.com]", '6:25: the owner "ana@a.com" stands here for the second time'),
        (f"owners: [{', '.join(f'u{n}@a.com' for n in range(101))}]", "there may be 100 owners, and here are more"),
        ("servicePrincipal: {tags: [a, a]}", '6:34: the tag "a" stands here for the second time'),
        ("appRoles: {.x: {}}", '6:16: ".x" cannot stand in a token'),
        ("appRoles: {a b: {}}", '6:16: "a b" cannot stand in a token'),
        (f"appRoles: {{{'x' * 121}: {{}}}}", "cannot stand in a token: 1 to 120"),
        ("appRoles: {x: {allowedMemberTypes: []}}", "6:40: nobody could have this role - write [Application], [User] or both"),
        ("appRoles: {x: {allowedMemberTypes: [user]}}", '6:41: "user" is none of Application, User - did you mean "User"?'),
        ("appRoles: {x: {allowedMemberTypes: [User, User]}}", '6:47: the member type "User" stands here for the second time'),
        ("appRoles: {x: {displayName: ' '}}", "is no text for people: one visible line"),
        ("appRoles: {x: {}}\napi: {scopes: {x: {}}}", '7:20: "x" is an app role already, and a value stands for one thing - the app role is at 6:16'),
        (f"appRoles: {{{', '.join(f'r{n}: {{}}' for n in range(701))}}}", "may offer 700 roles and scopes, and here are more"),
        ("api: {scopes: {x: {type: Users}}}", '6:30: "Users" is none of Admin, User - did you mean "User"?'),
        ("api: {requestedAccessTokenVersion: 3}", '6:40: "3" is no version of access tokens - write 2, or 1 for an older API'),
        ("api: {requestedAccessTokenVersion: '2'}", '6:40: a number is wanted here, not the text "2" - write 2 without quotes'),
        ("api: {knownClientApplications: [ap]}", '6:37: "ap" is no application of this manifest - did you mean "app"?'),
        ("api: {knownClientApplications: [other]}", '6:37: "other" is no application of this manifest - another application is named by its appId'),
        ("api: {knownClientApplications: [A B]}", '6:37: "A B" is no client: write an appId'),
        ("api: {knownClientApplications: [app, app]}", '6:42: the known client "app" stands here for the second time'),
        ("api: {preAuthorizedApplications: [{client: app}]}", '6:39: the key "scopes" is missing'),
        ("api: {scopes: {x: {}}, preAuthorizedApplications: [{client: app, scopes: [X]}]}", '6:79: "X" is no scope of this application - did you mean "x"?'),
        ("api: {preAuthorizedApplications: [{client: app, scopes: [zz]}]}", "6:62: \"zz\" is no scope of this application - a client can be given this API's own scopes only"),
        ("api: {scopes: {x: {}}, preAuthorizedApplications: [{client: app, scopes: [x, x]}]}", '6:82: the scope "x" stands here for the second time'),
        ("api: {preAuthorizedApplications: [{client: app, scopes: []}, {client: app, scopes: []}]}", '6:75: the pre-authorised client "app" stands here for the second time'),
        ("adopt: {appId: x}", '6:20: "x" is no id - write it as 00000000-'),
        ("adopt: {}", '6:5: the key "appId" is missing'),
        (f"identifierUris: ['api://{ID}', 'api://{ID}']", "the identifier URI"),
        ("signInAudience: PersonalMicrosoftAccount", "6:5: with personal accounts, api.requestedAccessTokenVersion must be 2 - write api: {requestedAccessTokenVersion: 2}"),
        ("signInAudience: AzureADandPersonalMicrosoftAccount\napi: {requestedAccessTokenVersion: 1}", "7:40: with personal accounts, api.requestedAccessTokenVersion must be 2"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_an_application_is_or_offers_is_told(lines, says):
    found = refusals(with_application(lines))

    assert len({each.split(": ")[0] for each in found}) == 1
    assert says in found[0]


def test_personal_accounts_have_narrower_limits():
    uris = ", ".join(f"https://a.example/{n}" for n in range(101))
    names = ", ".join(f"'https://a.example/{n}'" for n in range(51))
    permissions = ", ".join(f"X{n}.Read" for n in range(201))

    found = refusals(
        with_application(
            "signInAudience: PersonalMicrosoftAccount\n"
            f"web: {{redirectUris: [{uris}]}}\n"
            f"identifierUris: ['https://a.example/{'x' * 110}', {names}]\n"
            f"api: {{requestedAccessTokenVersion: 2, scopes: {{{'s' * 41}: {{}}, short: {{}}}}}}\n"
            f"permissions: {{Microsoft Graph: [{permissions}]}}"
        )
    )

    limits = [each for each in found if "no known" not in each]
    assert [each.partition(": ")[2].split(" - ")[0] for each in limits] == [
        "an application may have 100 redirect URIs, and here are more",
        "with personal accounts an identifier URI has 120 characters",
        "with personal accounts there may be 50 identifier URIs",
        f'"{"s" * 41}" is too long: with personal accounts a scope has 40 characters',
        "an application may ask for 200 permissions, and here are more",
    ]


def test_what_only_one_application_can_have_is_told():
    text = (
        f"{HEAD}applications:\n"
        f"  a: {{displayName: A, adopt: {{appId: {ID}}}, identifierUris: ['https://a.example/x', 'api://{{appId}}']}}\n"
        f"  b: {{displayName: B, adopt: {{appId: {ID.upper()}}}, identifierUris: ['https://A.example/x', 'api://{{appId}}']}}\n"
    )

    assert refusals(text) == [
        f'5:38: "{ID.upper()}" is adopted already - the first is at 4:38',
        '5:94: "https://A.example/x" is the identifier URI of another application - '
        "the first is at 4:94",
    ]


def test_an_adopted_application_may_have_scopes_that_the_manifest_does_not_tell():
    found = application(
        f"adopt: {{appId: {ID}}}\n"
        f"api: {{preAuthorizedApplications: [{{client: {ID}, scopes: [x]}}]}}"
    )

    assert found.pre_authorized is not None
    assert found.pre_authorized[0].scopes == ("x",)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (f"applications: {{{ID}: {{displayName: A}}}}", f'3:16: "{ID}" is no application key: it looks like an appId'),
        (f"applications: {{a: {{displayName: A}}}}\nidentities: {{a: {{managedIdentity: {ID}}}}}", '4:14: "a" is an application already - give the identity another key'),
        (f"applications: {{}}\nidentities: {{b: {{managedIdentity: {ID}}}, c: {{managedIdentity: {ID.upper()}}}}}", f'4:95: "{ID.upper()}" has a key here already - the first is at 4:35'),
        ("applications: {}\nidentities: {b: {}}", '4:14: the key "managedIdentity" is missing'),
        ("applications: {}\nidentities: {b: {managedIdentity: me}}", '4:35: "me" is no id - write it as 00000000-0000-0000-0000-000000000000'),
        (f"applications: {{}}\nidentities: {{B: {{managedIdentity: {ID}}}}}", '4:14: "B" is no identity key: 1 to 40 of a-z, 0-9 and -'),
        (f"applications: {{}}\nidentities: {{b: {{managedIdentity: {ID}, permissions: {{Microsoft Graph: {{delegated: [User.Read]}}}}}}}}", '4:117: "User.Read" is delegated, and a managed identity signs in without a user - only application permissions are of use here'),
    ],
)  # fmt: skip
def test_a_mistake_at_the_top_is_told(text, refusal):
    assert refusals(HEAD + text) == [refusal]


def test_an_application_fits_into_one_object_of_the_directory():
    """Each list is within its own limit, and all together are too many."""
    tags = ", ".join(f"t{number}" for number in range(600))
    roles = ", ".join(f"r{number}: {{}}" for number in range(400))
    scopes = ", ".join(f"s{number}: {{}}" for number in range(200))

    found = refusals(
        with_application(
            f"tags: [{tags}]\nappRoles: {{{roles}}}\napi: {{scopes: {{{scopes}}}}}\n"
            "identifierUris: ['api://{appId}']"
        )
    )

    assert found == [
        '4:3: "app" has 1201 entries in all its lists, and the directory takes 1200 of one application'
    ]
