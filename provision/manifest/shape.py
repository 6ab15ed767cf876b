"""The manifest's keys as pydantic models: what `load` accepts and what editors are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.alias_generators import to_camel

from provision.manifest import values

_VARIABLE = r"\$\{"


def _facts(check: Callable[[str], str], facts: dict[str, Any]) -> tuple[Any, ...]:
    return AfterValidator(check), Field(json_schema_extra=facts)


def _text(check: Callable[[str], str], pattern: str, **facts: Any) -> tuple[Any, ...]:
    """A checked text; the schema for editors also lets it hold a variable."""
    return _facts(check, {"pattern": f"^({pattern})$|{_VARIABLE}", **facts})


def _choice(check: Callable[[str], str], options: tuple[str, ...]) -> tuple[Any, ...]:
    return _facts(check, {"anyOf": [{"enum": list(options)}, {"pattern": _VARIABLE}]})


def _key(check: Callable[[str], str], pattern: str) -> tuple[Any, ...]:
    return _facts(check, {"pattern": f"^{pattern}$"})


Duration = Annotated[str, *_text(values.span, values.DURATION)]
Lifetime = Annotated[str, *_text(values.lifetime, values.DURATION)]


class Shape(BaseModel):
    """A mapping with a fixed set of keys and no silent conversions."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        field_title_generator=lambda name, field: field.alias or name,
    )


class StoreShape(Shape, title="store"):
    """Where the secret's value goes: five keys in a dotenv file."""

    dotenv: Annotated[str, *_text(values.dotenv, r"[^~].*", minLength=1)] = Field(
        description="The dotenv file's path, relative to the manifest; git must not track it."
    )
    prefix: Annotated[str, *_text(values.prefix, values.PREFIX)] = Field(
        default=values.DEFAULTS["prefix"],
        description="What the keys begin with: AZURE_ gives AZURE_TENANT_ID, AZURE_CLIENT_ID, "
        "AZURE_CLIENT_SECRET, AZURE_CLIENT_SECRET_ID and AZURE_CLIENT_SECRET_EXPIRES.",
    )


class SecretShape(Shape, title="secret"):
    """A client secret. The three durations must be in order: overlap < renewBefore < lifetime."""

    lifetime: Lifetime = Field(
        default=values.DEFAULTS["lifetime"],
        description="How long a secret works, 1h to 3650d; write 90d, 24h, 30m, 45s, 2w or P90D.",
    )
    renew_before: Duration = Field(
        default=values.DEFAULTS["renewBefore"],
        description="`apply` and `rotate` renew the secret when less than this is left of it.",
    )
    overlap: Duration = Field(
        default=values.DEFAULTS["overlap"],
        description="How long the old secret lives on after the new one is proven and stored.",
    )
    store: StoreShape = Field(description="Where the value goes. There is no default.")


class CredentialShape(Shape, title="credential"):
    """A way for the workload to sign in."""

    secret: SecretShape = Field(description="A client secret.")


class ByKindShape(Shape, title="resource"):
    """The permissions of one resource, by kind."""

    application: list[str] = Field(
        description="Application permissions: the workload acts as itself, without a user."
    )


def _list_or_kinds(value: object) -> str | None:
    return "[list]" if isinstance(value, list) else "[kinds]" if isinstance(value, dict) else None


_Permissions: TypeAlias = Annotated[
    Annotated[list[str], Tag("[list]")] | Annotated[ByKindShape, Tag("[kinds]")],
    Discriminator(_list_or_kinds),
]


class PermissionsShape(Shape, title="permissions"):
    """What the workload may do, by resource; only Microsoft Graph is known so far."""

    graph: _Permissions = Field(
        default=[],
        alias=values.GRAPH,
        description="Names of application permissions, such as User.Read.All. "
        "`provision apply` grants them unless consent says otherwise.",
    )


class VerifyShape(Shape, title="verify"):
    """What is tried with the workload's own token, beyond reading the roles in it."""

    calls: list[Annotated[str, *_text(values.request, values.CALL)]] = Field(
        default=[],
        description="Requests such as `GET /users?$top=1`: GET or HEAD, a path of Microsoft Graph "
        "v1.0. Only the status is shown.",
    )


class ApplicationShape(Shape, title="application"):
    """An application registration, its service principal, permissions and credentials."""

    display_name: Annotated[
        str, *_facts(values.display_name, {"minLength": 1, "maxLength": 256})
    ] = Field(description="The name that people see. It need not be unique.")
    description: Annotated[str, *_facts(values.description, {"maxLength": 1024})] = Field(
        default="", description="A longer text for people."
    )
    sign_in_audience: Annotated[str, *_choice(values.audience, values.AUDIENCES)] = Field(
        default="AzureADMyOrg",
        description="Who may sign in: AzureADMyOrg (this tenant only) unless you have a reason.",
    )
    tags: list[Annotated[str, *_text(values.tag, values.TAG)]] = Field(
        default=[],
        description="Tags to add, each 1 to 256 characters without white space. Tags that begin "
        "with provision: are reserved.",
    )
    permissions: PermissionsShape = Field(
        default=PermissionsShape(), description="What the workload may do, by resource."
    )
    consent: Annotated[str, *_choice(values.consent, values.CONSENTS)] = Field(
        default="grant",
        description="grant: `apply` consents. request: the permissions are only asked for, "
        "and an administrator consents later.",
    )
    credentials: dict[
        Annotated[str, *_key(values.credential_name, values.CREDENTIAL_NAME)], CredentialShape
    ] = Field(default={}, description="How the workload signs in, by a name of your choice.")
    verify: VerifyShape = Field(
        default=VerifyShape(), description="What is tried with the workload's own token."
    )


class ManifestShape(Shape, title="manifest"):
    """The identities that a team's workloads use in Microsoft Entra ID."""

    version: Annotated[
        int, AfterValidator(values.version), Field(json_schema_extra={"const": 1})
    ] = Field(description="The version of this file's language: 1.")
    name: Annotated[str, *_text(values.name, values.NAME)] = Field(
        description="Marks what is made as this manifest's: 3 to 30 of a-z, 0-9 and -."
    )
    tenant: Annotated[str, *_text(values.tenant, values.TENANT)] = Field(
        default="",
        description="A tenant id, a verified domain, or sandbox: the tenant in the tool itself.",
    )
    cloud: Annotated[str, *_choice(values.cloud, values.CLOUDS)] = Field(
        default="", description="Which of Microsoft's clouds the tenant is in; public if not said."
    )
    applications: dict[
        Annotated[str, *_key(values.application_key, values.APPLICATION_KEY)], ApplicationShape
    ] = Field(description="The applications, by a key that stays the same for their whole life.")


@lru_cache(maxsize=1)
def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a manifest, for editors."""
    schema = ManifestShape.model_json_schema(by_alias=True)
    _for_editors(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _for_editors(schema: Any) -> None:
    """Closes mappings with free keys, and drops defaults that only say "nothing"."""
    if isinstance(schema, list):
        for each in schema:
            _for_editors(each)
    if not isinstance(schema, dict):
        return
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    if "default" in schema and not (isinstance(schema["default"], str) and schema["default"]):
        del schema["default"]
    for each in schema.values():
        _for_editors(each)
