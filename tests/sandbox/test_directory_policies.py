"""App management policies over plain HTTP: how they are set, and what they then refuse."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from caller import Caller, details, made, message, operator_of, refusal
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from provision.sandbox.server import Server

DEFAULT = "policies/defaultAppManagementPolicy"
POLICIES = "policies/appManagementPolicies"
RIGHTS = ("Policy.ReadWrite.ApplicationConfiguration", "Application.ReadWrite.All")
NO_SECRETS = {"restrictionType": "passwordAddition"}
MONTH = {"restrictionType": "passwordLifetime", "maxLifetime": "P30D"}
SHORT_KEYS = {"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P30D"}
TOO_LONG = (400, "CredentialInvalidLifetimeAsPerAppPolicy")
NOT_ALLOWED = (400, "CredentialTypeNotAllowedAsPerAppPolicy")
MISSING = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture
def ruler(operator: Caller) -> Caller:
    """Somebody who may set policies."""
    return operator.workload(*RIGHTS)


@pytest.fixture
def address(operator: Caller) -> str:
    return f"applications/{operator.application()['id']}"


def restrict(ruler: Caller, *passwords: dict[str, Any], keys: tuple[Any, ...] = ()) -> None:
    """Put these restrictions on every application of the tenant."""
    restrictions = {"passwordCredentials": list(passwords), "keyCredentials": list(keys)}
    body = {"isEnabled": True, "applicationRestrictions": restrictions}
    assert ruler.patch(DEFAULT, body).status_code == 204


def secret(days: float = 1) -> dict[str, Any]:
    end = datetime.now(UTC) + timedelta(days=days)
    return {"passwordCredential": {"endDateTime": end.isoformat()}}


def certificate(days: float, **changes: Any) -> dict[str, Any]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    text = base64.b64encode(signed.public_bytes(Encoding.DER)).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": text, **changes}


def a_policy(**changes: Any) -> dict[str, Any]:
    return {"displayName": "Ours", "description": "For one", "isEnabled": True, **changes}


def test_a_new_tenant_restricts_nothing(operator: Caller) -> None:
    policy = operator.get(DEFAULT).json()

    assert policy["@odata.context"].endswith("#policies/defaultAppManagementPolicy/$entity")
    assert policy["id"] == "00000000-0000-0000-0000-000000000000"
    assert policy["isEnabled"] is False
    assert policy["applicationRestrictions"] == {"passwordCredentials": [], "keyCredentials": []}
    assert policy["servicePrincipalRestrictions"] == policy["applicationRestrictions"]


def test_a_change_keeps_what_it_does_not_name(ruler: Caller) -> None:
    restrict(ruler, MONTH, keys=(SHORT_KEYS,))

    ruler.patch(DEFAULT, {"applicationRestrictions": {"passwordCredentials": [NO_SECRETS]}})

    policy = ruler.get(DEFAULT).json()
    assert policy["isEnabled"] is True
    assert policy["applicationRestrictions"]["passwordCredentials"] == [
        {
            "maxLifetime": None,
            "restrictForAppsCreatedAfterDateTime": None,
            "restrictionType": "passwordAddition",
            "state": "enabled",
        }
    ]
    (kept,) = policy["applicationRestrictions"]["keyCredentials"]
    assert kept["maxLifetime"] == "P30D"


@pytest.mark.parametrize(
    "entries",
    [
        [{}],
        [{"restrictionType": None}],
        [{"restrictionType": "passwordSubtraction"}],
        [{"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P1D"}],
        [{"restrictionType": "passwordLifetime"}],
        [{"restrictionType": "passwordLifetime", "maxLifetime": "a month"}],
        [{"restrictionType": "passwordLifetime", "maxLifetime": "P"}],
        [NO_SECRETS, NO_SECRETS],
        [{**NO_SECRETS, "state": "asleep"}],
        [{**NO_SECRETS, "colour": "red"}],
    ],
)
def test_a_restriction_that_makes_no_sense_is_refused(ruler: Caller, entries: Any) -> None:
    body = {"applicationRestrictions": {"passwordCredentials": entries}}

    assert ruler.patch(DEFAULT, body).status_code == 400


def test_who_may_read_policies_may_not_change_them(operator: Caller) -> None:
    answer = operator.patch(DEFAULT, {"isEnabled": True})

    assert refusal(answer) == (403, "Authorization_RequestDenied")
    assert operator.post(POLICIES, a_policy()).status_code == 403


def test_policies_are_not_for_everybody_to_read(operator: Caller) -> None:
    other = operator.workload("Application.ReadWrite.All")

    assert refusal(other.get(DEFAULT)) == (403, "Authorization_RequestDenied")
    assert refusal(other.get(POLICIES)) == (403, "Authorization_RequestDenied")


def test_a_secret_may_not_live_longer_than_the_policy_allows(
    ruler: Caller, operator: Caller, address: str
) -> None:
    restrict(ruler, MONTH)

    answer = operator.post(f"{address}/addPassword", secret(days=31))

    assert refusal(answer) == TOO_LONG
    assert message(answer).startswith("Credential lifetime exceeds the max value allowed as per")
    assert details(answer) == [("InvalidKeyEndDate", "EndDate")]
    assert operator.get(address).json()["passwordCredentials"] == []
    assert operator.post(f"{address}/addPassword", {}).status_code == 400
    assert operator.post(f"{address}/addPassword", secret(days=30)).status_code == 200


def test_secrets_can_be_forbidden_altogether(ruler: Caller, operator: Caller, address: str) -> None:
    """Old ones keep working and can be removed: only new ones are refused."""
    old = operator.post(f"{address}/addPassword", {}).json()
    restrict(ruler, NO_SECRETS)

    answer = operator.post(f"{address}/addPassword", secret())

    assert refusal(answer) == NOT_ALLOWED
    gone = operator.post(f"{address}/removePassword", {"keyId": old["keyId"]})
    assert gone.status_code == 204


def test_a_new_application_brings_no_secret_past_the_policy(
    ruler: Caller, operator: Caller
) -> None:
    restrict(ruler, NO_SECRETS)

    answer = operator.post("applications", {"displayName": "New", "passwordCredentials": [{}]})

    assert refusal(answer) == NOT_ALLOWED
    assert operator.get("applications?$filter=displayName eq 'New'").json()["value"] == []


def test_a_certificate_may_not_live_longer_than_the_policy_allows(
    ruler: Caller, operator: Caller, address: str
) -> None:
    """Measured from its start to its end; those that are there already stay."""
    old = certificate(days=90, keyId=MISSING)
    assert operator.patch(address, {"keyCredentials": [old]}).status_code == 204
    restrict(ruler, keys=(SHORT_KEYS,))

    refused = operator.patch(address, {"keyCredentials": [old, certificate(days=31)]})
    taken = operator.patch(address, {"keyCredentials": [old, certificate(days=30)]})

    assert refusal(refused) == TOO_LONG
    assert taken.status_code == 204
    assert len(operator.get(address).json()["keyCredentials"]) == 2


def test_symmetric_keys_have_restrictions_of_their_own(
    ruler: Caller, operator: Caller, address: str
) -> None:
    key = {"type": "Symmetric", "usage": "Verify", "key": base64.b64encode(b"0" * 32).decode()}
    restrict(ruler, {"restrictionType": "symmetricKeyLifetime", "maxLifetime": "P30D"})
    long = operator.patch(address, {"keyCredentials": [key]})
    restrict(ruler, {"restrictionType": "symmetricKeyAddition"})
    any = operator.patch(address, {"keyCredentials": [key]})

    assert refusal(long) == TOO_LONG
    assert refusal(any) == NOT_ALLOWED


@pytest.mark.parametrize(
    "lifted",
    [
        {**NO_SECRETS, "restrictForAppsCreatedAfterDateTime": "2299-01-01T00:00:00Z"},
        {**NO_SECRETS, "state": "disabled"},
    ],
)
def test_a_restriction_concerns_only_whom_it_says(
    ruler: Caller, operator: Caller, address: str, lifted: dict[str, Any]
) -> None:
    restrict(ruler, lifted)

    assert operator.post(f"{address}/addPassword", secret()).status_code == 200


def test_a_restriction_may_begin_with_applications_of_some_day(
    ruler: Caller, operator: Caller, address: str
) -> None:
    since = "2020-01-01T00:00:00Z"
    restrict(ruler, {**NO_SECRETS, "restrictForAppsCreatedAfterDateTime": since})

    assert refusal(operator.post(f"{address}/addPassword", secret())) == NOT_ALLOWED


def test_a_policy_that_is_switched_off_restricts_nothing(
    ruler: Caller, operator: Caller, address: str
) -> None:
    restrict(ruler, NO_SECRETS)
    ruler.patch(DEFAULT, {"isEnabled": False})

    assert operator.post(f"{address}/addPassword", secret()).status_code == 200


def test_service_principals_are_restricted_apart(ruler: Caller, operator: Caller) -> None:
    application = operator.application()
    principal = operator.principal(application)
    restrictions = {"passwordCredentials": [NO_SECRETS]}
    ruler.patch(DEFAULT, {"isEnabled": True, "servicePrincipalRestrictions": restrictions})

    of_principal = operator.post(f"servicePrincipals/{principal['id']}/addPassword", secret())
    of_application = operator.post(f"applications/{application['id']}/addPassword", secret())

    assert refusal(of_principal) == NOT_ALLOWED
    assert of_application.status_code == 200


def test_an_assigned_policy_goes_before_the_default_in_what_it_says(
    ruler: Caller, operator: Caller, address: str
) -> None:
    restrict(ruler, NO_SECRETS, MONTH)
    lifted = {"passwordCredentials": [{**NO_SECRETS, "state": "disabled"}]}
    policy = made(ruler.post(POLICIES, a_policy(restrictions=lifted)))
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/{POLICIES}/{policy['id']}"}

    assigned = ruler.post(f"{address}/appManagementPolicies/$ref", reference)

    assert assigned.status_code == 204
    assert operator.post(f"{address}/addPassword", secret()).status_code == 200
    assert refusal(operator.post(f"{address}/addPassword", secret(days=31))) == TOO_LONG
    (found,) = operator.get(f"{address}/appManagementPolicies").json()["value"]
    assert found["id"] == policy["id"]
    (applies,) = ruler.get(f"{POLICIES}/{policy['id']}/appliesTo").json()["value"]
    assert applies["id"] == address.rpartition("/")[2]
    assert ruler.post(f"{address}/appManagementPolicies/$ref", reference).status_code == 400
    assert ruler.delete(f"{POLICIES}/{policy['id']}").status_code == 400

    there = f"{address}/appManagementPolicies/{policy['id']}/$ref"
    assert [ruler.delete(there).status_code for _ in range(2)] == [204, 404]
    assert refusal(operator.post(f"{address}/addPassword", secret())) == NOT_ALLOWED


def test_an_assigned_policy_can_be_stricter_than_the_default(
    ruler: Caller, operator: Caller, address: str
) -> None:
    policy = made(ruler.post(POLICIES, a_policy(restrictions={"passwordCredentials": [MONTH]})))
    reference = {"@odata.id": f"{POLICIES}/{policy['id']}"}
    ruler.post(f"{address}/appManagementPolicies/$ref", reference)

    answer = operator.post(f"{address}/addPassword", secret(days=31))

    assert refusal(answer) == TOO_LONG
    assert policy["id"] in message(answer)


def test_policies_are_made_changed_and_deleted(ruler: Caller) -> None:
    policy = made(ruler.post(POLICIES, a_policy()))
    there = f"{POLICIES}/{policy['id']}"

    changed = ruler.patch(there, {"restrictions": {"passwordCredentials": [MONTH]}})

    assert changed.status_code == 204
    (listed,) = ruler.get(POLICIES).json()["value"]
    assert listed.items() <= ruler.get(there).json().items()
    assert listed["restrictions"]["passwordCredentials"][0]["maxLifetime"] == "P30D"
    assert listed["restrictions"]["keyCredentials"] == []
    assert ruler.delete(there).status_code == 204
    assert refusal(ruler.get(there)) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"displayName": ""}, 400),
        ({"description": None}, 400),
        ({"id": MISSING}, 400),
    ],
)
def test_a_policy_needs_a_name_and_a_description(
    ruler: Caller, change: dict[str, Any], code: int
) -> None:
    assert ruler.post(POLICIES, a_policy(**change)).status_code == code


def test_the_id_of_a_policy_stays(ruler: Caller) -> None:
    policy = made(ruler.post(POLICIES, a_policy()))

    assert ruler.patch(f"{POLICIES}/{policy['id']}", {"id": MISSING}).status_code == 400
    assert ruler.patch(DEFAULT, {"id": MISSING}).status_code == 400


@pytest.mark.parametrize(
    ("reference", "status"), [({}, 400), ({"@odata.id": f"{POLICIES}/{MISSING}"}, 404)]
)
def test_only_a_policy_that_is_there_can_be_assigned(
    ruler: Caller, address: str, reference: dict[str, str], status: int
) -> None:
    answer = ruler.post(f"{address}/appManagementPolicies/$ref", reference)

    assert answer.status_code == status
