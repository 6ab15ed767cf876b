"""A token of an outside issuer in place of a secret: where one is at hand, and what it is exchanged for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from auth import claims
from auth.clouds import Cloud
from auth.errors import AuthError, refused
from auth.runner import Runner
from auth.runner import assertion as vouched
from auth.workload import _options

GITHUB = "https://token.actions.githubusercontent.com"
HOSTS = ".actions.githubusercontent.com"
"""Where a job of GitHub's may be sent for its token; the bearer token of the job goes nowhere else."""

_URL, _BEARER = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_FILE = "AZURE_FEDERATED_TOKEN_FILE"
_TENANT = re.compile(r"[A-Za-z0-9.-]+")
_LARGEST = 65536
_LONGEST_SUBJECT = 200
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")


class NoAssertion(AuthError):
    """No token of the issuer is at hand on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A token that is at hand, and the three claims that a federated credential compares."""

    text: str = field(repr=False)
    issuer: str
    subject: str
    audiences: tuple[str, ...]


async def federated_token(
    tenant: str, client_id: str, assertion: str, cloud: Cloud, *, scope: str | None = None
) -> str:
    """A fresh token as the application that trusts the assertion, over a fresh connection.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """
    from azure.core.exceptions import AzureError
    from azure.identity.aio import ClientAssertionCredential

    if not client_id or _TENANT.fullmatch(tenant) is None:
        # Unlike its sisters, this credential puts any tenant into the address.
        raise AuthError(
            "The tenant or the client id is not of a form that can be right",
            hint="Check the tenant's id or domain, and that the client id is not empty.",
        )
    try:
        async with ClientAssertionCredential(
            tenant, client_id, lambda: assertion, **_options(cloud)
        ) as credential:
            return (await credential.get_token(scope or cloud.scope)).token
    except AzureError as error:
        raise refused(error) from error


async def assertion(environ: Mapping[str, str], *, issuer: str, subject: str, audience: str) -> str:
    """The token at hand that bears just these claims; raises AuthError that says why there is none.

    Nothing is verified here: the token service does that, and refuses a token that is not the issuer's.
    """
    found: list[Assertion] = []
    url, bearer = environ.get(_URL), environ.get(_BEARER)
    if issuer.startswith(GITHUB) and url and bearer:
        if not is_githubs(url):
            raise AuthError(f"{_URL} is no address of GitHub's, and nothing is sent there")
        found.append(
            await of_job(Runner(name="GitHub Actions", url=url, bearer=bearer, audience=audience))
        )
    if environ.get(_FILE):
        found.append(await _of_file(environ[_FILE]))
    for each in found:
        if (each.issuer, each.subject) == (issuer, subject) and audience in each.audiences:
            return each.text
    near = [each for each in found if each.issuer == issuer]
    if not near:
        raise NoAssertion("No token of this issuer is here")
    if near[0].subject == subject:
        raise AuthError(f"the token here is for {_shown(', '.join(near[0].audiences))}")
    raise AuthError(f"the token here is about {_shown(near[0].subject)}")


async def of_job(runner: Runner) -> Assertion:
    """The token of the CI job that this command runs in."""
    return read(await asyncio.to_thread(vouched, runner))


def is_githubs(url: str) -> bool:
    """Whether a job of GitHub's may be sent there for its token: https, GitHub's own host, nobody else's name."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    at_home = host.endswith(HOSTS) and not set(host) - _HOST_CHARACTERS
    plain = parts.username is None and parts.password is None and port in (None, 443)
    return parts.scheme == "https" and at_home and plain


def read(text: str) -> Assertion:
    """What a token says of itself; Kubernetes tells several audiences, most tell one."""
    said = claims.payload(text)
    audiences = said.get("aud")
    listed = audiences if isinstance(audiences, list) else [audiences]
    return Assertion(
        text=text,
        issuer=str(said.get("iss", "")),
        subject=str(said.get("sub", "")),
        audiences=tuple(each for each in listed if isinstance(each, str)),
    )


async def _of_file(path: str) -> Assertion:
    try:
        text = await asyncio.to_thread(_content, Path(path))
    except (OSError, ValueError):
        raise AuthError(f"the file that {_FILE} names cannot be read") from None
    return read(text.strip())


def _content(path: Path) -> str:
    with path.open(encoding="ascii") as file:
        return file.read(_LARGEST)


def _shown(text: str) -> str:
    """A claim in a sentence: it comes from outside."""
    plain = "".join(each if each.isprintable() else "?" for each in text)
    return plain[:_LONGEST_SUBJECT] or "nobody"
