"""A program that uses the store: it signs in all the time with what the dotenv file says, and no code of ours.

It reads the file again for every sign-in, or, where it is one that keeps what it has read, only when it is told to.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PAUSE = 0.01
BY_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def settings(store: Path, prefix: str = "AZURE_") -> dict[str, str]:
    """The lines of a dotenv file that begin so, under the names that Azure's libraries read."""
    lines = store.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and line.startswith(prefix)]
    return {f"AZURE_{name.removeprefix(prefix)}": value.strip("\"'") for name, value in pairs}


def sign_in(login: str, trusted: ssl.SSLContext, held: dict[str, str], *, name: str = "") -> str:
    """The id of the secret or certificate that was accepted, or the refusal.

    The name is told with the request, so that the server's list of requests shows who asked.
    """
    url = f"{login}/{held['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    key_id, proof = _presented(held, url)
    form = {
        "grant_type": "client_credentials",
        "client_id": held["AZURE_CLIENT_ID"],
        "scope": "https://graph.microsoft.com/.default",
        **proof,
    }
    body = urllib.parse.urlencode(form).encode()
    asked = f"{url}?client-request-id={name}" if name else url
    try:
        with urllib.request.urlopen(asked, body, context=trusted, timeout=30):  # noqa: S310
            return key_id
    except urllib.error.HTTPError as refused:
        code = json.loads(refused.read())["error_codes"][0]
        return f"refused {key_id} AADSTS{code}"


def _presented(held: dict[str, str], url: str) -> tuple[str, dict[str, str]]:
    """Which one it is, and what shows that we have it: the secret, or what its private key has signed."""
    if "AZURE_CLIENT_SECRET" in held:
        return held["AZURE_CLIENT_SECRET_ID"], {"client_secret": held["AZURE_CLIENT_SECRET"]}
    pem = Path(held["AZURE_CLIENT_CERTIFICATE_PATH"]).read_bytes()
    signed = _assertion(pem, held["AZURE_CLIENT_ID"], url)
    proof = {"client_assertion_type": BY_ASSERTION, "client_assertion": signed}
    return held["AZURE_CLIENT_CERTIFICATE_ID"], proof


def _assertion(pem: bytes, client_id: str, audience: str) -> str:
    """https://learn.microsoft.com/entra/identity-platform/certificate-credentials"""
    import jwt
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    der = load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    now = int(time.time())
    said = {"iss": client_id, "sub": client_id, "aud": audience, "nbf": now, "exp": now + 600}
    return jwt.encode(said, key, algorithm="PS256", headers={"x5t#S256": thumbprint})


def main() -> None:
    """Sign in until a file appears; the log gets a line for every change of what happens, after how many sign-ins."""
    asked = argparse.ArgumentParser(description=__doc__)
    for name in ("login", "ca_bundle", "store", "log", "until"):
        asked.add_argument(name)
    asked.add_argument("--prefix", default="AZURE_")
    asked.add_argument("--name", default="")
    asked.add_argument("--told", type=Path, help="read the store again when this file has changed")
    wishes = asked.parse_args()
    trusted = ssl.create_default_context(cafile=wishes.ca_bundle)
    before, word, attempts, held = "", None, 0, {}
    with open(wishes.log, "w", encoding="utf-8", buffering=1) as log:
        while not Path(wishes.until).exists():
            now = wishes.told.read_text("ascii") if wishes.told else None
            if not held or now != word or not wishes.told:
                word, held = now, settings(Path(wishes.store), wishes.prefix)
            said = sign_in(wishes.login, trusted, held, name=wishes.name)
            if said != before:
                log.write(f"{attempts} {said}\n")
                before = said
            attempts += 1
            time.sleep(PAUSE)
        log.write(f"{attempts} in all\n")


if __name__ == "__main__":
    main()
