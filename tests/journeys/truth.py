"""What a sandbox's tenant really holds, whatever its replicas show."""

from __future__ import annotations

from typing import Any

from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

OPERATOR = "provision sandbox operator"


def applications(server: Server, *, deleted: bool | None = False) -> list[dict[str, Any]]:
    """Every application but the sandbox's own operator."""
    found = server.tenant().scan("applications", Seen.truth(), deleted=deleted)
    return [each for each in found if each["displayName"] != OPERATOR]


def application(
    server: Server, unique_name: str = "hello.my-workload", *, deleted: bool | None = False
) -> dict[str, Any]:
    """The one application that bears this uniqueName."""
    (found,) = (
        each for each in applications(server, deleted=deleted) if each["uniqueName"] == unique_name
    )
    return found


def principals(server: Server, *, deleted: bool | None = False) -> list[dict[str, Any]]:
    """The service principals of those applications."""
    known = {each["appId"] for each in applications(server, deleted=None)}
    found = server.tenant().scan("servicePrincipals", Seen.truth(), deleted=deleted)
    return [each for each in found if each["appId"] in known]


def roles(server: Server, unique_name: str = "hello.my-workload") -> list[str]:
    """The application permissions of Microsoft Graph that are granted to an application, sorted."""
    app_id = application(server, unique_name)["appId"]
    tenant, truth = server.tenant(), Seen.truth()
    (principal,) = tenant.find_all("servicePrincipals", "appId", app_id, truth)
    granted = tenant.find_all("appRoleAssignments", "principalId", principal["id"], truth)
    offered = {role["id"]: role["value"] for role in graph(server)["appRoles"]}
    return sorted(offered[each["appRoleId"]] for each in granted)


def graph(server: Server) -> dict[str, Any]:
    """Microsoft Graph's own service principal."""
    app_id = "00000003-0000-0000-c000-000000000000"
    found = server.tenant().find("servicePrincipals", "appId", app_id, Seen.truth())
    assert found is not None
    return found


def principal_called(server: Server, name: str) -> dict[str, Any] | None:
    """The service principal of this name, if there is one."""
    found = server.tenant().find_all("servicePrincipals", "displayName", name, Seen.truth())
    return next(found, None)


def key_ids(server: Server, unique_name: str = "hello.my-workload") -> list[str]:
    """The secrets of an application, in the order of their making."""
    listed = application(server, unique_name)["passwordCredentials"]
    return [each["keyId"] for each in sorted(listed, key=lambda each: each["startDateTime"])]
