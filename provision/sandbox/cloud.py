"""What a cloud tells about itself before anybody signs in, and the Resource Manager's empty shelves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from provision.sandbox.refusal import Refusal
from provision.sandbox.tenant import Tenant
from provision.sandbox.tokens import Verifier

NAME = "Sandbox"
_ONE_OBJECT_SINCE = "2022-09-01"
_RESOURCE_MANAGER = frozenset(
    {
        "https://management.azure.com",
        "https://management.azure.com/",
        "https://management.core.windows.net/",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to the cloud; `names` are the names that this server goes by."""

    base: str
    version: str
    authorization: str | None
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer."""

    body: Any
    status: int = 200


Handler = Callable[[Verifier, Asked], Told]


def handler_of(path: str) -> Handler | None:
    """Who answers at this address; None for an address of Graph or of nobody."""
    known = "/" + "/".join(part for part in path.lower().split("/") if part)
    if known in _ROUTES:
        return _ROUTES[known]
    return _resource if _RESOURCE.fullmatch(known) else None


def endpoints(base: str) -> dict[str, Any]:
    """https://learn.microsoft.com/azure/azure-resource-manager/management/azure-resource-manager-metadata-service"""
    slash = f"{base}/"
    host = base.removeprefix("https://")
    return {
        "name": NAME,
        "portal": base,
        "media": base,
        "graphAudience": slash,
        "graph": slash,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [slash],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": slash,
        "microsoftGraphResourceId": slash,
        "gallery": slash,
        "batch": slash,
        "suffixes": {
            "acrLoginServer": f"azurecr.{host}",
            "azureDataLakeAnalyticsCatalogAndJob": f"azuredatalakeanalytics.{host}",
            "azureDataLakeStoreFileSystem": f"azuredatalakestore.{host}",
            "keyVaultDns": f"vault.{host}",
            "mhsmDns": f"managedhsm.{host}",
            "mysqlServerEndpoint": f"mysql.{host}",
            "mariadbServerEndpoint": f"mariadb.{host}",
            "postgresqlServerEndpoint": f"postgres.{host}",
            "sqlServerHostname": f"database.{host}",
            "storage": f"core.{host}",
            "storageSyncEndpointSuffix": f"afs.{host}",
            "synapseAnalytics": f"synapse.{host}",
        },
        "vmImageAliasDoc": slash,
        "activeDirectoryDataLake": slash,
        "sqlManagement": slash,
        "logAnalyticsResourceId": slash,
        "synapseAnalyticsResourceId": slash,
        "attestationResourceId": slash,
        "appInsightsResourceId": slash,
        "appInsightsTelemetryChannelResourceId": slash,
        "microsoftGraphResource": slash,
        "ossrDbmsResourceId": slash,
    }


def _metadata(verifier: Verifier, asked: Asked) -> Told:
    """One object for today's callers, a list for those of the versions before."""
    told = endpoints(asked.base)
    return Told(body=told if asked.version >= _ONE_OBJECT_SINCE else [told])


def _subscriptions(verifier: Verifier, asked: Asked) -> Told:
    """https://learn.microsoft.com/rest/api/resources/subscriptions/list"""
    tenant = _tenant_of(verifier, asked)
    if isinstance(tenant, Told):
        return tenant
    return Told(body={"value": [], "count": {"type": "Total", "value": 0}})


def _tenants(verifier: Verifier, asked: Asked) -> Told:
    """https://learn.microsoft.com/rest/api/resources/tenants/list"""
    tenant = _tenant_of(verifier, asked)
    if isinstance(tenant, Told):
        return tenant
    told = {
        "id": f"/tenants/{tenant.id}",
        "tenantId": tenant.id,
        "displayName": "Sandbox (provision)" if tenant.name == "default" else tenant.domain,
        "defaultDomain": tenant.domain,
        "domains": [tenant.domain],
        "tenantCategory": "Home",
    }
    return Told(body={"value": [told]})


def _resource(verifier: Verifier, asked: Asked) -> Told:
    """Whatever is asked of a subscription: there is none."""
    tenant = _tenant_of(verifier, asked)
    if isinstance(tenant, Told):
        return tenant
    return _refused(404, "SubscriptionNotFound", "The subscription could not be found.")


def _tenant_of(verifier: Verifier, asked: Asked) -> Tenant | Told:
    if not asked.authorization:
        missing = "Authentication failed. The 'Authorization' header is missing."
        return _refused(401, "AuthenticationFailed", missing)
    try:
        _, tenant = verifier.caller_of(asked.authorization, asked.names | _RESOURCE_MANAGER)
    except Refusal as refusal:
        return _refused(401, "InvalidAuthenticationToken", refusal.message)
    return tenant


def _refused(status: int, code: str, message: str) -> Told:
    return Told(status=status, body={"error": {"code": code, "message": message}})


_ROUTES: Mapping[str, Handler] = MappingProxyType(
    {"/metadata/endpoints": _metadata, "/subscriptions": _subscriptions, "/tenants": _tenants}
)
_RESOURCE = re.compile(r"/subscriptions/.+|/providers/.+", re.DOTALL)
