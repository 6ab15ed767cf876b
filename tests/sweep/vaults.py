"""A program that reads a vault of the sandbox, over HTTP and with no code of ours."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from provision.sandbox.server import Server
from tests.journeys import outsider

_API = "api-version=7.4"


def secret(server: Server, vault: str, name: str) -> dict[str, Any] | None:
    """The newest version of a secret; None when there is none with a value."""
    try:
        found: dict[str, Any] = _get(server, f"vaults/{vault}/secrets/{name}?{_API}")
    except urllib.error.HTTPError as refused:
        if refused.code in (403, 404):
            return None
        raise
    return found


def enabled(server: Server, vault: str, name: str) -> list[dict[str, Any]]:
    """The versions whose value can be read."""
    listed = _get(server, f"vaults/{vault}/secrets/{name}/versions?{_API}")["value"]
    return [each for each in listed if each["attributes"]["enabled"]]


def _get(server: Server, path: str) -> Any:
    request = urllib.request.Request(  # noqa: S310
        f"{server.url}/{path}", headers={"Authorization": f"Bearer {_token(server)}"}
    )
    with urllib.request.urlopen(request, context=outsider.trust(server), timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


def _token(server: Server) -> str:
    who = outsider.operator(server)
    form = urllib.parse.urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": who.client_id,
            "client_secret": who.client_secret,
            "scope": "https://vault.azure.net/.default",
        }
    ).encode()
    url = f"{server.url}/{who.tenant_id}/oauth2/v2.0/token"
    with urllib.request.urlopen(url, form, context=outsider.trust(server), timeout=30) as answer:  # noqa: S310
        token: str = json.loads(answer.read())["access_token"]
    return token
