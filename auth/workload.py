"""A token as a provisioned application: the proof that its secret or its certificate works."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from auth.clouds import Cloud
from auth.errors import AuthError, refused


async def token(
    tenant: str, client_id: str, secret_value: str, cloud: Cloud, *, scope: str | None = None
) -> str:
    """A fresh token for the secret, over a fresh connection: no cache, no server met before.

    A secret that one replica accepts may be unknown to the next for a while; only tokens that
    were asked for anew, each over a connection of its own, show that all of them know it.
    """
    from azure.identity.aio import ClientSecretCredential

    # The aio credential sends one POST; the sync one asks for the discovery document first, which
    # measured twice the requests, 1.5 times the CPU, and a thread for each token.
    return await _asked(
        lambda: ClientSecretCredential(tenant, client_id, secret_value, **_options(cloud)),
        scope or cloud.scope,
        "secret",
    )


async def token_by_certificate(
    tenant: str, client_id: str, pem: str, cloud: Cloud, *, scope: str | None = None
) -> str:
    """A fresh token for an assertion signed with the private key in `pem`; otherwise as for a secret.

    https://learn.microsoft.com/entra/identity-platform/certificate-credentials
    """
    from azure.identity.aio import CertificateCredential

    content = pem.encode()
    return await _asked(
        lambda: CertificateCredential(
            tenant, client_id, certificate_data=content, **_options(cloud)
        ),
        scope or cloud.scope,
        "certificate",
    )


async def _asked(make: Callable[[], Any], scope: str, what: str) -> str:
    from azure.core.exceptions import AzureError

    try:
        async with make() as credential:
            return str((await credential.get_token(scope)).token)
    except AzureError as error:
        raise refused(error) from error
    except (ValueError, TypeError):
        # azure-identity's word for an empty id, a tenant with foreign characters or a PEM without a
        # key that can be read; its text is not passed on, since nobody promises that it does not
        # quote its arguments.
        raise AuthError(
            f"The tenant, the client id or the {what} is not of a form that can be right",
            hint=f"Check the tenant's id or domain, and that client id and {what} are whole.",
        ) from None


def _options(cloud: Cloud) -> dict[str, Any]:
    # aiohttp alone would not read the variable that the operator's credential (requests) reads:
    # one corporate proxy must not be trusted by the one and refused by the other.
    trusted = cloud.ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE")
    options: dict[str, Any] = {
        "authority": cloud.login,
        "disable_instance_discovery": cloud.custom,
    }
    return options | ({"connection_verify": str(trusted)} if trusted else {})
