"""A token as a provisioned application: the proof that its secret works."""

from __future__ import annotations

import os
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
    from azure.core.exceptions import AzureError
    from azure.identity.aio import ClientSecretCredential

    # The aio credential sends one POST; the sync one asks for the discovery document first, which
    # measured twice the requests, 1.5 times the CPU, and a thread for each token.
    try:
        async with ClientSecretCredential(
            tenant, client_id, secret_value, **_options(cloud)
        ) as credential:
            return (await credential.get_token(scope or cloud.scope)).token
    except AzureError as error:
        raise refused(error) from error
    except ValueError:
        # azure-identity's word for an empty id or a tenant with foreign characters; its text is
        # not passed on, since nobody promises that it does not quote its arguments.
        raise AuthError(
            "The tenant, the client id or the secret is not of a form that can be right",
            hint="Check the tenant's id or domain, and that neither client id nor secret is empty.",
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
