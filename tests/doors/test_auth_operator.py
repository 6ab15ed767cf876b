"""Signing in: which way is taken, what stops the search, and who one turns out to be."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from token_endpoint import CLAIMS, Authority, a_refusal, a_token

from auth import clouds, operator
from auth.errors import AuthError, CredentialUnavailable, TokenRefused
from provision.sandbox.server import Server

CANARY = "canary~Q8.that_must_not_be_seen"
SECRET = {
    "AZURE_TENANT_ID": CLAIMS["tid"],
    "AZURE_CLIENT_ID": CLAIMS["appid"],
    "AZURE_CLIENT_SECRET": CANARY,
}
Az = Callable[..., Path]


def cloud_of(service: Authority | Server) -> clouds.Cloud:
    return clouds.custom(service.url, service.url, service.ca_bundle)


def signing_in(
    environ: dict[str, str], cloud: clouds.Cloud, choice: str | None = None
) -> operator.Operator:
    return asyncio.run(operator.sign_in(environ, None, cloud, choice=choice))


def identity_of(signed: operator.Operator, cloud: clouds.Cloud) -> operator.Identity:
    async def asked() -> operator.Identity:
        async with signed.credential as credential:
            return await operator.who(credential, cloud)

    return asyncio.run(asked())


def token_of(signed: operator.Operator, cloud: clouds.Cloud) -> str:
    async def asked() -> str:
        async with signed.credential as credential:
            return (await credential.get_token(cloud.scope)).token

    return asyncio.run(asked())


@pytest.fixture(autouse=True)
def no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH on which nobody is signed in, because there is nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs


@pytest.fixture
def az(no_programs: Path, tmp_path: Path) -> Az:
    """A stand-in for the Azure CLI: says what it is told to; each start adds a line to a file."""

    def installed(*, token: str = "", complaint: str = "") -> Path:
        starts = tmp_path / "starts"
        answer = json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3600})
        speaks = f"echo '{complaint}' >&2; exit 1" if complaint else f"echo '{answer}'"
        program = no_programs / "az"
        script = f'#!/bin/sh\necho "$@" >> "{starts}"\n{speaks}\n'
        program.write_text(script, encoding="utf-8")
        program.chmod(0o755)
        return starts

    return installed


def test_the_sandbox_takes_its_operator_from_the_environment(server: Server) -> None:
    made = server.operator("default")
    environ = {
        "ARM_TENANT_ID": made["tenantId"],
        "ARM_CLIENT_ID": made["clientId"],
        "ARM_CLIENT_SECRET": made["clientSecret"],
    }
    signed = signing_in(environ, cloud_of(server))

    identity = identity_of(signed, cloud_of(server))

    assert (signed.kind, signed.client_id) == ("env", made["clientId"])
    assert (identity.tenant_id, identity.client_id) == (made["tenantId"], made["clientId"])
    assert "Application.ReadWrite.All" in identity.roles
    assert not identity.person


def test_what_the_environment_names_costs_no_request(authority: Authority) -> None:
    signed = signing_in(SECRET, cloud_of(authority))

    assert signed.says == f"the client secret of {CLAIMS['appid']} (environment)"
    assert authority.asked == []


def test_forty_requests_start_the_azure_cli_once(authority: Authority, az: Az) -> None:
    starts, cloud = az(token=authority.token), cloud_of(authority)

    async def forty() -> set[str]:
        signed = await operator.sign_in({}, "contoso.onmicrosoft.com", cloud)
        asking = (signed.credential.get_token(cloud.scope) for _ in range(40))
        return {token.token for token in await asyncio.gather(*asking)}

    tokens = asyncio.run(forty())

    assert tokens == {authority.token}
    assert starts.read_text(encoding="utf-8").splitlines() == [
        "account get-access-token --output json "
        f"--resource {cloud.graph} --tenant contoso.onmicrosoft.com"
    ]


def test_a_cli_without_a_sign_in_is_passed_by(authority: Authority, az: Az) -> None:
    az(complaint="Please run 'az login' to setup account.".replace("'", ""))

    with pytest.raises(CredentialUnavailable) as failure:
        signing_in({}, cloud_of(authority))

    tried = dict(failure.value.tried)
    assert list(tried) == ["env", "oidc", "workload", "cli", "powershell", "managed-identity"]
    assert "az login" in tried["cli"]


def test_a_refusal_ends_the_search(authority: Authority, az: Az) -> None:
    az(complaint="AADSTS50076: a second factor is needed")

    with pytest.raises(TokenRefused) as failure:
        signing_in({"ARM_USE_MSI": "true"}, cloud_of(authority))

    assert failure.value.aadsts == 50076


def test_a_wrong_secret_does_not_turn_us_into_the_cli_user(authority: Authority, az: Az) -> None:
    starts, cloud = az(token=a_token(upn="somebody@else")), cloud_of(authority)
    signed = signing_in(SECRET, cloud)
    authority.answers.extend([(400, a_refusal(90002, "Tenant not found."))])

    with pytest.raises(TokenRefused) as failure:
        token_of(signed, cloud)

    assert failure.value.aadsts == 90002
    assert not starts.exists()


def test_nothing_to_sign_in_with_says_what_was_tried_and_what_to_do(authority: Authority) -> None:
    with pytest.raises(CredentialUnavailable) as failure:
        signing_in({}, cloud_of(authority))

    assert "cli: " in str(failure.value)
    assert "not found" in str(failure.value)
    assert "az login" in failure.value.hint
    assert "--auth" in failure.value.hint


def test_a_chosen_way_that_is_not_there_is_not_replaced(authority: Authority, az: Az) -> None:
    az(token=authority.token)

    with pytest.raises(CredentialUnavailable, match="env") as failure:
        signing_in({}, cloud_of(authority), "env")

    assert [way for way, _ in failure.value.tried] == ["env"]


def test_a_chosen_way_comes_before_the_others(authority: Authority, az: Az) -> None:
    az(token=authority.token)

    assert signing_in(SECRET, cloud_of(authority), "cli").kind == "cli"


def test_an_unknown_way_is_answered_with_the_known_ones(authority: Authority) -> None:
    with pytest.raises(AuthError) as failure:
        signing_in({}, cloud_of(authority), "magic")

    assert (
        "env, oidc, workload, cli, powershell, managed-identity, browser, device-code"
        in failure.value.hint
    )


@pytest.mark.parametrize("tenant", ["a/b", "", "x y", "../up", "-x"])
def test_a_tenant_that_is_no_name_is_refused_before_it_reaches_a_url(
    authority: Authority, tenant: str
) -> None:
    with pytest.raises(AuthError, match="tenant"):
        asyncio.run(operator.sign_in(SECRET, tenant, cloud_of(authority)))


def test_a_person_is_known_by_name_scopes_and_directory_roles(authority: Authority, az: Az) -> None:
    none = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
    token = a_token(
        scp="Directory.AccessAsUser.All", idtyp="user", upn="ada@contoso.com", wids=["ga", none]
    )
    az(token=token)
    cloud = cloud_of(authority)

    identity = identity_of(signing_in({}, cloud), cloud)

    assert identity.person
    assert identity.name == "ada@contoso.com"
    assert identity.scopes == {"Directory.AccessAsUser.All"}
    assert identity.wids == {"ga"}


@pytest.mark.parametrize("listening", [True, False])
def test_a_device_code_is_told_to_the_caller_or_to_stderr(
    authority: Authority, capsys: pytest.CaptureFixture[str], *, listening: bool
) -> None:
    """stdout belongs to results: a prompt there would break `--json`."""
    cloud, told, tenant = cloud_of(authority), list[str](), CLAIMS["tid"]
    code = {"device_code": "d", "user_code": "ABCD", "expires_in": 900, "interval": 0}
    code |= {"verification_uri": "https://login.example/device", "message": "unused"}
    tell = told.append if listening else None

    async def sign_in() -> None:
        signed = await operator.sign_in({}, tenant, cloud, choice="device-code", tell=tell)
        authority.answers.append((200, authority.discovery(tenant)))
        authority.answers.append((200, json.dumps(code).encode()))
        authority.answers.append((400, a_refusal(70019, error="expired_token")))
        async with signed.credential as credential:
            with pytest.raises(TokenRefused):
                await credential.get_token(cloud.scope)

    asyncio.run(sign_in())

    written = capsys.readouterr()
    said = "".join(f"{line}\n" for line in told) if listening else written.err
    assert said == "To sign in, open https://login.example/device and enter the code ABCD\n"
    assert written.out == ""


def test_signing_in_logs_neither_secret_nor_token(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cloud = cloud_of(authority)

    token_of(signing_in(SECRET, cloud), cloud)

    assert authority.forms[-1]["client_secret"] == CANARY
    assert CANARY not in caplog.text
    assert authority.token.split(".")[1] not in caplog.text


def test_what_describes_an_operator_holds_no_secret(authority: Authority) -> None:
    assert CANARY not in repr(signing_in(SECRET, cloud_of(authority)))
