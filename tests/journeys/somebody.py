"""Operators of the sandbox with few rights: applications by secret, people at a stand-in for the Azure CLI."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

import outsider
from journey import Outcome, Provision

from provision.sandbox import operators
from provision.sandbox.server import Server

Command = Callable[..., Outcome]
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def application(server: Server, provision: Provision, name: str, *roles: str) -> Command:
    """The command line as an application with these permissions of Microsoft Graph, and no others."""
    made = operators.add_application(server.tenant(), name=name, roles=roles)
    environ = {
        "AZURE_TENANT_ID": made.tenant_id,
        "AZURE_CLIENT_ID": made.client_id,
        "AZURE_CLIENT_SECRET": made.client_secret,
    }
    return _command(server, provision, environ)


def person(
    server: Server, provision: Provision, folder: Path, name: str, roles: Iterable[str] = ()
) -> Command:
    """The command line as somebody with these directory roles who is signed in at the Azure CLI."""
    made = operators.add_person(
        server.store, server.tenant(), name=name, directory_roles=tuple(roles)
    )
    token = _token(server, made)
    programs = folder / f"programs of {name}"
    programs.mkdir()
    answer = json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3600})
    az = programs / "az"
    az.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n", encoding="utf-8")
    az.chmod(0o755)
    environ = {"AZURE_TENANT_ID": made.tenant_id, "PATH": f"{programs}:/usr/bin:/bin"}
    return _command(server, provision, environ)


def _command(server: Server, provision: Provision, environ: dict[str, str]) -> Command:
    def run(*words: object, env: dict[str, str] | None = None) -> Outcome:
        return provision(*words, *cloud(server), env={**(env or {}), **environ})

    return run


def cloud(server: Server) -> tuple[str, ...]:
    """The options by which anybody but its own operator reaches a sandbox."""
    hosts = ("--login", server.url, "--graph", server.url)
    return (*hosts, "--ca-bundle", str(server.ca_bundle))


def _token(server: Server, who: operators.Person) -> str:
    form = {
        "grant_type": "password",
        "client_id": AZURE_CLI,
        "username": who.username,
        "password": who.password,
        "scope": "https://graph.microsoft.com/.default",
    }
    url = f"{server.url}/{who.tenant_id}/oauth2/v2.0/token"
    sent = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(url, sent, context=outsider.trust(server), timeout=30) as answer:  # noqa: S310
        token: str = json.loads(answer.read())["access_token"]
    return token
