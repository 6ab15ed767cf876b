"""People who sign in to the sandbox, and what they do there with their tokens."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
from caller import Caller
from workloads import change, workload

from provision.sandbox import operators
from provision.sandbox.server import Server

GRAPH_DEFAULT = "https://graph.microsoft.com/.default"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def somebody(server: Server, *directory_roles: str, name: str = "Megan Bowen") -> operators.Person:
    """A new person with these directory roles."""
    return operators.add_person(
        server.store, server.tenant(), name=name, directory_roles=directory_roles
    )


def signed_in(
    http: httpx.Client, person: operators.Person, place: str = "", **form: str
) -> httpx.Response:
    """The answer to a sign-in by password; "" leaves a field out."""
    fields = {
        "grant_type": "password",
        "client_id": person.client_id,
        "username": person.username,
        "password": person.password,
        "scope": f"{GRAPH_DEFAULT} openid profile offline_access",
        "client_info": "1",
        **form,
    }
    given = {name: value for name, value in fields.items() if value}
    return http.post(f"/{place or person.tenant_id}/oauth2/v2.0/token", data=given)


class PersonCaller(Caller):
    """Somebody with a delegated token."""

    def __init__(self, server: Server, person: operators.Person, scope: str = GRAPH_DEFAULT):
        self.person, self._scope = person, scope
        super().__init__(server, {"tenantId": person.tenant_id})

    def me(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("me").json()
        return found

    def _token(self) -> str:
        answer = self._http.post(
            f"{self._server.url}/{self.person.tenant_id}/oauth2/v2.0/token",
            data={
                "grant_type": "password",
                "client_id": self.person.client_id,
                "username": self.person.username,
                "password": self.person.password,
                "scope": self._scope,
            },
        )
        token: str = answer.json()["access_token"]
        return token


def opened(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def a_client(server: Server, *, public: bool = True) -> dict[str, str]:
    """An application that people may sign in at."""
    client = workload(server)
    change(
        server.tenant(), "applications", client["client_id"], isFallbackPublicClient=public or None
    )
    return client
