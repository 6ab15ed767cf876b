"""The proof where roles and consents are of several APIs: a token for each, and the directory for the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import outsider
import paper
import pytest
import truth
from journey import Outcome, Provision

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

EXAMPLES = Path(__file__).resolve().parents[2] / "manifests"
LAGGING = pytest.mark.parametrize("sandbox", [{}, {"profile": "typical"}], indirect=True)
READ, WRITE = "Orders.Read.All", "Orders.Write.All"
API = {
    "displayName": "Orders API",
    "identifierUris": ["api://{appId}"],
    "appRoles": {
        value: {"displayName": value, "description": f"{value}, of all customers."}
        for value in (READ, WRITE)
    },
    "api": {
        "scopes": {
            "Orders.ReadWrite": {
                "type": "Admin",
                "adminConsentDisplayName": "Orders",
                "adminConsentDescription": "Reads and writes orders.",
            }
        }
    },
}
MIXED = {"Microsoft Graph": ["User.Read.All"], "orders-api": [READ]}
DELEGATED = {"orders-api": {"delegated": ["Orders.ReadWrite"]}}


def written(workplace: Path, client: dict[str, Any], **api: Any) -> Path:
    """A manifest of an API and one client of it, `my-workload`."""
    applications = {"orders-api": {**API, **api}, "my-workload": client}
    return paper.write(workplace, applications=applications)


def findings(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What a `--json` says was found, by application and credential."""
    found = json.loads(outcome.stdout)["findings"]
    return {f"{each['app']}/{each['credential']}": each for each in found}


def principal(server: Server, key: str) -> dict[str, Any]:
    """The service principal of an application of the manifest."""
    app_id = truth.application(server, f"hello.{key}")["appId"]
    (found,) = server.tenant().find_all("servicePrincipals", "appId", app_id, Seen.truth())
    return found


def assignments(server: Server) -> dict[str, str]:
    """The path of each role of the client's, by the role's id."""
    path = f"servicePrincipals/{principal(server, 'my-workload')['id']}/appRoleAssignments"
    listed = outsider.send(server, "GET", path)["value"]
    return {each["appRoleId"]: f"{path}/{each['id']}" for each in listed}


def role_id(server: Server, value: str) -> str:
    """The id of one of the API's own roles."""
    offered = principal(server, "orders-api")["appRoles"]
    return str(next(each["id"] for each in offered if each["value"] == value))


def revoke_delegated(server: Server) -> None:
    """Take the client's delegated consents away."""
    client = principal(server, "my-workload")["id"]
    listed = outsider.send(server, "GET", f"servicePrincipals/{client}/oauth2PermissionGrants")
    for each in listed["value"]:
        outsider.send(server, "DELETE", f"oauth2PermissionGrants/{each['id']}")


@pytest.fixture
def mixed(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """A client with roles of Microsoft Graph and of the API, made and granted."""
    client = paper.an_app(permissions=MIXED, verify={"calls": ["GET /users?$top=1"]})
    manifest = written(workplace, client)
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    return manifest


@pytest.fixture
def delegated(sandbox: Server, provision: Provision, workplace: Path) -> Path:
    """A client with nothing but a delegated permission of the API, consented to for everybody."""
    manifest = written(workplace, paper.an_app(permissions=DELEGATED))
    done = provision("apply", manifest, "--yes", "--skip-verify")
    assert done.exit_code == 0, done.said
    return manifest


@LAGGING
def test_the_example_of_an_api_and_its_clients_is_proven_by_tokens_for_each_resource(
    sandbox: Server, provision: Provision
) -> None:
    applied = provision("apply", EXAMPLES / "api-and-client.yaml", "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    found = findings(applied)
    assert {name: each["result"] for name, each in found.items()} == {
        "nightly-report/job": "proven",
        "storefront/server": "proven",
    }
    assert found["nightly-report/job"]["roles"] == [
        {"resource": "orders-api", "value": READ, "present": True}
    ]
    assert "delegated consents are granted" in found["storefront/server"]["says"]


@LAGGING
def test_an_api_that_admits_only_assigned_clients_gives_its_token_once_it_knows_of_the_role(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    manifest = written(
        workplace,
        paper.an_app(permissions=MIXED),
        servicePrincipal={"assignmentRequired": True},
    )

    applied = provision("apply", manifest, "--yes", "--json")

    assert applied.exit_code == 0, applied.said
    assert findings(applied)["my-workload/ci"]["result"] == "proven"


def test_roles_of_two_resources_are_proven_by_a_token_of_each_and_calls_go_to_microsoft_graph(
    mixed: Path, provision: Provision
) -> None:
    proven = provision("verify", mixed, "--json")

    assert proven.exit_code == 0, proven.said
    found = findings(proven)["my-workload/ci"]
    assert [(role["resource"], role["value"], role["present"]) for role in found["roles"]] == [
        ("Microsoft Graph", "User.Read.All", True),
        ("orders-api", READ, True),
    ]
    assert [call["status"] for call in found["calls"]] == [200]
    assert "fresh tokens, one for each resource, carry all 2 declared roles" in found["says"]


def test_a_role_that_one_resource_lacks_is_pending_whatever_the_other_token_carries(
    mixed: Path, provision: Provision, sandbox: Server
) -> None:
    outsider.send(sandbox, "DELETE", assignments(sandbox)[role_id(sandbox, READ)])

    refused = provision("verify", mixed, "--json")

    assert refused.exit_code == 1
    found = findings(refused)["my-workload/ci"]
    assert found["result"] == "pending consent"
    assert found["says"] == f"no administrator has consented to {READ} of orders-api"
    assert [role["present"] for role in found["roles"]] == [True, False]


def test_an_undeclared_role_of_another_api_is_told_with_its_resource_and_fails_under_strict(
    mixed: Path, provision: Provision, sandbox: Server
) -> None:
    client, api = principal(sandbox, "my-workload"), principal(sandbox, "orders-api")
    body = {
        "principalId": client["id"],
        "resourceId": api["id"],
        "appRoleId": role_id(sandbox, WRITE),
    }
    outsider.send(sandbox, "POST", f"servicePrincipals/{api['id']}/appRoleAssignedTo", body)

    warned = provision("verify", mixed, "--json")
    strict = provision("verify", mixed, "--strict")

    assert warned.exit_code == 0, warned.said
    assert findings(warned)["my-workload/ci"]["extra"] == [f"{WRITE} of orders-api"]
    assert strict.exit_code == 1
    assert f"{WRITE} of orders-api: in the token, not in the manifest" in strict.said


def test_a_client_that_its_api_does_not_admit_lacks_a_consent_and_not_a_secret(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """The token service refuses the token itself, AADSTS501051: the way out is a consent all the same."""
    client = paper.an_app(permissions={"orders-api": [READ]})
    manifest = written(workplace, client, servicePrincipal={"assignmentRequired": True})
    provision("apply", manifest, "--yes", "--skip-verify")
    outsider.send(sandbox, "DELETE", assignments(sandbox)[role_id(sandbox, READ)])

    refused = provision("verify", manifest, "--json")

    assert refused.exit_code == 1
    found = findings(refused)["my-workload/ci"]
    assert found["result"] == "pending consent"
    assert found["says"] == f"no administrator has consented to {READ} of orders-api"


def test_a_resource_without_its_service_principal_leaves_its_clients_pending(
    mixed: Path, provision: Provision, sandbox: Server
) -> None:
    """With it went the consents that its clients had."""
    outsider.send(sandbox, "DELETE", f"servicePrincipals/{principal(sandbox, 'orders-api')['id']}")

    refused = provision("verify", mixed, "--json")

    assert refused.exit_code == 1
    assert findings(refused)["my-workload/ci"]["result"] == "pending consent"


def test_a_resource_that_was_deleted_fails_the_proof_of_its_clients(
    mixed: Path, provision: Provision, sandbox: Server
) -> None:
    api = truth.application(sandbox, "hello.orders-api")
    outsider.send(sandbox, "DELETE", f"applications/{api['id']}")

    refused = provision("verify", mixed)

    assert refused.exit_code == 1
    assert "orders-api, whose roles are wanted, does not exist in this tenant" in refused.said


def test_a_delegated_consent_is_read_and_its_absence_is_pending(
    delegated: Path, provision: Provision, sandbox: Server
) -> None:
    proven = provision("verify", delegated)
    revoke_delegated(sandbox)
    refused = provision("verify", delegated)

    assert proven.exit_code == 0, proven.said
    assert "a token with them needs a signed-in user" in proven.said
    assert refused.exit_code == 1
    assert "no administrator has consented to Orders.ReadWrite of orders-api (delegated)" in (
        refused.said
    )


def test_a_delegated_consent_that_is_only_requested_holds_nobody_up(
    sandbox: Server, provision: Provision, workplace: Path
) -> None:
    """Each user may consent, so the workload is ready; what nobody granted for all is still said."""
    client = paper.an_app(permissions=DELEGATED, consent="request")

    applied = provision("apply", written(workplace, client), "--yes")

    assert applied.exit_code == 0, applied.said
    assert "not consented to for everybody: Orders.ReadWrite of orders-api" in applied.said


def test_delegated_consents_that_the_operator_may_not_read_are_said_and_fail_nothing(
    delegated: Path, provision: Provision, sandbox: Server
) -> None:
    sandbox.faults.add(
        Fault(
            do="status",
            method="GET",
            path="oauth2PermissionGrants",
            status=403,
            code="Authorization_RequestDenied",
        )
    )

    proven = provision("verify", delegated)

    assert proven.exit_code == 0, proven.said
    assert "delegated consents cannot be read by this operator" in proven.said


def test_a_token_for_another_api_is_asked_for_by_its_key_its_name_or_its_app_id(
    mixed: Path, provision: Provision, sandbox: Server
) -> None:
    app_id = truth.application(sandbox, "hello.orders-api")["appId"]

    for name in ("orders-api", "Orders API", app_id):
        shown = provision("token", mixed, "my-workload", "--decode", "--resource", name)

        assert shown.exit_code == 0, shown.said
        claims = json.loads(shown.stdout)
        assert claims["aud"] == app_id
        assert claims["roles"] == [READ]


def test_a_token_for_an_api_that_nobody_knows_is_refused_with_the_names_that_are_known(
    mixed: Path, provision: Provision
) -> None:
    refused = provision("token", mixed, "my-workload", "--resource", "Payroll")

    assert refused.exit_code == 64
    assert "No API of this tenant is called Payroll" in refused.said
    assert "The manifest names Microsoft Graph, my-workload, orders-api" in refused.said


def test_a_token_for_a_name_that_several_apis_bear_is_refused_with_their_app_ids(
    mixed: Path, provision: Provision, sandbox: Server
) -> None:
    role = {
        "id": "7d9e6a51-6a5c-4a53-9d0e-3f5a1f0a7b11",
        "value": "Orders.Steal",
        "displayName": "Steal",
        "description": "Steals.",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }
    theirs = outsider.application(sandbox, displayName="Orders API", appRoles=[role])
    outsider.send(sandbox, "POST", "servicePrincipals", {"appId": theirs["appId"]})

    refused = provision("token", mixed, "my-workload", "--resource", "Orders API")

    assert refused.exit_code == 64
    assert "Several APIs of this tenant are called Orders API" in refused.said
    assert theirs["appId"] in refused.said


def test_a_token_for_an_application_of_the_manifest_that_is_gone_names_apply(
    mixed: Path, provision: Provision, sandbox: Server
) -> None:
    api = truth.application(sandbox, "hello.orders-api")
    outsider.send(sandbox, "DELETE", f"applications/{api['id']}")

    refused = provision("token", mixed, "my-workload", "--resource", "orders-api")

    assert refused.exit_code == 64
    assert "orders-api does not exist in this tenant" in refused.said
    assert "Run provision apply first" in refused.said
