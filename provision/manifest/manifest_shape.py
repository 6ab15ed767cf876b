"""The manifest's keys as pydantic models: what `load` accepts and what editors are told."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from provision.manifest import values
from provision.manifest.application_shapes import (
    ApplicationShape,
    DefaultsShape,
    PermissionName,
    Permissions,
)
from provision.manifest.shape import Guid, Shape, absent, choice, key, text

TenantName = Annotated[str, *text(values.tenant, values.TENANT)]
CloudName = Annotated[str, *choice(values.cloud, values.CLOUDS)]


class EnvironmentShape(Shape, title="environment"):
    """One of the places in which the same applications exist; `--env` chooses it."""

    tenant: TenantName = Field(default=absent(), description="Instead of the manifest's tenant.")
    cloud: CloudName = Field(default=absent(), description="Instead of the manifest's cloud.")
    variables: dict[Annotated[str, *key(values.variable, values.VARIABLE)], str] = Field(
        default_factory=dict,
        description="Values for ${NAME}; --var and PROVISION_VAR_NAME come before them.",
    )


class IdentityShape(Shape, title="identity"):
    """A managed identity that exists already, and what it may do."""

    managed_identity: Guid = Field(
        description="The object id of the managed identity's service principal."
    )
    permissions: Permissions = Field(
        default_factory=dict,
        description="What it may do, by resource; application permissions only.",
    )
    allow_tier0: list[PermissionName] = Field(
        default_factory=list,
        alias="allowTier0",
        description="Permissions that can lead to control of the whole tenant, and are meant.",
    )


class ManifestShape(Shape, title="manifest"):
    """The identities that a team's workloads use in Microsoft Entra ID."""

    version: Annotated[
        int, AfterValidator(values.version), Field(json_schema_extra={"const": 1})
    ] = Field(description="The version of this file's language: 1.")
    name: Annotated[str, *text(values.name, values.NAME)] = Field(
        description="Marks what is made as this manifest's: 3 to 30 of a-z, 0-9 and -."
    )
    tenant: TenantName = Field(
        default=absent(),
        description="A tenant id, a verified domain, or sandbox: the tenant in the tool itself.",
    )
    cloud: CloudName = Field(
        default=absent(),
        description="Which of Microsoft's clouds the tenant is in; public if not said.",
    )
    environments: dict[
        Annotated[str, *key(values.environment, values.ENVIRONMENT)], EnvironmentShape
    ] = Field(
        default_factory=dict,
        description="Places such as dev and prod in which the same applications exist, each its "
        "own. If there are any, --env must choose one.",
    )
    defaults: DefaultsShape = Field(
        default=absent(),
        description="What holds for every application that does not say otherwise.",
    )
    applications: dict[
        Annotated[str, *key(values.application_key, values.APPLICATION_KEY)], ApplicationShape
    ] = Field(description="The applications, by a key that stays the same for their whole life.")
    identities: dict[
        Annotated[str, *key(values.identity_key, values.APPLICATION_KEY)], IdentityShape
    ] = Field(
        default_factory=dict,
        description="Managed identities that exist already, and what they may do.",
    )


@lru_cache(maxsize=1)
def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a manifest, for editors."""
    schema = ManifestShape.model_json_schema(by_alias=True)
    _for_editors(schema)
    below = schema["$defs"]["DefaultsShape"]["properties"]["credentials"]
    # Each application adds what is missing, such as the store.
    below["patternProperties"] = _incomplete(below["patternProperties"], schema["$defs"])
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


def _incomplete(schema: Any, known: dict[str, Any]) -> Any:
    """The same shape written out, with nothing in it required."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        schema = {**known[schema["$ref"].rpartition("/")[2]], **schema}
    left = {"$ref", "required", "minProperties", "maxProperties", "dependentRequired"}
    return {name: _incomplete(each, known) for name, each in schema.items() if name not in left}
