"""Every kind of place that keeps a value, used for real, and how those see it that read it there: without code of ours."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import outsider
import paper
import truth
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import CertificateCredential, ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from journey import Outcome, Provision

from provision.sandbox.server import Server

CANARY = "cAnArY7"
SCOPE = "https://graph.microsoft.com/.default"
KEEP = "open('kept', 'wb').write(given := sys.stdin.buffer.read())"
"""What a program does that keeps what it is given."""

DROP = "if os.path.exists('kept'): os.remove('kept')"
SHOW = "print(open('kept').read() if os.path.exists('kept') else '')"
APPLY = ("apply", "hello.yaml", "--yes", "--real-stores", "--skip-verify")
ROTATE = ("rotate", "hello.yaml", "--now", "--real-stores")

STORES: dict[str, dict[str, Any]] = {
    "dotenv": {"dotenv": ".env"},
    "json": {"json": "out/held.json", "key": "app"},
    "keyVault": {"keyVault": "kv-one", "name": "ci"},
    "command": {
        "command": {
            "write": ["./put"],
            "read": ["./get"],
            "remove": ["./rm"],
            "input": "json",
            "timeout": "2s",
        }
    },
    "blind": {"command": {"write": ["./put"], "timeout": "1s"}},
}
"""Stores by a name for each; `blind` is a command that is never asked what it keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What readers find: `key_id` where the place tells it."""

    tenant_id: str
    client_id: str
    value: str
    key_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A credential of `hello.yaml` in one kind of place, in a folder where that place really is."""

    server: Server
    folder: Path
    store: str
    noun: str = "secret"

    def write(self) -> Path:
        """The manifest, and the programs that a command store runs."""
        program(self.folder, "put", KEEP)
        program(self.folder, "get", SHOW)
        program(self.folder, "rm", DROP)
        store = {"store": STORES[self.store]}
        made = {"certificate": {"generate": {}, **store}}
        credential = {"secret": store} if self.noun == "secret" else made
        return paper.write(self.folder, paper.an_app(credentials={"ci": credential}))

    def kept(self) -> Kept | None:
        """What is there; None when nothing is."""
        match self.store:
            case "dotenv":
                return self._dotenv()
            case "json":
                return self._json(self.folder / "out" / "held.json", "app")
            case "command":
                return self._json(self.folder / "kept")
            case "keyVault":
                return self._vault()
            case _:
                file = self.folder / "kept"
                value = file.read_text(encoding="utf-8") if file.exists() else ""
                return self._known(value, None) if value else None

    def signs_in(self) -> bool:
        """Whether the token service takes what is kept there."""
        kept = self.kept()
        assert kept is not None
        common: dict[str, Any] = {
            "authority": self.server.url,
            "disable_instance_discovery": True,
            "connection_verify": str(self.server.ca_bundle),
        }
        who = (kept.tenant_id, kept.client_id)
        credential: ClientSecretCredential | CertificateCredential
        if kept.value.startswith("-----BEGIN"):
            data = kept.value.encode()
            credential = CertificateCredential(*who, certificate_data=data, **common)
        else:
            credential = ClientSecretCredential(*who, kept.value, **common)
        with credential:
            try:
                credential.get_token(SCOPE)
            except ClientAuthenticationError:
                return False
        return True

    def told(self, *outcomes: Outcome) -> list[str]:
        """Parts of values that commands have shown."""
        said = "".join("".join((each.stdout + each.stderr).split()) for each in outcomes)
        kept = self.kept()
        parts = {CANARY, *(fragments(kept.value) if kept else ())}
        return [part for part in parts if part in said]

    def files(self) -> list[str]:
        """What lies in the folder, the sandbox's own aside."""
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_file() and ".provision" not in path.parts
        )

    def _dotenv(self) -> Kept | None:
        if not (self.folder / ".env").exists():
            return None
        held = paper.stored(self.folder, Path(".env"))
        if path := held.get("AZURE_CLIENT_CERTIFICATE_PATH"):
            pem = Path(path).read_text(encoding="utf-8")
            return self._known(pem, held["AZURE_CLIENT_CERTIFICATE_ID"])
        return self._known(held["AZURE_CLIENT_SECRET"], held["AZURE_CLIENT_SECRET_ID"])

    def _json(self, file: Path, *below: str) -> Kept | None:
        if not file.exists():
            return None
        held = json.loads(file.read_text(encoding="utf-8"))
        for key in below:
            held = held[key]
        value = held.get("clientSecret") or held["clientCertificate"]
        return self._known(value, held["keyId"])

    def _vault(self) -> Kept | None:
        whom = outsider.operator(self.server)
        verify = str(self.server.ca_bundle)
        reader = ClientSecretCredential(
            whom.tenant_id,
            whom.client_id,
            whom.client_secret,
            authority=self.server.url,
            disable_instance_discovery=True,
            connection_verify=verify,
        )
        url, options = f"{self.server.url}/vaults/kv-one", {"connection_verify": verify}
        with SecretClient(url, reader, verify_challenge_resource=False, **options) as client:
            try:
                held = client.get_secret("ci")
            except HttpResponseError as refused:
                if refused.status_code in (403, 404):  # disabled, which readers do not get
                    return None
                raise
        return self._known(held.value or "", (held.properties.tags or {})["keyId"])

    def _known(self, value: str, key_id: str | None) -> Kept:
        return Kept(
            tenant_id=outsider.operator(self.server).tenant_id,
            client_id=truth.application(self.server)["appId"],
            value=value,
            key_id=key_id,
        )


def program(folder: Path, name: str, *lines: str) -> None:
    """A program of a few lines of Python."""
    body = "\n".join(["import os, signal, sys, time", *lines])
    (folder / name).write_text(f"#!{sys.executable} -IS\n{body}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def fragments(value: str) -> set[str]:
    """Every 16 characters in a row of a secret, or of the private part of a key: enough to know it by.

    The first quarter of a key's body is what all keys begin with, and the modulus, which its certificate has too.
    """
    private = value.partition("-----END PRIVATE KEY-----")[0].partition("PRIVATE KEY-----")[2]
    body = "".join(private.split())
    tight = body[len(body) // 4 :] or "".join(value.split())
    return {tight[at : at + 16] for at in range(len(tight) - 15)}


def made(server: Server) -> list[str]:
    """The keyIds of all secrets and certificates that there are in truth."""
    return sorted(
        each["keyId"]
        for found in truth.applications(server)
        for each in (*found["passwordCredentials"], *found["keyCredentials"])
    )


def settle(provision: Provision, keeper: Keeper) -> None:
    """Apply again as time passes: after it everything is at rest, and what is kept works."""
    for by in (timedelta(), timedelta(minutes=11), timedelta(hours=25)):
        keeper.server.advance(by)
        done = provision(*APPLY)
        assert done.exit_code == 0, done.said
        assert keeper.signs_in()
        assert keeper.told(done) == []
    kept = keeper.kept()
    assert kept is not None
    (only,) = made(keeper.server)
    assert kept.key_id in (only, None)
    keeper.server.advance(timedelta(minutes=10))  # replicas may not have heard of the removals yet
    planned = provision("plan", "hello.yaml", "--real-stores", "--detailed-exitcode")
    assert planned.exit_code == 0, planned.said
