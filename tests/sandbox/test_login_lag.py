"""The token service has replicas too: what it learns late, and what it forgets late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from workloads import GRAPH, TRUTH, claims_of, refusal, workload

from provision.sandbox.server import Server

AskToken = Callable[..., httpx.Response]
LAGGING = {"profile": "typical", "scale": 0.001}


@pytest.mark.parametrize("server", [LAGGING], indirect=True)
def test_a_new_application_is_not_known_at_once(server: Server, ask_token: AskToken) -> None:
    client = workload(server, lag="directory")

    assert refusal(ask_token(**client)) == (400, "unauthorized_client", 700016)


@pytest.mark.parametrize("server", [LAGGING], indirect=True)
def test_a_new_principal_is_not_known_at_once(server: Server, ask_token: AskToken) -> None:
    client, tenant = workload(server, principal=False), server.tenant()
    principal = {"id": "p", "appId": client["client_id"], "accountEnabled": True}
    tenant.put("servicePrincipals", {**principal, "displayName": "", "deletedDateTime": None})

    assert refusal(ask_token(**client)) == (401, "invalid_client", 7000229)


@pytest.mark.parametrize("server", [LAGGING], indirect=True)
def test_a_new_secret_is_accepted_here_and_refused_there_until_all_know_it(
    server: Server, ask_token: AskToken
) -> None:
    client, tenant = workload(server), server.tenant()
    application = tenant.find("applications", "appId", client["client_id"], TRUTH) or {}
    held = {name: application[name] for name in ("passwordCredentials", "_secrets")}
    tenant.put("applications", {**application, "passwordCredentials": [], "_secrets": {}}, "none")
    tenant.put("applications", {**application, **held})

    seen: list[set[int]] = []
    for _ in range(19):
        server.advance(timedelta(seconds=1000))
        seen.append({ask_token(**client).status_code for _ in range(8)})

    assert seen[0] == {401}
    assert {200, 401} in seen
    assert seen[-1] == {200}


@pytest.mark.parametrize("server", [LAGGING], indirect=True)
def test_a_removed_secret_works_for_a_while(server: Server, ask_token: AskToken) -> None:
    client, tenant = workload(server), server.tenant()
    application = tenant.find("applications", "appId", client["client_id"], TRUTH) or {}
    tenant.put("applications", {**application, "passwordCredentials": [], "_secrets": {}})

    before = ask_token(**client).status_code
    server.advance(timedelta(seconds=20_000))

    assert (before, ask_token(**client).status_code) == (200, 401)


@pytest.mark.parametrize("server", [LAGGING], indirect=True)
def test_a_granted_role_comes_into_tokens_later(server: Server, ask_token: AskToken) -> None:
    client, tenant = workload(server), server.tenant()
    graph = tenant.find("servicePrincipals", "appId", GRAPH, TRUTH) or {}
    principal = tenant.find("servicePrincipals", "appId", client["client_id"], TRUTH) or {}
    role = next(role for role in graph["appRoles"] if role["value"] == "User.Read.All")
    ids = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role["id"]}
    tenant.put("appRoleAssignments", {"id": "a", "deletedDateTime": None, **ids})

    before = claims_of(ask_token(**client))
    server.advance(timedelta(seconds=60_000))

    assert "roles" not in before
    assert claims_of(ask_token(**client))["roles"] == ["User.Read.All"]
