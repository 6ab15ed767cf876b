"""Writes the manifests of the journeys, and reads the stores that they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STORE = Path(".provision", "sandbox", "default", "stores", "hello", ".env")
"""Where the sandbox rehearses the store of `hello`, from the workplace."""


def an_app(*permissions: str, **changes: Any) -> dict[str, Any]:
    """One application: My Workload, reading users, with one secret in `.env`; None leaves a key out."""
    app = {
        "displayName": "My Workload",
        "permissions": {"Microsoft Graph": list(permissions or ("User.Read.All",))},
        "credentials": {"ci": a_secret()},
        **changes,
    }
    return {key: value for key, value in app.items() if value is not None}


def a_secret(dotenv: str = ".env", prefix: str = "AZURE_", **rules: str) -> dict[str, Any]:
    """A secret and its store."""
    return {"secret": {**rules, "store": {"dotenv": dotenv, "prefix": prefix}}}


def write(folder: Path, app: dict[str, Any] | None = None, **top: Any) -> Path:
    """A manifest `hello.yaml` with one application `my-workload`; JSON is YAML. None leaves a key out."""
    content = {
        "version": 1,
        "name": "hello",
        "tenant": "sandbox",
        "applications": {"my-workload": app or an_app()},
        **top,
    }
    path = folder / "hello.yaml"
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(kept, indent=2), encoding="utf-8")
    return path


def stored(folder: Path, place: Path = STORE) -> dict[str, str]:
    """What a dotenv store holds."""
    lines = (folder / place).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name: value.strip("\"'") for name, value in pairs}
