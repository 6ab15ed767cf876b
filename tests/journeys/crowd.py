"""A tenant as years leave it: applications of all kinds, made by plain HTTP as other tools make them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import outsider
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from provision.sandbox.server import Server

GRAPH = outsider.GRAPH_APP_ID
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
SHAREPOINT = "00000003-0000-0ff1-ce00-000000000000"
PORTAL_TAG = "WindowsAzureActiveDirectoryIntegratedApp"
GONE = "deadbeef-0000-0000-0000-000000000001"


def fill(server: Server) -> dict[str, dict[str, Any]]:
    """Make them all; answers with the applications by a word for their kind."""
    made = {kind: make(server) for kind, make in KINDS.items()}
    made["client"] = client(server, made["api"])
    return made


def portal(server: Server) -> dict[str, Any]:
    """As the portal makes one: a tag, a secret, a permission granted by an administrator."""
    app = outsider.application(
        server,
        displayName="Payroll sync",
        tags=[PORTAL_TAG],
        web={
            "redirectUris": ["https://payroll.contoso.com/auth", "http://localhost:8080/"],
            "implicitGrantSettings": {"enableIdTokenIssuance": True},
        },
        requiredResourceAccess=asks(server, {"User.Read.All": "Role", "User.Read": "Scope"}),
    )
    principal = with_principal(server, app)
    outsider.grant(server, principal["id"], "User.Read.All")
    consent(server, principal, "User.Read openid")
    secret(server, app, "by hand")
    return app


def azure_cli(server: Server) -> dict[str, Any]:
    """As `az ad app create` makes one: asked for, never consented to."""
    app = outsider.application(
        server,
        displayName="az-cli-2026-01-01-00-00-00",
        requiredResourceAccess=asks(server, {"Mail.Send": "Role", "Group.Read.All": "Role"}),
    )
    with_principal(server, app)
    secret(server, app, "rbac")
    return app


def terraform(server: Server) -> dict[str, Any]:
    """As terraform makes one: everything said, a trust in GitHub."""
    app = outsider.application(
        server,
        displayName="tf: deploy # prod",
        description="made by terraform: 'do not touch' # really\nsecond line",
        notes="on",
        tags=["terraform", "on", "012", "a:b", "#x", "${HOME}"],
        optionalClaims={
            "accessToken": [{"name": "email", "essential": True}, {"name": "ipaddr"}],
            "idToken": [{"name": "groups", "additionalProperties": ["emit_as_roles"]}],
        },
        groupMembershipClaims="SecurityGroup, ApplicationGroup",
        isFallbackPublicClient=False,
    )
    with_principal(server, app)
    outsider.send(
        server,
        "POST",
        f"applications/{app['id']}/federatedIdentityCredentials",
        {
            "name": "github-main",
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:contoso/app:ref:refs/heads/main",
            "audiences": ["api://AzureADTokenExchange"],
        },
    )
    return app


def api(server: Server) -> dict[str, Any]:
    """One that offers scopes and roles, one of them switched off, and names the clients it trusts."""
    app = outsider.application(server, displayName="Contoso Orders API")
    reading, writing = scope("Orders.Read"), scope("Orders.Write", type="User")
    body = {
        "identifierUris": [f"api://{app['appId']}"],
        "api": {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [reading, {**writing, "isEnabled": False}],
        },
        "appRoles": [
            role("Orders.Read.All", "Application"),
            role("Approver", "User", "Application"),
            {**role("Old.Role", "User"), "isEnabled": False},
        ],
    }
    outsider.send(server, "PATCH", f"applications/{app['id']}", body)
    known = {"appId": "14d82eec-204b-4c2f-b7e8-296a70dab67e"}
    known["delegatedPermissionIds"] = [reading["id"]]  # type: ignore[assignment]
    outsider.send(
        server,
        "PATCH",
        f"applications/{app['id']}",
        {"api": {"preAuthorizedApplications": [known]}},
    )
    with_principal(server, app)
    return app


def client(server: Server, api: dict[str, Any]) -> dict[str, Any]:
    """A client of that API: one role granted, and a delegated one for everybody."""
    access = [
        {"id": str(uuid5(NAMES, "Orders.Read.All")), "type": "Role"},
        {"id": str(uuid5(NAMES, "Orders.Read")), "type": "Scope"},
    ]
    app = outsider.application(
        server,
        displayName="Orders client",
        requiredResourceAccess=[{"resourceAppId": api["appId"], "resourceAccess": access}],
    )
    principal = with_principal(server, app)
    offering = outsider.send(server, "GET", f"servicePrincipals(appId='{api['appId']}')")
    body = {
        "principalId": principal["id"],
        "resourceId": offering["id"],
        "appRoleId": access[0]["id"],
    }
    outsider.send(server, "POST", f"servicePrincipals/{principal['id']}/appRoleAssignments", body)
    consent(server, principal, "Orders.Read", resource=api["appId"])
    outsider.send(
        server,
        "PATCH",
        f"applications/{api['id']}",
        {"api": {"knownClientApplications": [app["appId"]]}},
    )
    return app


def delegated(server: Server) -> dict[str, Any]:
    """A desktop program: users consented for themselves, and once somebody for everybody, to more."""
    app = outsider.application(
        server,
        displayName="Desktop tool",
        publicClient={"redirectUris": ["http://localhost", "msal12345://auth"]},
        spa={"redirectUris": ["https://app.contoso.com/"]},
        isFallbackPublicClient=True,
        requiredResourceAccess=asks(server, {"User.Read": "Scope", "Mail.Read": "Scope"}),
    )
    principal = with_principal(server, app)
    consent(server, principal, "User.Read Calendars.Read")
    user = outsider.send(server, "GET", "users")["value"][0]
    consent(server, principal, "Mail.Read", user=user["id"])
    owner = {"@odata.id": f"{server.url}/v1.0/directoryObjects/{user['id']}"}
    outsider.send(server, "POST", f"applications/{app['id']}/owners/$ref", owner)
    return app


def certificate(server: Server) -> dict[str, Any]:
    """One that signs in with a certificate."""
    app = outsider.application(server, displayName="Certified")
    with_principal(server, app)
    key = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": base64.b64encode(a_certificate()).decode(),
        "displayName": "CN=certified",
    }
    outsider.send(server, "PATCH", f"applications/{app['id']}", {"keyCredentials": [key]})
    return app


def disabled(server: Server) -> dict[str, Any]:
    """One that is switched off, wants assignments, and has tags of its service principal's own."""
    app = outsider.application(server, displayName="Switched off", tags=["shared"])
    principal = with_principal(server, app)
    body = {
        "accountEnabled": False,
        "appRoleAssignmentRequired": True,
        "tags": ["shared", "HideApp"],
    }
    outsider.send(server, "PATCH", f"servicePrincipals/{principal['id']}", body)
    return app


def bare(server: Server) -> dict[str, Any]:
    """One without a service principal, which nevertheless asks for something."""
    return outsider.application(
        server,
        displayName="Never used",
        requiredResourceAccess=asks(server, {"Sites.Read.All": "Role"}),
    )


def multi_tenant(server: Server) -> dict[str, Any]:
    """One for several tenants that asks of an API of Microsoft, and of one that nobody here knows."""
    unknown = {
        "resourceAppId": str(uuid5(NAMES, "nobody")),
        "resourceAccess": [{"id": GONE, "type": "Role"}],
    }
    sharepoint = {"resourceAppId": SHAREPOINT, "resourceAccess": [{"id": GONE, "type": "Role"}]}
    retired = {"id": GONE, "type": "Scope"}
    graph = asks(server, {"User.Read.All": "Role"})
    graph[0]["resourceAccess"].append(retired)
    app = outsider.application(
        server,
        displayName="Everywhere",
        signInAudience="AzureADMultipleOrgs",
        requiredResourceAccess=[*graph, sharepoint, unknown],
    )
    principal = with_principal(server, app)
    outsider.grant(server, principal["id"], "User.Read.All")
    outsider.grant(server, principal["id"], "RoleManagement.ReadWrite.Directory")
    return app


def of_exchange(server: Server) -> dict[str, Any]:
    """One that uses another API of Microsoft, which the tenant has met, and was granted more than it asks for."""
    offering = outsider.send(server, "POST", "servicePrincipals", {"appId": EXCHANGE})
    first, second = [
        each for each in offering["appRoles"] if "Application" in each["allowedMemberTypes"]
    ][:2]
    access = [{"id": first["id"], "type": "Role"}]
    app = outsider.application(
        server,
        displayName="Mailbox reader",
        requiredResourceAccess=[{"resourceAppId": EXCHANGE, "resourceAccess": access}],
    )
    principal = with_principal(server, app)
    for each in (first, second):
        body = {
            "principalId": principal["id"],
            "resourceId": offering["id"],
            "appRoleId": each["id"],
        }
        path = f"servicePrincipals/{principal['id']}/appRoleAssignments"
        outsider.send(server, "POST", path, body)
    return app


def mighty(server: Server) -> dict[str, Any]:
    """One that could control the tenant."""
    name = "RoleManagement.ReadWrite.Directory"
    app = outsider.application(
        server, displayName="Mighty", requiredResourceAccess=asks(server, {name: "Role"})
    )
    outsider.grant(server, with_principal(server, app)["id"], name)
    return app


def strange(name: str, **more: Any) -> Callable[[Server], dict[str, Any]]:
    """One with a name that somebody thought funny."""

    def make(server: Server) -> dict[str, Any]:
        app = outsider.application(server, displayName=name, **more)
        with_principal(server, app)
        return app

    return make


def personal(server: Server) -> dict[str, Any]:
    """One for personal accounts too."""
    app = outsider.application(
        server,
        displayName="For everybody",
        signInAudience="AzureADandPersonalMicrosoftAccount",
        api={"requestedAccessTokenVersion": 2},
    )
    with_principal(server, app)
    return app


KINDS: dict[str, Callable[[Server], dict[str, Any]]] = {
    "portal": portal,
    "azure_cli": azure_cli,
    "terraform": terraform,
    "api": api,
    "delegated": delegated,
    "certificate": certificate,
    "disabled": disabled,
    "bare": bare,
    "multi_tenant": multi_tenant,
    "of_exchange": of_exchange,
    "mighty": mighty,
    "personal": personal,
    "emoji": strange("🚀 rocket — ünïcode"),
    "rtl": strange("\u202eevil\u202c שלום"),
    "lines": strange("first\nsecond: {x}", description="tabs\tand\r\nreturns"),
    "yaml": strange('"quoted": {a: [b]} # ${HOME} @x'),
    "twin": strange("Payroll sync"),
    "guid": strange("0a0a0a0a-0000-0000-0000-000000000000"),
    "word": strange("null"),
}
NAMES = UUID("5f0d2c1e-8d43-4c27-9f0e-2f6f9a1f0c11")


def asks(server: Server, names: dict[str, str]) -> list[dict[str, Any]]:
    """RequiredResourceAccess of Microsoft Graph, by name and kind."""
    graph = outsider.send(server, "GET", f"servicePrincipals(appId='{GRAPH}')")
    lists = {"Role": graph["appRoles"], "Scope": graph["oauth2PermissionScopes"]}
    ids = [
        {"id": next(each["id"] for each in lists[kind] if each["value"] == name), "type": kind}
        for name, kind in names.items()
    ]
    return [{"resourceAppId": GRAPH, "resourceAccess": ids}]


def with_principal(server: Server, app: dict[str, Any]) -> dict[str, Any]:
    """Its service principal."""
    made: dict[str, Any] = outsider.send(
        server, "POST", "servicePrincipals", {"appId": app["appId"]}
    )
    return made


def secret(server: Server, app: dict[str, Any], name: str) -> None:
    """A secret of theirs."""
    body = {"passwordCredential": {"displayName": name}}
    outsider.send(server, "POST", f"applications/{app['id']}/addPassword", body)


def consent(
    server: Server,
    principal: dict[str, Any],
    scopes: str,
    *,
    resource: str = GRAPH,
    user: str | None = None,
) -> None:
    """Delegated permissions, for one user or for all."""
    offering = outsider.send(server, "GET", f"servicePrincipals(appId='{resource}')")
    body = {
        "clientId": principal["id"],
        "consentType": "Principal" if user else "AllPrincipals",
        "resourceId": offering["id"],
        "scope": scopes,
        **({"principalId": user} if user else {}),
    }
    outsider.send(server, "POST", "oauth2PermissionGrants", body)


def scope(value: str, **changes: Any) -> dict[str, Any]:
    """A scope as Graph wants it."""
    return {
        "id": str(uuid5(NAMES, value)),
        "value": value,
        "type": "Admin",
        "adminConsentDisplayName": f"Name of {value}",
        "adminConsentDescription": f"What {value} does: this # and that",
        "userConsentDisplayName": None,
        "userConsentDescription": None,
        "isEnabled": True,
        **changes,
    }


def role(value: str, *members: str) -> dict[str, Any]:
    """An app role as Graph wants it."""
    return {
        "id": str(uuid5(NAMES, value)),
        "value": value,
        "displayName": value.replace(".", " "),
        "description": f"'{value}': yes",
        "allowedMemberTypes": list(members),
        "isEnabled": True,
    }


def a_certificate() -> bytes:
    """A certificate that nobody has a use for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "certified")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)
