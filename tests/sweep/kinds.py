"""The kinds of stores, as data: what a manifest says of each, and where a program finds the value that uses it.

A further kind is one more line of `KINDS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sweep import vaults
from tests.sweep.bench import Bench
from tests.sweep.consumers import Value

KEEPER = """#!/bin/sh
# Keeps what comes on standard input in a file of its own, and prints it when it is asked to.
how=$(cat trouble 2>/dev/null)
case "$1" in
    write)
        rm -f trouble
        test "$how" = refuses && exit 1
        cat > "$2.new" && mv "$2.new" "$2"
        test "$how" = fails && exit 1
        test "$how" = kills && kill -9 "$PPID"
        test "$how" = dies && kill -9 $$ ;;
    read) if [ -f "$2" ]; then cat "$2"; fi ;;
    remove) rm -f "$2" ;;
esac
exit 0
"""
"""Once it refuses, if the file `trouble` says so, or fails, dies or kills who started it when it has kept the value."""

VAULT = "team-vault"
FOLDER = "kept"
"""Where the stores are, below the manifest's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way of keeping a secret or a certificate.

    `read` finds the value as a program does that uses it; `copies` are the keyIds, or beginnings of them, of which a
    usable copy is kept. `told` says whether the store can be asked what it holds.
    """

    name: str
    store: dict[str, Any]
    read: Callable[[Bench], Value | None]
    copies: Callable[[Bench], list[str]]
    certificate: bool = False
    told: bool = True

    @property
    def manifest(self) -> dict[str, Any]:
        """One application with one credential in a store of this kind."""
        said = {"store": self.store, **({"generate": {}} if self.certificate else {})}
        credential = {"certificate" if self.certificate else "secret": said}
        application = {"displayName": "Life", "credentials": {"ci": credential}}
        return {
            "version": 1,
            "name": "life",
            "tenant": "sandbox",
            "applications": {"app": application},
        }


def _dotenv(bench: Bench) -> Value | None:
    """The lines of the file; a certificate is read from the file that its line names, when it is used."""
    file = bench.stores / ".env"
    if not file.is_file():
        return None
    lines = (line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())
    found = {name.removeprefix("AZURE_"): value.strip("\"'") for name, value in lines}
    pem = found.get("CLIENT_CERTIFICATE_PATH")
    return Value(
        tenant_id=found["TENANT_ID"],
        client_id=found["CLIENT_ID"],
        key_id=found["CLIENT_CERTIFICATE_ID" if pem else "CLIENT_SECRET_ID"],
        secret=found.get("CLIENT_SECRET", ""),
        pem=Path(pem) if pem else "",
    )


def _json(name: str) -> Callable[[Bench], Value | None]:
    def read(bench: Bench) -> Value | None:
        file = bench.stores / name
        if not file.is_file():
            return None
        found = json.loads(file.read_text(encoding="utf-8"))
        return Value(
            tenant_id=found["tenantId"],
            client_id=found["clientId"],
            key_id=found["keyId"],
            secret=found.get("clientSecret", ""),
            pem=found.get("clientCertificate", ""),
        )

    return read


def _one(read: Callable[[Bench], Value | None]) -> Callable[[Bench], list[str]]:
    """What keeps one value and no older one."""

    def copies(bench: Bench) -> list[str]:
        held = read(bench)
        return [held.key_id] if held else []

    return copies


def _pems(bench: Bench) -> list[str]:
    """A file beside the dotenv file for each, named after the beginning of its keyId."""
    return sorted(path.name.split("_")[-1][:8] for path in bench.stores.glob("*.pem"))


def _command(*verbs: str) -> dict[str, Any]:
    argv = {verb: ["./keeper", verb, f"{FOLDER}/safe.json"] for verb in verbs}
    return {"command": {**argv, "input": "json"}}


def _vault(bench: Bench) -> Value | None:
    """The newest version of the vault's secret, with whose it is on its tags."""
    found = vaults.secret(bench.server, VAULT, "ci")
    if found is None:
        return None
    pem = found["contentType"] == "application/x-pem-file"
    return Value(
        tenant_id=found["tags"]["tenantId"],
        client_id=found["tags"]["clientId"],
        key_id=found["tags"]["keyId"],
        secret="" if pem else found["value"],
        pem=found["value"] if pem else "",
    )


def _versions(bench: Bench) -> list[str]:
    """One for each credential of which a version is enabled."""
    enabled = vaults.enabled(bench.server, VAULT, "ci")
    return sorted({each["tags"]["keyId"] for each in enabled})


def _kinds() -> Iterator[Kind]:
    file, safe = _json("key.json"), _json("safe.json")
    dotenv, vault = {"dotenv": f"{FOLDER}/.env"}, {"keyVault": VAULT, "name": "ci"}
    yield Kind(name="dotenv", store=dotenv, read=_dotenv, copies=_one(_dotenv))
    yield Kind(name="json", store={"json": f"{FOLDER}/key.json"}, read=file, copies=_one(file))
    yield Kind(
        name="command", store=_command("write", "read", "remove"), read=safe, copies=_one(safe)
    )
    yield Kind(
        name="silent command", store=_command("write"), read=safe, copies=_one(safe), told=False
    )
    yield Kind(
        name="certificate in dotenv", store=dotenv, read=_dotenv, copies=_pems, certificate=True
    )
    yield Kind(
        name="certificate in json",
        store={"json": f"{FOLDER}/key.json"},
        read=file,
        copies=_one(file),
        certificate=True,
    )
    yield Kind(name="vault", store=vault, read=_vault, copies=_versions)
    yield Kind(
        name="certificate in vault", store=vault, read=_vault, copies=_versions, certificate=True
    )


KINDS = tuple(_kinds())
