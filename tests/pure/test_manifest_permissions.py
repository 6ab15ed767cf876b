"""What is asked of which resource: names are checked where they can be known, and power is named twice."""

from __future__ import annotations

import pytest

from provision.manifest.spec import Mark, PermissionSpec
from tests.written import HEAD, application, read, refusals, warnings, with_application

ID = "0000000a-0000-0000-0000-000000000001"
API = f"""\
{HEAD}applications:
  my-api:
    displayName: API
    appRoles: {{Jobs.Run: {{}}, Jobs.Old: {{enabled: false}}, People: {{allowedMemberTypes: [User]}}}}
    api: {{scopes: {{Jobs.Look: {{}}, Jobs.Gone: {{enabled: false}}}}}}
  open: {{displayName: Open, adopt: {{appId: {ID}}}}}
  client:
    displayName: Client
    permissions:
"""


def test_permissions_of_any_resource_and_kind_are_read():
    found = application(
        "permissions:\n"
        "  Microsoft Graph: {delegated: [openid, User.Read], application: [User.Read.All]}\n"
        f"  {ID.upper()}: [Any]\n"
        "  Contoso Billing: {delegated: [Bills.Read]}\n"
        "  app: {}\n"
    )

    assert [(each.resource, each.kind, each.value) for each in found.permissions] == [
        ("Microsoft Graph", "application", "User.Read.All"),
        ("Microsoft Graph", "delegated", "openid"),
        ("Microsoft Graph", "delegated", "User.Read"),
        (ID, "application", "Any"),
        ("Contoso Billing", "delegated", "Bills.Read"),
    ]


def test_another_application_of_the_manifest_is_named_by_its_key():
    manifest = read(API + "      my-api: {application: [Jobs.Run], delegated: [Jobs.Look]}\n")

    assert manifest.applications[2].permissions == (
        PermissionSpec(resource="my-api", value="Jobs.Run", mark=Mark(line=12, column=30)),
        PermissionSpec(
            resource="my-api",
            value="Jobs.Look",
            mark=Mark(line=12, column=53),
            kind="delegated",
        ),
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("my-api: [Jobs.Rnu]", '12:16: "Jobs.Rnu" is no app role of "my-api" - did you mean "Jobs.Run"?'),
        ("my-api: [Other]", '12:16: "Other" is no app role of "my-api"'),
        ("my-api: [Jobs.Look]", '12:16: "Jobs.Look" is no app role of "my-api" - it is a scope: write it under delegated:'),
        ("my-api: {delegated: [Jobs.Run]}", '12:28: "Jobs.Run" is no scope of "my-api" - it is an app role: write it under application:'),
        ("my-api: {delegated: [Jobs.Gone]}", '12:28: "Jobs.Gone" of "my-api" is not enabled'),
        ("my-api: [Jobs.Old]", '12:16: "Jobs.Old" of "my-api" is not enabled'),
        ("my-api: [People]", '12:16: "People" of "my-api" is for users only - add Application to its allowedMemberTypes'),
        ("client: [Any]", '12:16: "Any" is no app role of "client"'),
        ("my-api: [Jobs.Run, Jobs.Run]", '12:26: the permission "Jobs.Run" stands here for the second time - the first is at 12:16'),
    ],
)  # fmt: skip
def test_what_another_application_does_not_offer_is_refused(asked, says):
    assert refusals(API + f"      {asked}\n") == [says]


def test_what_an_adopted_application_offers_may_be_known_to_the_tenant_alone():
    assert read(API + "      open: [Any]\n").applications[2].permissions[0].value == "Any"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("permissions: {'': []}", '6:19: "" is no resource: write its display name'),
        (f"permissions: {{{'x' * 257}: []}}", "is too long: 257 characters, and 256 are allowed"),
        (f"permissions: {{Microsoft Graph: {{delegated: [{'x' * 121}]}}}}", "is no name of a permission"),
        ("permissions: {Microsoft Graph: [a b]}", '6:37: "a b" is no name of a permission: it has no spaces'),
        ("permissions: {Microsoft Graph: {delegated: [Application.ReadWrite.OwnedBy]}}", '6:49: "Application.ReadWrite.OwnedBy" exists only as an application permission'),
        ("permissions: {Microsoft Graph: {delegates: []}}", '6:37: "delegates" is not a key of the resource - did you mean "delegated"?'),
        ("permissions: {Microsoft Graph: [], 00000003-0000-0000-c000-000000000000: []}", '6:40: "00000003-0000-0000-c000-000000000000" is a resource that stands here under another name - the first is at 6:19'),
        ("permissions: {Azure Key Vault: [], cfa8b339-82a2-471a-a3c9-0fc0be7a4093: []}", "is a resource that stands here under another name"),
        (f"permissions: {{{', '.join(f'R{n}: []' for n in range(51))}}}", "an application may name 50 resources, and here are more"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_is_asked_for_is_told(lines, says):
    (found,) = refusals(with_application(lines))

    assert says in found


@pytest.mark.parametrize(
    ("permissions", "says"),
    [
        ("Graph: [Mail.Send]", ['6:19: "Graph" is no known resource; the tenant may know it - did you mean "Microsoft Graph"?']),
        ("Key Vault: []", ['6:19: "Key Vault" is no known resource; the tenant may know it - did you mean "Azure Key Vault"?']),
        ("ap: []", ['6:19: "ap" is no known resource; the tenant may know it - did you mean "app"?']),
        ("Contoso Billing And More: []", []),
        (f"{'x' * 121}: []", []),
        (f"{ID}: [Any]", []),
        ("azure key vault: {delegated: [user_impersonation]}", []),
        ("Azure Key Vault: [AnyRole]", []),
        ("Azure Key Vault: {delegated: [user_impersonatio]}", ['6:49: "user_impersonatio" is no known delegated permission of Azure Key Vault - did you mean "user_impersonation"?']),
        ("Office 365 Exchange Online: [full_access_as_ap]", ['6:48: "full_access_as_ap" is no known application permission of Office 365 Exchange Online - did you mean "full_access_as_app"?']),
        ("00000003-0000-0000-c000-000000000000: [User.Raed.All]", ['6:58: "User.Raed.All" is no known application permission of Microsoft Graph - did you mean "User.Read.All"?']),
        ("Microsoft Graph: {delegated: [User.Raed]}", ['6:49: "User.Raed" is no known delegated permission of Microsoft Graph - did you mean "User.Read"?']),
        (f"Microsoft Graph: {{delegated: [{'x' * 120}]}}", [f'6:49: "{"x" * 57}..." is no known delegated permission of Microsoft Graph']),
    ],
)  # fmt: skip
def test_a_name_that_is_not_known_here_is_a_warning_when_something_else_may_be_meant(
    permissions, says
):
    assert warnings(with_application(f"permissions: {{{permissions}}}")) == says


def test_looking_for_what_was_meant_ends():
    names = [f"X{n}.Raed.All" for n in range(150)]
    resources = ", ".join(f"Grap{n}: []" for n in range(30))

    found = warnings(
        with_application(f"permissions: {{Microsoft Graph: [{', '.join(names)}], {resources}}}")
    )

    assert len([each for each in found if "is no known application permission" in each]) == 150


@pytest.mark.parametrize(
    "permission",
    [
        "RoleManagement.ReadWrite.Directory",
        "AppRoleAssignment.ReadWrite.All",
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
)
def test_what_leads_to_control_of_the_tenant_must_be_named_twice(permission):
    lines = f"permissions: {{Microsoft Graph: [{permission}]}}"

    (found,) = refusals(with_application(lines))
    allowed = application(f"{lines}\nallowTier0: [{permission}]")

    assert found.startswith(f'6:37: "{permission}" can lead to control of the whole tenant: it can')
    assert found.endswith(" - ask for less, or name it in allowTier0 too if it is meant")
    assert [each.value for each in allowed.permissions] == [permission]


def test_a_managed_identity_names_its_power_twice_too():
    text = (
        f"{HEAD}applications: {{}}\nidentities:\n  f:\n    managedIdentity: {ID}\n"
        "    permissions: {Microsoft Graph: [Application.ReadWrite.All]}\n"
    )

    (found,) = refusals(text)

    assert "7:37: " in found
    assert read(text + "    allowTier0: [Application.ReadWrite.All]\n").identities


def test_a_delegated_permission_never_exceeds_the_user_and_needs_no_second_naming():
    found = application("permissions: {Microsoft Graph: {delegated: [Directory.ReadWrite.All]}}")

    assert [each.kind for each in found.permissions] == ["delegated"]


@pytest.mark.parametrize(
    "resource", ["Windows Azure Active Directory", "00000002-0000-0000-c000-000000000000"]
)
def test_the_predecessor_of_microsoft_graph_opens_the_same_doors(resource):
    (refusal,) = refusals(
        with_application(f"permissions: {{{resource}: [Directory.ReadWrite.All]}}")
    )

    assert '"Directory.ReadWrite.All" can lead to control of the whole tenant' in refusal
