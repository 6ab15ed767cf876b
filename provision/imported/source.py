"""What an import starts from: applications as they are in the tenant, with all that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.model import Application, Observed, ObservedApplication, Resource, ServicePrincipal


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """One application; `more` and `principal_more` are Graph's JSON of what a manifest cannot say."""

    application: Application
    service_principal: ServicePrincipal | None
    owners: frozenset[str] = frozenset()
    more: Mapping[str, Any] = field(default_factory=dict)
    principal_more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Everything that was read for one import.

    `keys` leads from appId to the key that the manifest will use, `resources` are the other APIs by appId, `names`
    says which appId a display name means in this tenant, where it means one, and `people` what owners are called.
    """

    name: str
    tenant: str
    cloud: str | None
    tenant_id: str
    applications: tuple[Existing, ...]
    keys: Mapping[str, str]
    resources: Mapping[str, Resource]
    names: Mapping[str, str]
    people: Mapping[str, str]

    def calls(self, app_id: str) -> str:
        """What the manifest calls a resource: its key here, its name where that is clear, else its appId."""
        if app_id in self.keys:
            return self.keys[app_id]
        resource = self.resources.get(app_id)
        name = resource.display_name if resource else app_id
        taken = {key.casefold() for key in self.keys.values()}
        clear = self.names.get(name) == app_id and name.casefold() not in taken
        return name if clear else app_id

    def observed(self) -> Observed:
        """The same as a plan looks at it."""
        seen = {
            self.keys[each.application.app_id]: ObservedApplication(
                application=each.application,
                service_principal=each.service_principal,
                owners=each.owners,
            )
            for each in self.applications
        }
        named = {self.calls(app_id): app_id for app_id in self.resources}
        return Observed(
            applications=seen,
            resources=self.resources,
            names=named,
            people={each: each for each in self.people},
            tenant_id=self.tenant_id,
        )
