"""azure-identity and MSAL, unmodified, as people: device codes, passwords, refresh tokens."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import jwt
import msal
import pytest
import requests
from azure import identity
from requests.adapters import HTTPAdapter

from provision.sandbox import devices, operators
from provision.sandbox.server import Server, serve

SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox for all of these."""
    with serve(tmp_path_factory.mktemp("people") / "sandbox", profile="strong") as running:
        yield running


@pytest.fixture(autouse=True)
def _trust_only_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """requests lets this variable win over the certificates that a client was given."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def person(server: Server) -> operators.Person:
    roles = ["Application Administrator"]
    return operators.add_person(server.store, server.tenant(), directory_roles=roles)


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_device_code_credential_signs_a_person_in(
    server: Server, person: operators.Person
) -> None:
    credential = identity.DeviceCodeCredential(
        tenant_id=person.tenant_id,
        authority=server.url,
        disable_instance_discovery=True,
        connection_verify=str(server.ca_bundle),
        prompt_callback=lambda uri, code, expires: devices.approve(server.store, code),
    )

    with credential:
        first = credential.get_token(SCOPE).token
        second = credential.get_token(SCOPE).token

    assert claims_of(first)["upn"] == person.username
    assert first == second


def public_client(server: Server, person: operators.Person, **options: Any) -> Any:
    return msal.PublicClientApplication(
        person.client_id,
        authority=f"{server.url}/{person.tenant_id}",
        instance_discovery=False,
        **options,
    )


def test_msal_keeps_the_account_and_renews_its_token(
    server: Server, person: operators.Person
) -> None:
    client = public_client(server, person, verify=str(server.ca_bundle))
    flow = client.initiate_device_flow(scopes=["https://graph.microsoft.com/User.Read.All"])
    devices.approve(server.store, flow["user_code"])

    first = client.acquire_token_by_device_flow(flow)

    [account] = client.get_accounts()
    renewed = client.acquire_token_silent([SCOPE], account=account, force_refresh=True)
    assert account["username"] == person.username
    assert first["id_token_claims"]["oid"] == person.user_id
    assert claims_of(renewed["access_token"])["oid"] == person.user_id


class _AtItsPort(HTTPAdapter):
    """MSAL asks for the realm of a person at the authority's host without its port."""

    def __init__(self, place: str) -> None:
        self._netloc = urlsplit(place).netloc
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **given: Any) -> Any:
        parts = urlsplit(str(request.url))
        if parts.port is None:
            request.url = urlunsplit(parts._replace(netloc=self._netloc))
        return super().send(request, *args, **given)


@pytest.fixture
def session(server: Server) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.verify = str(server.ca_bundle)
        made.mount("https://", _AtItsPort(server.url))
        yield made


def test_msal_signs_in_by_password(
    server: Server, person: operators.Person, session: requests.Session
) -> None:
    client = public_client(server, person, http_client=session)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        right, wrong = (
            client.acquire_token_by_username_password(person.username, password, [SCOPE])
            for password in (person.password, "wrong")
        )

    assert claims_of(right["access_token"])["upn"] == person.username
    assert wrong["error_codes"] == [50126]
