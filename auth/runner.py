"""The token that a CI runner vouches for its job with, to be exchanged for one of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auth.errors import AuthError, CredentialUnavailable, SignInUnreachable

if TYPE_CHECKING:
    import httpx

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Where a runner hands out tokens, and what it wants to see for it."""

    name: str
    url: str
    bearer: str = field(repr=False)
    audience: str = ""
    service_connection: str = ""


def check(runner: Runner) -> None:
    """Refuse a runner whose tokens would travel in the clear."""
    try:
        parts = urlsplit(runner.url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        safe = (parts.scheme == "https" and bool(parts.hostname)) or local
    except ValueError:
        safe = False
    if not safe:
        raise AuthError(
            f"The address at which {runner.name} hands out tokens is not an https URL",
            hint="Unset the variable that names it, or sign in another way (--auth).",
        )


def assertion(runner: Runner) -> str:
    """Ask the runner for the job's token.

    GitHub: https://docs.github.com/actions/reference/security/oidc
    Azure DevOps: https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
    """
    import ssl

    import httpx

    check(runner)
    pipelines = bool(runner.service_connection)
    asked = (
        {"api-version": "7.1", "serviceConnectionId": runner.service_connection}
        if pipelines
        else {"audience": runner.audience}
    )
    try:
        # Not the cloud's CA bundle: the runner is somebody else. No redirects: they would carry
        # the runner's bearer token to another place.
        with httpx.Client(verify=ssl.create_default_context(), timeout=30) as client:
            reply = client.request(
                "POST" if pipelines else "GET",
                httpx.URL(runner.url).copy_merge_params(asked),
                headers={
                    "Authorization": f"Bearer {runner.bearer}",
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                },
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SignInUnreachable(
            f"No answer from {runner.name}, which was to vouch for this job: {type(error).__name__}",
            hint="Run the job again; if it stays so, check the runner's network and proxy.",
        ) from None
    return _value(runner, reply, "oidcToken" if pipelines else "value")


def _value(runner: Runner, reply: httpx.Response, name: str) -> str:
    try:
        value = reply.json().get(name) if reply.is_success else None
    except (ValueError, AttributeError):
        value = None
    if not isinstance(value, str) or not value:
        raise CredentialUnavailable(
            f"{runner.name} does not vouch for this job: status {reply.status_code}",
            hint="GitHub: give the job `permissions: id-token: write`. Azure DevOps: pass "
            "SYSTEM_ACCESSTOKEN and the service connection's id.",
        )
    return value
