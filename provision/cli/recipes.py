"""How other clients reach a served sandbox: blocks to paste into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHELLS = ("bash", "powershell")
_METADATA = "/metadata/endpoints?api-version=2019-05-01"
_BUILT_IN = ("login.microsoftonline.com", "graph.microsoft.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A served sandbox: the public facts about it, and the file that holds the secret."""

    url: str
    tenant_id: str
    client_id: str
    ca_bundle: str
    secret_file: Path
    within: str = ""
    """The tenant's name, when the file holds the secrets of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shell:
    quote: Callable[[str], str]
    set: str
    """How a variable of the environment is set: {name}, {value}."""
    use: str
    """How it is used as one word: {name}."""
    secret: Callable[[Place], str]
    goes_on: str


def blocks(place: Place, shell: str) -> str:
    """Everything that there is to paste, for one shell."""
    how = _SHELLS[shell]
    curl = _bash_curl if shell == "bash" else _powershell_curl
    return "\n".join(
        line
        for block in (_everybody, _azure_identity, curl, _azure_cli, _terraform, _microsoft_365)
        for line in (*block(place, how), "")
    )


def _everybody(place: Place, shell: _Shell) -> Iterator[str]:
    yield "# First, for every block below"
    values = {
        "SANDBOX": place.url,
        "SANDBOX_CA": place.ca_bundle,
        "AZURE_TENANT_ID": place.tenant_id,
        "AZURE_CLIENT_ID": place.client_id,
    }
    for name, value in values.items():
        yield _set(shell, name, shell.quote(value))
    yield _set(shell, "AZURE_CLIENT_SECRET", shell.secret(place))


def _azure_identity(place: Place, shell: _Shell) -> Iterator[str]:
    yield "# azure-identity: EnvironmentCredential(disable_instance_discovery=True)"
    yield f"# The scope is {place.url}/.default, Graph is at {place.url}/v1.0"
    yield _set(shell, "AZURE_AUTHORITY_HOST", _use(shell, "SANDBOX"))
    yield _set(shell, "REQUESTS_CA_BUNDLE", _use(shell, "SANDBOX_CA"))


def _bash_curl(place: Place, shell: _Shell) -> Iterator[str]:
    yield "# curl"
    yield 'token=$(printf %s "$AZURE_CLIENT_SECRET" |'
    yield '  curl -sS --cacert "$SANDBOX_CA" --data-urlencode client_secret@- \\'
    yield '    -d grant_type=client_credentials -d "client_id=$AZURE_CLIENT_ID" \\'
    yield '    -d "scope=$SANDBOX/.default" "$SANDBOX/$AZURE_TENANT_ID/oauth2/v2.0/token" |'
    yield """  sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"""
    yield 'curl -sS --cacert "$SANDBOX_CA" -H "Authorization: Bearer $token" \\'
    yield '  "$SANDBOX/v1.0/applications"'


def _powershell_curl(place: Place, shell: _Shell) -> Iterator[str]:
    yield "# curl"
    yield '$form = "grant_type=client_credentials&client_id=$env:AZURE_CLIENT_ID" +'
    yield '  "&scope=$env:SANDBOX/.default&client_secret=" +'
    yield "  [uri]::EscapeDataString($env:AZURE_CLIENT_SECRET)"
    yield '$at = "$env:SANDBOX/$env:AZURE_TENANT_ID/oauth2/v2.0/token"'
    yield "$told = $form | curl.exe -sS --cacert $env:SANDBOX_CA -d '@-' $at"
    yield '$header = "Authorization: Bearer " + ($told | ConvertFrom-Json).access_token'
    yield 'curl.exe -sS --cacert $env:SANDBOX_CA -H $header "$env:SANDBOX/v1.0/applications"'


def _azure_cli(place: Place, shell: _Shell) -> Iterator[str]:
    folder = str(place.secret_file.absolute().parent / "azure-cli")
    yield "# Azure CLI, with a folder of its own beside your own sign-ins"
    yield _set(shell, "AZURE_CONFIG_DIR", shell.quote(folder))
    yield _set(shell, "ARM_CLOUD_METADATA_URL", shell.quote(place.url + _METADATA))
    yield _set(shell, "AZURE_CORE_INSTANCE_DISCOVERY", shell.quote("false"))
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        yield _set(shell, name, _use(shell, "SANDBOX_CA"))
    yield f"az login --service-principal --allow-no-subscriptions {shell.goes_on}"
    yield f"  --tenant {_use(shell, 'AZURE_TENANT_ID')} --username {_use(shell, 'AZURE_CLIENT_ID')} {shell.goes_on}"
    yield f"  --password {_use(shell, 'AZURE_CLIENT_SECRET')}"


def _terraform(place: Place, shell: _Shell) -> Iterator[str]:
    yield "# Terraform, provider azuread"
    yield _set(shell, "ARM_METADATA_HOSTNAME", shell.quote(place.url.removeprefix("https://")))
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"):
        yield _set(shell, f"ARM_{name}", _use(shell, f"AZURE_{name}"))
    if shell is _SHELLS["bash"]:
        yield _set(shell, "SSL_CERT_FILE", _use(shell, "SANDBOX_CA"))
        yield "# macOS does not read SSL_CERT_FILE: there, add the certificate to a keychain."
        return
    yield "Import-Certificate -FilePath $env:SANDBOX_CA Cert:\\CurrentUser\\Root"


def _microsoft_365(place: Place, shell: _Shell) -> Iterator[str]:
    yield "# CLI for Microsoft 365 has two names of hosts built in. Serve the sandbox as these,"
    yield f"#   provision sandbox serve --port 443 --host {' --host '.join(_BUILT_IN)}"
    yield "# and let the hosts file lead both to 127.0.0.1. Then:"
    yield _set(shell, "NODE_EXTRA_CA_CERTS", _use(shell, "SANDBOX_CA"))
    yield f"m365 login --authType secret --tenant {_use(shell, 'AZURE_TENANT_ID')} {shell.goes_on}"
    yield f"  --appId {_use(shell, 'AZURE_CLIENT_ID')} --secret {_use(shell, 'AZURE_CLIENT_SECRET')}"


def _set(shell: _Shell, name: str, value: str) -> str:
    return shell.set.format(name=name, value=value)


def _use(shell: _Shell, name: str) -> str:
    return shell.use.format(name=name)


def _bash_secret(place: Place) -> str:
    path = shlex.quote(str(place.secret_file.absolute()))
    section = f'/"{place.within}": {{/,/}}/' if place.within else ""
    pattern = r's/.*"clientSecret": "\([^"]*\)".*/\1/p'
    return f"\"$(sed -n '{section}{pattern}' {path})\""


def _powershell_secret(place: Place) -> str:
    path = _powershell_quote(str(place.secret_file.absolute()))
    within = f".{_powershell_quote(place.within)}" if place.within else ""
    return f"(Get-Content -Raw {path} | ConvertFrom-Json){within}.clientSecret"


def _powershell_quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_SHELLS: Mapping[str, _Shell] = {
    "bash": _Shell(
        quote=shlex.quote,
        set="export {name}={value}",
        use='"${name}"',
        secret=_bash_secret,
        goes_on="\\",
    ),
    "powershell": _Shell(
        quote=_powershell_quote,
        set="$env:{name} = {value}",
        use="$env:{name}",
        secret=_powershell_secret,
        goes_on="`",
    ),
}
