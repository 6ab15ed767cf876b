"""The API that a token is asked for: found by any of its names, with the roles that it gave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.sandbox.catalog import GRAPH_APP_ID, KEY_VAULT, KEY_VAULT_APP_ID, well_known
from provision.sandbox.directory import shape
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.tenant import Tenant, format_time
from provision.sandbox.tokens import GRAPH_AUDIENCES

DEFAULT = "/.default"
# Microsoft's own audience for tokens that are exchanged for tokens; every tenant knows it.
EXCHANGE_APP_ID = "fb60f99c-7a34-4190-8149-302f77469936"
EXCHANGE = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource as it was asked for, and its service principal; an exchange has none."""

    asked: str
    app_id: str
    version: int = 1
    principal: Mapping[str, Any] | None = None
    application: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_graph(self) -> bool:
        """Whether this is Microsoft Graph."""
        return self.app_id == GRAPH_APP_ID

    def wants(self, claim: str) -> bool:
        """Whether the API's registration asks for this optional claim."""
        optional = (self.application or {}).get("optionalClaims") or {}
        return any(each.get("name") == claim for each in optional.get("accessToken") or ())


def asked_by_application(scope: str) -> str:
    """The resource in the scope of an application: exactly one, by its `/.default`."""
    asked = scope.split()
    if len(asked) != 1:
        raise TokenRefusal(
            400,
            "invalid_scope",
            70011,
            "The provided value for the input parameter 'scope' is not valid. The scope"
            f" {scope} is not valid.",
        )
    if not asked[0].endswith(DEFAULT):
        raise TokenRefusal(
            400,
            "invalid_scope",
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows must have"
            " a scope value with /.default suffixed to the resource identifier (application ID"
            " URI).",
        )
    return asked[0].removesuffix(DEFAULT)


def found(tenant: Tenant, name: str, graph: frozenset[str]) -> Resource:
    """The resource of this name; `graph` are the server's own names, which all mean Graph."""
    if name in (EXCHANGE, EXCHANGE_APP_ID):
        return Resource(asked=name, app_id=EXCHANGE_APP_ID, version=2)
    known = GRAPH_APP_ID if name in GRAPH_AUDIENCES | graph else name
    principal = _principal(tenant, known) or _brought(tenant, known)
    if principal is None:
        raise TokenRefusal(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {name} was not found in the tenant named"
            f" {title(tenant)}. This can happen if the application has not been installed by the"
            " administrator of the tenant or consented to by any user in the tenant. You might have"
            " sent your authentication request to the wrong tenant.",
        )
    if principal.get("accountEnabled") is False:
        raise TokenRefusal(
            400,
            "invalid_resource",
            500014,
            f"The service principal for resource '{name}' is disabled. This indicate that a"
            " subscription within the tenant has lapsed, or that the administrator for this tenant"
            " has disabled the application, preventing tokens from being issued for it.",
        )
    app_id = principal["appId"]
    seen = tenant.seen("token_secret")
    application = tenant.find("applications", "appId", app_id, seen)
    version = ((application or {}).get("api") or {}).get("requestedAccessTokenVersion") or 1
    return Resource(
        asked=name, app_id=app_id, version=version, principal=principal, application=application
    )


def roles_at(tenant: Tenant, holder_id: str, resource: Resource) -> tuple[set[str], bool]:
    """The values of the roles held there, as far as the replica knows; and whether any is held."""
    if resource.principal is None:
        return set(), True
    seen = tenant.seen("token_roles")
    groups = tenant.find_all("groups", "_members", holder_id, seen)
    held = {
        assignment["appRoleId"]
        for id in (holder_id, *(group["id"] for group in groups))
        for assignment in tenant.find_all("appRoleAssignments", "principalId", id, seen)
        if assignment["resourceId"] == resource.principal["id"]
    }
    offered = resource.principal.get("appRoles") or ()
    values = {role["value"] for role in offered if role["id"] in held and role["isEnabled"]}
    return {value for value in values if value}, bool(held)


def check_assigned(
    tenant: Tenant, principal: Mapping[str, Any], app_id: str, resource: Resource
) -> set[str]:
    """The application's roles there; some resources answer nobody who has none."""
    roles, assigned = roles_at(tenant, principal["id"], resource)
    target = resource.principal or {}
    if not assigned and target.get("appRoleAssignmentRequired"):
        raise TokenRefusal(
            400,
            "invalid_grant",
            501051,
            f"Application '{app_id}'({principal['displayName']}) is not assigned to a role"
            f" for the application '{resource.app_id}'({target['displayName']}).",
        )
    return roles


def title(tenant: Tenant) -> str:
    """The tenant's name in the sentences of the token service."""
    return "Sandbox (provision)" if tenant.name == "default" else tenant.domain


def _brought(tenant: Tenant, name: str) -> dict[str, Any] | None:
    """Key Vault is in every tenant that has a vault, and here every vault exists that is named."""
    if name.removesuffix("/") not in (KEY_VAULT, KEY_VAULT_APP_ID):
        return None
    made = {
        **shape.blank(shape.SERVICE_PRINCIPALS),
        "id": tenant.new_guid(),
        "createdDateTime": format_time(tenant.clock.now(), fraction=False),
        **(well_known(KEY_VAULT_APP_ID) or {}),
        "_owners": [],
    }
    tenant.put("servicePrincipals", made, lag="none")
    return made


def _principal(tenant: Tenant, name: str) -> dict[str, Any] | None:
    """By appId or by a service principal name; a slash at its end makes no difference."""
    seen = tenant.seen("token_secret")
    if found := tenant.find("servicePrincipals", "appId", name.lower(), seen):
        return found
    bare = name.removesuffix("/")
    for form in dict.fromkeys((name, f"{bare}/", bare)):
        if found := tenant.find("servicePrincipals", "servicePrincipalNames", form, seen):
            return found
    return None
