"""Azure CLI as its users run it: a process, with a folder of its own for what it keeps."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision.sandbox.server import Server

NOT_YET = ("does not exist", "does not reference", "concurrent requests", "valid reference update")
METADATA = "/metadata/endpoints?api-version=2019-05-01"


class Refused(Exception):
    """Azure CLI ended with an exit code that is not 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """One installation of Azure CLI, pointed at one sandbox."""

    program: str
    folder: Path
    server: Server

    def __call__(self, *arguments: str) -> Any:
        """Run a command; its JSON, None when it says nothing."""
        done = subprocess.run(
            [self.program, *arguments, "--output", "json"],
            capture_output=True,
            text=True,
            env=self._environ(),
            cwd=self.folder,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise Refused(f"az {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def patiently(self, *arguments: str) -> Any:
        """The same, again while the directory has not caught up: scripts have to do that, too."""
        for _ in range(30):
            try:
                return self(*arguments)
            except Refused as refused:
                if not any(words in str(refused) for words in NOT_YET):
                    raise
                time.sleep(0.2)
        return self(*arguments)

    def graph(self, method: str, path: str, body: Any = None) -> Any:
        """A request to Graph with the token of whoever is signed in."""
        url = f"{self.server.url}/v1.0/{path}"
        given = ["--body", json.dumps(body)] if body is not None else []
        return self.patiently("rest", "--method", method, "--url", url, *given)

    def _environ(self) -> dict[str, str]:
        ca = str(self.server.ca_bundle)
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AZURE_")},
            "AZURE_CONFIG_DIR": str(self.folder / "azure"),
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "ARM_CLOUD_METADATA_URL": self.server.url + METADATA,
            "REQUESTS_CA_BUNDLE": ca,
            "SSL_CERT_FILE": ca,
            "NO_PROXY": "127.0.0.1",
        }
