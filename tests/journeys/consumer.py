"""A program that uses the store: it signs in all the time with what the dotenv file says, and no code of ours."""

from __future__ import annotations

import json
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path


def settings(store: Path) -> dict[str, str]:
    """The lines of a dotenv file."""
    lines = store.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def sign_in(login: str, trusted: ssl.SSLContext, held: dict[str, str]) -> str:
    """The secret id that was accepted, or the refusal."""
    key_id = held["AZURE_CLIENT_SECRET_ID"].strip("\"'")
    form = {
        "grant_type": "client_credentials",
        "client_id": held["AZURE_CLIENT_ID"].strip("\"'"),
        "client_secret": held["AZURE_CLIENT_SECRET"].strip("\"'"),
        "scope": "https://graph.microsoft.com/.default",
    }
    tenant = held["AZURE_TENANT_ID"].strip("\"'")
    url = f"{login}/{tenant}/oauth2/v2.0/token"
    body = urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(url, body, context=trusted, timeout=30):  # noqa: S310
            return key_id
    except urllib.error.HTTPError as refused:
        code = json.loads(refused.read())["error_codes"][0]
        return f"refused {key_id} AADSTS{code}"


def main(login: str, ca_bundle: str, store: str, until: str) -> None:
    """Sign in until a file appears; one line per change of what happens, the number of attempts last."""
    trusted = ssl.create_default_context(cafile=ca_bundle)
    before, attempts = "", 0
    while not Path(until).exists():
        said = sign_in(login, trusted, settings(Path(store)))
        attempts += 1
        if said != before:
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
            before = said
        time.sleep(0.02)
    sys.stdout.write(f"attempts {attempts}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
