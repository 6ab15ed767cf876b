"""What is in the embedded tenants, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provision.render.look import Look

_MOST = 50
_USUAL = "Microsoft Graph"


def told(about: Mapping[str, Any], look: Look) -> str:
    """The folder, its server and clock, then tenant by tenant."""
    from provision.render import text
    from provision.render.layout import BLANK, compose, line, say

    server = about["server"]
    head = (
        ("Folder", about["folder"]),
        ("Server", server["url"] if server else "not running"),
        ("Clock", about["now"]),
    )
    parts = [
        compose([line(say(value), lead=[say(f"{name}  ".ljust(8))]) for name, value in head], look)
    ]
    for tenant in about["tenants"]:
        title = [line(say(name, "bold"), say(f"  {id}")) for name, id in [_title(tenant)]]
        parts.append(compose([BLANK, *title], look))
        for name, headers, rows in _tables(tenant):
            shown, left = rows[:_MOST], len(rows) - _MOST
            parts.append(compose([BLANK, line(say(f"{name} ({len(rows)})", "bold"))], look))
            if shown:
                parts.append(text.table_text(headers, shown, look))
            if left > 0:
                parts.append(compose([line(say(f"and {left} more; --json shows all"))], look))
    return "".join(parts)


def _title(tenant: Mapping[str, Any]) -> tuple[str, str]:
    name = tenant["name"]
    return "sandbox" if name == "default" else f"sandbox/{name}", tenant["tenantId"]


def _tables(
    tenant: Mapping[str, Any],
) -> Iterator[tuple[str, Sequence[str], list[Sequence[str]]]]:
    applications, principals = tenant["applications"], tenant["servicePrincipals"]
    yield (
        "Applications",
        ("name", "client id"),
        [(str(each["displayName"]), each["appId"]) for each in applications],
    )
    credentials = [row for each in (*applications, *principals) for row in _credentials(each)]
    if credentials:
        yield "Secrets and certificates", ("of", "name", "ends"), credentials
    yield (
        "Service principals",
        ("name", "type", "state"),
        [
            (
                str(each["displayName"]),
                each["servicePrincipalType"],
                "enabled" if each["accountEnabled"] else "disabled",
            )
            for each in principals
        ],
    )
    granted: list[Sequence[str]] = [
        (each["principal"], _permission(each["role"], each["resource"]))
        for each in tenant["appRoleAssignments"]
    ]
    yield "Application permissions granted", ("to", "permission"), granted
    scopes: list[Sequence[str]] = [
        (each["client"], _permission(scope, each["resource"]))
        for each in tenant["oauth2PermissionGrants"]
        for scope in each["scope"].split()
    ]
    if scopes:
        yield "Delegated permissions granted", ("to", "permission"), scopes


def _credentials(each: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for credential in each["credentials"]:
        called = credential["displayName"] or credential["keyId"]
        ends = credential["endDateTime"][:10]
        yield (
            str(each["displayName"]),
            called if credential["type"] == "secret" else f"{called} ({credential['type']})",
            f"{ends} (over)" if credential["expired"] else ends,
        )


def _permission(name: str, resource: str) -> str:
    return name if resource == _USUAL else f"{name} of {resource}"
