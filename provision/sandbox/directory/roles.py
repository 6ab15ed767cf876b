"""The directory roles that people and applications can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

from provision.sandbox import edm
from provision.sandbox.call import Call
from provision.sandbox.directory import authorisation

DIRECTORY_ROLES = edm.Kind(
    collection="directoryRoles",
    name="directoryRole",
    properties={
        "id": edm.Type(name="String", nullable=False),
        "deletedDateTime": edm.Type(name="DateTimeOffset"),
        "description": edm.Type(name="String"),
        "displayName": edm.Type(name="String"),
        "roleTemplateId": edm.Type(name="String"),
    },
)
_NAMES = {
    authorisation.GLOBAL_ADMINISTRATOR: "Global Administrator",
    authorisation.PRIVILEGED_ROLE_ADMINISTRATOR: "Privileged Role Administrator",
    authorisation.APPLICATION_ADMINISTRATOR: "Application Administrator",
    authorisation.CLOUD_APPLICATION_ADMINISTRATOR: "Cloud Application Administrator",
    authorisation.APPLICATION_DEVELOPER: "Application Developer",
    authorisation.USER_ADMINISTRATOR: "User Administrator",
    authorisation.GROUPS_ADMINISTRATOR: "Groups Administrator",
}


def held(call: Call, row: Mapping[str, Any]) -> Iterator[tuple[edm.Kind, dict[str, Any]]]:
    """https://learn.microsoft.com/graph/api/resources/directoryrole"""
    for template in row.get("_directoryRoles", ()):
        yield (
            DIRECTORY_ROLES,
            {
                "id": str(uuid5(UUID(call.tenant.id), template)),
                "deletedDateTime": None,
                "description": None,
                "displayName": _NAMES.get(template),
                "roleTemplateId": template,
            },
        )
