"""Graph's nouns as frozen data: what is wanted, and what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from provision.places import StorePlace

if TYPE_CHECKING:
    from provision.policy import AppManagement

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph's appId, the same in every cloud."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AppRole:
    """An application permission that a resource offers.

    `resource` is the resource's appId, or its key where it is an application of the same manifest: that one may not
    exist yet. `id` is empty while the tenant has no service principal that would tell it.
    """

    resource: str
    value: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PermissionScope:
    """A delegated permission that a resource offers; fields as in AppRole."""

    resource: str
    value: str
    id: str


Permission = AppRole | PermissionScope
"""What can be listed in requiredResourceAccess and consented to."""


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
class KeyCredential:
    """A certificate as Graph lists it; `thumbprint` is its SHA-1 in upper-case hexadecimal digits, if told."""

    key_id: str
    display_name: str
    start: datetime
    end: datetime
    thumbprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The public part of a certificate, in DER; `thumbprint` as in KeyCredential."""

    der: bytes
    thumbprint: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedIdentityCredential:
    """A trust in another issuer's tokens; `description` says whose it is."""

    id: str
    name: str
    issuer: str
    subject: str
    audiences: tuple[str, ...]
    description: str


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
    key_credentials: tuple[KeyCredential, ...] = ()
    federated: tuple[FederatedIdentityCredential, ...] = ()
    created: datetime | None = None

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
class OAuth2PermissionGrant:
    """Delegated permissions that a client was granted for one resource.

    `principal_id` is None when the consent is for everybody (`AllPrincipals`), else the one user's.
    """

    id: str
    client_id: str
    resource_id: str
    principal_id: str | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrincipal:
    """An application's presence in the tenant, with what was granted to it.

    `grants` is None where the operator may not read delegated consents, or nobody asked for them;
    `assignments_known` is False where it may not read which application permissions were granted.
    """

    id: str
    app_id: str
    app_role_assignments: tuple[AppRoleAssignment, ...] = ()
    assignments_known: bool = True
    grants: tuple[OAuth2PermissionGrant, ...] | None = None
    enabled: bool = True
    assignment_required: bool = False
    tags: frozenset[str] = frozenset()
    display_name: str = ""
    type: str = "Application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A service principal that offers permissions, such as Microsoft Graph.

    `id` is None where the tenant has none yet and one would be made. `names` are those that its tokens may be for,
    beside its appId.
    """

    id: str | None
    app_id: str
    display_name: str
    app_roles: frozenset[AppRole]
    scopes: frozenset[PermissionScope] = frozenset()
    names: frozenset[str] = frozenset()

    def role(self, value: str) -> AppRole | None:
        """The application permission of that name, if the tenant knows it."""
        return next((role for role in self.app_roles if role.value == value), None)

    def scope(self, value: str) -> PermissionScope | None:
        """The delegated permission of that name, if the tenant knows it."""
        return next((scope for scope in self.scopes if scope.value == value), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The tenant itself."""

    id: str
    display_name: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredSecret:
    """A secret as the manifest wants it; `replaces` are keyIds of secrets made elsewhere, which it takes over."""

    name: str
    lifetime: timedelta
    renew_before: timedelta
    overlap: timedelta
    store: StorePlace
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredCertificate:
    """A certificate as the manifest wants it: made here, with a key of `key_size` bits, unless `store` is a PemFile.

    Then `lifetime` tells nothing, and `certificate` is what the file holds.
    """

    name: str
    lifetime: timedelta
    renew_before: timedelta
    overlap: timedelta
    store: StorePlace
    key_size: int = 2048
    subject: str = ""
    certificate: Certificate | None = None
    replaces: tuple[str, ...] = ()


DesiredStored = DesiredSecret | DesiredCertificate
"""A credential with a value, which is kept in a store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that the workload must be able to make."""

    method: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredFederated:
    """A federated credential as the manifest wants it."""

    name: str
    issuer: str
    subject: str
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Owner:
    """Somebody who may manage an object: the object id, and the name by which the manifest knows them."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PreAuthorized:
    """A client that needs no consent for these scopes: an appId, or the key of another application here."""

    client: str
    scopes: tuple[PermissionScope, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredPrincipal:
    """A service principal as the manifest wants it; None where it says nothing."""

    enabled: bool | None = None
    assignment_required: bool | None = None
    owners: tuple[Owner, ...] = ()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredApplication:
    """An application as the manifest wants it, permissions resolved to the tenant's own.

    `properties` holds only what the manifest mentions, by dotted name; everything else stays as it is. `offered_roles`
    and `offered_scopes` are Graph's JSON of what the application itself offers. These and the two lists of clients
    are None where the manifest does not mention them.
    """

    key: str
    unique_name: str
    properties: Mapping[str, Any]
    tags: frozenset[str]
    app_roles: frozenset[AppRole]
    grant: bool
    secrets: tuple[DesiredSecret, ...]
    calls: tuple[Call, ...]
    scopes: frozenset[PermissionScope] = frozenset()
    certificates: tuple[DesiredCertificate, ...] = ()
    federated: tuple[DesiredFederated, ...] = ()
    offered_roles: tuple[Mapping[str, Any], ...] | None = None
    offered_scopes: tuple[Mapping[str, Any], ...] | None = None
    pre_authorized: tuple[PreAuthorized, ...] | None = None
    known_clients: tuple[str, ...] | None = None
    owners: tuple[Owner, ...] = ()
    principal: DesiredPrincipal = field(default_factory=DesiredPrincipal)
    preserve: bool = False
    adopt: str | None = None

    @property
    def stored(self) -> tuple[DesiredStored, ...]:
        """The credentials that have a value to keep."""
        return (*self.secrets, *self.certificates)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredIdentity:
    """What a managed identity, which exists already, is to be allowed."""

    key: str
    principal_id: str
    app_roles: frozenset[AppRole]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Everything one manifest wants of one tenant; `others` are keys that it names without applying them now."""

    owner: str
    applications: tuple[DesiredApplication, ...]
    identities: tuple[DesiredIdentity, ...] = ()
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the store of one credential says on this machine.

    `works` is the token service's word on the stored value, asked only when the directory did not settle the matter.
    `certificate` is what a PemFile has; `shared` says that every machine sees this store.
    """

    readable: bool
    key_id: str | None = None
    tenant_id: str | None = None
    app_id: str | None = None
    works: bool | None = None
    certificate: Certificate | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedApplication:
    """An application that bears our uniqueName, or that the manifest adopts, and all that belongs to it.

    `owners` and `principal_owners` are object ids, read where the manifest names owners; `policy` is its own app
    management policy, if it has one.
    """

    application: Application
    service_principal: ServicePrincipal | None
    held: Mapping[str, Held] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()
    principal_owners: frozenset[str] = frozenset()
    policy: AppManagement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedApplication:
    """A soft-deleted application that still occupies our uniqueName."""

    application: Application
    deleted: datetime
    service_principal: ServicePrincipal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the tenant and the stores hold of one manifest's concern.

    `applications`, `deleted` and `identities` are by manifest key, `resources` by appId; `names` leads from what a
    manifest calls a resource to its appId, `people` from what it calls an owner to an object id; `unclear` lists the
    appIds of a name that several bear. `certificates` are those in PEM files, by application and credential. `strays`
    bear our owner tag but stand in the manifest no longer. `policy` is the tenant's default app management policy,
    where it matters and may be read.
    """

    applications: Mapping[str, ObservedApplication]
    resources: Mapping[str, Resource]
    strays: tuple[Application, ...] = ()
    deleted: Mapping[str, DeletedApplication] = field(default_factory=dict)
    identities: Mapping[str, ServicePrincipal] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    certificates: Mapping[str, Mapping[str, Certificate]] = field(default_factory=dict)
    tenant_id: str = ""
    warnings: tuple[str, ...] = ()
    policy: AppManagement | None = None
