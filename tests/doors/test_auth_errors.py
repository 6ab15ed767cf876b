"""Failures: the service's codes in words, and nothing of a message that might hold a secret."""

from __future__ import annotations

import ssl

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from auth.errors import (
    CredentialUnavailable,
    SignInUnreachable,
    TokenRefused,
    explain,
    refused,
)

CONTRACT = """7000215 7000222 7000216 700016 7000229 7000112 90002 900023 70011 1002012 500011
501051 700027 700024 50027 700025 700213 700211 700212 700214 70021 70025 90055 9001023 65001
7002138 7000272 700236"""
IDS = (
    "Trace ID: aaaaaaaa-0000-0000-0000-000000000001 "
    "Correlation ID: bbbbbbbb-0000-0000-0000-000000000002 Timestamp: 2026-11-23 06:00:00Z"
)


def raised(message: str, cause: Exception | None = None) -> ClientAuthenticationError:
    error = ClientAuthenticationError(message=message)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("code", [int(code) for code in CONTRACT.split()])
def test_every_code_of_the_contract_has_words_of_its_own(code: int) -> None:
    sentence, hint = explain(code)

    assert (sentence, hint) != explain(1)
    assert sentence
    assert hint.endswith(".")


def test_a_code_that_nobody_knows_still_gets_a_hint() -> None:
    assert explain(424242)[1]


@pytest.mark.parametrize("between", [" ", "\r\n"])
def test_a_refusal_keeps_the_services_sentence_and_its_ids(between: str) -> None:
    said = f"Authentication failed: AADSTS7000215: Invalid client secret provided.{between}{IDS}"

    failure = refused(raised(said))

    assert isinstance(failure, TokenRefused)
    assert failure.aadsts == 7000215
    assert failure.trace_id == "aaaaaaaa-0000-0000-0000-000000000001"
    assert failure.correlation_id == "bbbbbbbb-0000-0000-0000-000000000002"
    assert str(failure) == (
        "The client secret is wrong. AADSTS7000215: Invalid client secret provided. "
        "(trace id aaaaaaaa-0000-0000-0000-000000000001, "
        "correlation id bbbbbbbb-0000-0000-0000-000000000002)"
    )


def test_a_code_is_found_below_the_librarys_own_words() -> None:
    below = ValueError('HTTP status: 400, Error: {"error_description":"AADSTS90002: Tenant."}')

    failure = refused(raised("Authentication failed: Unable to get authority", below))

    assert isinstance(failure, TokenRefused)
    assert failure.aadsts == 90002


def test_a_sentence_ends_where_the_body_goes_on() -> None:
    failure = refused(raised('{"error_description":"AADSTS90002: Gone.","secret":"canary"}'))

    assert "Gone." in str(failure)
    assert "canary" not in str(failure)


@pytest.mark.parametrize(
    "said",
    [
        "Authentication failed: {'client_secret': 'canary'}",
        "AADSTS700213: No match for eyJhbGciOiJub25lIn0.canary.canary here.",
        f"AADSTS50027: {'x' * 500} canary",
    ],
)
def test_no_failure_repeats_what_may_be_a_secret(said: str) -> None:
    failure = refused(raised(said))

    assert "canary" not in str(failure) + failure.hint


def test_a_sign_in_that_is_not_there_is_no_refusal() -> None:
    failure = refused(CredentialUnavailableError("Please run 'az login'"), by="the Azure CLI")

    assert isinstance(failure, CredentialUnavailable)
    assert "az login" in str(failure)


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (ssl.SSLCertVerificationError("[SSL: CERTIFICATE_VERIFY_FAILED] x"), "certificate"),
        (ssl.SSLError("wrong version"), "TLS"),
        (TimeoutError("timed out"), "too long"),
        (ServiceRequestError("no route"), "connection"),
    ],
)
def test_a_network_in_trouble_is_no_refusal(cause: Exception, says: str) -> None:
    failure = refused(raised("Authentication failed: x", cause))

    assert isinstance(failure, SignInUnreachable)
    assert says in str(failure)


def test_a_failure_without_a_reason_is_a_refusal_that_says_so() -> None:
    failure = refused(raised("canary"), by="the Azure CLI")

    assert isinstance(failure, TokenRefused)
    assert failure.aadsts is None
    assert "the Azure CLI" in str(failure)
