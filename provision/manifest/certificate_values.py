"""What a single text about a certificate may be: its subject, its life, the size of its key, its file."""

from __future__ import annotations

import re
from datetime import timedelta

from provision.manifest.values import dotenv, duration, matched, mistake

KEY_SIZES = (2048, 3072, 4096)
SUBJECT_KINDS = "CN|O|OU|L|ST|STREET|DC|UID"
_NEVER = r'\x00-\x1f,+"\\<>;='
_EDGE = rf"[^{_NEVER}\s#]"
_PART = rf"(({SUBJECT_KINDS})={_EDGE}([^{_NEVER}]*{_EDGE})?|C=[A-Za-z]{{2}})"
SUBJECT = rf"{_PART}(,{_PART})*"
_LONGEST_COMMON_NAME = 64


def lifetime(text: str) -> str:
    """How long a certificate is valid."""
    if not timedelta(hours=1) <= duration(text) <= timedelta(days=3650):
        raise mistake("is no lifetime for a certificate: between 1h and 3650d")
    return text


def key_size(bits: int) -> int:
    """How many bits an RSA key has."""
    if bits not in KEY_SIZES:
        raise mistake("is no size of a key", f"write one of {', '.join(map(str, KEY_SIZES))}")
    return bits


def subject(text: str) -> str:
    """The name in a certificate, as RFC 4514 writes it; nothing in it needs a backslash."""
    hint = "write CN=my-workload, or CN=my-workload,O=Contoso without a space after the comma"
    matched(text, SUBJECT, "is no name for a certificate", hint=hint)
    names = [part.removeprefix("CN=") for part in text.split(",") if part.startswith("CN=")]
    if any(len(name.encode()) > _LONGEST_COMMON_NAME for name in names):
        raise mistake(
            f"is no name for a certificate: CN has {_LONGEST_COMMON_NAME} characters at most"
        )
    return text


def pem(text: str) -> str:
    """The path of a PEM file, as written."""
    if re.fullmatch(r"-+BEGIN[\s\S]*", text):
        raise mistake("is a certificate itself", "write the path of its file")
    return dotenv(text)
