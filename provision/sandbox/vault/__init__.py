"""Azure Key Vault's secrets, as far as Microsoft's own client needs them: https://learn.microsoft.com/rest/api/keyvault/secrets

A vault called NAME answers at /vaults/NAME of this server, and every vault that is named exists. What was put into it lies in
owner-only files, never in the database (see `cabinet`). Identifiers in answers are those of the public cloud, as the client
reads names and versions from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from provision.sandbox.arrival import Arrival, Reply
from provision.sandbox.call import Caller
from provision.sandbox.catalog import KEY_VAULT, KEY_VAULT_APP_ID
from provision.sandbox.faults import Fault
from provision.sandbox.refusal import Refusal
from provision.sandbox.store import Store
from provision.sandbox.tenant import Tenant
from provision.sandbox.tokens import Verifier
from provision.sandbox.vault import access, refusals, secrets
from provision.sandbox.vault.cabinet import Cabinet
from provision.sandbox.vault.refusals import VaultRefusal
from provision.sandbox.vault.secrets import Request

_PREFIX = re.compile(r"/+vaults/+([^/]+)(/.*)?", re.IGNORECASE | re.DOTALL)
# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#vault-name-and-object-name
_VAULT = re.compile(r"(?=.{3,24}$)[a-z](?:-?[a-z0-9])+")
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSIONS = re.compile(r"7\.\d(-preview(\.\d)?)?|20\d\d-\d\d-\d\d(-preview(\.\d)?)?")
_NO_STORE = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Expires": "-1"}


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: str
    right: str
    act: Callable[[Request], dict[str, Any] | None]


_ROUTES = (
    _Route("GET", "secrets", "list", secrets.get_secrets),
    _Route("PUT", "secrets/{name}", "set", secrets.set_secret),
    _Route("GET", "secrets/{name}", "get", secrets.get_secret),
    _Route("PATCH", "secrets/{name}", "set", secrets.update_secret),
    _Route("DELETE", "secrets/{name}", "delete", secrets.delete_secret),
    _Route("GET", "secrets/{name}/versions", "list", secrets.get_secret_versions),
    _Route("GET", "secrets/{name}/{version}", "get", secrets.get_secret),
    _Route("PATCH", "secrets/{name}/{version}", "set", secrets.update_secret),
    _Route("GET", "deletedsecrets", "list", secrets.get_deleted_secrets),
    _Route("GET", "deletedsecrets/{name}", "get", secrets.get_deleted_secret),
    _Route("DELETE", "deletedsecrets/{name}", "purge", secrets.purge_deleted_secret),
    _Route("POST", "deletedsecrets/{name}/recover", "recover", secrets.recover_deleted_secret),
)


class Vaults:
    """The vaults of a sandbox; `name` is the tenant that is meant where nobody has signed in yet."""

    def __init__(self, store: Store, folder: Path, *, name: str = "default") -> None:
        self._store, self._name = store, name
        self._cabinet = Cabinet(folder)

    def is_meant(self, path: str) -> bool:
        """Whether this address is one of a vault."""
        return _PREFIX.fullmatch(path) is not None

    def allow(
        self,
        principal: str,
        rights: Collection[str],
        *,
        vault: str = access.ANY_VAULT,
        name: str | None = None,
    ) -> None:
        """Let a principal (by appId or object id) do this and nothing else; the operator may be held back too."""
        tenant = self._store.tenant(name or self._name)
        if tenant is None:
            raise ValueError(f"there is no tenant called {name or self._name}")
        access.allow(self._cabinet, tenant.id, principal, rights, vault)

    def answer(self, arrival: Arrival, acting: Sequence[Fault], verifier: Verifier) -> Reply:
        """Do what is asked, or say why not."""
        try:
            _disturb(acting, when=("status", "lag404"))
            body = self._served(arrival, verifier)
            _disturb(acting, when=("status_after",))
        except VaultRefusal as refusal:
            return Reply(refusal.status, refusal.body, self._headers(arrival, refusal.headers))
        return Reply(200 if body is not None else 204, body, self._headers(arrival, {}))

    def _served(self, arrival: Arrival, verifier: Verifier) -> dict[str, Any] | None:
        found = _PREFIX.fullmatch(arrival.path)
        vault = unquote(found[1]).lower() if found else ""
        if found is None or not _VAULT.fullmatch(vault):
            raise refusals.bad(f"{vault!r} cannot be the name of a vault.")
        caller, tenant = self._signed_in(arrival, verifier, vault)
        query = dict(parse_qsl(arrival.query, keep_blank_values=True))
        version = query.get("api-version", "")
        if not _VERSIONS.fullmatch(version):
            raise refusals.bad(
                f"The specified version ({version}) is not recognized."
                " Consider using the latest supported version (2025-07-01)."
            )
        route, params = _routed(arrival.method, found[2] or "")
        name = params.get("name", "")
        if name and not _NAME.fullmatch(name):
            raise refusals.bad(f"The request URI contains an invalid name: {name}")
        if not access.may(self._cabinet, tenant, caller, route.right, vault):
            raise refusals.forbidden(caller, route.right, vault, name)
        request = Request(
            store=self._store,
            cabinet=self._cabinet,
            tenant=tenant.id,
            vault=vault,
            base=f"{arrival.base}/vaults/{vault}",
            query=query,
            body=arrival.body,
            **params,
        )
        return route.act(request)

    def _signed_in(self, arrival: Arrival, verifier: Verifier, vault: str) -> tuple[Caller, Tenant]:
        """https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses"""
        authorization = arrival.headers.get("authorization")
        login = f"{arrival.base}/{self._home(vault)}"
        if not authorization:
            message = "AKV10000: Request is missing a Bearer or PoP token."
            raise refusals.unauthorized(message, login=login, resource=KEY_VAULT)
        try:
            return verifier.caller_of(authorization, frozenset({KEY_VAULT, KEY_VAULT_APP_ID}))
        except Refusal as refusal:
            message = f"Error validating token: {refusal.message}"
            raise refusals.unauthorized(message, login=login, resource=KEY_VAULT) from refusal

    def _home(self, vault: str) -> str:
        """The tenant that a vault belongs to, as far as can be told before anybody has signed in."""
        owners = self._cabinet.owners(vault)
        if len(owners) == 1:
            return owners[0]
        tenant = self._store.tenant(self._name) or next(iter(self._store.tenants()), None)
        return tenant.id if tenant else "common"

    def _headers(self, arrival: Arrival, further: Mapping[str, str]) -> dict[str, str]:
        return {
            **_NO_STORE,
            "x-ms-keyvault-region": "sandbox",
            "x-ms-keyvault-service-version": "1.9.0.0",
            "x-ms-request-id": arrival.request_id,
            "X-Content-Type-Options": "nosniff",
            "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
            "Date": format_datetime(self._store.clock.now(), usegmt=True),
            **further,
        }


def _routed(method: str, path: str) -> tuple[_Route, Mapping[str, str]]:
    """The route of an address, and what it names; a slash at the end means nothing."""
    segments = [unquote(part) for part in path.split("/") if part]
    known = False
    for route in _ROUTES:
        params = _matched(route.path.split("/"), segments)
        if params is not None:
            known = True
            if route.method == method:
                return route, params
    if known:
        raise VaultRefusal(405, "MethodNotAllowed", f"{method} is not allowed here.")
    raise VaultRefusal(404, "NotFound", "The requested resource does not exist.")


def _matched(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    params = {}
    for wanted, given in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            params[wanted.strip("{}")] = given
        elif wanted != given.lower():
            return None
    return params


def _disturb(acting: Sequence[Fault], *, when: tuple[str, ...]) -> None:
    for fault in acting:
        if fault.do in when:
            raise refusals.of_fault(fault)
