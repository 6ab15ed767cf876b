"""What each kind of person may do at Graph, shown with real tokens of each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from caller import GRAPH_APP_ID, Caller, made, message, operator_of, refusal
from person import PersonCaller, somebody

from provision.sandbox import operators
from provision.sandbox.server import Server, serve

DENIED = (403, "Authorization_RequestDenied")
ADMINISTRATORS = (
    "Global Administrator",
    "Application Administrator",
    "Cloud Application Administrator",
)
CONSENTER = "Privileged Role Administrator"
DEVELOPER = "Application Developer"
NOBODY = ""
EVERYBODY = (*ADMINISTRATORS, CONSENTER, DEVELOPER, NOBODY)
API_ROLE = "0b3cbd1b-3ee1-4ba2-8a61-0d0f8b2b6d01"


@pytest.fixture(scope="module")
def server(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox for all of these; each test makes its own objects."""
    folder = tmp_path_factory.mktemp("people") / "sandbox"
    shutil.copytree(furnished, folder)
    with serve(folder, profile="strong") as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture(scope="module")
def people(server: Server) -> Iterator[dict[str, PersonCaller]]:
    """Somebody of each kind, signed in at the Azure CLI's client."""
    found = {
        role: PersonCaller(
            server, somebody(server, *([role] if role else []), name=role or "Plain")
        )
        for role in EVERYBODY
    }
    yield found
    for caller in found.values():
        caller.close()


def grant_of(operator: Caller, **ends: Any) -> dict[str, Any]:
    """A body for an app role assignment of a new workload."""
    principal = operator.principal(operator.application())
    return {"principalId": principal["id"], **ends}


def of_graph(operator: Caller) -> dict[str, Any]:
    graph = operator.graph_principal()
    role = next(role["id"] for role in graph["appRoles"] if role["value"] == "User.Read.All")
    return grant_of(operator, resourceId=graph["id"], appRoleId=role)


def of_an_api(operator: Caller) -> dict[str, Any]:
    role = {
        "id": API_ROLE,
        "value": "Orders.Read",
        "displayName": "Orders",
        "description": "Orders",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }
    api = operator.principal(operator.application(appRoles=[role]))
    return grant_of(operator, resourceId=api["id"], appRoleId=API_ROLE)


@pytest.mark.parametrize("role", EVERYBODY)
def test_everybody_is_somebody(people: dict[str, PersonCaller], role: str) -> None:
    assert people[role].me()["displayName"] == role or "Plain"


@pytest.mark.parametrize("role", EVERYBODY)
def test_everybody_reads(people: dict[str, PersonCaller], role: str) -> None:
    for address in ("applications", "servicePrincipals", "organization", "users"):
        assert people[role].get(address).status_code == 200


@pytest.mark.parametrize(
    ("role", "status"),
    [*((role, 204) for role in ADMINISTRATORS), (CONSENTER, 403), (DEVELOPER, 403), (NOBODY, 403)],
)
def test_only_administrators_change_what_others_own(
    operator: Caller, people: dict[str, PersonCaller], role: str, status: int
) -> None:
    application = operator.application()
    principal = operator.principal(application)

    answers = [
        people[role].patch(f"applications/{application['id']}", {"notes": "x"}),
        people[role].patch(f"servicePrincipals/{principal['id']}", {"notes": "x"}),
        people[role].delete(f"servicePrincipals/{principal['id']}"),
        people[role].delete(f"applications/{application['id']}"),
    ]

    assert [answer.status_code for answer in answers] == [status] * 4


@pytest.mark.parametrize(
    ("role", "status"),
    [*((role, 200) for role in ADMINISTRATORS), (CONSENTER, 403), (DEVELOPER, 403), (NOBODY, 403)],
)
def test_only_administrators_make_secrets_for_others(
    operator: Caller, people: dict[str, PersonCaller], role: str, status: int
) -> None:
    application = operator.application()

    answer = people[role].post(f"applications/{application['id']}/addPassword", {})

    assert answer.status_code == status


@pytest.mark.parametrize("role", [DEVELOPER, NOBODY])
def test_whoever_registers_an_application_owns_it(
    people: dict[str, PersonCaller], role: str
) -> None:
    person = people[role]

    application = person.application()
    principal = person.principal(application)

    address = f"applications/{application['id']}"
    owners = person.get(f"{address}/owners").json()["value"]
    assert [owner["id"] for owner in owners] == [person.person.user_id]
    assert application["createdByAppId"] is None
    assert person.post(f"{address}/addPassword", {}).status_code == 200
    assert person.patch(f"servicePrincipals/{principal['id']}", {"notes": "x"}).status_code == 204
    assert person.delete(address).status_code == 204


def test_a_tenant_may_bar_its_users_from_registering(
    server: Server, people: dict[str, PersonCaller]
) -> None:
    operators.let_users_register(server.tenant(), allowed=False)

    try:
        plain = people[NOBODY].post("applications", {"displayName": "x"})
        developer = people[DEVELOPER].post("applications", {"displayName": "x"})
    finally:
        operators.let_users_register(server.tenant(), allowed=True)

    assert refusal(plain) == DENIED
    assert developer.status_code == 201


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("Global Administrator", 201),
        (CONSENTER, 201),
        ("Application Administrator", 403),
        ("Cloud Application Administrator", 403),
        (DEVELOPER, 403),
        (NOBODY, 403),
    ],
)
def test_roles_of_graph_are_given_by_two_kinds_of_administrators(
    operator: Caller, people: dict[str, PersonCaller], role: str, status: int
) -> None:
    """The permission-grant policy `microsoft-application-admin` leaves out Graph's own roles."""
    body = of_graph(operator)

    answer = people[role].post(f"servicePrincipals/{body['principalId']}/appRoleAssignments", body)

    assert answer.status_code == status
    if status == 403:
        assert refusal(answer) == DENIED
        assert message(answer) == "Insufficient privileges to complete the operation."


def test_who_may_not_give_a_role_of_graph_may_not_take_it(
    operator: Caller, people: dict[str, PersonCaller]
) -> None:
    body = of_graph(operator)
    address = f"servicePrincipals/{body['resourceId']}/appRoleAssignedTo"
    given = made(operator.post(address, body))

    refused = people["Application Administrator"].delete(f"{address}/{given['id']}")
    taken = people[CONSENTER].delete(f"{address}/{given['id']}")

    assert refusal(refused) == DENIED
    assert taken.status_code == 204


@pytest.mark.parametrize(
    ("role", "status"),
    [*((role, 201) for role in (*ADMINISTRATORS, CONSENTER)), (DEVELOPER, 403), (NOBODY, 403)],
)
def test_roles_of_other_resources_are_given_by_administrators_too(
    operator: Caller, people: dict[str, PersonCaller], role: str, status: int
) -> None:
    body = of_an_api(operator)

    answer = people[role].post(f"servicePrincipals/{body['resourceId']}/appRoleAssignedTo", body)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("role", "status"),
    [*((role, 201) for role in (*ADMINISTRATORS, CONSENTER)), (DEVELOPER, 403), (NOBODY, 403)],
)
def test_delegated_permissions_are_given_by_administrators(
    operator: Caller, people: dict[str, PersonCaller], role: str, status: int
) -> None:
    client = operator.principal(operator.application())
    body = {
        "clientId": client["id"],
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": operator.graph_principal()["id"],
        "scope": "User.Read",
    }

    assert people[role].post("oauth2PermissionGrants", body).status_code == status


def test_a_role_without_the_scope_is_not_enough(server: Server, operator: Caller) -> None:
    """Effective right = what was agreed to for the client and what the person may."""
    client = operator.application(isFallbackPublicClient=True)
    body = {
        "clientId": operator.principal(client)["id"],
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": operator.graph_principal()["id"],
        "scope": "User.Read Application.Read.All",
    }
    made(operator.post("oauth2PermissionGrants", body))
    person = somebody(server, "Global Administrator", name="Careful Admin")
    at_client = operators.Person(
        tenant_id=person.tenant_id,
        user_id=person.user_id,
        client_id=client["appId"],
        username=person.username,
        password=person.password,
    )

    caller = PersonCaller(server, at_client)

    assert caller.get("applications").status_code == 200
    assert refusal(caller.patch(f"applications/{client['id']}", {"notes": "x"})) == DENIED
    caller.close()


def test_an_owner_of_somebody_elses_making_may_change_it(
    operator: Caller, people: dict[str, PersonCaller]
) -> None:
    plain = people[NOBODY]
    application = operator.application()
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{plain.person.user_id}"}
    address = f"applications/{application['id']}"

    before = plain.patch(address, {"notes": "x"})
    operator.post(f"{address}/owners/$ref", reference)
    after = plain.patch(address, {"notes": "x"})

    assert (before.status_code, after.status_code) == (403, 204)


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("Application Administrator", (200, 204, 403)),
        (CONSENTER, (200, 403, 201)),
        ("Global Administrator", (200, 204, 201)),
    ],
)
def test_an_application_may_hold_a_directory_role(
    server: Server, operator: Caller, role: str, statuses: tuple[int, int, int]
) -> None:
    made_here = operators.add_application(server.tenant(), name=role, directory_roles=[role])
    identity = {
        "tenantId": made_here.tenant_id,
        "clientId": made_here.client_id,
        "clientSecret": made_here.client_secret,
    }
    application, body = operator.application(), of_graph(operator)
    caller = Caller(server, identity)

    answers = (
        caller.get("applications"),
        caller.patch(f"applications/{application['id']}", {"notes": "x"}),
        caller.post(f"servicePrincipals/{body['principalId']}/appRoleAssignments", body),
    )

    caller.close()
    assert tuple(answer.status_code for answer in answers) == statuses


def test_an_operator_holds_the_permissions_that_were_named(
    server: Server, operator: Caller
) -> None:
    made_here = operators.add_application(
        server.tenant(), name="ci", roles=["Application.ReadWrite.OwnedBy"]
    )
    identity = {
        "tenantId": made_here.tenant_id,
        "clientId": made_here.client_id,
        "clientSecret": made_here.client_secret,
    }
    caller, foreign = Caller(server, identity), operator.application()

    own = caller.application()

    assert caller.patch(f"applications/{own['id']}", {"notes": "x"}).status_code == 204
    assert refusal(caller.patch(f"applications/{foreign['id']}", {"notes": "x"})) == DENIED
    caller.close()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"roles": ["Application.ReadWrite.Al"]}, "did you mean Application.ReadWrite.All"),
        ({"directory_roles": ["Emperor"]}, 'no directory role called "Emperor"; known: Global'),
        ({"name": "twice"}, "an operator called twice already"),
    ],
)
def test_an_operator_that_cannot_be_is_refused(
    server: Server, asked: dict[str, Any], words: str
) -> None:
    if "name" in asked:
        operators.add_application(server.tenant(), **asked)

    with pytest.raises(ValueError, match=words):
        operators.add_application(server.tenant(), **asked)


def test_two_people_have_two_names(server: Server) -> None:
    somebody(server, name="Twin")

    with pytest.raises(ValueError, match=r"called twin@sandbox\.onmicrosoft\.com already"):
        somebody(server, name="twin")


def test_graph_does_not_show_how_people_prove_themselves(
    operator: Caller, people: dict[str, PersonCaller]
) -> None:
    shown = operator.get(f"users/{people[NOBODY].person.user_id}?$select=id,displayName").json()
    whole = operator.get("servicePrincipals").json()["value"]

    assert set(shown) == {"@odata.context", "id", "displayName"}
    assert not [name for each in whole for name in each if name.startswith("_")]
    assert GRAPH_APP_ID in {each["appId"] for each in whole}
