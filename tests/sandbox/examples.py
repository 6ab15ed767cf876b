"""Documented requests, and a tenant into which to put what they are about."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from assertion import Pair, pair
from caller import Caller, made

FILE = Path(__file__).resolve().parent.parent / "data" / "examples-visible.jsonl"
Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request whose sample names are replaced by names that exist; None: as documented."""

    path: str
    body: Any = None
    query: str | None = None


@cache
def examples() -> dict[str, Body]:
    """Every documented request, by its identifier."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return {example["id"]: example for example in read}


class World:
    """A tenant to put things into; each method makes something new and names it."""

    def __init__(self, caller: Caller, person_id: str, domain: str) -> None:
        self.caller, self.person, self.domain = caller, person_id, domain
        self._count = 0

    def fresh(self, word: str) -> str:
        self._count += 1
        return f"{word}{self._count}"

    def app(self, **properties: Any) -> str:
        return str(self.caller.application(**properties)["id"])

    def named_app(self) -> str:
        name = self.fresh("app-")
        self.app(uniqueName=name)
        return f"applications(uniqueName='{name}')"

    def sp(self, **properties: Any) -> str:
        return str(self.caller.principal(self.caller.application(**properties))["id"])

    def resource(self) -> tuple[str, str]:
        """A service principal that offers a role to anybody, and the role."""
        role = {
            "id": "ef7437e6-4f94-4a0a-a110-a439eb2aa8f7",
            "allowedMemberTypes": ["User", "Application"],
            "description": "Reads",
            "displayName": "Read",
            "value": "Read",
        }
        return self.sp(appRoles=[role]), role["id"]

    def user(self) -> str:
        name = self.fresh("user")
        body = {
            "accountEnabled": True,
            "displayName": name,
            "mailNickname": name,
            "userPrincipalName": f"{name}@{self.domain}",
            "passwordProfile": {"password": "xWwvJ]6NMw+bWH-d"},
        }
        return str(made(self.caller.post("users", body))["id"])

    def group(self, *members: str, unified: bool = False) -> str:
        name = self.fresh("group")
        body: Body = {
            "displayName": f"Video {name}",
            "mailNickname": name,
            "mailEnabled": unified,
            "securityEnabled": not unified,
            "groupTypes": ["Unified"] if unified else [],
        }
        if members:
            places = [f"https://localhost/v1.0/directoryObjects/{id}" for id in members]
            body["members@odata.bind"] = places
        return str(made(self.caller.post("groups", body))["id"])

    def owned(self, path: str) -> str:
        """A further owner of the object at this address."""
        owner = self.user()
        self.refer(f"{path}/owners", owner)
        return owner

    def refer(self, path: str, id: str) -> None:
        reference = {"@odata.id": f"https://localhost/v1.0/directoryObjects/{id}"}
        assert self.caller.post(f"{path}/$ref", reference).status_code == 204

    def assigned(self, collection: str, principal: str) -> Body:
        """A role that this principal was given."""
        resource, role = self.resource()
        body = {"principalId": principal, "resourceId": resource, "appRoleId": role}
        return made(self.caller.post(f"{collection}/{principal}/appRoleAssignments", body))

    def grant(self, person: str | None = None) -> Body:
        consent = {"consentType": "Principal" if person else "AllPrincipals", "principalId": person}
        body = {"clientId": self.sp(), "resourceId": self.sp(), "scope": " openid", **consent}
        return made(self.caller.post("oauth2PermissionGrants", body))

    def deleted_group(self) -> str:
        id = self.group(unified=True)
        self.caller.delete(f"groups/{id}")
        return id

    def federated(self, application: str) -> Body:
        return made(
            self.caller.post(
                f"{application}/federatedIdentityCredentials",
                {
                    "name": "testing02",
                    "issuer": "https://issuer.example.com",
                    "subject": self.fresh("subject"),
                    "audiences": ["api://AzureADTokenExchange"],
                },
            )
        )

    def keyed(self, collection: str, id: str) -> Body:
        """A certificate that the object has from now on."""
        text = base64.b64encode(pair().der).decode()
        key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": text}
        answer = self.caller.patch(f"{collection}/{id}", {"keyCredentials": [key]})
        assert answer.status_code == 204, answer.text
        (held,) = self.caller.get(f"{collection}/{id}").json()["keyCredentials"]
        return dict(held)

    def graph(self) -> str:
        return str(self.caller.graph_principal()["id"])


def proof(signer: Pair, id: str, **claims: Any) -> str:
    """https://learn.microsoft.com/graph/application-rollkey-prooftoken"""
    now = int(time.time())
    usual = {"aud": "00000002-0000-0000-c000-000000000000", "iss": id, "nbf": now, "exp": now + 600}
    return jwt.encode({**usual, **claims}, signer.key, algorithm="RS256")
