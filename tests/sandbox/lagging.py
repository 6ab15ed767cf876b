"""The gaps that a directory with replicas shows, row by row, and a world to meet them in."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from caller import Caller, made

from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen

Ask = Callable[[], httpx.Response]
ROLE = "User.Read.All"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A sandbox, its operator, and time that passes when we say so."""

    server: Server
    operator: Caller
    pace: float = 1.0
    """How many seconds pass for one second of the usual lag."""

    def settle(self) -> None:
        """Wait until every replica has everything."""
        self.server.advance(timedelta(minutes=2))

    def watch(self, ask: Ask, seconds: int = 12) -> list[httpx.Response]:
        """The answers while time passes, three a second."""
        answers: list[httpx.Response] = []
        for _ in range(seconds):
            answers += [ask(), ask(), ask()]
            self.server.advance(timedelta(seconds=self.pace))
        return answers

    def application(self, **properties: Any) -> dict[str, Any]:
        """A new application that nobody has heard of yet."""
        return self.operator.application(**properties)

    def settled_application(self, **properties: Any) -> dict[str, Any]:
        """An application that everybody knows."""
        application = self.application(**properties)
        self.settle()
        return application

    def principal(self, application: dict[str, Any] | None = None) -> dict[str, Any]:
        """A new service principal of an application that everybody knows."""
        return self.operator.principal(application or self.settled_application())

    def settled_principal(self, application: dict[str, Any] | None = None) -> dict[str, Any]:
        """A service principal that everybody knows."""
        principal = self.principal(application)
        self.settle()
        return principal

    def secret(self, application: dict[str, Any]) -> dict[str, Any]:
        """A new secret."""
        answer = self.operator.post(f"applications/{application['id']}/addPassword", {})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def workload(self) -> tuple[dict[str, Any], dict[str, Any], str]:
        """An application, its service principal and a secret that all work."""
        application = self.settled_application()
        principal = self.settled_principal(application)
        secret = self.secret(application)["secretText"]
        self.settle()
        return application, principal, secret

    def token(self, application: dict[str, Any], secret: str) -> httpx.Response:
        """Ask for a token as the workload."""
        operator = self.operator.identity
        return self.operator.send(
            "POST",
            f"{self.server.url}/{operator['tenantId']}/oauth2/v2.0/token",
            form={
                "grant_type": "client_credentials",
                "client_id": application["appId"],
                "client_secret": secret,
                "scope": "https://graph.microsoft.com/.default",
            },
        )

    def role_id(self, name: str) -> str:
        """The id of an application permission of Microsoft Graph."""
        roles = self.operator.graph_principal()["appRoles"]
        return str(next(role["id"] for role in roles if role["value"] == name))


def code_of(answer: httpx.Response) -> str:
    """The code of a refusal of Graph, or the number of one of the token service."""
    body = answer.json() if answer.content else {}
    if "error_codes" in body:
        return str(body["error_codes"][0])
    error = body.get("error", {})
    details = [detail["code"] for detail in error.get("details", ())]
    return str((details or [error.get("code", "")])[0])


def roles_of(answer: httpx.Response) -> list[str]:
    """The roles in a token."""
    payload = answer.json()["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return list(claims.get("roles", ()))


def _statuses(answers: list[httpx.Response]) -> set[int]:
    return {answer.status_code for answer in answers}


def _codes(answers: list[httpx.Response]) -> set[str]:
    return {code_of(answer) for answer in answers if answer.status_code >= 400}


def new_application_by_id(world: World) -> bool:
    address = f"applications/{world.application()['id']}"
    reads = world.watch(lambda: world.operator.get(address))
    address = f"applications/{world.application()['id']}"
    writes = world.watch(lambda: world.operator.patch(address, {"notes": "n"}))
    return 404 in _statuses(reads) and 404 in _statuses(writes)


def new_application_in_list(world: World) -> bool:
    name = world.application(displayName=f"late {uuid4()}")["displayName"]
    address = f"applications?$filter=displayName eq '{name}'"
    return any(not a.json()["value"] for a in world.watch(lambda: world.operator.get(address)))


def principal_of_new_application(world: World) -> bool:
    application = world.application()
    ask = {"appId": application["appId"]}
    answers = world.watch(lambda: world.operator.post("servicePrincipals", ask))
    return "NoBackingApplicationObject" in _codes(answers)


def secret_of_new_application(world: World) -> bool:
    address = f"applications/{world.application()['id']}"
    added = world.watch(lambda: world.operator.post(f"{address}/addPassword", {}))
    address = f"applications/{world.application()['id']}"
    body = {"keyId": str(uuid4())}
    removed = world.watch(lambda: world.operator.post(f"{address}/removePassword", body))
    return 404 in _statuses(added) and 404 in _statuses(removed)


def new_principal_by_id(world: World) -> bool:
    address = f"servicePrincipals/{world.principal()['id']}"
    reads = world.watch(lambda: world.operator.get(address))
    address = f"servicePrincipals/{world.principal()['id']}"
    writes = world.watch(lambda: world.operator.patch(address, {"notes": "n"}))
    return 404 in _statuses(reads) and 404 in _statuses(writes)


def role_for_new_principal(world: World) -> bool:
    role, graph = world.role_id(ROLE), world.operator.graph_principal()["id"]
    body = {"principalId": world.principal()["id"], "resourceId": graph, "appRoleId": role}
    address = f"servicePrincipals/{graph}/appRoleAssignedTo"
    answers = world.watch(lambda: world.operator.post(address, body))
    return any("Not a valid reference update." in answer.text for answer in answers)


def grant_for_new_principal(world: World) -> bool:
    graph = world.operator.graph_principal()["id"]
    body = {
        "clientId": world.principal()["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph,
        "scope": "User.Read",
    }
    answers = world.watch(lambda: world.operator.post("oauth2PermissionGrants", body))
    return "Request_ResourceNotFound" in _codes(answers)


def token_for_new_principal(world: World) -> bool:
    application = world.settled_application()
    secret = world.secret(application)["secretText"]
    world.settle()
    world.operator.principal(application)
    return bool(
        {"700016", "7000229"} & _codes(world.watch(lambda: world.token(application, secret)))
    )


def token_with_new_secret(world: World) -> bool:
    application, _, _ = world.workload()
    secret = world.secret(application)["secretText"]
    return "7000215" in _codes(world.watch(lambda: world.token(application, secret)))


def new_secret_in_application(world: World) -> bool:
    application = world.settled_application()
    key = world.secret(application)["keyId"]
    answers = world.watch(lambda: world.operator.get(f"applications/{application['id']}"))
    return any(key not in answer.text for answer in answers)


def second_write_of_one_object(world: World) -> bool:
    met = set()
    for _ in range(15):
        address = f"applications/{world.settled_application()['id']}"
        key = world.operator.post(f"{address}/addPassword", {}).json()["keyId"]
        removed = world.operator.post(f"{address}/removePassword", {"keyId": key})
        world.settle()
        world.operator.post(f"{address}/addPassword", {})
        changed = world.operator.patch(address, {"notes": "n"})
        met |= _codes([removed, changed])
    return "Directory_ConcurrencyViolation" in met


def token_with_removed_secret(world: World) -> bool:
    application, _, text = world.workload()
    address = f"applications/{application['id']}"
    key = world.operator.get(address).json()["passwordCredentials"][0]["keyId"]
    removed = world.operator.post(f"{address}/removePassword", {"keyId": key})
    assert removed.status_code == 204
    return world.token(application, text).status_code == 200


def role_in_token(world: World) -> bool:
    application, principal, secret = world.workload()
    assert world.operator.grant(principal, ROLE).status_code == 201
    answers = world.watch(lambda: world.token(application, secret))
    return any(ROLE not in roles_of(answer) for answer in answers)


def new_assignment_in_list(world: World) -> bool:
    principal = world.settled_principal()
    id = made(world.operator.grant(principal, ROLE))["id"]
    address = f"servicePrincipals/{principal['id']}/appRoleAssignments"
    return any(id not in answer.text for answer in world.watch(lambda: world.operator.get(address)))


def deleted_application(world: World) -> bool:
    address = f"applications/{world.settled_application()['id']}"
    assert world.operator.delete(address).status_code == 204
    return 200 in _statuses(world.watch(lambda: world.operator.get(address)))


def deleted_principal_holds_its_name(world: World) -> bool:
    application = world.settled_application()
    principal = world.settled_principal(application)
    world.operator.delete(f"servicePrincipals/{principal['id']}")
    ask = {"appId": application["appId"]}
    return world.operator.post("servicePrincipals", ask).status_code == 409


def old_value_after_a_change(world: World) -> bool:
    address = f"applications/{world.settled_application()['id']}"
    assert world.operator.patch(address, {"displayName": "new name"}).status_code == 204
    answers = world.watch(lambda: world.operator.get(address))
    return any(answer.json()["displayName"] != "new name" for answer in answers)


def disabled_role_still_counts_as_enabled(world: World) -> bool:
    role = {
        "id": str(uuid4()),
        "value": "Read",
        "displayName": "Read",
        "description": "Read",
        "isEnabled": True,
        "allowedMemberTypes": ["Application"],
    }
    address = f"applications/{world.settled_application(appRoles=[role])['id']}"
    off = world.operator.patch(address, {"appRoles": [{**role, "isEnabled": False}]})
    assert off.status_code == 204
    answers = world.watch(lambda: world.operator.patch(address, {"appRoles": []}))
    return "CannotDeleteOrUpdateEnabledEntitlement" in _codes(answers)


def new_scope_is_not_known_yet(world: World) -> bool:
    scope = {
        "id": str(uuid4()),
        "value": "Read",
        "type": "User",
        "isEnabled": True,
        "adminConsentDisplayName": "Read",
        "adminConsentDescription": "Read",
    }
    address = f"applications/{world.settled_application()['id']}"
    added = world.operator.patch(address, {"api": {"oauth2PermissionScopes": [scope]}})
    assert added.status_code == 204
    trusted = {"appId": str(uuid4()), "delegatedPermissionIds": [scope["id"]]}
    body = {"api": {"preAuthorizedApplications": [trusted]}}
    return "InvalidValue" in _codes(world.watch(lambda: world.operator.patch(address, body)))


def new_federated_credential(world: World) -> bool:
    address = f"applications/{world.settled_application()['id']}/federatedIdentityCredentials"
    body = {
        "name": "ci",
        "issuer": "https://issuer.example",
        "subject": "repo:a/b",
        "audiences": ["api://AzureADTokenExchange"],
    }
    id = made(world.operator.post(address, body))["id"]
    return 404 in _statuses(world.watch(lambda: world.operator.get(f"{address}/{id}")))


def new_directory_role(world: World) -> bool:
    application, principal, secret = world.workload()
    tenant = world.server.tenant()
    truly = tenant.get("servicePrincipals", principal["id"], Seen.truth())
    tenant.put("servicePrincipals", {**(truly or {}), "_directoryRoles": [GLOBAL_ADMINISTRATOR]})

    def ask() -> httpx.Response:
        token = world.token(application, secret).json()["access_token"]
        return world.operator.get("applications", Authorization=f"Bearer {token}")

    answers = world.watch(ask, seconds=20)
    assert answers[-1].status_code == 200
    return 403 in _statuses(answers)


def new_application_for_personal_accounts(world: World) -> bool:
    audience = "AzureADandPersonalMicrosoftAccount"
    version = {"requestedAccessTokenVersion": 2}
    address = f"applications/{world.application(signInAudience=audience, api=version)['id']}"
    answers = world.watch(lambda: world.operator.post(f"{address}/addPassword", {}), seconds=20)
    return "Error_MsaAppDoesNotExist" in _codes(answers)


def token_of_a_disabled_principal(world: World) -> bool:
    workload = world.operator.workload_that_works("Application.Read.All", settle=world.settle)
    mine = f"servicePrincipals(appId='{workload.identity['clientId']}')"
    assert world.operator.patch(mine, {"accountEnabled": False}).status_code == 204
    return workload.get("applications").status_code == 200


def new_owner(world: World) -> bool:
    workload = world.operator.workload_that_works(
        "Application.ReadWrite.OwnedBy", settle=world.settle
    )
    address = f"applications/{world.settled_application()['id']}"
    mine = world.operator.get(f"servicePrincipals(appId='{workload.identity['clientId']}')").json()
    owner = {"@odata.id": f"{world.server.url}/v1.0/directoryObjects/{mine['id']}"}
    added = world.operator.post(f"{address}/owners/$ref", owner)
    assert added.status_code == 204, added.text
    return 403 in _statuses(world.watch(lambda: workload.patch(address, {"notes": "n"})))


ROWS: dict[int, Callable[[World], bool]] = {
    1: new_application_by_id,
    2: new_application_in_list,
    3: principal_of_new_application,
    4: secret_of_new_application,
    5: new_principal_by_id,
    6: role_for_new_principal,
    7: grant_for_new_principal,
    8: token_for_new_principal,
    9: token_with_new_secret,
    10: new_secret_in_application,
    11: second_write_of_one_object,
    12: token_with_removed_secret,
    13: role_in_token,
    14: new_assignment_in_list,
    15: deleted_application,
    16: deleted_principal_holds_its_name,
    17: old_value_after_a_change,
    18: disabled_role_still_counts_as_enabled,
    19: new_scope_is_not_known_yet,
    20: new_federated_credential,
    21: new_directory_role,
    22: new_application_for_personal_accounts,
    23: token_of_a_disabled_principal,
    24: new_owner,
}
"""By the numbers of the service's known gaps: whether the gap showed itself."""
