"""What a sandbox must hold once a manifest was applied, whatever happened before."""

from __future__ import annotations

import urllib.error
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import outsider
import paper
import truth
from neighbours import THEIR_ROLE, assignments, grants, ours, principal_of
from wishes import GRAPH, INSIGHTS, KEYS, OWNER, RULES, Wishes

from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen, parse_time


def owned(server: Server, *, deleted: bool | None = False) -> list[dict[str, Any]]:
    """Every application with our owner tag."""
    found = truth.applications(server, deleted=deleted)
    return [each for each in found if f"provision:owner:{OWNER}" in each["tags"]]


def differences(server: Server, wishes: Wishes, folder: Path) -> list[str]:
    """What is not as the manifest wishes it, as sentences."""
    found: list[str] = []
    for key in sorted(wishes.applications):
        app = ours(server, key)
        principal = app and principal_of(server, app)
        if app is None or principal is None:
            found.append(f"{key}: there is no application, or no service principal")
            continue
        pairs = {
            **_properties(wishes, key, app, principal),
            **_offered(server, wishes, key, app),
            **_permissions(server, wishes, key, app, principal),
            **_trust(server, wishes, key, app),
        }
        found += [
            f"{key}: {name} is {there!r} instead of {wanted!r}"
            for name, (wanted, there) in pairs.items()
            if wanted != there
        ]
        found += _secrets(server, wishes, key, app, folder, asleep=not principal["accountEnabled"])
    names = {f"{OWNER}.{key}" for key in wishes.applications}
    for each in owned(server):
        if each["uniqueName"] not in names and "provision:preserve" not in each["tags"]:
            found.append(f"{each['uniqueName']} is left over")
    return found


def of_identity(server: Server, wishes: Wishes, principal_id: str) -> list[str]:
    """Which permissions of the managed identity are missing."""
    names = {role["id"]: role["value"] for role in truth.graph(server)["appRoles"]}
    granted = {names[each["appRoleId"]] for each in assignments(server, {"id": principal_id})}
    return sorted({*(wishes.identity or ())} - granted)


def surplus(server: Server, wishes: Wishes) -> list[str]:
    """Secrets of ours beyond one for each that the manifest names: for when every overlap has passed."""
    found = []
    for key in sorted(wishes.applications):
        app = ours(server, key) or {}
        listed = sorted(_credential(each) for each in _own_secrets(app))
        if not asleep(server, app) and listed != sorted(wishes.secrets(key)):
            found.append(f"{key} has the secrets {listed}")
    return found


def asleep(server: Server, app: dict[str, Any]) -> bool:
    """Whether its service principal is disabled: then it signs in with nothing, and gets nothing new."""
    principal = principal_of(server, app) if app else None
    return principal is not None and not principal["accountEnabled"]


def _properties(
    wishes: Wishes, key: str, app: dict[str, Any], principal: dict[str, Any]
) -> dict[str, tuple[Any, Any]]:
    said = wishes.applications[key]
    pairs: dict[str, tuple[Any, Any]] = {
        "displayName": (f"{said['displayName']} {key}", app["displayName"]),
        "preserve": (bool(said.get("preserve")), "provision:preserve" in app["tags"]),
        "tags": ([], sorted({*(said.get("tags") or ())} - {*app["tags"]})),
    }
    for name in ("description", "notes"):
        if said.get(name) is not None:
            pairs[name] = (said[name] or None, app[name] or None)
    if said.get("redirects") is not None:
        pairs["redirects"] = (sorted(said["redirects"]), sorted(app["web"]["redirectUris"]))
    if said.get("enabled") is not None:
        pairs["enabled"] = (said["enabled"], principal["accountEnabled"])
    if said.get("assignmentRequired") is not None:
        required = principal["appRoleAssignmentRequired"]
        pairs["assignmentRequired"] = (said["assignmentRequired"], required)
    return pairs


def _offered(
    server: Server, wishes: Wishes, key: str, app: dict[str, Any]
) -> dict[str, tuple[Any, Any]]:
    offers = wishes.offers(key)
    if offers is None:
        return {}
    scopes = {each["id"]: each["value"] for each in app["api"]["oauth2PermissionScopes"]}
    entries = [*app["appRoles"], *app["api"]["oauth2PermissionScopes"]]
    authorized = {
        (each["appId"], scopes.get(id, id))
        for each in app["api"]["preAuthorizedApplications"]
        for id in each["delegatedPermissionIds"]
    }
    clients = [ours(server, each) for each in wishes.clients(key)]
    wanted = {(each["appId"], value) for each in clients if each for value in offers["scopes"]}
    known = wishes.known(key)
    keys = {other["appId"]: each for each in KEYS if (other := ours(server, each))}
    there = {keys.get(id, id) for id in app["api"]["knownClientApplications"]}
    return {
        "known clients": (there if known is None else {*known}, there),
        "roles offered": (sorted(offers["roles"]), sorted(e["value"] for e in app["appRoles"])),
        "scopes offered": (sorted(offers["scopes"]), sorted(scopes.values())),
        "disabled": ([], [each["value"] for each in entries if not each["isEnabled"]]),
        "authorized": (wanted, authorized),
    }


def _permissions(
    server: Server,
    wishes: Wishes,
    key: str,
    app: dict[str, Any],
    principal: dict[str, Any],
) -> dict[str, tuple[Any, Any]]:
    names, wanted = _names(server), wishes.asked(key)
    tenant = server.tenant()
    asked = {
        names.get((each["resourceAppId"], access["id"]), (each["resourceAppId"], "", access["id"]))
        for each in app["requiredResourceAccess"]
        for access in each["resourceAccess"]
        if _is_there(server, each["resourceAppId"])
    }
    granted = set()
    for each in assignments(server, principal):
        resource = tenant.get("servicePrincipals", each["resourceId"], Seen.truth()) or {}
        name = (resource.get("appId"), each["appRoleId"])
        granted.add(names.get(name, (str(name[0]), "Role", str(name[1]))))
    for each in grants(server, principal):
        resource = tenant.get("servicePrincipals", each["resourceId"], Seen.truth()) or {}
        called = next(
            (n for (id, _), (n, _, _) in names.items() if id == resource.get("appId")), ""
        )
        if each["consentType"] == "AllPrincipals":
            granted |= {(called, "Scope", value) for value in each["scope"].split()}
    granted.discard((GRAPH, "Role", THEIR_ROLE))
    if wishes.applications[key].get("consent") == "request":
        granted |= wanted  # may wait for an administrator
    return {"requested": (wanted, asked), "granted": (wanted, granted)}


def _is_there(server: Server, app_id: str) -> bool:
    """Whether a resource can be read: what was asked of one that is gone is kept, in case it is restored."""
    found = server.tenant().find_all("servicePrincipals", "appId", app_id, Seen.truth())
    return next(found, None) is not None


def _names(server: Server) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Resource, kind and value of every permission of Graph and of our own APIs, by appId and id."""
    resources = [(GRAPH, truth.graph(server))]
    insights = truth.principal_called(server, INSIGHTS)
    resources += [(INSIGHTS, insights)] if insights else []
    resources += [(key, app) for key in KEYS if (app := ours(server, key))]
    found = {}
    for name, each in resources:
        api = each.get("api") or {"oauth2PermissionScopes": each.get("oauth2PermissionScopes")}
        for role in each["appRoles"]:
            found[each["appId"], role["id"]] = (name, "Role", role["value"])
        for scope in api["oauth2PermissionScopes"] or ():
            found[each["appId"], scope["id"]] = (name, "Scope", scope["value"])
    return found


def _trust(
    server: Server, wishes: Wishes, key: str, app: dict[str, Any]
) -> dict[str, tuple[Any, Any]]:
    kind = "federatedIdentityCredentials"
    listed = server.tenant().find_all(kind, "_application", app["id"], Seen.truth())
    there = {each["name"]: each["subject"] for each in listed}
    branches = wishes.applications[key].get("trust") or {}
    wanted = {
        name: f"repo:contoso/shop:ref:refs/heads/{branch}" for name, branch in branches.items()
    }
    ours_there = {name: there[name] for name in there if not name.startswith("theirs")}
    principal = principal_of(server, app) or {"_owners": []}
    said = wishes.applications[key]
    return {
        "trusted": (wanted, ours_there),
        "owners missing": (set(), {*(said.get("owners") or ())} - _people(server, app)),
        "owners of its principal missing": (
            set(),
            {*(said.get("principalOwners") or ())} - _people(server, principal),
        ),
    }


def _people(server: Server, owned: dict[str, Any]) -> set[str]:
    users = (server.tenant().get("users", id, Seen.truth()) for id in owned["_owners"])
    return {each["userPrincipalName"].split("@")[0] for each in users if each}


def _secrets(
    server: Server,
    wishes: Wishes,
    key: str,
    app: dict[str, Any],
    folder: Path,
    *,
    asleep: bool,
) -> list[str]:
    """Every secret of the manifest is stored, listed, alive, recorded, and signs in; others retire."""
    wanted, found, now = wishes.secrets(key), [], server.tenant().clock.now()
    held = paper.stored(folder) if wanted and not asleep else {}
    listed = {each["keyId"]: each for each in _own_secrets(app)}
    kept = set()
    for name, (_, prefix) in wanted.items() if not asleep else ():
        key_id = held.get(f"{prefix}CLIENT_SECRET_ID", "nothing")
        kept.add(key_id)
        if key_id not in listed:
            found.append(f"{key}/{name}: the store holds {key_id}, which does not exist")
        elif parse_time(listed[key_id]["endDateTime"]) <= now:
            found.append(f"{key}/{name}: the store holds {key_id}, which has expired")
        elif not any(tag.startswith(f"provision:stored:{name}:{key_id}:") for tag in app["tags"]):
            found.append(f"{key}/{name}: no record says that {key_id} is stored")
        elif refused := _refused(server, held, prefix):
            found.append(f"{key}/{name}: {refused}")
    for key_id, each in (
        () if asleep else listed.items()
    ):  # nothing takes a place while nothing is issued
        age = now - parse_time(each["startDateTime"])
        heirs = [listed[key] for key in kept if key in listed and _within(app, key, wanted, now)]
        inherited = any(heir["startDateTime"] >= each["startDateTime"] for heir in heirs)
        if key_id not in kept and _credential(each) not in wanted and not inherited:
            found.append(f"{key}: {each['displayName']} is left over after {age}")
    return found


def _within(
    app: dict[str, Any], key_id: str, wanted: dict[str, tuple[str, str]], now: datetime
) -> bool:
    """Whether the overlap of this one still lasts: what left the manifest may have been replaced by it."""
    for tag in app["tags"]:
        parts = tag.split(":")
        if tag.startswith("provision:stored:") and parts[3] == key_id and parts[2] in wanted:
            overlap = timedelta(hours=int(RULES[wanted[parts[2]][0]]["overlap"].rstrip("h")))
            return now < datetime.fromtimestamp(int(parts[4]), UTC) + overlap
    return False


def _refused(server: Server, held: dict[str, str], prefix: str) -> str:
    identity = outsider.Identity(
        tenant_id=held[f"{prefix}TENANT_ID"],
        client_id=held[f"{prefix}CLIENT_ID"],
        client_secret=held[f"{prefix}CLIENT_SECRET"],
    )
    try:
        outsider.ask_token(server, identity)
    except urllib.error.HTTPError as refused:
        return f"what the store holds does not sign in: {refused.read().decode()}"
    return ""


def _own_secrets(app: dict[str, Any]) -> list[dict[str, Any]]:
    listed = app.get("passwordCredentials") or ()
    return [e for e in listed if (e["displayName"] or "").startswith(f"provision:{OWNER}:")]


def _credential(listed: dict[str, Any]) -> str:
    return str(listed["displayName"].split(":")[2])
