"""What a tenant's app management policy forbids of a credential, before the tenant is asked for one.

https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from provision.model import DesiredApplication, DesiredSecret, DesiredStored, Held
from provision.places import PemFile

FORBIDS_SECRETS = "passwordAddition"
LIMITS_SECRETS = "passwordLifetime"
LIMITS_CERTIFICATES = "asymmetricKeyLifetime"

EXEMPTION = (
    "https://learn.microsoft.com/entra/identity/enterprise-apps/configure-app-management-policies"
)
"""How an administrator exempts an application."""

_SHORTEST = timedelta(hours=1)
"""The manifest takes no shorter lifetime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One thing that a policy forbids: `longest` where it is a lifetime, `since` for applications made from then on."""

    type: str
    longest: timedelta | None = None
    since: datetime | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AppManagement:
    """What a policy says of applications; one that is not in force says nothing."""

    restrictions: tuple[Restriction, ...] = ()

    def of(self, type: str, made: datetime | None) -> Restriction | None:
        """The restriction of that type that an application made then is under; of unknown age, it is under each."""
        return next(
            (
                each
                for each in self.restrictions
                if each.type == type
                and each.enabled
                and (each.since is None or made is None or made >= each.since)
            ),
            None,
        )


def applying(default: AppManagement, own: AppManagement | None) -> AppManagement:
    """What an application is under: what its own policy says goes before the tenant's default."""
    if own is None:
        return default
    said = {each.type for each in own.restrictions}
    kept = (each for each in default.restrictions if each.type not in said)
    return replace(own, restrictions=(*own.restrictions, *kept))


def complaints(
    wanted: DesiredApplication,
    policy: AppManagement,
    created: datetime | None,
    held: Mapping[str, Held] | None = None,
) -> Iterator[str]:
    """What the tenant will refuse of the credentials that the manifest wants, now or when they are renewed.

    `created` is when the application was made, or now where it is yet to be; `held` tells of certificates whose
    users keep them up.
    """
    banned = policy.of(FORBIDS_SECRETS, created)
    for credential in wanted.stored:
        secret = isinstance(credential, DesiredSecret)
        if secret and banned:
            yield (
                "the tenant's app management policy forbids new client secrets: use a certificate "
                f"or a federated credential for {credential.name}, or have an administrator exempt "
                f"the application ({EXEMPTION})"
            )
            continue
        rule = policy.of(LIMITS_SECRETS if secret else LIMITS_CERTIFICATES, created)
        life = _life(credential, held or {})
        if rule and rule.longest is not None and life is not None and life > rule.longest:
            yield _too_long(credential, life, rule.longest)


def _life(credential: DesiredStored, held: Mapping[str, Held]) -> timedelta | None:
    """How long it would live; None where only the file's keeper knows."""
    if not isinstance(credential.store, PemFile):
        return credential.lifetime
    found = held.get(credential.name)
    certificate = found.certificate if found else None
    return certificate.end - certificate.start if certificate else None


def _too_long(credential: DesiredStored, life: timedelta, longest: timedelta) -> str:
    what = "secrets" if isinstance(credential, DesiredSecret) else "certificates"
    said = (
        f"the tenant's app management policy allows {what} for at most {_span(longest, ' ')}, and "
        f"{credential.name} "
    )
    if isinstance(credential.store, PemFile):
        return f"{said}is for {_span(life, ' ')}: have one made that ends sooner"
    said += f"wants {_span(life, ' ')}: "
    if longest < _SHORTEST:
        return f"{said}have an administrator exempt the application ({EXEMPTION})"
    also = ", and its renewBefore below that" if credential.renew_before >= longest else ""
    return f"{said}lower its lifetime to {_span(longest, '')} in the manifest{also}"


def _span(time: timedelta, gap: str) -> str:
    """In days if it is whole days, else in hours or minutes, rounded down: as a manifest writes it."""
    seconds = int(time.total_seconds())
    if seconds and seconds % 86_400 == 0:
        return f"{seconds // 86_400}{gap}d"
    if seconds >= 3_600:
        return f"{seconds // 3_600}{gap}h"
    return f"{seconds // 60}{gap}m"
