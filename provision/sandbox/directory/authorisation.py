"""Who may do what: one row per operation, for applications and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.sandbox.call import Call
from provision.sandbox.directory import haste
from provision.sandbox.directory.refusals import denied
from provision.sandbox.tenant import Seen

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
CLOUD_APPLICATION_ADMINISTRATOR = "158c047a-c907-4556-b7ef-446551a6b5f7"
APPLICATION_DEVELOPER = "cf1c38e5-3621-4004-a7cb-879624dced7c"

GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
GROUPS_ADMINISTRATOR = "fdd7a751-b60b-444a-984c-02652fe8fa1c"

_ADMINISTRATORS = frozenset(
    {GLOBAL_ADMINISTRATOR, APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR}
)
_USER_WRITERS = frozenset({GLOBAL_ADMINISTRATOR, USER_ADMINISTRATOR})
_GROUP_WRITERS = _USER_WRITERS | {GROUPS_ADMINISTRATOR}
_CONSENTERS = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR})
ADMINISTRATORS = _ADMINISTRATORS | _CONSENTERS | _GROUP_WRITERS
_AS_USER = "Directory.AccessAsUser.All"
_READ_DIRECTORY = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
_WRITE_DIRECTORY = frozenset({"Directory.ReadWrite.All"})
_READ_APPLICATIONS = frozenset(
    {"Application.Read.All", "Application.ReadWrite.All", *_READ_DIRECTORY}
)
_WRITE_APPLICATIONS = frozenset({"Application.ReadWrite.All"})
_OWNED = frozenset({"Application.ReadWrite.OwnedBy"})
_READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All", *_READ_DIRECTORY})
_WRITE_USERS = frozenset({"User.ReadWrite.All", *_WRITE_DIRECTORY})
_READ_GROUPS = frozenset(
    {"Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All", *_READ_DIRECTORY}
)
_WRITE_GROUPS = frozenset({"Group.ReadWrite.All", *_WRITE_DIRECTORY})
_READ_MEMBERS = _READ_GROUPS | {"GroupMember.ReadWrite.All"}
_WRITE_MEMBERS = _WRITE_GROUPS | {"GroupMember.ReadWrite.All"}
_READ_DOMAINS = frozenset({"Domain.Read.All", "Domain.ReadWrite.All", *_READ_DIRECTORY})
_READ_ORGANIZATION = frozenset(
    {"Organization.Read.All", "Organization.ReadWrite.All", *_READ_DIRECTORY}
)
_WRITE_POLICIES = frozenset({"Policy.ReadWrite.ApplicationConfiguration"})
_READ_POLICIES = _WRITE_POLICIES | {"Policy.Read.All", "Policy.Read.ApplicationConfiguration"}
_GRANT_ROLES = frozenset({"AppRoleAssignment.ReadWrite.All"})
_GRANT_SCOPES = frozenset({"DelegatedPermissionGrant.ReadWrite.All", *_WRITE_DIRECTORY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Permissions that allow an operation: one of `granted` and, where given, one of `with_any`."""

    granted: frozenset[str]
    owned: frozenset[str] = field(default_factory=frozenset)
    """Permissions that suffice for an application that owns the object."""
    with_any: frozenset[str] = field(default_factory=frozenset)
    alone: frozenset[str] = field(default_factory=frozenset)
    """Permissions that need none of `with_any` beside them."""
    delegated: frozenset[str] = field(default_factory=frozenset)
    """Scopes that a person's token may carry instead."""
    directory_roles: frozenset[str] | None = None
    """Directory roles that a person needs beside the scope; None: any person may."""
    owner_suffices: bool = False
    """A person who owns the object needs no directory role."""
    users_if_let: bool = False
    """Nobody needs a directory role while the tenant lets its users."""


RIGHTS: Mapping[str, Right] = {
    "applications.read": Right(granted=_READ_APPLICATIONS | _OWNED),
    "applications.create": Right(
        granted=_WRITE_APPLICATIONS | _OWNED | {"AppRegistration.Create"},
        directory_roles=_ADMINISTRATORS | {APPLICATION_DEVELOPER},
        users_if_let=True,
    ),
    "applications.write": Right(
        granted=_WRITE_APPLICATIONS,
        owned=_OWNED,
        directory_roles=_ADMINISTRATORS,
        owner_suffices=True,
    ),
    "applications.purge": Right(
        granted=_WRITE_APPLICATIONS, directory_roles=_ADMINISTRATORS, owner_suffices=True
    ),
    "owners.add": Right(
        granted=_WRITE_APPLICATIONS,
        owned=_OWNED,
        with_any=_READ_DIRECTORY,
        alone=_WRITE_DIRECTORY,
        directory_roles=_ADMINISTRATORS,
        owner_suffices=True,
    ),
    "owners.remove": Right(
        granted=_WRITE_APPLICATIONS | _WRITE_DIRECTORY,
        owned=_OWNED,
        directory_roles=_ADMINISTRATORS,
        owner_suffices=True,
    ),
    "servicePrincipals.create": Right(
        granted=_WRITE_APPLICATIONS,
        owned=_OWNED,
        directory_roles=_ADMINISTRATORS,
        owner_suffices=True,
    ),
    "appRoleAssignments.read": Right(granted=_READ_APPLICATIONS | _GRANT_ROLES),
    "people.appRoleAssignments.read": Right(granted=_READ_DIRECTORY | _GRANT_ROLES),
    "appRoleAssignments.write": Right(
        granted=_GRANT_ROLES,
        with_any=_READ_APPLICATIONS,
        directory_roles=_CONSENTERS | _ADMINISTRATORS,
    ),
    "appRoleAssignments.write.graph": Right(
        granted=_GRANT_ROLES, with_any=_READ_APPLICATIONS, directory_roles=_CONSENTERS
    ),
    "oauth2PermissionGrants.read": Right(granted=_GRANT_SCOPES | _READ_DIRECTORY),
    "oauth2PermissionGrants.write": Right(
        granted=_GRANT_SCOPES, directory_roles=_CONSENTERS | _ADMINISTRATORS
    ),
    "organization.read": Right(
        granted=_READ_ORGANIZATION,
        delegated=frozenset({"User.Read", "User.ReadBasic.All"}),
    ),
    "domains.read": Right(granted=_READ_DOMAINS),
    "classifications.read": Right(granted=_READ_APPLICATIONS | _OWNED),
    "classifications.write": Right(
        granted=frozenset({"Policy.ReadWrite.PermissionGrant"}), directory_roles=_ADMINISTRATORS
    ),
    "policies.read": Right(
        granted=_READ_POLICIES, directory_roles=_ADMINISTRATORS | {GLOBAL_READER}
    ),
    "policies.write": Right(granted=_WRITE_POLICIES, directory_roles=_ADMINISTRATORS),
    "policies.assign": Right(
        granted=_WRITE_POLICIES, with_any=_READ_APPLICATIONS, directory_roles=_ADMINISTRATORS
    ),
    "groups.read": Right(granted=_READ_GROUPS | {"Group.ReadBasic.All"}),
    "groups.create": Right(granted=_WRITE_GROUPS | {"Group.Create"}),
    "groups.write": Right(
        granted=_WRITE_GROUPS, directory_roles=_GROUP_WRITERS, owner_suffices=True
    ),
    "members.read": Right(granted=_READ_MEMBERS),
    "members.write": Right(
        granted=_WRITE_MEMBERS, directory_roles=_GROUP_WRITERS, owner_suffices=True
    ),
    "servicePrincipals.memberOf.read": Right(granted=_READ_APPLICATIONS | _OWNED),
    "users.memberOf.read": Right(
        granted=_READ_DIRECTORY | {"Group.ReadBasic.All", "GroupMember.Read.All"}
    ),
    "groups.memberOf.read": Right(granted=_READ_GROUPS | {"Group.ReadBasic.All"}),
    "servicePrincipals.owned.read": Right(granted=_READ_APPLICATIONS | _OWNED),
    "users.owned.read": Right(granted=_READ_USERS),
    "memberGroups.check": Right(granted=_READ_APPLICATIONS | _READ_MEMBERS | _READ_USERS),
    "directoryObjects.read": Right(granted=_READ_DIRECTORY),
    "groups.validate": Right(granted=_READ_GROUPS),
    "users.write": Right(granted=_WRITE_USERS, directory_roles=_USER_WRITERS),
    "users.read": Right(granted=_READ_USERS, delegated=frozenset({"User.ReadBasic.All"})),
    "me.read": Right(granted=_READ_USERS, delegated=frozenset({"User.Read", "User.ReadWrite"})),
}


def may(call: Call, operation: str) -> bool:
    """Whether the caller could do this to some object, if only to its own."""
    allowed = _person_may if call.caller.is_user else _application_may
    return allowed(call, RIGHTS[operation], owner=True)


def authorise(call: Call, operation: str, target: Mapping[str, Any] | None = None) -> None:
    """https://learn.microsoft.com/graph/permissions-overview

    Without a target: whether the caller could do this to any object, its own included.
    """
    right = RIGHTS[operation]
    owner = target is None or (
        call.caller.object_id in target.get("_owners", ()) and haste.knows_owner(call, target)
    )
    allowed = _person_may if call.caller.is_user else _application_may
    if not allowed(call, right, owner=owner):
        raise denied()


def holds_all(call: Call, operation: str) -> bool:
    """Whether the caller may do this to every object, not only to those that it owns."""
    allowed = _person_may if call.caller.is_user else _application_may
    return allowed(call, RIGHTS[operation], owner=False)


def _application_may(call: Call, right: Right, *, owner: bool) -> bool:
    roles = call.caller.roles
    if right.directory_roles is not None and right.directory_roles & call.caller.wids:
        return True
    if right.directory_roles is None and (_ADMINISTRATORS | _CONSENTERS) & call.caller.wids:
        return True
    if right.alone & roles:
        return True
    if right.with_any and not right.with_any & roles:
        return False
    return bool(right.granted & roles) or (owner and bool(right.owned & roles))


def _person_may(call: Call, right: Right, *, owner: bool) -> bool:
    if not _scopes_suffice(call.caller.scopes, right):
        return False
    if right.directory_roles is None or right.directory_roles & call.caller.wids:
        return True
    if right.users_if_let and _lets_users(call):
        return True
    return owner and right.owner_suffices


def _scopes_suffice(scopes: frozenset[str], right: Right) -> bool:
    """With Directory.AccessAsUser.All a client may whatever the person may."""
    if _AS_USER in scopes:
        return True
    if right.with_any and not (right.with_any | right.alone) & scopes:
        return False
    return bool((right.granted | right.owned | right.alone | right.delegated) & scopes)


def _lets_users(call: Call) -> bool:
    """Whether the tenant lets everybody register applications; a new tenant does."""
    organization = call.tenant.get("organization", call.tenant.id, Seen.truth()) or {}
    return bool(organization.get("_usersMayRegister", True))
