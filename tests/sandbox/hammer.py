"""Writes to a sandbox as fast as it can and notes what was acknowledged; for tests that kill the server."""

from __future__ import annotations

import json
import os
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

SERVE = """
import sys
from pathlib import Path
from provision.sandbox.server import serve
folder = Path(sys.argv[1])
with serve(folder, profile="strong", throttle=0, in_thread=False) as server:
    print(server.url, flush=True)
    server.run()
"""


@dataclass(slots=True)
class Acknowledged:
    """What the server said that it has done: objects made, secrets given, objects deleted."""

    made: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, set[str]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    """Objects whose deletion was asked for and never answered."""

    def count(self) -> int:
        return len(self.made) + sum(map(len, self.secrets.values())) + len(self.deleted)


class Served:
    """A server in a process of its own, to be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def kill(self) -> None:
        """End it as a power cut would: nothing of its own runs any more."""
        number = getattr(signal, "SIGKILL", signal.SIGTERM)
        os.kill(self._process.pid, number)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def client_for(served: Served, operator: dict[str, str], folder: Path) -> Iterator[httpx.Client]:
    """A signed-in client."""
    trusted = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with httpx.Client(base_url=served.url, verify=trusted, trust_env=False, timeout=30) as http:
        _sign_in(http, operator)
        yield http


def _sign_in(http: httpx.Client, operator: dict[str, str]) -> None:
    answer = http.post(
        f"/{operator['tenantId']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": operator["clientId"],
            "client_secret": operator["clientSecret"],
            "scope": "https://graph.microsoft.com/.default",
        },
    )
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def operator_of(folder: Path) -> dict[str, str]:
    """The operator as the folder keeps it."""
    kept = json.loads((folder / "operator.json").read_text(encoding="utf-8"))
    operator: dict[str, str] = kept["default"]
    return operator


def hammer(http: httpx.Client, said: Acknowledged, chance: random.Random) -> None:
    """Write until the connection breaks."""
    try:
        while True:
            _write(http, said, chance)
    except httpx.TransportError:
        return


def _write(http: httpx.Client, said: Acknowledged, chance: random.Random) -> None:
    alive = [id for id in said.made if id not in said.deleted | said.unknown]
    deed = chance.choice(("make", "make", "secret", "secret", "delete")) if alive else "make"
    if deed == "make":
        name = f"app {chance.getrandbits(64):x}"
        made = http.post("/v1.0/applications", json={"displayName": name})
        if made.status_code == 201:
            said.made[made.json()["id"]] = name
        return
    id = chance.choice(alive)
    if deed == "secret":
        given = http.post(f"/v1.0/applications/{id}/addPassword", json={})
        if given.status_code == 200:
            said.secrets.setdefault(id, set()).add(given.json()["keyId"])
        return
    said.unknown.add(id)
    if http.delete(f"/v1.0/applications/{id}").status_code == 204:
        said.deleted.add(id)
    said.unknown.discard(id)


def round_of(folder: Path, said: Acknowledged, chance: random.Random) -> None:
    """Start the server, write to it, kill it at a random moment."""
    served = Served(folder)
    with client_for(served, operator_of(folder), folder) as http:
        writer = threading.Thread(target=hammer, args=(http, said, chance))
        writer.start()
        time.sleep(chance.uniform(0.0, 0.08))
        served.kill()
        writer.join()


def missing(folder: Path, said: Acknowledged) -> list[str]:
    """What was acknowledged and is not there, after the server has started again."""
    served = Served(folder)
    try:
        with client_for(served, operator_of(folder), folder) as http:
            return [complaint for id in said.made for complaint in _complaints(http, said, id)]
    finally:
        served.kill()


def _complaints(http: httpx.Client, said: Acknowledged, id: str) -> list[str]:
    found = http.get(f"/v1.0/applications/{id}")
    if id in said.deleted:
        return [] if found.status_code == 404 else [f"{id} is back"]
    if found.status_code != 200:
        return [] if id in said.unknown and found.status_code == 404 else [f"{id} is lost"]
    body = found.json()
    keys = {each["keyId"] for each in body["passwordCredentials"]}
    lost = said.secrets.get(id, set()) - keys
    renamed = [] if body["displayName"] == said.made[id] else [f"{id} has another name"]
    return [*renamed, *(f"{id} lost the secret {key}" for key in lost)]
