"""What a single text of a store may be: paths, names of vaults, arguments of commands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from provision.manifest.values import (
    at_most,
    duration,
    matched,
    mistake,
    one_of,
)
from provision.places import places_in

VAULT = "(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]"
VAULT_SECRET = "[0-9a-zA-Z-]{1,127}"  # noqa: S105 - the form of a name
INPUTS = ("value", "json", "env")
VALUES = ("clientSecret", "clientCertificate")
"""The places that a value is filled in at: only in what a program gets on its standard input."""

FACTS = ("tenantId", "clientId", "keyId", "expires")
"""The places that anybody may see."""

DEFAULT_TIMEOUT = "30s"


def json_key(text: str) -> str:
    """The key below which a JSON file has our object."""
    if not text.strip() or "\n" in text or "\t" in text:
        raise mistake("is no key: one visible line")
    return at_most(text, 128)


def vault(text: str) -> str:
    """A vault's name: https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates"""
    if "://" in text or "." in text:
        raise mistake(
            "is an address: a manifest names a vault, never an endpoint",
            "write the vault's bare name",
        )
    says = "is no name of a vault: 3 to 24 of a-z, 0-9 and single -, beginning with a letter"
    return matched(text, VAULT, says)


def vault_secret(text: str) -> str:
    """A secret's name in its vault."""
    return matched(
        text, VAULT_SECRET, "is no name of a secret in a vault: 1 to 127 of a-z, 0-9 and -"
    )


def argument(text: str) -> str:
    """One argument of a command; whoever lists the processes can read it."""
    for name in places_in(text):
        if name in VALUES or name == "value":
            raise mistake(
                f"has {{{name}}} in it, and an argument never holds the value: a list of processes shows it",
                "the value comes on standard input, as `input` says",
            )
        known_place(name, FACTS)
    return at_most(text, 4096)


def known_place(name: str, known: tuple[str, ...]) -> None:
    """Refuse a place that nothing is filled in at."""
    if name not in known:
        raise mistake(
            f"has the unknown place {{{name}}} in it",
            f"known here: {', '.join(f'{{{each}}}' for each in known)}; "
            f"write {{{{{name}}}}} for a literal {{{name}}}",
        )


def command_input(value: Any) -> Any:
    """What a command gets on standard input: one of the named forms, or a document of one's own."""
    if isinstance(value, str):
        return one_of(value, INPUTS)
    if not isinstance(value, dict):
        raise mistake("is no input: write value, json, env, or a mapping of your own")
    return value


def timeout(text: str) -> str:
    """How long a command may take."""
    if not timedelta(seconds=1) <= duration(text) <= timedelta(minutes=10):
        raise mistake("is no time limit for a command: between 1s and 10m")
    return text
