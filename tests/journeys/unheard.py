"""A token service that never hears of what is issued meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import truth

from provision.sandbox import assertions
from provision.sandbox.faults import Fault
from provision.sandbox.server import Server
from provision.sandbox.tenant import Seen


@contextmanager
def secrets(server: Server) -> Iterator[None]:
    """AADSTS7000215 for ever, for secrets that are issued meanwhile."""
    tenant, ended = server.tenant(), threading.Event()
    known = {key for each in truth.applications(server) for key in each.get("_secrets", ())}

    def forget(id: str) -> None:
        with tenant.writing():
            row = tenant.get("applications", id, Seen.truth()) or {}
            heard = row.get("_secrets", {})
            kept = {key: value for key, value in heard.items() if key in known}
            if kept != heard:
                tenant.put("applications", {**row, "_secrets": kept}, lag="none")

    def forget_all() -> None:
        while not ended.wait(0.01):
            for each in truth.applications(server):
                forget(each["id"])

    watching = threading.Thread(target=forget_all)
    watching.start()
    server.faults.add(Fault(do="delay", path="/oauth2/v2.0/token$", seconds=0.1))
    try:
        yield
    finally:
        ended.set()
        watching.join()
        server.faults.clear()


@contextmanager
def certificates(server: Server) -> Iterator[None]:
    """AADSTS700027 for ever, for certificates that are added meanwhile."""
    heard = assertions._keys
    known = {
        each["keyId"]
        for application in truth.applications(server)
        for each in application["keyCredentials"]
    }

    def those_known(checking: assertions.Checking) -> Iterator[Any]:
        application: Mapping[str, Any] = checking.application or {}
        kept = [each for each in application.get("keyCredentials", ()) if each["keyId"] in known]
        aged = replace(checking, application={**application, "keyCredentials": kept})
        return heard(aged)

    assertions._keys = those_known
    try:
        yield
    finally:
        assertions._keys = heard
