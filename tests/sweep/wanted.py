"""What a manifest asks for, read without our own reader, against what the tenant really holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen
from tests.journeys import outsider

TRUTH = Seen.truth()
FOREIGN_TAG = "team:somebody-else"
FOREIGN_SECRET = "made by hand"
FOREIGN_ROLE, OTHER_ROLE = "Domain.Read.All", "User.Read.All"

Power = tuple[str, str, str]
"""A permission: of which resource, role or scope, its name."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """One manifest's part of a tenant."""

    server: Server
    content: dict[str, Any]
    stores: Path

    @property
    def owner(self) -> str:
        """The name that marks what is ours."""
        return str(self.content["name"])

    def applications(self, *, deleted: bool = False) -> dict[str, dict[str, Any]]:
        """What bears our owner tag, by key; two of one uniqueName would be a mistake."""
        tenant, mark = self.server.tenant(), f"provision:owner:{self.owner}"
        found = list(tenant.find_all("applications", "tags", mark, TRUTH, deleted=deleted))
        named = {each["uniqueName"].removeprefix(f"{self.owner}."): each for each in found}
        assert len(named) == len(found), sorted(each["uniqueName"] for each in found)
        return named

    def principal(self, application: dict[str, Any]) -> dict[str, Any]:
        """The application's only service principal."""
        tenant, app_id = self.server.tenant(), application["appId"]
        (found,) = tenant.find_all("servicePrincipals", "appId", app_id, TRUTH)
        return found

    def granted(self, principal: dict[str, Any]) -> list[Power]:
        """What it may do, sorted: application permissions and delegated ones."""
        tenant = self.server.tenant()
        roles = [
            (*self._resource(each["resourceId"], "appRoles", each["appRoleId"]),)
            for each in tenant.find_all("appRoleAssignments", "principalId", principal["id"], TRUTH)
        ]
        scopes = [
            (self._named(each["resourceId"]), "Scope", scope)
            for each in tenant.find_all(
                "oauth2PermissionGrants", "clientId", principal["id"], TRUTH
            )
            for scope in each["scope"].split() or ["nothing"]
        ]
        return sorted([(name, "Role", value) for name, value in roles] + scopes)

    def requested(self, application: dict[str, Any]) -> list[Power]:
        """What it asks for, sorted."""
        tenant, asked = self.server.tenant(), []
        for block in application["requiredResourceAccess"]:
            app_id = block["resourceAppId"]
            resource = tenant.find("servicePrincipals", "appId", app_id, TRUTH)
            assert resource is not None
            for entry in block["resourceAccess"]:
                offers = "appRoles" if entry["type"] == "Role" else "oauth2PermissionScopes"
                name, value = self._resource(resource["id"], offers, entry["id"])
                asked.append((name, entry["type"], value))
        return sorted(asked)

    def declared(self, key: str) -> list[Power]:
        """What the manifest says that it asks for, sorted."""
        asked = []
        apps = self.content["applications"]
        for resource, said in (apps[key].get("permissions") or {}).items():
            name = apps[resource]["displayName"] if resource in apps else resource
            kinds = said if isinstance(said, dict) else {"application": said}
            asked += [(name, "Role", value) for value in kinds.get("application") or ()]
            asked += [(name, "Scope", value) for value in kinds.get("delegated") or ()]
        return sorted(asked)

    def offers(self) -> dict[str, dict[str, Any]]:
        """What its applications offer to others, by key: addresses, enabled roles and scopes, trusted clients."""
        found = self.applications()
        keys = {each["appId"]: key for key, each in found.items()}
        return {
            key: {
                "addresses": [
                    uri.replace(each["appId"], "{appId}") for uri in sorted(each["identifierUris"])
                ],
                "roles": sorted(map(_role, each["appRoles"])),
                "scopes": sorted(map(_scope, each["api"]["oauth2PermissionScopes"])),
                "clients": sorted(
                    (keys.get(client["appId"], client["appId"]), scope["value"])
                    for client in each["api"]["preAuthorizedApplications"]
                    for scope in each["api"]["oauth2PermissionScopes"]
                    if scope["id"] in client["delegatedPermissionIds"]
                ),
            }
            for key, each in found.items()
        }

    def said_offers(self) -> dict[str, dict[str, Any]]:
        """The same as the manifest says it."""
        return {
            key: {
                "addresses": sorted(said.get("identifierUris") or ()),
                "roles": sorted(
                    _role({"value": value, "isEnabled": True, **role})
                    for value, role in (said.get("appRoles") or {}).items()
                ),
                "scopes": sorted(
                    _scope({"value": value, "isEnabled": True, **scope})
                    for value, scope in (api.get("scopes") or {}).items()
                ),
                "clients": sorted(
                    (client["client"], scope)
                    for client in api.get("preAuthorizedApplications") or ()
                    for scope in client["scopes"]
                ),
            }
            for key, said in self.content["applications"].items()
            for api in [said.get("api") or {}]
        }

    def held(self, key: str) -> Iterator[dict[str, str]]:
        """What the stores hold for the secrets that the manifest declares, by the names without their prefix."""
        for credential in (self.content["applications"][key].get("credentials") or {}).values():
            if "secret" not in credential:
                continue
            place = credential["secret"]["store"]
            text = (self.stores / self.owner / place["dotenv"]).read_text(encoding="utf-8")
            lines = [line.split("=", 1) for line in text.splitlines() if "=" in line]
            prefix = place.get("prefix", "AZURE_")
            yield {
                name.removeprefix(prefix): value.strip("\"'")
                for name, value in lines
                if name.startswith(prefix)
            }

    def _named(self, resource_id: str) -> str:
        found = self.server.tenant().get("servicePrincipals", resource_id, TRUTH)
        assert found is not None
        return str(found["displayName"])

    def _resource(self, resource_id: str, offers: str, id: str) -> tuple[str, str]:
        found = self.server.tenant().get("servicePrincipals", resource_id, TRUTH)
        assert found is not None
        values = [each["value"] for each in found[offers] if each["id"] == id]
        return str(found["displayName"]), values[0] if values else f"{id}, which is not offered"


def _role(offered: dict[str, Any]) -> tuple[Any, ...]:
    names = ("value", "isEnabled", "displayName", "description")
    return tuple(offered[name] for name in names)


def _scope(offered: dict[str, Any]) -> tuple[Any, ...]:
    names = ("value", "isEnabled", "type", "adminConsentDescription", "userConsentDescription")
    return tuple(offered[name] for name in names)


def ours(application: dict[str, Any]) -> set[str]:
    """The key ids of secrets that we made."""
    listed = application["passwordCredentials"]
    return {
        each["keyId"] for each in listed if (each["displayName"] or "").startswith("provision:")
    }


def assert_whole(mine: Tenancy, *, retired: bool, foreign: dict[str, Any]) -> None:
    """One of each kind, exact permissions, secrets that sign in, and what others added is still there.

    `retired` once the overlap has passed: then every secret of ours is one that a store holds.
    """
    found = mine.applications()
    assert sorted(found) == sorted(mine.content["applications"])
    _assert_deleted_whole(mine)
    assert mine.offers() == mine.said_offers()
    for key, application in found.items():
        principal, said = mine.principal(application), mine.content["applications"][key]
        theirs = foreign.get(key)
        extra = [("Microsoft Graph", "Role", FOREIGN_ROLE)] if theirs else []
        declared = mine.declared(key)
        granted = declared if said.get("consent", "grant") == "grant" else []
        assert mine.requested(application) == declared, key
        assert mine.granted(principal) == sorted([*granted, *extra]), key
        _assert_secrets(mine, key, application, retired=retired)
        if theirs:
            assert theirs_on(application) == theirs, key


def _assert_secrets(mine: Tenancy, key: str, application: dict[str, Any], *, retired: bool) -> None:
    held = list(mine.held(key))
    for stored in held:
        assert stored["CLIENT_ID"] == application["appId"], key
        assert stored["CLIENT_SECRET_ID"] in ours(application), f"{key}: the store is behind"
        who = outsider.Identity(
            tenant_id=stored["TENANT_ID"],
            client_id=stored["CLIENT_ID"],
            client_secret=stored["CLIENT_SECRET"],
        )
        assert outsider.ask_token(mine.server, who)
    if retired:
        assert ours(application) == {stored["CLIENT_SECRET_ID"] for stored in held}, key


def assert_gone(mine: Tenancy) -> None:
    """Nothing of ours lives, nothing is granted to it, and no store holds a value of it."""
    assert mine.applications() == {}
    _assert_deleted_whole(mine)
    for path in (path for path in mine.stores.rglob("*") if path.is_file()):
        assert "CLIENT_SECRET=" not in path.read_text(encoding="utf-8")


def _assert_deleted_whole(mine: Tenancy) -> None:
    """What was deleted has left nobody behind who could sign in."""
    tenant = mine.server.tenant()
    for application in mine.applications(deleted=True).values():
        app_id = application["appId"]
        assert not list(tenant.find_all("servicePrincipals", "appId", app_id, TRUTH))


def theirs_on(application: dict[str, Any]) -> dict[str, Any]:
    """What somebody else put on an application of ours: a secret, a tag, an owner."""
    listed = application["passwordCredentials"]
    (secret,) = (each for each in listed if each["displayName"] == FOREIGN_SECRET)
    return {
        "secret": secret,
        "hash": application["_secrets"][secret["keyId"]],
        "tag": FOREIGN_TAG in application["tags"],
        "owners": application["_owners"],
    }


def meddle(mine: Tenancy) -> dict[str, Any]:
    """Somebody else adds a secret, a tag, an owner and a grant to every application of ours."""
    server = mine.server
    (stranger,) = server.tenant().find_all("applications", "uniqueName", "theirs", TRUTH)
    other = mine.principal(stranger)
    for application in mine.applications().values():
        path = f"applications/{application['id']}"
        wanted = {"passwordCredential": {"displayName": FOREIGN_SECRET}}
        outsider.send(server, "POST", f"{path}/addPassword", wanted)
        outsider.send(server, "PATCH", path, {"tags": [*application["tags"], FOREIGN_TAG]})
        owner = {"@odata.id": f"{server.url}/v1.0/directoryObjects/{other['id']}"}
        outsider.send(server, "POST", f"{path}/owners/$ref", owner)
        outsider.grant(server, mine.principal(application)["id"], FOREIGN_ROLE)
    return {key: theirs_on(application) for key, application in mine.applications().items()}


def strangers(server: Server) -> None:
    """An application of somebody else's with a secret, tags, a service principal and a grant."""
    made = outsider.application(server, tags=["provision:owner:somebody"], uniqueName="theirs")
    outsider.send(server, "POST", f"applications/{made['id']}/addPassword", {})
    principal = outsider.send(server, "POST", "servicePrincipals", {"appId": made["appId"]})
    outsider.grant(server, principal["id"], OTHER_ROLE)
