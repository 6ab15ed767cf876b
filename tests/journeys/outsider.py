"""Somebody else in the tenant: plain HTTP with a token of its own, no code of ours."""

from __future__ import annotations

import json
import ssl
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from provision.sandbox.server import Server

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom to sign in as."""

    tenant_id: str
    client_id: str
    client_secret: str

    @property
    def variables(self) -> dict[str, str]:
        """As a command's environment."""
        return {
            "AZURE_TENANT_ID": self.tenant_id,
            "AZURE_CLIENT_ID": self.client_id,
            "AZURE_CLIENT_SECRET": self.client_secret,
        }


def operator(server: Server) -> Identity:
    """The sandbox's own operator."""
    made = server.operator()
    return Identity(
        tenant_id=made["tenantId"], client_id=made["clientId"], client_secret=made["clientSecret"]
    )


def send(
    server: Server,
    method: str,
    path: str,
    body: Any = None,
    *,
    as_whom: Identity | None = None,
    token: str | None = None,
) -> Any:
    """One request to Graph, with a fresh token unless one is given; answers with the body."""
    token = token or ask_token(server, as_whom or operator(server))
    request = urllib.request.Request(  # noqa: S310
        f"{server.url}/v1.0/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, context=trust(server), timeout=30) as answer:  # noqa: S310
        text = answer.read()
    return json.loads(text) if text else None


def ask_token(server: Server, identity: Identity) -> str:
    """A token by client credentials; a refusal is raised as urllib's HTTPError."""
    form = urllib.parse.urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": identity.client_id,
            "client_secret": identity.client_secret,
            "scope": f"{server.url}/.default",
        }
    ).encode()
    url = f"{server.url}/{identity.tenant_id}/oauth2/v2.0/token"
    with urllib.request.urlopen(url, form, context=trust(server), timeout=30) as answer:  # noqa: S310
        token: str = json.loads(answer.read())["access_token"]
    return token


def trust(server: Server) -> ssl.SSLContext:
    """TLS that trusts the sandbox's authority alone."""
    return ssl.create_default_context(cafile=str(server.ca_bundle))


def application(server: Server, **properties: Any) -> dict[str, Any]:
    """Register an application that is not ours."""
    made: dict[str, Any] = send(
        server, "POST", "applications", {"displayName": "Theirs", **properties}
    )
    return made


def identity(server: Server, *roles: str) -> Identity:
    """A new identity that holds these permissions of Microsoft Graph."""
    app = application(server)
    principal = send(server, "POST", "servicePrincipals", {"appId": app["appId"]})
    for role in roles:
        grant(server, principal["id"], role)
    secret = send(server, "POST", f"applications/{app['id']}/addPassword", {})
    return Identity(
        tenant_id=operator(server).tenant_id,
        client_id=app["appId"],
        client_secret=secret["secretText"],
    )


def grant(server: Server, principal_id: str, role: str) -> None:
    """Consent to an application permission of Microsoft Graph, by its name."""
    graph = send(server, "GET", f"servicePrincipals(appId='{GRAPH_APP_ID}')")
    role_id = next(each["id"] for each in graph["appRoles"] if each["value"] == role)
    body = {"principalId": principal_id, "resourceId": graph["id"], "appRoleId": role_id}
    send(server, "POST", f"servicePrincipals/{graph['id']}/appRoleAssignedTo", body)
