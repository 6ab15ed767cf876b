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

    `keys` leads from appId to the key that the manifest will use, `resources` are the other APIs by appId, `called`
    leads from their appIds to names, where a name is clear, and `people` says what owners are called.
    """

    name: str
    tenant: str
    cloud: str | None
    tenant_id: str
    applications: tuple[Existing, ...]
    keys: Mapping[str, str]
    resources: Mapping[str, Resource]
    called: Mapping[str, str]
    people: Mapping[str, str]

    def calls(self, app_id: str) -> str:
        """What the manifest calls a resource: its key here, its name where that is clear, else its appId."""
        return self.keys.get(app_id) or self.called.get(app_id, app_id)

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


def clear_names(
    resources: Mapping[str, Resource], names: Mapping[str, str], keys: Mapping[str, str]
) -> dict[str, str]:
    """Display names by appId, of APIs that the tenant knows alone by that name; `names` says which one each means."""
    taken = {key.casefold() for key in keys.values()}
    return {
        app_id: each.display_name
        for app_id, each in resources.items()
        if names.get(each.display_name) == app_id and each.display_name.casefold() not in taken
    }
