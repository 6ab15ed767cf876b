"""Who asks for a token: the client, its secret or assertion, and its service principal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from provision.sandbox import assertions
from provision.sandbox.claims import BY_CERTIFICATE, BY_SECRET, Holder
from provision.sandbox.refusal import TokenRefusal
from provision.sandbox.resources import title
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant, parse_time
from provision.sandbox.tokens import SigningKey

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An application and its service principal, as one replica of the token service has them."""

    app_id: str
    application: dict[str, Any] | None
    principal: dict[str, Any] | None

    @property
    def name(self) -> str:
        """The name that tokens and refusals show."""
        shown = self.application or self.principal or {}
        return str(shown.get("displayName") or "")

    def holder(self, proof: str) -> Holder:
        """The client as its token shows it."""
        return Holder(app_id=self.app_id, name=self.name, proof=proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """What a client presents itself with, and at which doors."""

    store: Store
    key: SigningKey
    tenant: Tenant
    form: Mapping[str, str]
    names: frozenset[str]


def known(tenant: Tenant, app_id: str) -> Client:
    """The client of this appId; a refusal when the tenant knows neither half of it."""
    seen = tenant.seen("token_secret")
    client = Client(
        app_id=app_id,
        application=tenant.find("applications", "appId", app_id, seen),
        principal=tenant.find("servicePrincipals", "appId", app_id, seen),
    )
    if client.application is None and client.principal is None:
        raise unknown(tenant, app_id)
    return client


def unknown(tenant: Tenant, app_id: str) -> TokenRefusal:
    """The tenant has no such application."""
    return TokenRefusal(
        400,
        "unauthorized_client",
        700016,
        f"Application with identifier '{app_id}' was not found in the directory"
        f" '{title(tenant)}'. This can happen if the application has not been installed by the"
        " administrator of the tenant or consented to by any user in the tenant. You may have"
        " sent your authentication request to the wrong tenant.",
    )


def prove(client: Client, proving: Proving) -> str:
    """How the client proved who it is, as tokens say it; a refusal when it did not."""
    for field, check in _CREDENTIALS.items():
        if proving.form.get(field):
            return check(client, proving)
    raise _nothing_presented()


def presents_credential(form: Mapping[str, str]) -> bool:
    """Whether the client tries to prove who it is."""
    return any(form.get(field) for field in _CREDENTIALS)


def enabled_principal(tenant: Tenant, client: Client) -> dict[str, Any]:
    """The client's service principal; without one, or a disabled one, there is no token."""
    if client.principal is None:
        raise TokenRefusal(
            401,
            "invalid_client",
            7000229,
            f"The client application {client.app_id} is missing service principal in the tenant"
            f" {tenant.id}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
        )
    if not client.principal["accountEnabled"]:
        raise TokenRefusal(
            400,
            "unauthorized_client",
            7000112,
            f"Application '{client.app_id}'({client.principal['displayName']}) is disabled.",
        )
    return client.principal


def _check_secret(client: Client, proving: Proving) -> str:
    tenant, now = proving.tenant, proving.tenant.clock.now()
    matching = [
        credential
        for holder in (client.application, client.principal)
        for credential in _credentials_with(tenant, holder, proving.form["client_secret"])
    ]
    if any(_is_current(credential, now) for credential in matching):
        return BY_SECRET
    if any(parse_time(credential["endDateTime"]) <= now for credential in matching):
        raise TokenRefusal(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{client.app_id}' are expired. Visit the Azure"
            " portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider"
            " using certificate credentials for added security: https://aka.ms/certCreds.",
        )
    raise TokenRefusal(
        401,
        "invalid_client",
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client"
        f" secret value, not the client secret ID, for a secret added to app '{client.app_id}'.",
    )


def _check_assertion(client: Client, proving: Proving) -> str:
    if proving.form.get("client_assertion_type") != JWT_BEARER:
        raise _nothing_presented()
    assertions.check(
        proving.form["client_assertion"],
        assertions.Checking(
            store=proving.store,
            key=proving.key,
            tenant=proving.tenant,
            names=proving.names,
            app_id=client.app_id,
            name=client.name,
            application=client.application,
            principal=client.principal,
        ),
    )
    return BY_CERTIFICATE


def _nothing_presented() -> TokenRefusal:
    return TokenRefusal(
        401,
        "invalid_client",
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the"
        " 'client_credentials' grant type.",
    )


# A further kind of credential is a further line.
_Check = Callable[[Client, Proving], str]
_CREDENTIALS: Mapping[str, _Check] = MappingProxyType(
    {"client_secret": _check_secret, "client_assertion": _check_assertion}
)


def _credentials_with(
    tenant: Tenant, holder: dict[str, Any] | None, secret: str
) -> list[dict[str, Any]]:
    hashes: dict[str, str] = (holder or {}).get("_secrets", {})
    return [
        credential
        for credential in (holder or {}).get("passwordCredentials", ())
        if tenant.check_secret(secret, hashes.get(credential["keyId"], ""))
    ]


def _is_current(credential: dict[str, Any], now: datetime) -> bool:
    start, end = credential["startDateTime"], credential["endDateTime"]
    return parse_time(start) <= now < parse_time(end)
