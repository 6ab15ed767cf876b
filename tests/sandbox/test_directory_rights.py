"""Who may do what: each permission opens its own operations and no others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import GRAPH_APP_ID, Caller, message, operator_of, refusal

from provision.sandbox.call import Call
from provision.sandbox.call import Caller as TokenHolder
from provision.sandbox.directory.authorisation import (
    APPLICATION_ADMINISTRATOR,
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    authorise,
)
from provision.sandbox.refusal import Refusal
from provision.sandbox.server import Server, serve

DENIED = (403, "Authorization_RequestDenied")
OWNED_BY = "Application.ReadWrite.OwnedBy"
ME = "22222222-2222-4222-8222-222222222222"


@pytest.fixture(scope="module")
def server(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox for all of these; each test makes its own callers."""
    folder = tmp_path_factory.mktemp("rights") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture(scope="module")
def owner(operator: Caller) -> Caller:
    """Somebody who may only write what it owns."""
    return operator.workload(OWNED_BY)


def test_nobody_without_a_permission_reads_or_writes(operator: Caller) -> None:
    nobody = operator.workload()
    principal = operator.graph_principal()

    answers = [
        nobody.get("applications"),
        nobody.post("applications", {"displayName": "x"}),
        nobody.get("applications/11111111-1111-4111-8111-111111111111"),
        nobody.get("servicePrincipals/$count", ConsistencyLevel="eventual"),
        nobody.post(f"servicePrincipals/{principal['id']}/appRoleAssignedTo", {}),
        nobody.get("oauth2PermissionGrants"),
        nobody.get("directory/deletedItems/microsoft.graph.application"),
        nobody.get("organization"),
        nobody.get("users"),
    ]

    assert [refusal(answer) for answer in answers] == [DENIED] * len(answers)
    assert message(answers[0]) == "Insufficient privileges to complete the operation."


def test_an_unknown_segment_is_said_before_a_missing_right(operator: Caller) -> None:
    assert refusal(operator.workload().get("frobnications")) == (400, "BadRequest")


def test_a_reader_reads_and_does_not_write(operator: Caller) -> None:
    reader = operator.workload("Application.Read.All")
    application = operator.application()

    assert reader.get(f"applications/{application['id']}").status_code == 200
    assert reader.get(f"applications/{application['id']}/owners").status_code == 200
    for answer in (
        reader.patch(f"applications/{application['id']}", {"notes": "x"}),
        reader.post(f"applications/{application['id']}/addPassword", {}),
        reader.delete(f"applications/{application['id']}"),
        reader.post("servicePrincipals", {"appId": application["appId"]}),
    ):
        assert refusal(answer) == DENIED


def test_reading_users_is_reading_users_only(operator: Caller) -> None:
    reader = operator.workload("User.Read.All")

    assert reader.get("users?$top=1").status_code == 200
    assert refusal(reader.get("organization")) == DENIED
    assert refusal(reader.get("applications")) == DENIED


def test_an_owner_manages_what_it_made(owner: Caller) -> None:
    application = owner.application()
    principal = owner.principal(application)
    secret = owner.post(f"applications/{application['id']}/addPassword", {})

    assert secret.status_code == 200
    assert owner.patch(f"servicePrincipals/{principal['id']}", {"notes": "x"}).status_code == 204
    assert owner.delete(f"applications/{application['id']}").status_code == 204
    restored = owner.post(f"directory/deletedItems/{application['id']}/restore")
    assert restored.status_code == 200


def test_an_owner_leaves_others_alone(operator: Caller, owner: Caller) -> None:
    application = operator.application(uniqueName="team.foreign")
    address = f"applications/{application['id']}"

    answers = [
        owner.patch(address, {"notes": "x"}),
        owner.patch("applications(uniqueName='team.foreign')", {}, Prefer="create-if-missing"),
        owner.post(f"{address}/addPassword", {}),
        owner.delete(address),
    ]

    assert [refusal(answer) for answer in answers] == [DENIED] * 4
    assert owner.get(address).status_code == 200


def test_an_owner_makes_principals_of_its_own_applications_only(
    operator: Caller, owner: Caller
) -> None:
    foreign = operator.application()

    answer = owner.post("servicePrincipals", {"appId": foreign["appId"]})

    assert refusal(answer) == DENIED
    assert message(answer) == (
        "When using this permission, the backing application of the service principal being "
        "created must in the local tenant"
    )


def test_an_owner_does_not_purge(owner: Caller) -> None:
    application = owner.application()
    owner.delete(f"applications/{application['id']}")

    assert refusal(owner.delete(f"directory/deletedItems/{application['id']}")) == DENIED


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        (("AppRoleAssignment.ReadWrite.All", "Application.Read.All"), 201),
        (("AppRoleAssignment.ReadWrite.All", "Directory.Read.All"), 201),
        (("AppRoleAssignment.ReadWrite.All",), 403),
        (("Application.ReadWrite.All",), 403),
    ],
)
def test_giving_roles_takes_a_right_of_its_own_and_a_reader(
    operator: Caller, roles: tuple[str, ...], status: int
) -> None:
    giver = operator.workload(*roles)
    graph = operator.graph_principal()
    principal = operator.principal(operator.application())
    body = {
        "principalId": principal["id"],
        "resourceId": graph["id"],
        "appRoleId": graph["appRoles"][0]["id"],
    }

    answer = giver.post(f"servicePrincipals/{graph['id']}/appRoleAssignedTo", body)

    assert answer.status_code == status


def a_call(server: Server, **holder: Any) -> Call:
    tenant = server.tenant()
    caller = TokenHolder(app_id=GRAPH_APP_ID, object_id=ME, tenant_id=tenant.id, **holder)
    return Call(method="GET", version="v1.0", path="/", base="", tenant=tenant, caller=caller)


def may(call: Call, operation: str, target: dict[str, Any]) -> bool:
    try:
        authorise(call, operation, target)
    except Refusal as refused:
        return refused.status != 403
    return True


WRITE = frozenset({"Application.ReadWrite.All"})
GIVE = frozenset({"AppRoleAssignment.ReadWrite.All", "Directory.Read.All"})


@pytest.mark.parametrize(
    ("scopes", "role", "operation", "owned", "allowed"),
    [
        (WRITE, GLOBAL_ADMINISTRATOR, "applications.write", False, True),
        (WRITE, APPLICATION_ADMINISTRATOR, "applications.write", False, True),
        (WRITE, PRIVILEGED_ROLE_ADMINISTRATOR, "applications.write", False, False),
        (WRITE, "", "applications.write", False, False),
        (WRITE, "", "applications.write", True, True),
        (frozenset(), GLOBAL_ADMINISTRATOR, "applications.write", True, False),
        (GIVE, APPLICATION_ADMINISTRATOR, "appRoleAssignments.write", False, True),
        (GIVE, APPLICATION_ADMINISTRATOR, "appRoleAssignments.write.graph", False, False),
        (GIVE, PRIVILEGED_ROLE_ADMINISTRATOR, "appRoleAssignments.write.graph", False, True),
        (frozenset({"User.Read"}), "", "organization.read", False, True),
        (frozenset({"User.Read"}), "", "users.read", False, False),
    ],
)
def test_a_person_needs_the_scope_and_the_directory_role(
    server: Server,
    scopes: frozenset[str],
    role: str,
    operation: str,
    *,
    owned: bool,
    allowed: bool,
) -> None:
    call = a_call(server, scopes=scopes, wids=frozenset({role}), is_user=True)

    assert may(call, operation, {"_owners": [ME] if owned else []}) is allowed


def test_an_application_with_a_directory_role_needs_no_permission(server: Server) -> None:
    call = a_call(server, wids=frozenset({APPLICATION_ADMINISTRATOR}))

    assert may(call, "applications.write", {})
    assert not may(call, "appRoleAssignments.write.graph", {})


def test_the_one_who_may_register_does_not_manage(server: Server) -> None:
    call = a_call(server, roles=frozenset({"AppRegistration.Create"}))

    assert may(call, "applications.create", {})
    assert not may(call, "applications.write", {"_owners": [ME]})
