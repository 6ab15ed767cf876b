"""What must be in the tenant before each documented request is sent."""

from __future__ import annotations

from collections.abc import Callable

from assertion import pair
from caller import made
from examples import Asked, Body, World, proof

Setup = Callable[[World, Body], Asked]


def _removed_password(world: World, body: Body) -> Asked:
    path = f"applications/{world.app()}"
    secret = world.caller.post(f"{path}/addPassword", {}).json()
    return Asked(path=f"{path}/removePassword", body={"keyId": secret["keyId"]})


def _removed_key(world: World, body: Body) -> Asked:
    id = world.sp()
    key = world.keyed("servicePrincipals", id)
    body = {"keyId": key["keyId"], "proof": proof(pair(), id)}
    return Asked(path=f"servicePrincipals/{id}/removeKey", body=body)


def _removed_owner(world: World, path: str) -> Asked:
    return Asked(path=f"{path}/owners/{world.owned(path)}/$ref")


def _updated_federated(world: World, body: Body) -> Asked:
    path = f"applications/{world.app()}"
    credential = world.federated(path)
    changed = {**body, "name": credential["name"]}
    return Asked(path=f"{path}/federatedIdentityCredentials/{credential['id']}", body=changed)


def _upserted_federated(world: World, body: Body) -> Asked:
    path = world.named_app()
    world.federated(path)
    return Asked(path=f"{path}/federatedIdentityCredentials(name='testing02')")


def _listed_federated(world: World, body: Body) -> Asked:
    path = f"applications/{world.app()}"
    world.federated(path)
    return Asked(path=f"{path}/federatedIdentityCredentials/")


def _checked_groups(world: World, body: Body) -> Asked:
    user = world.user()
    groups = [world.group(user), world.group()]
    path = f"directoryObjects/{user}/checkMemberGroups"
    return Asked(path=path, body={"groupIds": groups})


def _held_groups(world: World, body: Body) -> Asked:
    user = world.user()
    world.group(user)
    return Asked(path=f"directoryObjects/{user}/getMemberObjects")


def _member_of(world: World, body: Body) -> Asked:
    id = world.sp()
    world.group(id)
    return Asked(path=f"servicePrincipals/{id}/memberOf")


def _deleted_assignment(collection: str, made_by: Callable[[World], str]) -> Setup:
    def setup(world: World, body: Body) -> Asked:
        principal = made_by(world)
        assignment = world.assigned(collection, principal)
        return Asked(path=f"{collection}/{principal}/appRoleAssignments/{assignment['id']}")

    return setup


def _deleted_assigned_to(world: World, body: Body) -> Asked:
    held = world.assigned("servicePrincipals", world.sp())
    return Asked(path=f"servicePrincipals/{held['resourceId']}/appRoleAssignedTo/{held['id']}")


def _listed_assignments(collection: str, made_by: Callable[[World], str]) -> Setup:
    def setup(world: World, body: Body) -> Asked:
        principal = made_by(world)
        held = world.assigned(collection, principal)
        query = f"$filter=resourceId eq {held['resourceId']}"
        return Asked(path=f"{collection}/{principal}/appRoleAssignments", query=query)

    return setup


def _assigned_to_nothing(collection: str, made_by: Callable[[World], str]) -> Setup:
    """The role of all zeros, at a resource that offers none."""

    def setup(world: World, body: Body) -> Asked:
        principal = made_by(world)
        ends = {"principalId": principal, "resourceId": world.sp()}
        return Asked(path=f"{collection}/{principal}/appRoleAssignments", body={**body, **ends})

    return setup


def _assigned_to_group(world: World, body: Body) -> Asked:
    resource, role = world.resource()
    body = {"principalId": world.group(), "resourceId": resource, "appRoleId": role}
    return Asked(path=f"servicePrincipals/{resource}/appRoleAssignedTo", body=body)


def _classified(world: World, body: Body) -> Asked:
    path = f"servicePrincipals/{world.graph()}/delegatedPermissionClassifications"
    present = world.caller.get(path).json()["value"]
    for each in present:
        world.caller.delete(f"{path}/{each['id']}")
    return Asked(path=path)


def _listed_classifications(world: World, body: Body) -> Asked:
    asked = _classified(world, body)
    wanted = {"permissionName": "User.Read", "classification": "low"}
    made(world.caller.post(asked.path, wanted))
    return asked


def _deleted_classification(world: World, body: Body) -> Asked:
    path = _listed_classifications(world, body).path
    (present,) = world.caller.get(path).json()["value"]
    return Asked(path=f"{path}/{present['id']}")


def _created_objects(world: World, body: Body) -> Asked:
    other = world.caller.workload("Application.ReadWrite.All")
    other.application()
    maker = f"servicePrincipals(appId='{other.identity['clientId']}')"
    return Asked(path=f"{maker}/createdObjects")


def _owned_objects(world: World, body: Body) -> Asked:
    owner, application = world.sp(), world.app()
    world.refer(f"applications/{application}/owners", owner)
    return Asked(path=f"servicePrincipals/{owner}/ownedObjects")


def _person_grants(world: World, body: Body) -> Asked:
    user = world.user()
    world.grant(user)
    return Asked(path=f"users/{user}/oauth2PermissionGrants")


def _client_grants(world: World, body: Body) -> Asked:
    return Asked(path=f"servicePrincipals/{world.grant()['clientId']}/oauth2PermissionGrants")


def _my_objects(world: World, body: Body) -> Asked:
    world.refer(f"applications/{world.app()}/owners", world.person)
    return Asked(path="me/ownedObjects")


def _new_user(world: World, body: Body) -> Asked:
    if "userPrincipalName" not in body:
        return Asked(path="users")
    name = world.fresh("AdeleV")
    return Asked(path="users", body={**body, "userPrincipalName": f"{name}@{world.domain}"})


def _with_identities(world: World, body: Body) -> Asked:
    identity = {
        "signInType": "federated",
        "issuer": "contoso.onmicrosoft.com",
        "issuerAssignedId": "j.smith@yahoo.com",
    }
    person = {"displayName": "John Smith", "identities": [identity]}
    made(world.caller.post("users", {**person, "passwordProfile": {"password": "long-enough"}}))
    return Asked(path="users")


def _new_owner(world: World, body: Body) -> Asked:
    reference = body["@odata.id"].replace("{id}", world.user())
    path = f"servicePrincipals/{world.sp()}/owners/$ref"
    return Asked(path=path, body={"@odata.id": reference})


def _new_member(world: World, body: Body) -> Asked:
    reference = body["@odata.id"].replace("{id}", world.user())
    return Asked(path=f"groups/{world.group()}/members/$ref", body={"@odata.id": reference})


def _by_ids(world: World, body: Body) -> Asked:
    ids = [world.user(), world.user()]
    return Asked(path="directoryObjects/getByIds", body={**body, "ids": ids})


def _upserted(world: World, body: Body) -> Asked:
    return Asked(path=f"applications(uniqueName='{world.fresh('app-')}')")


def _searched(name: str, path: str) -> Setup:
    def setup(world: World, body: Body) -> Asked:
        world.sp(displayName=name)
        world.group()
        return Asked(path=path)

    return setup


def _at(path: str) -> Setup:
    """Nothing has to be there, or everything is."""
    return lambda world, body: Asked(path=path)


def _of(path: str, make: Callable[[World], str]) -> Setup:
    """One new object, named in the path."""
    return lambda world, body: Asked(path=path.format(make(world)))


def _owners_of(path: str, make: Callable[[World], str]) -> Setup:
    def setup(world: World, body: Body) -> Asked:
        place = path.format(make(world))
        world.owned(place)
        return Asked(path=f"{place}/owners")

    return setup


def _batch(world: World, body: Body) -> Asked:
    """Two of its parts are about things that no sandbox has; they are left as they are."""
    return Asked(path="$batch")


SETUPS: dict[str, Setup] = {
    "aad-advanced-queries#1": _at("users/$count"),
    "aad-advanced-queries#2": _at("applications"),
    "aad-advanced-queries#3": _at("users"),
    "aad-advanced-queries#5": _at("users"),
    "application-delete#1": _of("applications/{}", World.app),
    "application-delete-owners#1": lambda w, b: _removed_owner(w, f"applications/{w.app()}"),
    "application-list#1": _at("applications"),
    "application-list#3": _searched("Web store", "applications"),
    "application-list-extensionproperty#1": _of("applications/{}/extensionProperties", World.app),
    "application-list-federatedidentitycredentials#1": _listed_federated,
    "application-list-owners#1": _of("applications/{}/owners", World.app),
    "application-post-applications#1": _at("applications"),
    "application-post-federatedidentitycredentials#1": _of(
        "applications/{}/federatedIdentityCredentials/", World.app
    ),
    "application-removepassword#1": _removed_password,
    "application-unsetverifiedpublisher#1": _of(
        "applications/{}/unsetVerifiedPublisher", World.app
    ),
    "application-update#1": _of("applications/{}", World.app),
    "application-upsert#1": _upserted,
    "application-upsert#2": _of("{}", World.named_app),
    "directory-deleteditems-get#1": _of("directory/deletedItems/{}", World.deleted_group),
    "directory-deleteditems-restore#1": _of(
        "directory/deletedItems/{}/restore", World.deleted_group
    ),
    "directoryobject-checkmembergroups#1": _checked_groups,
    "directoryobject-getbyids#1": _by_ids,
    "directoryobject-getmemberobjects#1": _held_groups,
    "directoryobject-validateproperties#1": _at("directoryObjects/validateProperties"),
    "domain-get#1": lambda w, b: Asked(path=f"domains/{w.domain}"),
    "domain-list#1": _at("domains"),
    "federatedidentitycredential-update#1": _updated_federated,
    "federatedidentitycredential-upsert#2": _upserted_federated,
    "group-delete#1": _of("groups/{}", World.group),
    "group-delete-approleassignments#1": _deleted_assignment("groups", World.group),
    "group-list#1": _searched("Web", "groups"),
    "group-list#4": _searched("Web", "groups"),
    "group-list-approleassignments#1": _listed_assignments("groups", World.group),
    "group-list-members#1": lambda w, b: Asked(path=f"groups/{w.group(w.user())}/members"),
    "group-list-owners#1": _owners_of("groups/{}", World.group),
    "group-post-approleassignments#1": _assigned_to_nothing("groups", World.group),
    "group-post-members#1": _new_member,
    "json-batching#1": _batch,
    "oauth2permissiongrant-delete#1": _of("oauth2PermissionGrants/{}", lambda w: w.grant()["id"]),
    "oauth2permissiongrant-get#1": _of(
        "oauth2PermissionGrants/{}", lambda w: w.grant(w.user())["id"]
    ),
    "oauth2permissiongrant-list#1": lambda w, b: Asked(
        path="oauth2PermissionGrants", query=f"$filter=clientId eq '{w.grant()['clientId']}'"
    ),
    "oauth2permissiongrant-update#1": _of("oauth2PermissionGrants/{}", lambda w: w.grant()["id"]),
    "serviceprincipal-delete#1": _of("servicePrincipals/{}", World.sp),
    "serviceprincipal-delete-approleassignedto#1": _deleted_assigned_to,
    "serviceprincipal-delete-approleassignments#1": _deleted_assignment(
        "servicePrincipals", World.sp
    ),
    "serviceprincipal-delete-delegatedpermissionclassifications#1": _deleted_classification,
    "serviceprincipal-delete-owners#1": lambda w, b: _removed_owner(
        w, f"servicePrincipals/{w.sp()}"
    ),
    "serviceprincipal-get#1": _of("servicePrincipals/{}", World.sp),
    "serviceprincipal-list#3": _searched("Team", "servicePrincipals"),
    "serviceprincipal-list-approleassignments#1": _listed_assignments(
        "servicePrincipals", World.sp
    ),
    "serviceprincipal-list-createdobjects#1": _created_objects,
    "serviceprincipal-list-delegatedpermissionclassifications#1": _listed_classifications,
    "serviceprincipal-list-memberof#1": _member_of,
    "serviceprincipal-list-oauth2permissiongrants#1": _client_grants,
    "serviceprincipal-list-ownedobjects#1": _owned_objects,
    "serviceprincipal-post-approleassignedto#1": _assigned_to_group,
    "serviceprincipal-post-delegatedpermissionclassifications#1": _classified,
    "serviceprincipal-post-owners#1": _new_owner,
    "serviceprincipal-removekey#1": _removed_key,
    "serviceprincipal-update#1": _of("servicePrincipals/{}", World.sp),
    "throttling#1": _at("users"),
    "tokenlifetimepolicy-list#1": _at("policies/tokenLifetimePolicies"),
    "user-delete#1": _of("users/{}", World.user),
    "user-get#2": _at("me"),
    "user-list#1": _at("users"),
    "user-list#2": _with_identities,
    "user-list-approleassignments#1": _listed_assignments("users", World.user),
    "user-list-approleassignments#2": _listed_assignments("users", World.user),
    "user-list-oauth2permissiongrants#1": _person_grants,
    "user-list-ownedobjects#1": _my_objects,
    "user-post-approleassignments#1": _assigned_to_nothing("users", World.user),
    "user-post-users#1": _new_user,
    "user-post-users#2": _new_user,
    "user-update#3": _of("users/{}", World.user),
}
