"""One of everything that people read: a plan with every kind of step, a receipt and a proof."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from provision import errors
from provision.model import (
    GRAPH_APP_ID,
    AppRole,
    Call,
    Desired,
    DesiredApplication,
    DesiredSecret,
    Owner,
    Permission,
    PermissionScope,
    PreAuthorized,
)
from provision.places import DotenvStore
from provision.plan import (
    AddCertificate,
    AddFederated,
    AddOwner,
    AddSecret,
    AuthorizeClients,
    Change,
    CreateApplication,
    CreateResourcePrincipal,
    CreateServicePrincipal,
    DeleteApplication,
    DisableEntitlements,
    GrantAppRole,
    GrantScopes,
    Note,
    Plan,
    RecordStored,
    RemoveCertificate,
    RemoveFederated,
    RemoveSecret,
    RequestPermissions,
    RestoreApplication,
    RestoreServicePrincipal,
    RevokeAppRole,
    RevokeScopes,
    UpdateApplication,
    UpdateFederated,
    UpdateServicePrincipal,
    WithdrawPermissions,
)
from provision.receipt import CallProof, Done, Failed, Finding, Receipt, Result, RoleProof
from provision.render.planned import Rating

USERS = AppRole(resource=GRAPH_APP_ID, id="df02", value="User.Read.All")
MAIL = AppRole(resource=GRAPH_APP_ID, id="b633", value="Mail.Send")
SITES = AppRole(resource=GRAPH_APP_ID, id="332a", value="Sites.Read.All")
TAKEOVER = AppRole(resource=GRAPH_APP_ID, id="9e3f", value="RoleManagement.ReadWrite.Directory")
SIGN_IN = PermissionScope(resource=GRAPH_APP_ID, id="37f7", value="openid")
INBOX = PermissionScope(resource=GRAPH_APP_ID, id="570e", value="Mail.Read")
ORDERS = PermissionScope(resource="orders", id="", value="Orders.Read")
GITHUB = "https://token.actions.githubusercontent.com"
KEY = "5f2c7c1e-9a4e-4b1c-8f53-2d9d6a1e0c11"
ID = "0b7e6f0a-51c2-4f5e-9b59-90c4a3a3d2f4"

EFFECTS: dict[Permission, str] = {
    USERS: "Read all users' full profiles",
    MAIL: "Send mail as any user",
    SITES: "Read items in all site collections",
    TAKEOVER: "Read and write all directory RBAC settings",
    INBOX: "Read user mail",
}
RATINGS: dict[Permission, Rating] = {
    USERS: Rating(tier="medium", reason="it can read things of the whole tenant"),
    MAIL: Rating(tier="high", reason="it reaches what people wrote, of everybody in the tenant"),
    SITES: Rating(tier="high", reason="it reaches what people wrote, of everybody in the tenant"),
    TAKEOVER: Rating(
        tier="tier 0", reason="it can give any directory role, Global Administrator too"
    ),
    SIGN_IN: Rating(tier="low", reason="it reaches only the signed-in user's own things"),
}

DESIRED = Desired(
    owner="hello",
    applications=(
        DesiredApplication(
            key="my-workload",
            unique_name="hello.my-workload",
            properties={"displayName": "My Workload", "description": "Reads the directory"},
            tags=frozenset({"provision:owner:hello", "team-a"}),
            app_roles=frozenset({USERS, SITES}),
            grant=True,
            secrets=(
                DesiredSecret(
                    name="ci",
                    lifetime=timedelta(days=90),
                    renew_before=timedelta(days=30),
                    overlap=timedelta(hours=24),
                    store=DotenvStore(path=Path("project", ".env"), prefix="AZURE_"),
                ),
            ),
            calls=(Call(method="GET", path="/users?$top=1"),),
        ),
    ),
)

CREATE = CreateApplication(
    app="my-workload",
    unique_name="hello.my-workload",
    properties={"displayName": "My Workload", "description": "Reads the directory"},
    tags=("provision:owner:hello", "team-a"),
    requested=(USERS, SITES),
)
PRINCIPAL = CreateServicePrincipal(app="my-workload")
GRANT = GrantAppRole(app="my-workload", role=USERS)
ISSUE = AddSecret(app="my-workload", credential="ci", reason="first secret", rotation=False)


def a_role(value: str, **more: object) -> dict[str, object]:
    """Graph's JSON of an app role that an application offers."""
    told = {"displayName": f"{value} for all", "description": value, "isEnabled": True}
    return {
        "id": f"id-{value}",
        "value": value,
        "allowedMemberTypes": ["Application"],
        **told,
        **more,
    }


def a_scope(value: str, **more: object) -> dict[str, object]:
    """Graph's JSON of a scope that an application exposes."""
    return {
        "id": f"id-{value}",
        "value": value,
        "type": "User",
        "adminConsentDisplayName": f"{value} for the signed-in user",
        "isEnabled": True,
        **more,
    }


ORDERS_API = (
    CreateApplication(
        app="orders",
        unique_name="hello.orders",
        properties={
            "displayName": "Orders API",
            "api.requestedAccessTokenVersion": 2,
            "appRoles": [a_role("Orders.Read.All"), a_role("Orders.Write.All", isEnabled=False)],
            "api.oauth2PermissionScopes": [a_scope("Orders.Read")],
            "identifierUris": ["api://{appId}"],
            "web.redirectUris": ["https://orders.contoso.com/signin", "https://localhost/signin"],
        },
        tags=("provision:owner:hello",),
        requested=(SIGN_IN, TAKEOVER),
    ),
    CreateServicePrincipal(app="orders"),
    UpdateServicePrincipal(
        app="orders",
        changes=(
            Change(property="appRoleAssignmentRequired", before=False, after=True),
            Change(property="tags", before=[], after=["HideApp"]),
        ),
    ),
    AuthorizeClients(
        app="orders",
        pre_authorized=(PreAuthorized(client="my-workload", scopes=(ORDERS,)),),
        known=("my-workload",),
    ),
    AddOwner(
        app="orders", of="application", owner=Owner(id=ID, name="ada@contoso.onmicrosoft.com")
    ),
    AddOwner(app="orders", of="servicePrincipal", owner=Owner(id=ID, name=ID)),
    GrantAppRole(app="orders", role=TAKEOVER),
    GrantScopes(app="orders", scopes=(INBOX, SIGN_IN)),
    AddFederated(
        app="orders",
        credential="github-main",
        issuer=GITHUB,
        subject="repo:contoso/orders:ref:refs/heads/main",
        audience="api://AzureADTokenExchange",
    ),
)
BILLING_API = (
    CreateResourcePrincipal(
        app="billing",
        resource="c5393580-f805-4401-95e8-94b7a6ef2fc2",
        name="Office 365 Management APIs",
    ),
    DisableEntitlements(app="billing", values=("Bills.Old", "Bills.Read")),
    UpdateApplication(
        app="billing",
        changes=(
            Change(
                property="appRoles",
                before=[a_role("Bills.Old"), a_role("Bills.Read"), a_role("Bills.Same")],
                after=[
                    a_role("Bills.Read", displayName="Read bills", isEnabled=False),
                    a_role("Bills.Same"),
                    a_role("Bills.New", allowedMemberTypes=["User", "Application"]),
                ],
            ),
            Change(
                property="api.oauth2PermissionScopes",
                before=[a_scope("Bill.Read")],
                after=[a_scope("Bill.Read", type="Admin"), a_scope("Bill.Pay")],
            ),
            Change(
                property="optionalClaims",
                before={"idToken": [], "accessToken": [{"name": "email"}]},
                after={"idToken": [{"name": "upn"}], "accessToken": [{"name": "email"}]},
            ),
            Change(
                property="web.redirectUris",
                before=["https://old.contoso.com/signin"],
                after=["https://new.contoso.com/signin"],
            ),
            Change(property="notes", before="temporary", after=None),
        ),
    ),
    UpdateFederated(
        app="billing",
        credential="cluster",
        changes=(
            Change(
                property="subject",
                before="system:serviceaccount:billing:old",
                after="system:serviceaccount:billing:new",
            ),
        ),
    ),
    RevokeScopes(app="billing", scopes=(INBOX, SIGN_IN), grant_id="g"),
    RemoveFederated(
        app="billing", credential="github-old", subject="repo:contoso/old:pull_request"
    ),
)

PLAN = Plan(
    owner="hello",
    steps=(
        CREATE,
        PRINCIPAL,
        GRANT,
        ISSUE,
        *ORDERS_API,
        *BILLING_API,
        UpdateApplication(
            app="reporting",
            changes=(
                Change(property="displayName", before="Reports", after="Reporting"),
                Change(property="description", before=None, after="Monthly figures"),
                Change(property="tags", before=["a", "b"], after=["b", "provision:owner:hello"]),
            ),
        ),
        RequestPermissions(app="reporting", permissions=(MAIL, SITES)),
        GrantAppRole(app="reporting", role=MAIL),
        AddSecret(app="reporting", credential="nightly", reason="expires in 9 d", rotation=True),
        AddCertificate(
            app="reporting", credential="signing", reason="first certificate", rotation=False
        ),
        AddCertificate(
            app="reporting",
            credential="pinned",
            reason="certs/reporting.pem holds another one",
            rotation=True,
            thumbprint="0B7A1F6C35E0D0B6F3C7A9E1D24C8F5B6A7E9D01",
        ),
        RecordStored(app="reporting", credential="ci", key_id=KEY),
        RevokeAppRole(app="reporting", role=USERS, assignment_id="a"),
        WithdrawPermissions(app="reporting", permissions=(USERS,)),
        RemoveSecret(
            app="reporting", credential="ci", key_id=KEY, reason="replaced 2 d ago, nothing uses it"
        ),
        RemoveCertificate(app="reporting", credential="pinned", key_id=KEY, reason="expired"),
        RestoreApplication(app="back", application_id=ID),
        RestoreServicePrincipal(app="back", service_principal_id=ID),
        DeleteApplication(app="old", application_id=ID, display_name="Old Importer"),
        DeleteApplication(
            app="older", application_id=ID, display_name="Older Importer", purge=True
        ),
    ),
    notes=(
        Note(
            app="reporting", says="Mail.Read is granted, but was not requested here: left as it is"
        ),
        Note(app="quiet", says="ci: held elsewhere since 2026-01-02"),
    ),
)

FORBIDDEN = errors.Forbidden(
    "Microsoft Graph refused to grant User.Read.All to my-workload",
    hint="Sign in as someone who holds AppRoleAssignment.ReadWrite.All, or ask an administrator to grant it.",
    status=403,
    code="Authorization_RequestDenied",
    request_id="3a1f2a86-8d3e-4c84-9a9b-6a8a0f1c7f10",
    detail="Insufficient privileges to complete the operation.",
)

RECEIPT = Receipt(
    done=(
        Done(step=CREATE, detail=f"appId {ID}"),
        Done(step=PRINCIPAL),
        Done(step=RecordStored(app="reporting", credential="ci", key_id=KEY)),
    ),
    failed=(Failed(app="my-workload", step=GRANT, error=FORBIDDEN),),
    left=(ISSUE,),
)

FINDINGS = (
    Finding(
        app="my-workload",
        credential="ci",
        result=Result.PROVEN,
        says="the token carries what was declared",
        roles=(RoleProof(resource="Microsoft Graph", value="User.Read.All", present=True),),
        calls=(CallProof(method="GET", path="/users?$top=1", status=200),),
        extra=("Mail.Read",),
        seconds=2.14,
    ),
    Finding(
        app="reporting",
        credential="nightly",
        result=Result.PENDING,
        says="the token lacks a permission that nobody consented to yet",
        roles=(
            RoleProof(resource="Microsoft Graph", value="Mail.Send", present=False),
            RoleProof(resource="Microsoft Graph", value="Sites.Read.All", present=True),
        ),
        calls=(
            CallProof(method="GET", path="/sites/root", status=403),
            CallProof(method="HEAD", path="/users", status=0),
        ),
        hint="An administrator consents with `provision apply --only consent`.",
    ),
    Finding(
        app="reporting",
        credential="laptop",
        result=Result.UNPROVABLE,
        says="its value is not on this machine; every declared permission is granted",
    ),
    Finding(
        app="old",
        credential="ci",
        result=Result.FAILED,
        says="The client secret is wrong",
        hint="Renew it: provision rotate --now --target old/ci",
    ),
)
