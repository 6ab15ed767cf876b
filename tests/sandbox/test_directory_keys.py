"""Certificates of an application over plain HTTP: a whole list is sent, known entries stay."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from caller import Caller, message, operator_of, refusal
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from provision.sandbox.server import Server

MISSING = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture
def address(operator: Caller) -> str:
    return f"applications/{operator.application()['id']}"


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "workload")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=7,
        not_valid_before=start,
        not_valid_after=start + timedelta(days=365),
    )
    return builder.sign(key, SHA256())


@pytest.fixture
def key(certificate: x509.Certificate) -> dict[str, Any]:
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": der}


def test_a_certificate_in_broken_lines_as_azure_cli_sends_it_is_answered_in_one(
    operator: Caller, address: str, key: dict[str, Any]
) -> None:
    text = key["key"]
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))

    operator.patch(address, {"keyCredentials": [{**key, "key": lines}]})
    answer = operator.get(f"{address}?$select=keyCredentials")

    assert answer.json()["keyCredentials"][0]["key"] == text


def test_a_certificate_fills_in_what_it_knows(
    operator: Caller, address: str, key: dict[str, Any], certificate: x509.Certificate
) -> None:
    answer = operator.patch(address, {"keyCredentials": [key]})

    (kept,) = operator.get(address).json()["keyCredentials"]
    assert answer.status_code == 204
    thumbprint = certificate.fingerprint(SHA1())  # noqa: S303
    assert kept["customKeyIdentifier"] == base64.b64encode(thumbprint).decode()
    assert kept["startDateTime"] == "2026-01-01T00:00:00Z"
    assert kept["endDateTime"] == "2027-01-01T00:00:00Z"
    assert kept["displayName"] == "CN=workload"
    assert kept["keyId"]


def test_the_certificate_itself_is_shown_only_when_asked_for(
    operator: Caller, address: str, key: dict[str, Any]
) -> None:
    operator.patch(address, {"keyCredentials": [key]})

    asked = operator.get(f"{address}?$select=keyCredentials").json()["keyCredentials"]
    listed = operator.get("applications?$select=keyCredentials").json()["value"]

    assert operator.get(address).json()["keyCredentials"][0]["key"] is None
    assert [row["key"] for each in listed for row in each["keyCredentials"]] == [None]
    assert asked[0]["key"] == key["key"]


def test_known_entries_may_come_without_their_certificate(
    operator: Caller, address: str, key: dict[str, Any]
) -> None:
    operator.patch(address, {"keyCredentials": [key]})
    present = operator.get(address).json()["keyCredentials"]

    answer = operator.patch(address, {"keyCredentials": [*present, key]})

    kept = operator.get(f"{address}?$select=keyCredentials").json()["keyCredentials"]
    assert answer.status_code == 204
    assert [each["key"] for each in kept] == [key["key"]] * 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": None}, "Request_BadRequest"),
        ({"key": "!"}, "Request_BadRequest"),
        ({"key": "AAAA"}, "Request_BadRequest"),
        ({"type": None}, "Request_BadRequest"),
        ({"usage": "Guess"}, "Request_BadRequest"),
        ({"endDateTime": "2030-01-01T00:00:00Z"}, "KeyCredentialsInvalidEndDate"),
    ],
)
def test_a_bad_certificate_is_refused(
    operator: Caller, address: str, key: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    answer = operator.patch(address, {"keyCredentials": [{**key, **change}]})

    assert refusal(answer) == (400, code)
    assert operator.get(address).json()["keyCredentials"] == []


def test_one_key_identifier_is_there_once(
    operator: Caller, address: str, key: dict[str, Any]
) -> None:
    twice = [{**key, "keyId": MISSING}] * 2

    answer = operator.patch(address, {"keyCredentials": twice})

    assert refusal(answer) == (400, "DuplicateValue")


def test_the_encryption_key_is_one_of_the_applications_own(
    operator: Caller, address: str, key: dict[str, Any]
) -> None:
    encrypting = [{**key, "usage": "Encrypt", "keyId": MISSING}]

    without = operator.patch(address, {"tokenEncryptionKeyId": MISSING})
    with_key = operator.patch(
        address, {"tokenEncryptionKeyId": MISSING, "keyCredentials": encrypting}
    )

    assert message(without) == (
        "Invalid value specified for property 'tokenEncryptionKeyId' of resource 'Application'."
    )
    assert with_key.status_code == 204


def test_a_service_principal_has_certificates_too(operator: Caller, key: dict[str, Any]) -> None:
    principal = operator.principal(operator.application())
    address = f"servicePrincipals/{principal['id']}"

    good = operator.patch(address, {"keyCredentials": [key]})
    bad = operator.patch(address, {"keyCredentials": [{**key, "key": "AAAA"}]})

    assert good.status_code == 204
    assert message(bad) == (
        "Invalid value specified for property 'keyCredentials' of resource 'ServicePrincipal'."
    )
