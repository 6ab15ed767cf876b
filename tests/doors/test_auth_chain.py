"""Which way of signing in is taken, in which order, and what is said when settings disagree."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import families
import pytest
from families import SUBJECT, Known
from token_endpoint import Authority

from auth import operator
from auth.errors import CredentialUnavailable
from auth.ways import CHAIN, WAYS
from provision.sandbox.server import Server

Settings = dict[str, str]
File = Callable[[str | bytes], str]
pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture
def everything(
    served: Server,
    known: Known,
    programs: Path,
    ci_runner: Authority,
    file: File,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Settings]:
    """What each way of the chain needs, all at once; `cli` and `powershell` are programs."""
    ci_runner.answers.append((200, json.dumps({"value": served.issue_token(SUBJECT)}).encode()))
    token = families.token_of(served, known)
    families.az(programs, token)
    families.pwsh(programs, token)
    endpoint = families.machine(served, monkeypatch, f"machine {programs}")
    endpoint.pop("clientId")
    return {
        "env": {"AZURE_CLIENT_SECRET": known.secret},
        "oidc": {"ARM_OIDC_REQUEST_URL": ci_runner.url, "ARM_OIDC_REQUEST_TOKEN": "b"},
        "workload": {"AZURE_FEDERATED_TOKEN_FILE": file(served.issue_token(SUBJECT))},
        "cli": {},
        "powershell": {},
        "managed-identity": endpoint,
    }


def settings_of(everything: dict[str, Settings], kinds: list[str]) -> Settings:
    return {name: value for kind in kinds for name, value in everything[kind].items()}


@pytest.mark.parametrize("first", list(CHAIN))
def test_the_first_way_that_is_there_is_taken(
    served: Server,
    known: Known,
    everything: dict[str, Settings],
    programs: Path,
    first: str,
) -> None:
    """The order is env, oidc, workload, cli, powershell, managed identity."""
    kinds = ["env", "oidc", "workload", "cli", "powershell", "managed-identity"]
    there = kinds[kinds.index(first) :]
    for kind, name in (("cli", "az"), ("powershell", "pwsh")):
        if kind not in there:
            (programs / name).unlink()
    who = {} if first == "managed-identity" else known.named("AZURE_")

    signed = asyncio.run(
        operator.sign_in(who | settings_of(everything, there), None, families.cloud_of(served))
    )

    assert signed.kind == first


@pytest.mark.parametrize("choice", list(WAYS))
def test_auth_takes_the_way_that_it_names_whatever_else_is_there(
    served: Server, known: Known, everything: dict[str, Settings], choice: str
) -> None:
    who = {} if choice == "managed-identity" else known.named("AZURE_")
    environ = who | settings_of(everything, list(everything))

    signed = asyncio.run(operator.sign_in(environ, None, families.cloud_of(served), choice=choice))

    assert signed.kind == choice


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("env", "AZURE_CLIENT_ID"),
        ("oidc", "no CI runner"),
        ("workload", "AZURE_FEDERATED_TOKEN_FILE"),
        ("cli", "Azure CLI not found"),
        ("powershell", "PowerShell"),
    ],
)
def test_auth_says_what_its_way_lacks_and_takes_no_other(
    served: Server, known: Known, choice: str, wanted: str
) -> None:
    full = {
        "env": {},
        "workload": known.named("AZURE_") | {"AZURE_CLIENT_SECRET": known.secret},
    }.get(choice, known.named("ARM_") | {"ARM_CLIENT_SECRET": known.secret})

    with pytest.raises(CredentialUnavailable, match=wanted) as failure:
        families.sign_in(served, full, choice)

    assert [way for way, _ in failure.value.tried] == [choice]
    assert "--auth" in failure.value.hint


@pytest.mark.parametrize(
    ("switch", "kind"),
    [
        ("ARM_USE_OIDC", "oidc"),
        ("ARM_USE_AKS_WORKLOAD_IDENTITY", "workload"),
        ("ARM_USE_CLI", "cli"),
        ("ARM_USE_MSI", "managed-identity"),
    ],
)
def test_a_switch_of_terraforms_takes_a_way_out_of_the_chain_but_not_from_auth(
    served: Server,
    known: Known,
    everything: dict[str, Settings],
    programs: Path,
    switch: str,
    kind: str,
) -> None:
    environ = everything[kind] | {switch: "false"}
    environ |= {} if kind == "managed-identity" else known.named("AZURE_")
    (programs / "pwsh").unlink()
    if kind != "cli":
        (programs / "az").unlink()

    with pytest.raises(CredentialUnavailable) as failure:
        asyncio.run(operator.sign_in(environ, None, families.cloud_of(served)))
    pinned = asyncio.run(operator.sign_in(environ, None, families.cloud_of(served), choice=kind))

    assert dict(failure.value.tried)[kind] == f"switched off by {switch}"
    assert pinned.kind == kind


def test_a_switch_that_is_off_for_one_federated_token_leaves_the_other(
    served: Server, known: Known, file: File
) -> None:
    environ = known.named("ARM_") | {
        "AZURE_FEDERATED_TOKEN_FILE": file("not.the.one"),
        "ARM_USE_AKS_WORKLOAD_IDENTITY": "0",
        "ARM_OIDC_TOKEN": served.issue_token(SUBJECT),
    }

    assert families.is_known(families.sign_in(served, environ), known, "workload")


def test_azure_variables_win_over_arm_variables_and_this_is_said(
    served: Server, known: Known
) -> None:
    environ = known.named("AZURE_") | {"AZURE_CLIENT_SECRET": known.secret}
    environ |= {"ARM_TENANT_ID": known.tenant_id, "ARM_CLIENT_ID": "other"}
    environ |= {"ARM_CLIENT_SECRET": "theirs"}

    signed = families.sign_in(served, environ)

    assert families.is_known(signed, known, "env")
    assert signed.told == (
        f"AZURE_CLIENT_ID names the client {known.client_id}; ARM_CLIENT_ID names other: not used",
    )


def test_a_whole_family_wins_over_half_of_the_other_and_this_is_said(
    served: Server, known: Known
) -> None:
    environ = known.named("ARM_") | {"ARM_CLIENT_SECRET": known.secret, "AZURE_CLIENT_ID": "half"}

    signed = families.sign_in(served, environ)

    assert families.is_known(signed, known, "env")
    assert signed.told == (
        f"ARM_CLIENT_ID names the client {known.client_id}; AZURE_CLIENT_ID names half: not used",
    )


def test_families_that_agree_are_not_mentioned(served: Server, known: Known) -> None:
    environ = known.named("AZURE_") | {"AZURE_CLIENT_SECRET": known.secret}
    environ |= known.named("ARM_") | {"ARM_CLIENT_SECRET": known.secret}

    assert families.sign_in(served, environ).told == ()


def test_a_federated_client_that_two_families_name_differently_is_said(
    served: Server, known: Known
) -> None:
    token = served.issue_token(SUBJECT)
    environ = known.named("AZURE_") | {"ARM_CLIENT_ID": "other", "ARM_OIDC_TOKEN": token}

    signed = families.sign_in(served, environ)

    assert families.is_known(signed, known, "workload")
    assert len(signed.told) == 1
    assert "ARM_CLIENT_ID names other: not used" in signed.told[0]
