"""Who runs the tool: finds a way to sign in, and says whom that made us."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from auth import claims, roles
from auth.cached import CachedCredential
from auth.clouds import Cloud
from auth.errors import AuthError, CredentialUnavailable
from auth.ways import CHAIN, WAYS, Asked, Offer

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
# The well-known entries of `wids` for "no directory role" and "a member": they give no power.
_NO_ROLES = frozenset(
    {"0997a1d0-0d1d-4acb-b408-d5ca73121e90", "b79fbf4d-3ef9-4689-8143-76b194e85509"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The way that was taken, in words, and the credential that it came to."""

    kind: str
    says: str
    client_id: str | None
    credential: CachedCredential


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a credential turned out to be, by the token it gets."""

    tenant_id: str
    client_id: str
    object_id: str
    name: str
    roles: frozenset[str]
    scopes: frozenset[str]
    wids: frozenset[str]
    person: bool

    @property
    def directory_roles(self) -> tuple[str, ...]:
        """The directory roles that the token carries, by name."""
        return roles.names(self.wids)


async def sign_in(
    environ: Mapping[str, str],
    tenant: str | None,
    cloud: Cloud,
    *,
    choice: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Operator:
    """The first way to sign in that there is, or the chosen one.

    What the environment names is taken at its word, without a request. Programs that may or may
    not be signed in are asked for a token, which is kept. A refusal is the end: going on would
    turn us into somebody whom nobody meant.
    """
    _check(choice, tenant)
    asked = Asked(
        environ=environ, tenant=tenant, cloud=cloud, pinned=choice is not None, tell=tell or _tell
    )
    tried: list[tuple[str, str]] = []
    for kind in [choice] if choice else CHAIN:
        offer = WAYS[kind](asked)
        found = offer if isinstance(offer, str) else await _taken(kind, offer, cloud)
        if isinstance(found, Operator):
            return found
        tried.append((kind, found))
    raise CredentialUnavailable(
        f"The chosen way to sign in ({choice}) is not there"
        if choice
        else "There is nothing to sign in with",
        hint="Run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, "
        f"or choose another way with --auth ({', '.join(WAYS)}).",
        tried=tried,
    )


async def who(credential: CachedCredential, cloud: Cloud) -> Identity:
    """Whom the credential signs in, and with what power, as its token for Graph says."""
    token = claims.read((await credential.get_token(cloud.scope)).token)
    named = ("app_displayname", "upn", "unique_name", "preferred_username", "name")
    person = token.raw.get("idtyp") != "app" and bool(token.scopes)
    names = (str(token.raw.get(key) or "") for key in (named[1:] if person else named))
    return Identity(
        tenant_id=token.tid,
        client_id=token.app_id,
        object_id=token.object_id,
        name=next(filter(None, names), token.object_id),
        roles=token.roles,
        scopes=token.scopes,
        wids=token.wids - _NO_ROLES,
        person=person,
    )


async def _taken(kind: str, offer: Offer, cloud: Cloud) -> Operator | str:
    credential = CachedCredential(
        offer.credential, name=offer.name, answers_challenges=offer.answers_challenges
    )
    if not offer.certain:
        try:
            await credential.get_token(cloud.scope)
        except CredentialUnavailable as why:
            await credential.close()
            return str(why)
    return Operator(kind=kind, says=offer.says, client_id=offer.client_id, credential=credential)


def _check(choice: str | None, tenant: str | None) -> None:
    if choice is not None and choice not in WAYS:
        raise AuthError(
            f'There is no way to sign in named "{choice}"', hint=f"Choose one of {', '.join(WAYS)}."
        )
    if tenant is not None and not _TENANT.fullmatch(tenant):
        raise AuthError(
            f"{tenant!r} is neither a tenant id nor a domain",
            hint="Name the tenant by its id or by one of its domains, such as "
            "contoso.onmicrosoft.com.",
        )


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
