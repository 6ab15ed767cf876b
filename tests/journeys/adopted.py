"""An application that somebody made in the portal, and that the manifest may adopt: what is theirs stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import crowd
import paper
import truth
from neighbours import assignments, grants, principal_of

from provision.sandbox.server import Server

KEY, PREFIX = "legacy", "LEGACY_A_"


@dataclass
class Adopted:
    """The application, and what it was when somebody left it."""

    server: Server

    def __post_init__(self) -> None:
        self.id = crowd.portal(self.server)["id"]
        self.before = self._now()
        self.app_id: str = self.before["appId"]

    def wish(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The manifest's words for it."""
        said: dict[str, Any] = {
            "adopt": {"appId": self.app_id},
            "permissions": {"Microsoft Graph": wanted["roles"]},
        }
        if wanted["secret"]:
            said["credentials"] = {"ci": paper.a_secret(prefix=PREFIX)}
        return said

    def wrong(self) -> list[str]:
        """What of theirs is gone."""
        now = self._now()
        found = [
            f"{KEY}: {name} is {now[name]!r} instead of {self.before[name]!r}"
            for name in ("displayName", "web", "uniqueName", "consents")
            if now[name] != self.before[name]
        ]
        for name in ("tags", "asked", "roles", "secrets"):
            if missing := self.before[name] - now[name]:
                found.append(f"{KEY}: {sorted(missing)} of its {name} are gone")
        return found

    def missing(self, wanted: dict[str, Any]) -> list[str]:
        """Which permissions it was wished and does not have."""
        names = {role["id"]: role["value"] for role in truth.graph(self.server)["appRoles"]}
        granted = {names[id] for _, id in self._now()["roles"]}
        return [f"{KEY} lacks {value}" for value in sorted({*wanted["roles"]} - granted)]

    def _now(self) -> dict[str, Any]:
        (app,) = (each for each in truth.applications(self.server) if each["id"] == self.id)
        principal = principal_of(self.server, app)
        assert principal is not None
        asked = {
            (each["resourceAppId"], access["id"])
            for each in app["requiredResourceAccess"]
            for access in each["resourceAccess"]
        }
        return {
            **app,
            "tags": {*app["tags"]},
            "asked": asked,
            "roles": {
                (e["resourceId"], e["appRoleId"]) for e in assignments(self.server, principal)
            },
            "secrets": {e["keyId"] for e in app["passwordCredentials"]},
            "consents": [(e["scope"], e["consentType"]) for e in grants(self.server, principal)],
        }
