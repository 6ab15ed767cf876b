"""A plain HTTP caller of the sandbox: a token, then answers; no code of the client."""

from __future__ import annotations

import json
import ssl
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from provision.sandbox.server import Server

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
UPSERT = {"Prefer": "create-if-missing"}
EVENTUAL = {"ConsistencyLevel": "eventual"}


class Caller:
    """Somebody with a token; addresses are relative to /v1.0 unless they are absolute."""

    def __init__(self, server: Server, identity: dict[str, str]) -> None:
        self.identity = identity
        self._server = server
        trusted = ssl.create_default_context(cafile=str(server.ca_bundle))
        self._open = ExitStack()
        self._http = self._open.enter_context(
            httpx.Client(verify=trusted, trust_env=False, timeout=30)
        )
        self._http.headers["Authorization"] = f"Bearer {self._token()}"

    def send(
        self,
        method: str,
        address: str,
        body: Any = None,
        form: dict[str, str] | None = None,
        **headers: str,
    ) -> httpx.Response:
        absolute = address.startswith("https://")
        url = address if absolute else f"{self._server.url}/v1.0/{address.lstrip('/')}"
        if form is not None:
            return self._http.request(method, url, data=form, headers=headers)
        if body is None:
            return self._http.request(method, url, headers=headers)
        headers = {"Content-Type": "application/json", **headers}
        return self._http.request(method, url, content=json.dumps(body), headers=headers)

    def bare(
        self, method: str, target: str, content: bytes | None, headers: dict[str, str]
    ) -> httpx.Response:
        """These bytes to this place, whatever they mean; only what cannot travel is encoded."""
        given = {name: value.encode("utf-8") for name, value in headers.items()}
        printable = quote(target, safe=string.punctuation)
        url = httpx.URL(self._server.url, raw_path=printable.encode("ascii"))
        given["Content-Type"] = b"application/json"
        return self._http.request(method, url, content=content, headers=given)

    def raw(self, address: str, content: bytes) -> httpx.Response:
        """A POST whose body is not necessarily JSON."""
        url = f"{self._server.url}/v1.0/{address}"
        return self._http.post(url, content=content, headers={"Content-Type": "application/json"})

    def get(self, address: str, **headers: str) -> httpx.Response:
        return self.send("GET", address, **headers)

    def post(self, address: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.send("POST", address, body, **headers)

    def patch(self, address: str, body: Any, **headers: str) -> httpx.Response:
        return self.send("PATCH", address, body, **headers)

    def delete(self, address: str) -> httpx.Response:
        return self.send("DELETE", address)

    def application(self, **properties: Any) -> dict[str, Any]:
        """A new application."""
        return made(self.post("applications", {"displayName": "Billing", **properties}))

    def principal(self, application: dict[str, Any]) -> dict[str, Any]:
        """The application's service principal, made now."""
        return made(self.post("servicePrincipals", {"appId": application["appId"]}))

    def graph_principal(self) -> dict[str, Any]:
        """Microsoft Graph's own service principal."""
        found = self.get(f"servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'").json()["value"]
        principal: dict[str, Any] = found[0]
        return principal

    def grant(self, principal: dict[str, Any], role: str) -> httpx.Response:
        """Give a principal an application permission of Microsoft Graph, by its name."""
        graph = self.graph_principal()
        id = next(each["id"] for each in graph["appRoles"] if each["value"] == role)
        body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": id}
        return self.post(f"servicePrincipals/{graph['id']}/appRoleAssignedTo", body)

    def workload(self, *roles: str) -> Caller:
        """Another caller: a new application that holds these permissions of Microsoft Graph."""
        return self.workload_that_works(*roles, settle=lambda: None)

    def workload_that_works(self, *roles: str, settle: Callable[[], None]) -> Caller:
        """The same where writes take time: `settle` waits until they have arrived."""
        application = self.application(displayName="Workload")
        settle()
        principal = self.principal(application)
        settle()
        for role in roles:
            made(self.grant(principal, role))
        secret = self.post(f"applications/{application['id']}/addPassword", {}).json()
        settle()
        identity = {
            "tenantId": self.identity["tenantId"],
            "clientId": application["appId"],
            "clientSecret": secret["secretText"],
        }
        other = Caller(self._server, identity)
        self._open.callback(other.close)
        return other

    def close(self) -> None:
        self._open.close()

    def _token(self) -> str:
        answer = self._http.post(
            f"{self._server.url}/{self.identity['tenantId']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self.identity["clientId"],
                "client_secret": self.identity["clientSecret"],
                "scope": "https://graph.microsoft.com/.default",
            },
        )
        token: str = answer.json()["access_token"]
        return token


@contextmanager
def operator_of(server: Server) -> Iterator[Caller]:
    """The tenant's operator, signed in."""
    caller = Caller(server, server.operator())
    try:
        yield caller
    finally:
        caller.close()


def made(answer: httpx.Response) -> dict[str, Any]:
    """The body of a 201."""
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def message(answer: httpx.Response) -> str:
    """The refusal's sentence."""
    text: str = answer.json()["error"]["message"]
    return text


def details(answer: httpx.Response) -> list[tuple[str, str]]:
    """Code and target of a refusal's details."""
    return [(each["code"], each["target"]) for each in answer.json()["error"]["details"]]
