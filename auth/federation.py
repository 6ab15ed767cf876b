"""A token of an outside issuer in place of a secret: where one is at hand, and what it is exchanged for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from auth import claims
from auth.clouds import Cloud
from auth.errors import AuthError, SignInUnreachable, refused
from auth.workload import _options

GITHUB = "https://token.actions.githubusercontent.com"
HOSTS = ".actions.githubusercontent.com"
"""Where a job of GitHub's may be sent for its token; the bearer token of the job goes nowhere else."""

_URL, _BEARER = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_FILE = "AZURE_FEDERATED_TOKEN_FILE"
_TENANT = re.compile(r"[A-Za-z0-9.-]+")
_LARGEST = 65536
_SECONDS = 10.0
_LONGEST_SUBJECT = 200


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
    if issuer.startswith(GITHUB) and environ.get(_URL) and environ.get(_BEARER):
        found.append(await of_job(environ[_URL], environ[_BEARER], audience))
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


async def of_job(
    url: str, bearer: str, audience: str, *, hosts: str = HOSTS, ca_bundle: Path | None = None
) -> Assertion:
    """The token of the GitHub job that this command runs in.

    https://docs.github.com/actions/reference/openid-connect-reference#methods-for-requesting-the-oidc-token
    """
    import ssl

    import httpx

    address = job_address(url, audience, hosts=hosts)
    verify = True if ca_bundle is None else ssl.create_default_context(cafile=str(ca_bundle))
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
    try:
        async with httpx.AsyncClient(verify=verify, timeout=_SECONDS) as client:
            answer = await client.get(address, headers=headers)
    except (httpx.HTTPError, UnicodeError):
        raise SignInUnreachable("GitHub did not answer this job's request for a token") from None
    if answer.status_code != httpx.codes.OK:
        raise AuthError(f"GitHub refused this job a token (HTTP {answer.status_code})")
    try:
        body: Any = answer.json()
        return read(str(body["value"]))
    except (ValueError, KeyError, TypeError):
        raise AuthError("GitHub's answer to this job holds no token") from None


def job_address(url: str, audience: str, *, hosts: str = HOSTS) -> str:
    """Where the job's token is asked for; raises AuthError where the runner's address is not GitHub's."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    at_home = host.endswith(hosts) and not set(host) - _HOST_CHARACTERS
    plain = parts.scheme == "https" and parts.username is None and parts.password is None
    if not at_home or not plain:
        raise AuthError(f"{_URL} is no address of GitHub's, and nothing is sent there")
    query = [pair for pair in parse_qsl(parts.query) if pair[0] != "audience"]
    asked = urlencode([*query, ("audience", audience)])
    return parts._replace(query=asked, fragment="").geturl()


_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")


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
    import asyncio

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
