"""The directory's part of Microsoft Graph: which route is answered by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from provision.sandbox.call import Answer, Handler, Route
from provision.sandbox.directory import (
    app_role_assignments,
    applications,
    classifications,
    deleted_items,
    delta,
    directory_objects,
    domains,
    federated_credentials,
    grants,
    groups,
    key_actions,
    memberships,
    metadata,
    organization,
    owners,
    passwords,
    policies,
    service_principals,
    users,
)
from provision.sandbox.directory.objects import KINDS, casts


def _crud(path: str, *handlers: Handler) -> Iterator[Route]:
    """A collection: listed, created; one of it read, changed, deleted."""
    collection = path.rpartition("/")[0]
    read_all, create, read, update, delete = handlers
    yield Route("GET", collection, read_all)
    yield Route("POST", collection, create)
    yield Route("GET", path, read)
    yield Route("PATCH", path, update)
    yield Route("DELETE", path, delete)


def _related(path: str, *handlers: Handler) -> Iterator[Route]:
    """References to other objects: the objects, the references, one more, one less."""
    objects, references, add, remove = handlers
    yield from _listed(path, objects)
    yield Route("GET", f"{path}/$ref", references)
    yield Route("POST", f"{path}/$ref", add)
    yield Route("DELETE", f"{path}/{{other}}/$ref", remove)


def _listed(path: str, handler: Handler) -> Iterator[Route]:
    for address in casts(path):
        yield Route("GET", address, handler)


def _owned(path: str) -> Iterator[Route]:
    yield from _related(
        f"{path}/owners",
        owners.list_owners,
        owners.list_owner_references,
        owners.add_owner,
        owners.remove_owner,
    )


def _belonging(path: str) -> Iterator[Route]:
    """What somebody or something belongs to."""
    yield from _listed(f"{path}/memberOf", memberships.list_member_of)
    yield from _listed(f"{path}/transitiveMemberOf", memberships.list_transitive_member_of)
    yield from _asked(path)


def _asked(path: str) -> Iterator[Route]:
    yield Route("POST", f"{path}/checkMemberGroups", memberships.check_member_groups)
    yield Route("POST", f"{path}/checkMemberObjects", memberships.check_member_objects)
    yield Route("POST", f"{path}/getMemberGroups", memberships.get_member_groups)
    yield Route("POST", f"{path}/getMemberObjects", memberships.get_member_objects)


def _having(path: str) -> Iterator[Route]:
    """What somebody or something owns, has made, and was granted."""
    yield from _listed(f"{path}/ownedObjects", memberships.list_owned_objects)
    yield from _listed(f"{path}/createdObjects", memberships.list_created_objects)
    yield Route("GET", f"{path}/oauth2PermissionGrants", grants.list_grants_of)


def _assigned(path: str, relation: str) -> Iterator[Route]:
    yield Route("GET", f"{path}/{relation}", app_role_assignments.list_assignments)
    yield Route("POST", f"{path}/{relation}", app_role_assignments.create_assignment)
    one = f"{path}/{relation}/{{assignment}}"
    yield Route("GET", one, app_role_assignments.get_assignment)
    yield Route("DELETE", one, app_role_assignments.delete_assignment)


def _with_credentials(path: str) -> Iterator[Route]:
    yield Route("POST", f"{path}/addPassword", passwords.add_password)
    yield Route("POST", f"{path}/removePassword", passwords.remove_password)
    yield Route("POST", f"{path}/addKey", key_actions.add_key)
    yield Route("POST", f"{path}/removeKey", key_actions.remove_key)


def _restrained(path: str) -> Iterator[Route]:
    """The policy that is an object's own."""
    assigned = f"{path}/appManagementPolicies"
    yield Route("GET", assigned, policies.list_assigned)
    yield Route("POST", f"{assigned}/$ref", policies.assign_policy)
    yield Route("DELETE", f"{assigned}/{{policy}}/$ref", policies.unassign_policy)


def _deleted() -> Iterator[Route]:
    bin = "directory/deletedItems"
    yield Route("GET", bin, deleted_items.list_deleted)
    for kind in KINDS:
        cast = f"{bin}/microsoft.graph.{kind.name}"
        yield Route("GET", cast, deleted_items.list_deleted_of_type)
        yield Route("GET", f"{cast}/$count", deleted_items.count_deleted_of_type)
    yield Route("GET", f"{bin}/{{item}}", deleted_items.get_deleted)
    yield Route("DELETE", f"{bin}/{{item}}", deleted_items.purge_deleted)
    yield Route("POST", f"{bin}/{{item}}/restore", deleted_items.restore_deleted)


_APPLICATION = "applications/{application}"
_PRINCIPAL = "servicePrincipals/{servicePrincipal}"
_GROUP = "groups/{group}"
_USER = "users/{user}"
_GRANT = "oauth2PermissionGrants/{grant}"
_FEDERATED = f"{_APPLICATION}/federatedIdentityCredentials/{{credential}}"
_DEFAULT_POLICY = "policies/defaultAppManagementPolicy"
_POLICY = "policies/appManagementPolicies/{policy}"
_CLASSIFICATIONS = f"{_PRINCIPAL}/delegatedPermissionClassifications"

ROUTES: tuple[Route, ...] = (
    Route("GET", "$metadata", metadata.get_metadata),
    *_crud(
        _APPLICATION,
        applications.list_applications,
        applications.create_application,
        applications.get_application,
        applications.update_application,
        applications.delete_application,
    ),
    Route("GET", "applications/$count", applications.count_applications),
    Route("GET", "applications/delta", delta.list_changes),
    *_owned(_APPLICATION),
    *_with_credentials(_APPLICATION),
    *_restrained(_APPLICATION),
    *_crud(
        _FEDERATED,
        federated_credentials.list_federated_credentials,
        federated_credentials.create_federated_credential,
        federated_credentials.get_federated_credential,
        federated_credentials.update_federated_credential,
        federated_credentials.delete_federated_credential,
    ),
    *_crud(
        _PRINCIPAL,
        service_principals.list_service_principals,
        service_principals.create_service_principal,
        service_principals.get_service_principal,
        service_principals.update_service_principal,
        service_principals.delete_service_principal,
    ),
    Route("GET", "servicePrincipals/$count", service_principals.count_service_principals),
    Route("GET", "servicePrincipals/delta", delta.list_changes),
    *_owned(_PRINCIPAL),
    *_with_credentials(_PRINCIPAL),
    *_restrained(_PRINCIPAL),
    Route(
        "POST",
        f"{_PRINCIPAL}/addTokenSigningCertificate",
        key_actions.add_token_signing_certificate,
    ),
    *_assigned(_PRINCIPAL, "appRoleAssignments"),
    *_assigned(_PRINCIPAL, "appRoleAssignedTo"),
    *_belonging(_PRINCIPAL),
    *_having(_PRINCIPAL),
    Route("GET", _CLASSIFICATIONS, classifications.list_classifications),
    Route("POST", _CLASSIFICATIONS, classifications.create_classification),
    Route(
        "DELETE",
        f"{_CLASSIFICATIONS}/{{classification}}",
        classifications.delete_classification,
    ),
    *_crud(
        _GRANT,
        grants.list_grants,
        grants.create_grant,
        grants.get_grant,
        grants.update_grant,
        grants.delete_grant,
    ),
    Route("GET", "oauth2PermissionGrants/delta", delta.list_changes),
    Route("GET", _DEFAULT_POLICY, policies.get_default_policy),
    Route("PATCH", _DEFAULT_POLICY, policies.update_default_policy),
    *_crud(
        _POLICY,
        policies.list_policies,
        policies.create_policy,
        policies.get_policy,
        policies.update_policy,
        policies.delete_policy,
    ),
    Route("GET", f"{_POLICY}/appliesTo", policies.list_restricted),
    *_deleted(),
    Route("GET", "directoryObjects/{object}", directory_objects.get_directory_object),
    Route("DELETE", "directoryObjects/{object}", directory_objects.delete_directory_object),
    *_asked("directoryObjects/{object}"),
    Route("POST", "directoryObjects/getByIds", directory_objects.get_by_ids),
    Route("POST", "directoryObjects/validateProperties", directory_objects.validate_properties),
    Route("GET", "organization", organization.list_organizations),
    Route("GET", "organization/{organization}", organization.get_organization),
    Route("GET", "domains", domains.list_domains),
    Route("GET", "domains/{domain}", domains.get_domain),
    *_crud(
        _USER,
        users.list_users,
        users.create_user,
        users.get_user,
        users.update_user,
        users.delete_user,
    ),
    Route("GET", "users/$count", users.count_users),
    Route("GET", "users/delta", delta.list_changes),
    *_belonging(_USER),
    *_having(_USER),
    *_assigned(_USER, "appRoleAssignments"),
    Route("GET", "me", users.get_user),
    *_belonging("me"),
    *_having("me"),
    *_assigned("me", "appRoleAssignments"),
    *_crud(
        _GROUP,
        groups.list_groups,
        groups.create_group,
        groups.get_group,
        groups.update_group,
        groups.delete_group,
    ),
    Route("GET", "groups/$count", groups.count_groups),
    Route("GET", "groups/delta", delta.list_changes),
    *_owned(_GROUP),
    *_related(
        f"{_GROUP}/members",
        owners.list_members,
        owners.list_member_references,
        owners.add_member,
        owners.remove_member,
    ),
    *_listed(f"{_GROUP}/transitiveMembers", memberships.list_transitive_members),
    *_belonging(_GROUP),
    *_assigned(_GROUP, "appRoleAssignments"),
)

# What anybody may read, without a token and thus without a tenant.
OPEN: Mapping[Handler, Callable[[], Answer]] = {metadata.get_metadata: metadata.described}
