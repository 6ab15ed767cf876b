"""Graph's nouns as frozen data: what is wanted, what is there, and a value that never prints itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph's appId, the same in every cloud."""


class Secret:
    """A value that must reach its store and nothing else: it cannot be printed, compared or copied."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; only stores and the request for a token may ask."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be serialised")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AppRole:
    """An application permission that a resource offers."""

    resource_app_id: str
    id: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ResourceAccess:
    """One entry of requiredResourceAccess: a permission asked for, of kind `Role` or `Scope`."""

    resource_app_id: str
    id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredential:
    """A secret as Graph lists it: never its value."""

    key_id: str
    display_name: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application registration; `properties` holds Graph's JSON of the ones a manifest may set."""

    id: str
    app_id: str
    unique_name: str | None
    properties: Mapping[str, Any]
    tags: frozenset[str]
    required_resource_access: frozenset[ResourceAccess]
    password_credentials: tuple[PasswordCredential, ...]

    @property
    def display_name(self) -> str:
        return str(self.properties.get("displayName") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRoleAssignment:
    """An application permission that was granted to a service principal."""

    id: str
    app_role_id: str
    principal_id: str
    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrincipal:
    """An application's presence in the tenant, with what was granted to it."""

    id: str
    app_id: str
    app_role_assignments: tuple[AppRoleAssignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A service principal that offers application permissions, such as Microsoft Graph."""

    id: str
    app_id: str
    display_name: str
    app_roles: frozenset[AppRole]

    def role(self, value: str) -> AppRole | None:
        """The application permission of that name, if the tenant knows it."""
        return next((role for role in self.app_roles if role.value == value), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The tenant itself."""

    id: str
    display_name: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new password credential, in the one moment in which its value is known."""

    key_id: str
    secret: Secret
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DotenvStore:
    """A secret's place: keys with one prefix in a dotenv file."""

    path: Path
    prefix: str

    @property
    def address(self) -> str:
        return f"{self.path.name} ({self.prefix}*)"


StorePlace = DotenvStore
"""Where a secret value goes; more kinds join here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredSecret:
    """A secret as the manifest wants it."""

    name: str
    lifetime: timedelta
    renew_before: timedelta
    overlap: timedelta
    store: StorePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that the workload must be able to make."""

    method: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredApplication:
    """An application as the manifest wants it, permissions resolved to the tenant's own roles.

    `properties` holds only what the manifest mentions; everything else stays as it is.
    """

    key: str
    unique_name: str
    properties: Mapping[str, Any]
    tags: frozenset[str]
    app_roles: frozenset[AppRole]
    grant: bool
    secrets: tuple[DesiredSecret, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Everything one manifest wants of one tenant."""

    owner: str
    applications: tuple[DesiredApplication, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the store of one credential says on this machine.

    `readable` is false when the store cannot be read here. `works` is the token service's word on
    the stored value, asked only when the directory did not settle the matter.
    """

    readable: bool
    key_id: str | None = None
    tenant_id: str | None = None
    app_id: str | None = None
    works: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedApplication:
    """An application that bears our uniqueName, its service principal, and what stores hold for it."""

    application: Application
    service_principal: ServicePrincipal | None
    held: Mapping[str, Held] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedApplication:
    """A soft-deleted application that still occupies our uniqueName."""

    application: Application
    deleted: datetime
    service_principal_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the tenant and the stores hold of one manifest's concern.

    `applications` and `deleted` are by manifest key, `resources` by appId; `strays` bear our owner tag but stand in
    the manifest no longer.
    """

    applications: Mapping[str, ObservedApplication]
    resources: Mapping[str, Resource]
    strays: tuple[Application, ...] = ()
    deleted: Mapping[str, DeletedApplication] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
