"""Keys rolled with a proof, and keys made to sign tokens."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from assertion import Pair, pair
from caller import Caller, message, operator_of, refusal
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from examples import proof

from provision.sandbox.server import Server

NOW = int(time.time())
BAD_PROOF = (401, "Authentication_MissingOrMalformed")
KINDS = pytest.mark.parametrize("collection", ["applications", "servicePrincipals"])


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


def a_key(signer: Pair, **changes: Any) -> dict[str, Any]:
    text = base64.b64encode(signer.der).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": text, **changes}


def an_object(operator: Caller, collection: str, *signers: Pair) -> str:
    """A new object that has these certificates."""
    made = operator.application()
    id = made["id"] if collection == "applications" else operator.principal(made)["id"]
    keys = [a_key(signer) for signer in signers]
    answer = operator.patch(f"{collection}/{id}", {"keyCredentials": keys})
    assert answer.status_code == 204, answer.text
    return str(id)


@KINDS
def test_a_key_is_rolled_with_a_proof_of_the_present_one(operator: Caller, collection: str) -> None:
    old, new = pair(), pair("rolled")
    id = an_object(operator, collection, old)
    (held,) = operator.get(f"{collection}/{id}").json()["keyCredentials"]

    added = operator.post(
        f"{collection}/{id}/addKey",
        {"keyCredential": a_key(new), "passwordCredential": None, "proof": proof(old, id)},
    )
    removed = operator.post(
        f"{collection}/{id}/removeKey", {"keyId": held["keyId"], "proof": proof(new, id)}
    )

    assert added.status_code == 200, added.text
    body = added.json()
    assert body["@odata.context"].endswith("$metadata#microsoft.graph.keyCredential")
    assert base64.b64decode(body["customKeyIdentifier"]) == new.sha1
    assert body["key"] is None
    assert removed.status_code == 204
    (left,) = operator.get(f"{collection}/{id}").json()["keyCredentials"]
    assert left["keyId"] == body["keyId"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "00000001-0000-0000-c000-000000000000"},
        {"iss": "11111111-1111-4111-8111-111111111111"},
        {"exp": NOW + 660, "nbf": NOW},
        {"exp": NOW - 1, "nbf": NOW - 500},
        {"nbf": NOW + 3600, "exp": NOW + 3900},
        {"nbf": None},
        {"exp": "soon"},
        {"aud": ["00000002-0000-0000-c000-000000000000"]},
    ],
)
def test_a_proof_that_says_something_else_is_refused(
    operator: Caller, claims: dict[str, Any]
) -> None:
    id = an_object(operator, "applications", pair())
    given = {
        "aud": "00000002-0000-0000-c000-000000000000",
        "iss": id,
        "nbf": NOW,
        "exp": NOW + 500,
        **claims,
    }
    told = {name: value for name, value in given.items() if value is not None}
    text = jwt.encode(told, pair().key, algorithm="RS256")

    answer = operator.post(
        f"applications/{id}/addKey", {"keyCredential": a_key(pair("new")), "proof": text}
    )

    assert refusal(answer) == BAD_PROOF
    assert message(answer) == "Access Token missing or malformed."


@pytest.mark.parametrize("text", [None, "", "x", 5, "eyJ0eXAiOiJ..."])
def test_what_is_no_proof_at_all_is_refused(operator: Caller, text: Any) -> None:
    id = an_object(operator, "applications", pair())

    answer = operator.post(
        f"applications/{id}/addKey", {"keyCredential": a_key(pair("new")), "proof": text}
    )

    assert refusal(answer) == BAD_PROOF


def test_a_proof_by_a_key_that_is_not_there_is_refused(operator: Caller) -> None:
    id = an_object(operator, "applications", pair())

    answer = operator.post(
        f"applications/{id}/addKey",
        {"keyCredential": a_key(pair("new")), "proof": proof(pair("new"), id)},
    )

    assert refusal(answer) == BAD_PROOF


def test_an_object_without_keys_cannot_prove_anything(operator: Caller) -> None:
    id = an_object(operator, "applications")

    answer = operator.post(
        f"applications/{id}/addKey", {"keyCredential": a_key(pair()), "proof": proof(pair(), id)}
    )

    assert refusal(answer) == BAD_PROOF


def test_an_expired_key_proves_nothing(operator: Caller, server: Server) -> None:
    id = an_object(operator, "applications", pair(days=2))
    server.advance(timedelta(minutes=30))
    now = int(time.time()) + 1800
    body = {"keyCredential": a_key(pair("new"))}
    current = operator.post(
        f"applications/{id}/addKey",
        {**body, "proof": proof(pair(days=2), id, nbf=now, exp=now + 60)},
    )
    server.advance(timedelta(days=3))
    with operator_of(server) as later:
        now += 3 * 86400
        late = {"nbf": now, "exp": now + 60}
        answer = later.post(
            f"applications/{id}/removeKey",
            {"keyId": current.json()["keyId"], "proof": proof(pair(days=2), id, **late)},
        )

    assert current.status_code == 200, current.text
    assert refusal(answer) == BAD_PROOF


def test_a_workload_rolls_its_own_keys_without_any_permission(operator: Caller) -> None:
    workload = operator.workload()
    key = f"applications(appId='{workload.identity['clientId']}')"
    id = operator.get(key).json()["id"]
    operator.patch(f"applications/{id}", {"keyCredentials": [a_key(pair())]})
    body = {"keyCredential": a_key(pair("new")), "proof": proof(pair(), id)}

    own = workload.post(f"applications/{id}/addKey", body)
    foreign = operator.workload().post(f"applications/{id}/addKey", body)

    assert own.status_code == 200, own.text
    assert refusal(foreign) == (403, "Authorization_RequestDenied")


def test_an_unknown_key_cannot_be_removed(operator: Caller) -> None:
    id = an_object(operator, "applications", pair())
    body = {"keyId": "11111111-1111-4111-8111-111111111111", "proof": proof(pair(), id)}

    answer = operator.post(f"applications/{id}/removeKey", body)

    assert refusal(answer) == (400, "Request_BadRequest")


def test_a_removed_key_encrypts_no_more_tokens(operator: Caller) -> None:
    id = an_object(operator, "applications", pair())
    encrypting = a_key(pair("new"), usage="Encrypt", keyId="22222222-2222-4222-8222-222222222222")
    present = operator.get(f"applications/{id}").json()["keyCredentials"]
    operator.patch(
        f"applications/{id}",
        {
            "keyCredentials": [*present, encrypting],
            "tokenEncryptionKeyId": encrypting["keyId"],
        },
    )

    body = {"keyId": encrypting["keyId"], "proof": proof(pair(), id)}
    removed = operator.post(f"applications/{id}/removeKey", body)

    assert removed.status_code == 204
    assert operator.get(f"applications/{id}").json()["tokenEncryptionKeyId"] is None


def test_a_key_that_a_password_protects_is_opened(operator: Caller) -> None:
    id = an_object(operator, "servicePrincipals", pair())
    certificate = x509.load_der_x509_certificate(pair("signing").der)
    content = pkcs12.serialize_key_and_certificates(
        b"x", pair("signing").key, certificate, None, BestAvailableEncryption(b"open")
    )
    key = {
        "type": "X509CertAndPassword",
        "usage": "Sign",
        "key": base64.b64encode(content).decode(),
    }
    address = f"servicePrincipals/{id}/addKey"

    statuses = [
        operator.post(
            address,
            {"keyCredential": key, "passwordCredential": password, "proof": proof(pair(), id)},
        )
        for password in ({"secretText": "open"}, {"secretText": "wrong"}, None)
    ]

    assert [each.status_code for each in statuses] == [200, 400, 400]
    thumbprint = base64.b64decode(statuses[0].json()["customKeyIdentifier"])
    assert thumbprint == certificate.fingerprint(hashes.SHA1())  # noqa: S303


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Unknown"},
        {"usage": "Unknown"},
        {"usage": "Sign"},
        {"key": None},
        {"key": "AAAA"},
        {"endDateTime": "2199-01-01T00:00:00Z"},
        {"startDateTime": "2199-01-01T00:00:00Z"},
    ],
)
def test_a_bad_key_is_refused(operator: Caller, change: dict[str, Any]) -> None:
    id = an_object(operator, "applications", pair())
    body = {"keyCredential": a_key(pair("new"), **change), "proof": proof(pair(), id)}

    answer = operator.post(f"applications/{id}/addKey", body)

    assert answer.status_code == 400


def test_a_certificate_is_made_that_signs_tokens(operator: Caller) -> None:
    id = operator.principal(operator.application())["id"]
    address = f"servicePrincipals/{id}"

    answer = operator.post(
        f"{address}/addTokenSigningCertificate", {"displayName": "CN=signs tokens"}
    )

    assert answer.status_code == 200, answer.text
    made, principal = answer.json(), operator.get(address).json()
    assert made["@odata.context"].endswith("$metadata#microsoft.graph.selfSignedCertificate")
    certificate = x509.load_der_x509_certificate(base64.b64decode(made["key"]))
    assert certificate.subject.rfc4514_string() == made["displayName"] == "CN=signs tokens"
    assert principal["preferredTokenSigningKeyThumbprint"] == made["thumbprint"]
    keys = {key["usage"]: key for key in principal["keyCredentials"]}
    (password,) = principal["passwordCredentials"]
    assert keys["Verify"]["keyId"] == made["keyId"] != keys["Sign"]["keyId"]
    assert password["keyId"] == keys["Sign"]["keyId"]
    identifiers = {each["customKeyIdentifier"] for each in (*keys.values(), password, made)}
    assert len(identifiers) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "Request_BadRequest"),
        ({"displayName": "no common name"}, "Request_BadRequest"),
        ({"displayName": "CN="}, "Request_BadRequest"),
        ({"displayName": "CN=x", "endDateTime": "soon"}, "Request_BadRequest"),
        (
            {"displayName": "CN=x", "endDateTime": "2020-01-01T00:00:00Z"},
            "KeyCredentialsInvalidEndDate",
        ),
        (
            {"displayName": "CN=x", "endDateTime": "2199-01-01T00:00:00Z"},
            "KeyCredentialsInvalidEndDate",
        ),
    ],
)
def test_a_signing_certificate_has_a_name_and_an_end(
    operator: Caller, body: dict[str, Any], code: str
) -> None:
    id = operator.principal(operator.application())["id"]

    answer = operator.post(f"servicePrincipals/{id}/addTokenSigningCertificate", body)

    assert refusal(answer) == (400, code)
