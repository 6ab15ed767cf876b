"""Each way to sign in: what it needs from the environment, and the credential it comes to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auth.clouds import Cloud
from auth.errors import AuthError
from auth.runner import Runner, assertion, check

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_SWITCHED = "switched off by {}"
_FEDERATED = {
    "AZURE_FEDERATED_TOKEN_FILE": "ARM_USE_AKS_WORKLOAD_IDENTITY",
    "ARM_OIDC_TOKEN_FILE_PATH": "ARM_USE_OIDC",
    "ARM_OIDC_TOKEN": "ARM_USE_OIDC",
}
"""Variables that give a federated token, in their order, and the switch of each."""
_PATIENCE = 60  # the CLIs need more than the library's 10 seconds on a cold Windows agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a way of signing in may look at."""

    environ: Mapping[str, str] = field(repr=False)
    tenant: str | None
    cloud: Cloud
    pinned: bool
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A credential, in words; `certain` when nothing but a refusal can come of it."""

    says: str
    name: str
    client_id: str | None = None
    certain: bool = True
    answers_challenges: bool = True
    credential: TokenCredential


Way = Callable[[Asked], Offer | str]  # a text is the reason why there is nothing to offer


def environment(asked: Asked) -> Offer | str:
    """A client secret or certificate named by AZURE_* or ARM_* variables."""
    lacking = []
    for prefix in ("AZURE_", "ARM_"):
        client = _read(asked, f"{prefix}CLIENT_ID")
        tenant = asked.tenant or _read(asked, f"{prefix}TENANT_ID")
        secret = _read(asked, f"{prefix}CLIENT_SECRET")
        certificate = _certificate(asked, prefix)
        proven = bool(secret or certificate)
        if client and tenant and proven:
            _tell_others(asked, prefix)
            return _confidential(asked, (tenant, client, secret), certificate)
        if client or proven:
            known = {"CLIENT_ID": client, "TENANT_ID": tenant, "CLIENT_SECRET": proven}
            missing = [prefix + name for name, value in known.items() if not value]
            lacking.append(f"{' and '.join(missing)} not set")
    return "; ".join(lacking) or "neither AZURE_CLIENT_ID nor ARM_CLIENT_ID is set"


def runner(asked: Asked) -> Offer | str:
    """The identity of a GitHub Actions or Azure DevOps job, exchanged at the token service."""
    if _off(asked, "ARM_USE_OIDC"):
        return _SWITCHED.format("ARM_USE_OIDC")
    found = _runner(asked)
    if isinstance(found, str):
        return found
    client, tenant = _client(asked), _tenant(asked)
    if not client or not tenant:
        return f"{found.name} vouches for this job, but {_unset(client, tenant)}"
    check(found)
    return Offer(
        says=f"the job's token from {found.name}",
        name=found.name,
        client_id=client,
        credential=_assertion(asked, (tenant, client), lambda: assertion(found)),
    )


def federated(asked: Asked) -> Offer | str:
    """A token of an outside issuer: a file that Kubernetes keeps fresh, or a variable."""
    named = [name for name in _FEDERATED if asked.environ.get(name)]
    if not named:
        return f"none of {', '.join(_FEDERATED)} is set"
    name = next((name for name in named if not _off(asked, _FEDERATED[name])), None)
    if name is None:
        return _SWITCHED.format(" and ".join(dict.fromkeys(_FEDERATED[name] for name in named)))
    client, tenant = _client(asked), _tenant(asked)
    if not client or not tenant:
        return f"{name} is set, but {_unset(client, tenant)}"
    value = asked.environ[name]
    # Read at every use: the file's token lives for an hour and is replaced in place.
    present = (lambda: value) if name == "ARM_OIDC_TOKEN" else (lambda: _text(name, value))
    return Offer(
        says=f"a federated token from {name}",
        name="the token service",
        client_id=client,
        credential=_assertion(asked, (tenant, client), present),
    )


def azure_cli(asked: Asked) -> Offer | str:
    """Whoever is signed in at the Azure CLI."""
    from azure.identity import AzureCliCredential

    if _off(asked, "ARM_USE_CLI"):
        return _SWITCHED.format("ARM_USE_CLI")
    return Offer(
        says="the Azure CLI's sign-in",
        name="the Azure CLI",
        certain=False,
        answers_challenges=False,
        credential=AzureCliCredential(tenant_id=asked.tenant or "", process_timeout=_PATIENCE),
    )


def azure_powershell(asked: Asked) -> Offer | str:
    """Whoever is signed in at Azure PowerShell."""
    from azure.identity import AzurePowerShellCredential

    return Offer(
        says="Azure PowerShell's sign-in",
        name="Azure PowerShell",
        certain=False,
        answers_challenges=False,
        credential=AzurePowerShellCredential(
            tenant_id=asked.tenant or "", process_timeout=_PATIENCE
        ),
    )


def managed_identity(asked: Asked) -> Offer | str:
    """The identity that Azure gives to the machine."""
    # Left alone, the library asks the metadata address of virtual machines, which on any other
    # network belongs to whoever took it: that must have been chosen.
    if _off(asked, "ARM_USE_MSI"):
        return _SWITCHED.format("ARM_USE_MSI")
    env = asked.environ
    app_service = env.get("IDENTITY_ENDPOINT") and (
        env.get("IDENTITY_HEADER") or env.get("IMDS_ENDPOINT")
    )
    chosen = asked.pinned or _on(asked, "ARM_USE_MSI")
    if not (
        chosen or app_service or (env.get("MSI_ENDPOINT") and not env.get("IDENTITY_ENDPOINT"))
    ):
        return "no identity endpoint in the environment (choose it with --auth managed-identity)"
    from azure.identity import ManagedIdentityCredential

    client = _client(asked)
    return Offer(
        says="the machine's managed identity" + (f" {client}" if client else ""),
        name="the managed identity",
        client_id=client or None,
        certain=False,
        credential=ManagedIdentityCredential(client_id=client or None, **_trust(asked.cloud)),
    )


def browser(asked: Asked) -> Offer | str:
    """A person, in a browser window on this machine."""
    from azure.identity import InteractiveBrowserCredential

    return Offer(
        says="a sign-in in the browser",
        name="the browser",
        credential=InteractiveBrowserCredential(**_person(asked)),
    )


def device_code(asked: Asked) -> Offer | str:
    """A person, who enters a code in any browser."""
    from azure.identity import DeviceCodeCredential

    def prompt(address: str, code: str, _: object) -> None:
        asked.tell(f"To sign in, open {address} and enter the code {code}")

    return Offer(
        says="a sign-in by device code",
        name="the token service",
        credential=DeviceCodeCredential(prompt_callback=prompt, **_person(asked)),
    )


CHAIN: Mapping[str, Way] = {
    "env": environment,
    "oidc": runner,
    "workload": federated,
    "cli": azure_cli,
    "powershell": azure_powershell,
    "managed-identity": managed_identity,
}
WAYS: Mapping[str, Way] = {**CHAIN, "browser": browser, "device-code": device_code}


def _confidential(
    asked: Asked, who: tuple[str, str, str], certificate: tuple[str, dict[str, Any]] | None
) -> Offer:
    from azure.identity import CertificateCredential, ClientSecretCredential

    tenant, client, secret = who
    if secret or certificate is None:
        return Offer(
            says=f"the client secret of {client} (environment)",
            name="the token service",
            client_id=client,
            credential=ClientSecretCredential(tenant, client, secret, **_options(asked.cloud)),
        )
    variable, keys = certificate
    try:
        credential = CertificateCredential(tenant, client, **keys, **_options(asked.cloud))
    except (ValueError, TypeError, OSError):
        raise AuthError(
            f"The certificate that {variable} names cannot be used",
            hint="It must be a PEM or PKCS #12 file with an RSA key, and the password must fit.",
        ) from None
    return Offer(
        says=f"the client certificate of {client} (environment)",
        name="the token service",
        client_id=client,
        credential=credential,
    )


def _certificate(asked: Asked, prefix: str) -> tuple[str, dict[str, Any]] | None:
    name = f"{prefix}CLIENT_CERTIFICATE"
    password = asked.environ.get(f"{name}_PASSWORD") or None
    if path := asked.environ.get(f"{name}_PATH"):
        return f"{name}_PATH", {"certificate_path": path, "password": password}
    if prefix == "ARM_" and (encoded := asked.environ.get(name)):
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            data = b""  # refused with the other unusable certificates
        return name, {"certificate_data": data, "password": password}
    return None


def _runner(asked: Asked) -> Runner | str:
    env = asked.environ
    if url := env.get("SYSTEM_OIDCREQUESTURI"):
        names = (
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
            "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID",
        )
        connection = next((env[name] for name in names if env.get(name)), "")
        bearer = env.get("SYSTEM_ACCESSTOKEN") or env.get("ARM_OIDC_REQUEST_TOKEN") or ""
        if not bearer or not connection:
            missing = "SYSTEM_ACCESSTOKEN" if not bearer else f"none of {', '.join(names)}"
            return f"an Azure DevOps job, but {missing} is{' not' * (not bearer)} set"
        return Runner(name="Azure DevOps", url=url, bearer=bearer, service_connection=connection)
    for prefix in ("ARM_OIDC_REQUEST_", "ACTIONS_ID_TOKEN_REQUEST_"):
        url, bearer = env.get(f"{prefix}URL", ""), env.get(f"{prefix}TOKEN", "")
        if url and bearer:
            audience = asked.cloud.exchange_audience
            return Runner(name="GitHub Actions", url=url, bearer=bearer, audience=audience)
        if url or bearer:
            return f"{prefix}{'TOKEN' if url else 'URL'} is not set"
    if env.get("GITHUB_ACTIONS") == "true":
        return "the job may not ask for a token: give it `permissions: id-token: write`"
    return "no CI runner offers a token"


def _assertion(asked: Asked, who: tuple[str, str], present: Callable[[], str]) -> TokenCredential:
    from azure.identity import ClientAssertionCredential

    tenant, client = who
    return ClientAssertionCredential(tenant, client, present, **_options(asked.cloud))


def _options(cloud: Cloud) -> dict[str, Any]:
    options: dict[str, Any] = {
        "authority": cloud.login,
        "disable_instance_discovery": cloud.custom,
    }
    return options | _trust(cloud)


def _trust(cloud: Cloud) -> dict[str, Any]:
    return {"connection_verify": str(cloud.ca_bundle)} if cloud.ca_bundle else {}


def _person(asked: Asked) -> dict[str, Any]:
    tenant = _tenant(asked)
    return _options(asked.cloud) | ({"tenant_id": tenant} if tenant else {})


def _client(asked: Asked) -> str:
    names = ("AZURE_CLIENT_ID", "ARM_CLIENT_ID", "AZURESUBSCRIPTION_CLIENT_ID")
    named = [(name, value) for name in names if (value := _read(asked, name))]
    if not named:
        return ""
    (chosen, client), *others = named
    _tell_apart(asked, chosen, client, others)
    return client


def _tenant(asked: Asked) -> str:
    names = ("AZURE_TENANT_ID", "ARM_TENANT_ID", "AZURESUBSCRIPTION_TENANT_ID")
    return asked.tenant or next(filter(None, (_read(asked, name) for name in names)), "")


def _tell_others(asked: Asked, prefix: str) -> None:
    """Two families of variables may name two clients: the loser is said, or nobody understands."""
    name = f"{prefix}CLIENT_ID"
    other = "ARM_CLIENT_ID" if prefix == "AZURE_" else "AZURE_CLIENT_ID"
    _tell_apart(asked, name, _read(asked, name), [(other, _read(asked, other))])


def _tell_apart(asked: Asked, chosen: str, client: str, others: list[tuple[str, str]]) -> None:
    for name, value in others:
        if value and value.casefold() != client.casefold():
            asked.tell(f"{chosen} names the client {client}; {name} names {value}: not used")


def _unset(client: str, tenant: str) -> str:
    named = {"AZURE_CLIENT_ID": client, "AZURE_TENANT_ID": tenant}
    return f"{' and '.join(name for name, value in named.items() if not value)} not set"


def _read(asked: Asked, name: str) -> str:
    """A variable's value; Terraform's family may name a file with the value instead."""
    value = asked.environ.get(name, "")
    path = asked.environ.get(f"{name}_FILE_PATH", "") if name.startswith("ARM_") else ""
    return value or (_text(f"{name}_FILE_PATH", path) if path else "")


def _text(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise AuthError(
            f"The file that {variable} names cannot be read",
            hint="Check the path and who may read it, or unset the variable.",
        ) from None


def _on(asked: Asked, name: str) -> bool:
    return asked.environ.get(name, "").strip().lower() in {"true", "1"}


def _off(asked: Asked, name: str) -> bool:
    return not asked.pinned and asked.environ.get(name, "").strip().lower() in {"false", "0"}
