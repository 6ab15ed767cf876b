"""What a manifest says, as data: every mark points back to the line that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from provision.model import Call
from provision.places import StorePlace

Kind = Literal["application", "delegated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in a manifest; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSpec:
    """One permission by name, as asked of one resource.

    `resource` is what the manifest writes: a display name, an appId, or the key of another application here.
    """

    resource: str
    value: str
    mark: Mark
    kind: Kind = "application"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """A client secret that the workload signs in with; overlap < renew_before < lifetime."""

    name: str
    lifetime: timedelta
    renew_before: timedelta
    overlap: timedelta
    store: StorePlace
    mark: Mark
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSpec:
    """A certificate that the workload signs in with: made here, unless `store` is a PemFile."""

    name: str
    lifetime: timedelta
    renew_before: timedelta
    overlap: timedelta
    store: StorePlace
    mark: Mark
    key_size: int = 2048
    subject: str = ""
    replaces: tuple[str, ...] = ()


StoredSpec = SecretSpec | CertificateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedSpec:
    """A trust in tokens of another issuer; there is no value to store."""

    name: str
    issuer: str
    subject: str
    audience: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalSpec:
    """What a manifest says of an application's service principal; None where it says nothing."""

    enabled: bool | None = None
    assignment_required: bool | None = None
    owners: tuple[OwnerSpec, ...] = ()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerSpec:
    """An owner by object id or user principal name, as written."""

    name: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRoleSpec:
    """An application permission that an application of this manifest offers to others."""

    value: str
    display_name: str
    description: str
    allowed_member_types: tuple[str, ...]
    enabled: bool
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeSpec:
    """A delegated permission that an application of this manifest exposes; texts as Graph names them."""

    value: str
    type: str
    texts: Mapping[str, str]
    enabled: bool
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class PreAuthorizedSpec:
    """A client that needs no consent for some scopes: an appId, or the key of another application here."""

    client: str
    scopes: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSpec:
    """One application; `properties` has Graph's names and only what the manifest mentions.

    A property inside another is written with a dot: `web.redirectUris`. An address may hold `{appId}` and `{tenantId}`,
    which are known only later. `app_roles`, `scopes`, `pre_authorized` and `known_clients` are None where the
    manifest does not mention them, and empty where it wants none.
    """

    key: str
    properties: Mapping[str, Any]
    tags: frozenset[str]
    permissions: tuple[PermissionSpec, ...]
    grant: bool
    secrets: tuple[SecretSpec, ...]
    calls: tuple[Call, ...]
    mark: Mark
    certificates: tuple[CertificateSpec, ...] = ()
    federated: tuple[FederatedSpec, ...] = ()
    app_roles: tuple[AppRoleSpec, ...] | None = None
    scopes: tuple[ScopeSpec, ...] | None = None
    pre_authorized: tuple[PreAuthorizedSpec, ...] | None = None
    known_clients: tuple[str, ...] | None = None
    owners: tuple[OwnerSpec, ...] = ()
    service_principal: PrincipalSpec = field(default_factory=PrincipalSpec)
    preserve: bool = False
    adopt: str | None = None

    @property
    def stored(self) -> tuple[StoredSpec, ...]:
        """The credentials that have a value to keep."""
        return (*self.secrets, *self.certificates)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySpec:
    """A managed identity that exists already, by its service principal's object id, and what it may do."""

    key: str
    managed_identity: str
    permissions: tuple[PermissionSpec, ...]
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that was read without a mistake, variables filled in.

    `owner` is the name that marks what is made: `name`, or `name.environment`. `file` is the path as the user wrote it,
    `folder` the absolute folder that relative paths start from. `partial` when --target chose some applications only:
    then nothing is concluded from the absence of the `others`, which only say what they offer. `source` is the whole as plain JSON, variables,
    defaults and the environment filled in, from which it can be read again.
    """

    file: str
    folder: Path
    name: str
    owner: str
    tenant: str | None
    cloud: str | None
    applications: tuple[ApplicationSpec, ...]
    identities: tuple[IdentitySpec, ...] = ()
    others: tuple[ApplicationSpec, ...] = ()
    environment: str | None = None
    warnings: tuple[str, ...] = ()
    partial: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)
