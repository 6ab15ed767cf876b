"""The difference between what is wanted and what is there, as steps that can be read before they are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from provision.model import AppRole, Owner, Permission, PermissionScope, PreAuthorized


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One property, before and after; one inside another has a dotted name."""

    property: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResourcePrincipal:
    """Give a resource, such as another organisation's API, its presence in the tenant; never undone."""

    app: str
    resource: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApplication:
    """Register the application under our uniqueName."""

    app: str
    unique_name: str
    properties: Mapping[str, Any]
    tags: tuple[str, ...]
    requested: tuple[Permission, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreApplication:
    """Bring our own application back from the deleted items."""

    app: str
    application_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableEntitlements:
    """Switch app roles or scopes off: only then can they be changed or removed."""

    app: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateApplication:
    """Change properties that the manifest mentions, or add tags."""

    app: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeClients:
    """Say which clients need no consent for which scopes, and which are consented to together with the API.

    None leaves a list as it is; clients are appIds, or keys of the manifest.
    """

    app: str
    pre_authorized: tuple[PreAuthorized, ...] | None
    known: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPermissions:
    """Declare permissions in requiredResourceAccess, which is how we remember that they are ours."""

    app: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawPermissions:
    """Take permissions out of requiredResourceAccess, after they were revoked."""

    app: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateServicePrincipal:
    """Give the application its presence in the tenant."""

    app: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreServicePrincipal:
    """Bring a restored application's service principal back: Graph does not do it by itself."""

    app: str
    service_principal_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateServicePrincipal:
    """Change what the manifest says of the service principal, or add tags."""

    app: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOwner:
    """Make somebody an owner of the application or of its service principal; nobody is ever removed."""

    app: str
    of: Literal["application", "servicePrincipal"]
    owner: Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantAppRole:
    """Consent to one application permission for the whole tenant."""

    app: str
    role: AppRole


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAppRole:
    """Take back a consent that the manifest no longer asks for."""

    app: str
    role: AppRole
    assignment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantScopes:
    """Consent, for every user, to delegated permissions of one resource."""

    app: str
    scopes: tuple[PermissionScope, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeScopes:
    """Take delegated permissions of one resource back; what others were granted beside them stays."""

    app: str
    scopes: tuple[PermissionScope, ...]
    grant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddFederated:
    """Trust another issuer's tokens for one subject."""

    app: str
    credential: str
    issuer: str
    subject: str
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFederated:
    """Change whose tokens a federated credential of ours trusts."""

    app: str
    credential: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFederated:
    """Trust no longer: a federated credential of ours that the manifest does not name any more."""

    app: str
    credential: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSecret:
    """Issue a secret, prove it, store it, and record that it is stored.

    `reason` is shown to people; `rotation` says that another one works meanwhile.
    """

    app: str
    credential: str
    reason: str
    rotation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStored:
    """Repair the record of which secret the store holds."""

    app: str
    credential: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCertificate:
    """Add a certificate: made, proven and stored as AddSecret does, or as a PEM file has it.

    `thumbprint` says which one, where that is known before.
    """

    app: str
    credential: str
    reason: str
    rotation: bool
    thumbprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCertificate:
    """Remove a certificate that nothing uses any more."""

    app: str
    credential: str
    key_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSecret:
    """Remove a secret of ours that nothing uses any more."""

    app: str
    credential: str
    key_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteApplication:
    """Delete an application of ours: it can be restored for 30 days, unless it is purged too."""

    app: str
    application_id: str
    display_name: str
    purge: bool = False


Step: TypeAlias = (
    CreateResourcePrincipal
    | CreateApplication
    | RestoreApplication
    | DisableEntitlements
    | UpdateApplication
    | CreateServicePrincipal
    | RestoreServicePrincipal
    | UpdateServicePrincipal
    | AuthorizeClients
    | AddOwner
    | RequestPermissions
    | GrantAppRole
    | GrantScopes
    | AddFederated
    | UpdateFederated
    | AddSecret
    | AddCertificate
    | RecordStored
    | RevokeAppRole
    | RevokeScopes
    | WithdrawPermissions
    | RemoveFederated
    | RemoveSecret
    | RemoveCertificate
    | DeleteApplication
)

Keeping: TypeAlias = AddSecret | AddCertificate | RecordStored | RemoveSecret | RemoveCertificate
"""Steps in the life of a credential that has a value."""
KEEPING = (AddSecret, AddCertificate, RecordStored, RemoveSecret, RemoveCertificate)
ADDS = (AddSecret, AddCertificate)
REMOVES = (RemoveSecret, RemoveCertificate)

Shaping: TypeAlias = (
    CreateApplication
    | RestoreApplication
    | DisableEntitlements
    | UpdateApplication
    | CreateServicePrincipal
    | RestoreServicePrincipal
    | UpdateServicePrincipal
    | AuthorizeClients
    | AddOwner
    | RequestPermissions
    | WithdrawPermissions
    | DeleteApplication
)
"""Steps about the application itself, or its service principal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something worth saying that is no step: others' grants, a secret held elsewhere, one to come."""

    app: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in the order in which they will be done; empty when the tenant matches."""

    owner: str
    steps: tuple[Step, ...]
    notes: tuple[Note, ...] = ()

    def count(self) -> tuple[int, int, int]:
        """How many steps create, change and destroy."""
        made = sum(isinstance(step, CREATES) for step in self.steps)
        gone = sum(isinstance(step, DESTROYS) for step in self.steps)
        return made, len(self.steps) - made - gone, gone


CREATES = (
    CreateResourcePrincipal,
    CreateApplication,
    RestoreApplication,
    CreateServicePrincipal,
    RestoreServicePrincipal,
    AddOwner,
    GrantAppRole,
    GrantScopes,
    AddFederated,
    AddSecret,
    AddCertificate,
)
DESTROYS = (RevokeAppRole, RevokeScopes, RemoveFederated, *REMOVES, DeleteApplication)

CONSENT = (GrantAppRole, GrantScopes, RevokeAppRole, RevokeScopes)
"""The steps that only somebody who may consent for the tenant can take."""

MAKES = (
    CreateResourcePrincipal,
    CreateApplication,
    RestoreApplication,
    DisableEntitlements,
    UpdateApplication,
    CreateServicePrincipal,
    RestoreServicePrincipal,
    UpdateServicePrincipal,
)
"""Steps that make an application what others may refer to; they themselves refer to nothing of the manifest."""


def references(step: Step) -> set[str]:
    """The resources and clients that a step needs to be there: appIds, or keys of the manifest."""
    match step:
        case CreateApplication():
            return {each.resource for each in step.requested}
        case RequestPermissions() | WithdrawPermissions():
            return {each.resource for each in step.permissions}
        case GrantAppRole():
            return {step.role.resource}
        case GrantScopes():
            return {each.resource for each in step.scopes}
        case AuthorizeClients():
            return {*(each.client for each in step.pre_authorized or ()), *(step.known or ())}
        case _:
            return set()
