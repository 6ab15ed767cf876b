"""Somebody else at work in the same tenant, over plain HTTP, and what must stay as they left it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import outsider
import truth
from hypothesis import strategies as st
from wishes import KEYS, OWNER

from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

THEIR_ROLE = "Sites.Read.All"
OUR_ROLES = ("Group.Read.All", "Mail.Send", "User.Read.All")


@dataclass(frozen=True)
class Deed:
    """What somebody else does: to the application of one key, or on their own."""

    what: str
    key: str


@dataclass
class Neighbours:
    """Others in the tenant; `left` holds what they left, by a name, and how to look at it now."""

    server: Server
    left: dict[str, tuple[str | None, Any, Callable[[], Any]]] = field(default_factory=dict)
    serial: int = 0

    def do(self, deed: Deed) -> None:
        """Do it, if there is something to do it to; the directory has settled before and after."""
        settle(self.server)
        app = ours(self.server, deed.key)
        if deed.what == "their own":
            self._their_own()
        elif app is not None:
            DEEDS[deed.what](self, app)
        settle(self.server)

    def disturbed(self) -> list[str]:
        """What is not as they left it; what belongs to an application goes with it."""
        live = {each["id"] for each in truth.applications(self.server)}
        return [
            f"{name}: {now()} instead of {before}"
            for name, (app, before, now) in self.left.items()
            if (app is None or app in live) and now() != before
        ]

    def forget(self, kind: str, app_id: str) -> None:
        """What went with something else that was deleted for good."""
        self.left = {
            name: entry
            for name, entry in self.left.items()
            if not (name.startswith(kind) and entry[0] == app_id)
        }

    def _keep(self, kind: str, app: str | None, now: Callable[[], Any]) -> None:
        before = now()
        assert before, f"the deed {kind} left no trace"
        self.left[f"{kind} {self.serial}"] = (app, before, now)
        self.serial += 1

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        return outsider.send(self.server, method, path, body)

    def _their_own(self) -> None:
        """An application with all that an application may have, in the tenant beside ours."""
        made = outsider.application(self.server, tags=["theirs"])
        settle(self.server)
        principal = self._send("POST", "servicePrincipals", {"appId": made["appId"]})
        settle(self.server)
        self._send("POST", f"applications/{made['id']}/addPassword", {})
        outsider.grant(self.server, principal["id"], "User.Read.All")
        self._consent(principal["id"], None)
        self._keep("their own", None, lambda: whole(self.server, made["id"], principal["id"]))

    def _consent(self, principal_id: str, user: str | None) -> Any:
        body = {
            "clientId": principal_id,
            "resourceId": truth.graph(self.server)["id"],
            "consentType": "Principal" if user else "AllPrincipals",
            "scope": "User.Read",
        }
        return self._send(
            "POST", "oauth2PermissionGrants", {**body, "principalId": user} if user else body
        )

    def tag(self, app: dict[str, Any]) -> None:
        """A tag of theirs on ours."""
        tag = f"theirs:{self.serial}"
        self._send("PATCH", f"applications/{app['id']}", {"tags": [*app["tags"], tag]})
        self._keep("tag", app["id"], lambda: tag in _now(self.server, app)["tags"])

    def secret(self, app: dict[str, Any]) -> None:
        """A secret of theirs on ours."""
        made = self._send(
            "POST",
            f"applications/{app['id']}/addPassword",
            {"passwordCredential": {"displayName": "theirs"}},
        )

        def now() -> Any:
            found = _now(self.server, app)
            listed = [e for e in found["passwordCredentials"] if e["keyId"] == made["keyId"]]
            return listed, found["_secrets"].get(made["keyId"])

        self._keep("secret", app["id"], now)

    def role(self, app: dict[str, Any]) -> None:
        """A consent that the manifest never asked for."""
        principal = principal_of(self.server, app)
        if principal is None or _granted(self.server, principal, (THEIR_ROLE,)):
            return
        outsider.grant(self.server, principal["id"], THEIR_ROLE)
        (made,) = _granted(self.server, principal, (THEIR_ROLE,))
        self._keep("role", app["id"], lambda: _object(self.server, "appRoleAssignments", made))

    def consent(self, app: dict[str, Any]) -> None:
        """One user's own consent to what ours asks for."""
        principal = principal_of(self.server, app)
        user = next(self.server.tenant().scan("users", Seen.truth()))
        if principal is None or any(
            each["principalId"] == user["id"] for each in grants(self.server, principal)
        ):
            return
        made = self._consent(principal["id"], user["id"])
        self._keep(
            "consent", app["id"], lambda: _object(self.server, "oauth2PermissionGrants", made["id"])
        )

    def trust(self, app: dict[str, Any]) -> None:
        """A federated credential of theirs on ours."""
        body = {
            "name": f"theirs-{self.serial}",
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": f"repo:fabrikam/x:ref:refs/heads/{self.serial}",
            "audiences": ["api://AzureADTokenExchange"],
        }
        made = self._send("POST", f"applications/{app['id']}/federatedIdentityCredentials", body)
        kind = "federatedIdentityCredentials"
        self._keep("trust", app["id"], lambda: _object(self.server, kind, made["id"]))

    def owner(self, app: dict[str, Any]) -> None:
        """Somebody who is to own ours too."""
        user = list(self.server.tenant().scan("users", Seen.truth()))[-1]
        if user["id"] in app["_owners"]:
            return
        reference = f"{self.server.url}/v1.0/directoryObjects/{user['id']}"
        self._send("POST", f"applications/{app['id']}/owners/$ref", {"@odata.id": reference})
        self._keep("owner", app["id"], lambda: user["id"] in _now(self.server, app)["_owners"])

    def by_hand(self, app: dict[str, Any]) -> None:
        """Properties changed in the portal."""
        changed = {
            "description": "By hand",
            "web": {"redirectUris": ["https://by-hand.example/in"]},
        }
        self._send("PATCH", f"applications/{app['id']}", changed)

    def revoke(self, app: dict[str, Any]) -> None:
        """Consents taken back in the portal."""
        principal = principal_of(self.server, app)
        if principal is None:
            return
        for id in _granted(self.server, principal, OUR_ROLES):
            self._send("DELETE", f"servicePrincipals/{principal['id']}/appRoleAssignments/{id}")
        for each in grants(self.server, principal):
            if each["consentType"] == "AllPrincipals":
                self._send("DELETE", f"oauth2PermissionGrants/{each['id']}")

    def delete(self, app: dict[str, Any]) -> None:
        """The application deleted in the portal."""
        self._send("DELETE", f"applications/{app['id']}")

    def delete_principal(self, app: dict[str, Any]) -> None:
        """Only its service principal deleted, and with it what was granted to it."""
        principal = principal_of(self.server, app)
        if principal is not None:
            self._send("DELETE", f"servicePrincipals/{principal['id']}")
            self.forget("role", app["id"])
            self.forget("consent", app["id"])

    def remove_secret(self, app: dict[str, Any]) -> None:
        """A secret of ours removed in the portal."""
        for each in app["passwordCredentials"]:
            if (each["displayName"] or "").startswith("provision:"):
                body = {"keyId": each["keyId"]}
                self._send("POST", f"applications/{app['id']}/removePassword", body)
                return


DEEDS: dict[str, Callable[[Neighbours, dict[str, Any]], None]] = {
    "tag": Neighbours.tag,
    "secret": Neighbours.secret,
    "role": Neighbours.role,
    "consent": Neighbours.consent,
    "trust": Neighbours.trust,
    "owner": Neighbours.owner,
    "by hand": Neighbours.by_hand,
    "revoke": Neighbours.revoke,
    "delete": Neighbours.delete,
    "delete principal": Neighbours.delete_principal,
    "remove secret": Neighbours.remove_secret,
}
DOINGS = st.builds(Deed, st.sampled_from(("their own", *sorted(DEEDS))), st.sampled_from(KEYS))


def settle(server: Server) -> None:
    """Let the time pass after which every replica has seen every write."""
    server.advance(timedelta(seconds=server.store.lag.longest + 1))


def ours(server: Server, key: str) -> dict[str, Any] | None:
    """The live application of one key, as it really is."""
    name = f"{OWNER}.{key}"
    found = [each for each in truth.applications(server) if each["uniqueName"] == name]
    assert len(found) < 2
    return found[0] if found else None


def principal_of(server: Server, app: dict[str, Any]) -> dict[str, Any] | None:
    """The live service principal of an application."""
    found = server.tenant().find_all("servicePrincipals", "appId", app["appId"], Seen.truth())
    return next(found, None)


def grants(server: Server, principal: dict[str, Any]) -> list[dict[str, Any]]:
    """The delegated consents of a client."""
    tenant = server.tenant()
    return list(
        tenant.find_all("oauth2PermissionGrants", "clientId", principal["id"], Seen.truth())
    )


def assignments(server: Server, principal: dict[str, Any]) -> list[dict[str, Any]]:
    """What a service principal was granted."""
    tenant = server.tenant()
    return list(tenant.find_all("appRoleAssignments", "principalId", principal["id"], Seen.truth()))


def whole(server: Server, id: str, principal_id: str) -> Any:
    """An application with everything that belongs to it."""
    principal = _object(server, "servicePrincipals", principal_id)
    return (
        _object(server, "applications", id),
        principal,
        principal and assignments(server, principal),
        principal and grants(server, principal),
    )


def _now(server: Server, app: dict[str, Any]) -> dict[str, Any]:
    return _object(server, "applications", app["id"]) or {"tags": [], "_owners": []}


def _object(server: Server, kind: str, id: str) -> dict[str, Any] | None:
    found = server.tenant().get(kind, id, Seen.truth())
    forms = ("principalDisplayName", "deletedDateTime")  # a name that is ours to change, and None
    return found and {name: found[name] for name in found if name not in forms}


def _granted(server: Server, principal: dict[str, Any], values: tuple[str, ...]) -> list[str]:
    graph = truth.graph(server)
    wanted = {role["id"] for role in graph["appRoles"] if role["value"] in values}
    found = assignments(server, principal)
    return [each["id"] for each in found if each["appRoleId"] in wanted]
