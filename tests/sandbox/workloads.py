"""Workloads put straight into a tenant, and what the token service answers them."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import httpx

from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen, Tenant, format_time

GRAPH = "00000003-0000-0000-c000-000000000000"
UNKNOWN = "11111111-2222-3333-4444-555555555555"
TRUTH = Seen.truth()


def claims_of(answer: httpx.Response) -> dict[str, object]:
    payload = answer.json()["access_token"].split(".")[1]
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def refusal(answer: httpx.Response) -> tuple[int, str, int]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_codes"][0]


def change(tenant: Tenant, kind: str, app_id: str, **properties: object) -> None:
    found = tenant.find(kind, "appId", app_id, TRUTH)
    assert found is not None
    tenant.put(kind, {**found, **properties}, lag="none")


def workload(server: Server, *, lag: str = "none", principal: bool = True) -> dict[str, str]:
    """An application with a secret, as if it had been made over Graph."""
    tenant = server.tenant()
    secret, key_id, now = tenant.new_secret_text(), tenant.new_guid(), tenant.clock.now()
    app = {
        "id": tenant.new_guid(),
        "appId": tenant.new_guid(),
        "displayName": "workload",
        "deletedDateTime": None,
        "passwordCredentials": [
            {
                "keyId": key_id,
                "startDateTime": format_time(now),
                "endDateTime": format_time(now + timedelta(days=90)),
            }
        ],
        "_secrets": {key_id: tenant.hash_secret(secret)},
    }
    tenant.put("applications", app, lag=lag)
    if principal:
        holder = {"id": tenant.new_guid(), "accountEnabled": True, "deletedDateTime": None}
        named = {"appId": app["appId"], "displayName": "workload"}
        tenant.put("servicePrincipals", {**holder, **named}, lag=lag)
    return {"client_id": str(app["appId"]), "client_secret": secret}
