"""The SDK's own stack, set up so that it sends what we say, once, and only to the cloud's hosts."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from provision.errors import Unreachable

TIMEOUT_SECONDS = 100.0
CONNECT_SECONDS = 30.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Credential(Protocol):
    """Whoever signs in: gives an access token for a scope."""

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        """An access token as azure-core knows it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The SDK's request adapter and the HTTP client below it; both live and close together."""

    adapter: Any
    http: Any


def assemble(
    credential: Credential, base: str, hosts: list[str], *, ca_bundle: Path | None, parallel: int
) -> Stack:
    """Put adapter, middleware and sign-in together for one cloud."""
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption
    from msgraph.graph_request_adapter import GraphRequestAdapter, options
    from msgraph_core import GraphClientFactory

    http = GraphClientFactory.create_with_default_middleware(
        client=_http(base, ca_bundle, parallel),
        options={
            **options,
            # The SDK repeats a POST after a 504, which makes a second secret: we repeat ourselves.
            RetryHandlerOption.get_key(): RetryHandlerOption(should_retry=False),
            # Nothing that we ask redirects; whatever another host answers is not the tenant's word.
            RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
        },
    )
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[f"{base}/.default"], allowed_hosts=hosts
    )
    adapter = GraphRequestAdapter(provider, client=http)
    # Left alone, it takes httpx's base URL, which ends in a slash: every path then has two.
    adapter.base_url = f"{base}/v1.0"
    # HTTP/2's header codec logs, at DEBUG, header blocks that hold bearer tokens.
    logging.getLogger("hpack").setLevel(logging.INFO)
    return Stack(adapter=adapter, http=http)


async def send_once(
    stack: Stack, method: str, url: str, *, content: bytes | None, headers: Mapping[str, str]
) -> Any:
    """Send one signed request and give back httpx's own response, whatever its status.

    The request is made anew each time: the SDK would send an old token again.
    """
    from kiota_abstractions.method import Method
    from kiota_abstractions.native_response_handler import NativeResponseHandler
    from kiota_abstractions.request_information import RequestInformation
    from kiota_http.middleware.options import ResponseHandlerOption

    asked = RequestInformation(Method[method])
    asked.url = url
    asked.content = content
    for name, value in headers.items():
        asked.headers.add(name, value)
    asked.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
    return await stack.adapter.send_no_response_content_async(asked, None)


async def close(stack: Stack) -> None:
    """Close every connection: the SDK's transports do not pass a close on to the ones they wrap."""
    await stack.http.aclose()
    for wrapper in (stack.http._transport, *stack.http._mounts.values()):
        if wrapper is not None:
            await wrapper.transport.aclose()


def _http(base: str, ca_bundle: Path | None, parallel: int) -> Any:
    import httpx

    return httpx.AsyncClient(
        verify=_trust(ca_bundle),
        http2=True,
        base_url=f"{base}/v1.0",
        timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_connections=parallel, max_keepalive_connections=parallel),
        # A proxy of the environment cannot reach this machine's own loopback.
        trust_env=urlsplit(base).hostname not in LOOPBACK,
    )


def _trust(ca_bundle: Path | None) -> ssl.SSLContext | bool:
    if ca_bundle is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_bundle))
    except OSError as unreadable:
        raise Unreachable(
            f"The certificate authorities in {ca_bundle} cannot be read",
            hint="Name a PEM file with --ca-bundle.",
        ) from unreadable
