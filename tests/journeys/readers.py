"""Those who sign in with what the stores hold: no run may lock them out."""

from __future__ import annotations

import urllib.error
from dataclasses import dataclass
from pathlib import Path

import outsider
import paper
import truth

from provision.sandbox.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who took a value out of the store."""

    identity: outsider.Identity
    credential: str

    def signs_in(self, server: Server) -> bool:
        """Whether the token service accepts the value."""
        try:
            outsider.ask_token(server, self.identity)
        except urllib.error.HTTPError:
            return False
        return True


def readers(server: Server, folder: Path) -> dict[str, Reader]:
    """By prefix, who signs in with what the store holds now."""
    if not (folder / paper.STORE).exists():
        return {}
    held, names, found = paper.stored(folder), _names(server), {}
    for name in held:
        prefix = name.removesuffix("CLIENT_SECRET_ID")
        if prefix != name:
            identity = outsider.Identity(
                tenant_id=held[f"{prefix}TENANT_ID"],
                client_id=held[f"{prefix}CLIENT_ID"],
                client_secret=held[f"{prefix}CLIENT_SECRET"],
            )
            reader = Reader(identity=identity, credential=names.get(held[name], ""))
            if reader.signs_in(server):
                found[prefix] = reader
    return found


def _names(server: Server) -> dict[str, str]:
    """The credentials of the manifest that secrets of ours were made for, by key id."""
    listed = (each for app in truth.applications(server) for each in app["passwordCredentials"])
    return {
        each["keyId"]: each["displayName"].split(":")[2]
        for each in listed
        if (each["displayName"] or "").startswith("provision:")
    }
