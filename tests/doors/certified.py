"""A run of ours on the sandbox, and somebody else who changes the same application's certificates."""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from uuid import uuid4

import tenant_graph

from auth import clouds
from auth.operator import Identity
from provision import keys
from provision.clock import Clock, SystemClock
from provision.graph import directory
from provision.graph.client import Graph
from provision.model import Application, Observed
from provision.progress import Silent
from provision.run import Run, State
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen
from provision.stores import open_store
from provision.target import Target
from tests.build import desired
from tests.keypairs import a_pair

APP = "web"


def nobody_asks(*_: Any) -> Any:
    """These tests get along without tokens."""
    raise AssertionError


def a_run(graph: Graph, application: Application, told: list[str], clock: Clock) -> Run:
    """A run that knows one application."""
    target = Target(
        tenant_id="tenant",
        tenant_name="sandbox",
        cloud=clouds.named("public"),
        operator=Identity(
            tenant_id="tenant",
            client_id="operator",
            object_id="",
            name="operator",
            roles=frozenset(),
            scopes=frozenset(),
            wids=frozenset(),
            person=False,
        ),
        graph=graph,
        clock=clock,
        token_of=nobody_asks,
        place_of=lambda place: place,
        open_store=open_store,
        may_read=lambda _: True,
        progress=Silent(),
        tell=told.append,
    )
    run = Run(target=target, desired=desired(), observed=Observed(applications={}, resources={}))
    run.states[APP] = State.of(application)
    return run


@dataclass(slots=True)
class Scene:
    """An application in a sandbox, and what was told while its certificates were changed."""

    server: Server
    application: Application
    told: list[str] = field(default_factory=list)

    def run(self, graph: Graph) -> Run:
        clock = SystemClock(self.server.scale)
        return a_run(graph, self.application, self.told, clock)

    def do(self, work: Callable[[Run], Awaitable[Any]]) -> Run:
        """Do some work in a run of its own, as the tenant's operator."""

        async def on_graph(graph: Graph) -> Run:
            run = self.run(graph)
            await work(run)
            return run

        done: Run = tenant_graph.signed_in(self.server, on_graph)
        return done

    def truth(self) -> dict[str, dict[str, Any]]:
        """What the service itself knows, by keyId."""
        found = self.server.tenant().find(
            "applications", "appId", self.application.app_id, Seen.truth()
        )
        assert found is not None
        return {each["keyId"]: each for each in found["keyCredentials"]}

    def settle(self) -> None:
        """Let every replica hear of all that was written."""
        tenant = self.server.tenant()
        found = tenant.find("applications", "appId", self.application.app_id, Seen.truth())
        assert found is not None
        tenant.put("applications", found, lag="none")

    def sent(self, method: str = "PATCH") -> int:
        """How many writes of certificates there were."""
        path = f"/v1.0/applications/{self.application.id}"
        return sum(
            entry.method == method and entry.path.partition("?")[0] == path
            for entry in self.server.requests
        )


def scene(server: Server) -> Scene:
    """An application that everybody sees, with no certificate yet."""

    async def made(graph: Graph) -> Application:
        found = await directory.upsert_application(graph, "contoso.web", {"displayName": "web"})
        assert found is not None
        return found

    made_here = Scene(server, tenant_graph.signed_in(server, made))
    made_here.settle()
    return made_here


def add(name: str = "workload", key_id: str | None = None) -> Callable[[Run], Awaitable[bool]]:
    """Adds the certificate of that name; answers whether it is new."""
    key = key_id or str(uuid4())
    return lambda run: keys.add(
        run,
        APP,
        key_id=key,
        certificate=a_pair(name).certificate,
        display_name=f"provision:contoso:{name}:0",
    )


class Somebody:
    """Another program of the operator's, over plain HTTP, which knows all that it has ever added."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        operator = scene.server.operator()
        form = (
            f"grant_type=client_credentials&client_id={operator['clientId']}"
            f"&client_secret={urllib.parse.quote(operator['clientSecret'])}"
            f"&scope={urllib.parse.quote(scene.server.url)}/.default"
        )
        path = f"/{operator['tenantId']}/oauth2/v2.0/token"
        self._token = json.loads(self._send("POST", path, form.encode()))["access_token"]
        self.entries: dict[str, dict[str, Any]] = {}

    def add(self, name: str) -> str:
        """Add one more certificate to theirs."""
        key_id = str(uuid4())
        self.entries[key_id] = {
            "keyId": key_id,
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "displayName": f"CN={name}",
            "key": base64.b64encode(a_pair(name).certificate.der).decode(),
        }
        self.set(self.entries.values())
        return key_id

    def remove(self, key_id: str) -> None:
        """Remove one of theirs."""
        del self.entries[key_id]
        self.set(self.entries.values())

    def set(self, entries: Iterable[dict[str, Any]]) -> None:
        """Replace the whole list."""
        path = f"/v1.0/applications/{self._scene.application.id}"
        content = json.dumps({"keyCredentials": list(entries)}).encode()
        while not self._taken(path, content):
            time.sleep(0.01)

    def _taken(self, path: str, content: bytes) -> bool:
        try:
            self._send("PATCH", path, content)
        except HTTPError as busy:
            if busy.code != 409:
                raise
            return False
        return True

    def _send(self, method: str, path: str, content: bytes) -> bytes:
        server = self._scene.server
        context = ssl.create_default_context(cafile=str(server.ca_bundle))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if method == "PATCH":
            headers = {
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            }
        request = urllib.request.Request(  # noqa: S310
            server.url + path, method=method, data=content, headers=headers
        )
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310
            return bytes(answer.read())
