"""Where a value goes: the keys below `store`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from provision.manifest import store_values, values
from provision.manifest.shape import Shape, absent, facts, text

KINDS = ("dotenv", "json", "keyVault", "command")
"""The kinds of stores, of which a value has one."""

BELONG = {"prefix": "dotenv", "key": "json", "name": "keyVault"}
"""Keys that say more of one kind of store."""

_VARIABLE = {"pattern": r"\$\{"}
Path = Annotated[str, *text(values.dotenv, r"[^~].*", minLength=1)]
Argument = Annotated[str, AfterValidator(store_values.argument)]
_NOT_EMPTY: dict[str, Any] = {"minItems": 1}
_INPUT: dict[str, Any] = {
    "anyOf": [{"enum": list(store_values.INPUTS)}, {"type": "object"}, _VARIABLE]
}


class CommandShape(Shape, title="command"):
    """Programs that keep the value, each as a list of the program and its arguments; no shell runs them.

    The arguments may have {tenantId}, {clientId}, {keyId} and {expires} in them, which are filled in.
    """

    write: list[Argument] = Field(
        description="Keeps the value, which comes on standard input; exit code 0 says that it did.",
        json_schema_extra=_NOT_EMPTY,
    )
    read: list[Argument] = Field(
        default=absent(),
        description="Prints what `write` got, or nothing where nothing is kept; apply and rotate run it.",
        json_schema_extra=_NOT_EMPTY,
    )
    remove: list[Argument] = Field(
        default=absent(),
        description="Removes what is kept; destroy runs it.",
        json_schema_extra=_NOT_EMPTY,
    )
    input: Annotated[Any, *facts(store_values.command_input, _INPUT)] = Field(
        default="value",
        description="What `write` gets: the bare value; json, an object with tenantId, clientId, clientSecret (or "
        "clientCertificate), keyId and expires; env, the same as lines of a dotenv file; or a mapping of your own, in "
        "whose texts {clientSecret}, {tenantId} and so on are filled in.",
    )
    timeout: Annotated[str, *text(store_values.timeout, values.DURATION)] = Field(
        default=store_values.DEFAULT_TIMEOUT,
        description="How long each of them may take, 1s to 10m; then it is ended.",
    )


def _one_kind() -> dict[str, Any]:
    """What editors are told: one kind, and beside it only what belongs to it."""
    beside = {
        kind: {
            other: False
            for other in (*KINDS, *BELONG)
            if other != kind and BELONG.get(other) != kind
        }
        for kind in KINDS
    }
    return {
        "minProperties": 1,
        "dependentRequired": {
            **{key: [kind] for key, kind in BELONG.items()},
            "keyVault": ["name"],
        },
        "dependentSchemas": {kind: {"properties": none} for kind, none in beside.items()},
    }


class StoreShape(Shape, title="store"):
    """Where the value goes: a dotenv file, a JSON file, a secret in a vault, or a command that keeps it."""

    model_config = ConfigDict(json_schema_extra=_one_kind())

    dotenv: Path = Field(
        default=absent(),
        description="The dotenv file's path, relative to the manifest; git must not track it.",
    )
    prefix: Annotated[str, *text(values.prefix, values.PREFIX)] = Field(
        default=values.DEFAULTS["prefix"],
        description="With dotenv: what the keys begin with. AZURE_ gives AZURE_TENANT_ID, AZURE_CLIENT_ID, "
        "AZURE_CLIENT_SECRET, AZURE_CLIENT_SECRET_ID and AZURE_CLIENT_SECRET_EXPIRES; for a certificate "
        "AZURE_CLIENT_CERTIFICATE_PATH, _ID and _EXPIRES.",
    )
    json_: Path = Field(
        default=absent(),
        alias="json",
        description="A JSON file's path, relative to the manifest; git must not track it. It gets tenantId, clientId, "
        "clientSecret (or clientCertificate), keyId and expires.",
    )
    key: Annotated[str, *text(store_values.json_key, r".*\S.*", maxLength=128)] = Field(
        default=absent(),
        description="With json: the key of the file's top object below which they stand.",
    )
    key_vault: Annotated[str, *text(store_values.vault, store_values.VAULT)] = Field(
        default=absent(), description="An Azure Key Vault by its name, never by an address."
    )
    name: Annotated[str, *text(store_values.vault_secret, store_values.VAULT_SECRET)] = Field(
        default=absent(), description="With keyVault: the secret's name in it."
    )
    command: CommandShape = Field(
        default=absent(), description="Programs of yours that keep the value."
    )
