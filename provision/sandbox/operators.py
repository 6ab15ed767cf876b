"""Further operators of a tenant: applications with chosen permissions, people with directory roles."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from provision.sandbox import consent, devices
from provision.sandbox.catalog import GRAPH_APP_ID
from provision.sandbox.directory import authorisation
from provision.sandbox.furnish import (
    Operator,
    put_application,
    put_assignment,
    put_person,
    with_secret,
)
from provision.sandbox.store import Store
from provision.sandbox.tenant import Seen, Tenant

PUBLIC_CLIENT = next(iter(consent.TOOLS))
DIRECTORY_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "Global Administrator": authorisation.GLOBAL_ADMINISTRATOR,
        "Privileged Role Administrator": authorisation.PRIVILEGED_ROLE_ADMINISTRATOR,
        "Application Administrator": authorisation.APPLICATION_ADMINISTRATOR,
        "Cloud Application Administrator": authorisation.CLOUD_APPLICATION_ADMINISTRATOR,
        "Application Developer": authorisation.APPLICATION_DEVELOPER,
    }
)
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can sign in; `client_id` is a public client that anybody may sign in at."""

    tenant_id: str
    user_id: str
    client_id: str
    username: str
    password: str = field(repr=False)


def add_application(
    tenant: Tenant,
    *,
    name: str = "operator",
    roles: Iterable[str] = (),
    directory_roles: Iterable[str] = (),
) -> Operator:
    """An application with these application permissions of Microsoft Graph, and a secret."""
    held = _template_ids(directory_roles)
    with tenant.writing():
        graph = tenant.find("servicePrincipals", "appId", GRAPH_APP_ID, Seen.truth())
        if graph is None:
            raise LookupError("this tenant has no Microsoft Graph")
        known = {role["value"]: role["id"] for role in graph["appRoles"]}
        wanted = [_found(role, known, "application permission") for role in dict.fromkeys(roles)]
        unique = f"provision sandbox operator {name}"
        if tenant.find("applications", "uniqueName", unique, Seen.truth(), deleted=None):
            raise ValueError(f"there is an operator called {name} already")
        application, principal = put_application(tenant, name, uniqueName=unique)
        if held:
            tenant.put("servicePrincipals", {**principal, "_directoryRoles": held}, lag="none")
        for role_id in wanted:
            put_assignment(tenant, principal, graph, role_id)
        return with_secret(tenant, application)


def add_person(
    store: Store, tenant: Tenant, *, name: str = "operator", directory_roles: Iterable[str] = ()
) -> Person:
    """Somebody who holds these directory roles, or none, with a password."""
    held = _template_ids(directory_roles)
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_NAME] or "person"
    address, password = f"{label}@{tenant.domain}", tenant.new_secret_text()
    with tenant.writing():
        if tenant.find("users", "userPrincipalName", address, Seen.truth(), deleted=None):
            raise ValueError(f"there is a person called {address} already")
        given, _, surname = name.partition(" ")
        user = put_person(
            tenant,
            address,
            displayName=name,
            givenName=given,
            surname=surname or None,
            mail=address,
            _directoryRoles=held,
            _password=tenant.hash_secret(password),
        )
        devices.remember_person(store, tenant, user["id"])
    return Person(
        tenant_id=tenant.id,
        user_id=user["id"],
        client_id=PUBLIC_CLIENT,
        username=address,
        password=password,
    )


def let_users_register(tenant: Tenant, *, allowed: bool) -> None:
    """Whether everybody in the tenant may register applications, as in a new one, or few."""
    with tenant.writing():
        organization = tenant.get("organization", tenant.id, Seen.truth()) or {}
        changed = {**organization, "_usersMayRegister": allowed}
        tenant.put("organization", changed, lag="none")


def _template_ids(names: Iterable[str]) -> list[str]:
    folded = {name.casefold(): id for name, id in DIRECTORY_ROLES.items()}
    titles = {name.casefold(): name for name in DIRECTORY_ROLES}
    found = []
    for name in dict.fromkeys(names):
        if name.casefold() not in folded:
            known = ", ".join(titles.values())
            raise ValueError(f'there is no directory role called "{name}"; known: {known}')
        found.append(folded[name.casefold()])
    return found


def _found(name: str, known: Mapping[str, str], what: str) -> str:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f'Microsoft Graph has no {what} called "{name}"{hint}')
