"""Microsoft's own client of Key Vault, pointed at a sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets._shared import http_challenge_cache

from provision.sandbox.server import Server

StartServer = Callable[..., Server]
ClientOf = Callable[..., httpx.Client]
AskToken = Callable[..., httpx.Response]


def client_for(
    server: Server, vault: str, identity: dict[str, str] | None = None, **options: Any
) -> SecretClient:
    """The unmodified client, as this application of the sandbox, else as its operator.

    The client remembers each host's challenge for as long as the process lives; another sandbox may answer at the same port.
    """
    http_challenge_cache.clear()
    who = identity or server.operator()
    trusted = str(server.ca_bundle)
    credential = ClientSecretCredential(
        who["tenantId"],
        who["clientId"],
        who["clientSecret"],
        authority=server.url,
        disable_instance_discovery=True,
        connection_verify=trusted,
    )
    return SecretClient(
        f"{server.url}/vaults/{vault}",
        credential,
        verify_challenge_resource=False,
        connection_verify=trusted,
        retry_total=0,
        **options,
    )


def error_of(refused: HttpResponseError) -> dict[str, Any]:
    """What the service says in the body."""
    assert refused.response is not None
    error: dict[str, Any] = json.loads(refused.response.text())["error"]
    return error


def inner_of(refused: HttpResponseError) -> str:
    """The finer code of a refusal."""
    return str(error_of(refused).get("innererror", {}).get("code", ""))
