"""The login host and the Graph host of each Microsoft cloud, and of private ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from auth.errors import AuthError

# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#vault-name-and-object-name
_VAULT = re.compile(r"(?=.{3,24}\Z)[A-Za-z](?:-?[A-Za-z0-9])+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Where tokens come from and where Graph answers; both are https origins without a path."""

    name: str
    login: str
    graph: str
    ca_bundle: Path | None = None
    custom: bool = False
    portal: str | None = None
    exchange_audience: str = "api://AzureADTokenExchange"
    vaults: str = ""
    """The address of a Key Vault, with a place for its name; empty where it is not known."""
    vault_resource: str = ""
    """What a token for the vaults of this cloud is for."""

    @property
    def vault_scope(self) -> str:
        """All that the caller may do in vaults."""
        return f"{self.vault_resource}/.default"

    def vault(self, name: str) -> str:
        """The address of the Key Vault of that name: always in this cloud, whatever the name says."""
        if not self.vaults or not self.vault_resource:
            raise AuthError(
                f"The cloud {self.name} has no Key Vault that is known here",
                hint="--login and --graph do not say where a cloud's vaults are: "
                "name another store in the manifest.",
            )
        if not _VAULT.fullmatch(name):
            raise AuthError(
                f"{name!r} cannot be the name of a Key Vault",
                hint="It has 3 to 24 letters, digits and single dashes, and begins with a letter.",
            )
        return self.vaults.replace("{name}", name.lower())

    @property
    def scope(self) -> str:
        """All that Graph granted: the only scope form of the client credentials flow."""
        return f"{self.graph}/.default"


# Hosts: https://learn.microsoft.com/graph/deployments. Admin centers:
# https://learn.microsoft.com/entra/fundamentals/faq. Audiences of federated credentials:
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust
# Vaults: https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#dns-suffixes-for-object-identifiers
CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        cloud.name: cloud
        for cloud in (
            Cloud(
                name="public",
                login="https://login.microsoftonline.com",
                graph="https://graph.microsoft.com",
                portal="https://entra.microsoft.com",
                vaults="https://{name}.vault.azure.net",
                vault_resource="https://vault.azure.net",
            ),
            Cloud(
                name="usgov",
                login="https://login.microsoftonline.us",
                graph="https://graph.microsoft.us",
                portal="https://entra.microsoft.us",
                vaults="https://{name}.vault.usgovcloudapi.net",
                vault_resource="https://vault.usgovcloudapi.net",
                exchange_audience="api://AzureADTokenExchangeUSGov",
            ),
            Cloud(
                name="usgov-dod",
                login="https://login.microsoftonline.us",
                graph="https://dod-graph.microsoft.us",
                portal="https://entra.microsoft.us",
                vaults="https://{name}.vault.usgovcloudapi.net",
                vault_resource="https://vault.usgovcloudapi.net",
                exchange_audience="api://AzureADTokenExchangeUSGov",
            ),
            Cloud(
                name="china",
                login="https://login.chinacloudapi.cn",
                graph="https://microsoftgraph.chinacloudapi.cn",
                portal="https://entra.microsoftonline.cn",
                vaults="https://{name}.vault.azure.cn",
                vault_resource="https://vault.azure.cn",
                exchange_audience="api://AzureADTokenExchangeChina",
            ),
        )
    }
)


def named(name: str) -> Cloud:
    """The Microsoft cloud of that name."""
    try:
        return CLOUDS[name]
    except KeyError:
        raise AuthError(
            f'There is no cloud named "{name}"',
            hint=f"Choose one of {', '.join(CLOUDS)}, or name the hosts of another one "
            "with --login and --graph.",
        ) from None


# Terraform's names: https://registry.terraform.io/providers/hashicorp/azuread/latest/docs
_TERRAFORM = MappingProxyType(
    {
        "global": "public",
        "public": "public",
        "usgovernment": "usgov",
        "usgovernmentl4": "usgov",
        "usgovernmentl5": "usgov-dod",
        "dod": "usgov-dod",
        "china": "china",
    }
)
_AUTHORITIES = MappingProxyType(
    {
        "login.microsoftonline.com": "public",
        "login.microsoftonline.us": "usgov",
        "login.chinacloudapi.cn": "china",
        "login.partner.microsoftonline.cn": "china",
    }
)


def in_settings(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """The clouds that ARM_ENVIRONMENT and AZURE_AUTHORITY_HOST mean, each with who names it.

    An authority that is none of Microsoft's is left out: it says nothing of where its Graph is.
    One that serves two clouds leaves the choice to ARM_ENVIRONMENT.
    """
    found = []
    if host := environ.get("AZURE_AUTHORITY_HOST", "").strip():
        name = urlsplit(host if "//" in host else f"//{host}").hostname or ""
        if name in _AUTHORITIES:
            found.append((_AUTHORITIES[name], "AZURE_AUTHORITY_HOST"))
    if word := environ.get("ARM_ENVIRONMENT", "").strip().lower():
        if word not in _TERRAFORM:
            raise AuthError(
                f'ARM_ENVIRONMENT names no cloud: "{word}"',
                hint=f"Choose one of {', '.join(_TERRAFORM)}, or unset it and use --cloud.",
            )
        meant = _TERRAFORM[word]
        found = [each for each in found if CLOUDS[each[0]].login != CLOUDS[meant].login]
        found.append((meant, "ARM_ENVIRONMENT"))
    return found


def custom(login: str, graph: str, ca_bundle: Path | None = None) -> Cloud:
    """A cloud of one's own: its two hosts and, where they are private, who signed their certificates."""
    if ca_bundle is not None and not ca_bundle.is_file():
        raise AuthError(
            f"The CA bundle {ca_bundle} is not a file",
            hint="Name a PEM file with the certificates of the authority that signed the hosts'.",
        )
    return Cloud(
        name="custom",
        login=_origin("login", login),
        graph=_origin("graph", graph),
        ca_bundle=ca_bundle,
        custom=True,
    )


def hosts(cloud: Cloud) -> list[str]:
    """The hosts that may see a Graph token, as kiota compares them: without scheme and port."""
    host = urlsplit(cloud.graph).hostname
    return [host] if host else []


def _origin(what: str, url: str) -> str:
    hint = f"Write it like https://{what}.example.org, without a path."
    try:
        parts = urlsplit(url.strip())
        faulty = _fault(parts)
    except ValueError:
        raise AuthError(f"The {what} host {url!r} is not a URL", hint=hint) from None
    if faulty:
        raise AuthError(f"The {what} host {url!r} {faulty}", hint=hint)
    return f"https://{parts.netloc}"


def _fault(parts: SplitResult) -> str:
    # A client id's secret and every token travel to these hosts: nothing but TLS will do.
    if parts.scheme != "https" or not parts.hostname:
        return "is not an https URL"
    if parts.username is not None or parts.password is not None:
        return "carries a user name or a password"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "carries more than a host"
    if parts.port == 0:
        return "has no usable port"
    return ""
