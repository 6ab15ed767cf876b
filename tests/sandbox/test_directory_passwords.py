"""Secrets over plain HTTP: shown once, hashed ever after."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from caller import Caller, made, message, operator_of, refusal

from provision.sandbox.server import Server

MISSING = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def operator(server: Server) -> Iterator[Caller]:
    with operator_of(server) as caller:
        yield caller


@pytest.fixture
def address(operator: Caller) -> str:
    return f"applications/{operator.application()['id']}"


def test_a_secret_is_shown_once(operator: Caller, address: str) -> None:
    answer = operator.post(f"{address}/addPassword", {"passwordCredential": {"displayName": "ci"}})

    secret = answer.json()
    (kept,) = operator.get(address).json()["passwordCredentials"]
    assert answer.status_code == 200
    assert secret["@odata.context"].endswith("#microsoft.graph.passwordCredential")
    assert re.fullmatch(r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}", secret["secretText"])
    assert kept["secretText"] is None
    assert kept["hint"] == secret["secretText"][:3]
    assert kept["displayName"] == "ci"
    assert kept["keyId"] == secret["keyId"]


@pytest.mark.parametrize("body", [None, {}, {"passwordCredential": None}])
def test_a_secret_lasts_two_years_when_nobody_says_otherwise(
    operator: Caller, address: str, body: object
) -> None:
    secret = operator.post(f"{address}/addPassword", body).json()

    assert int(secret["endDateTime"][:4]) - int(secret["startDateTime"][:4]) == 2
    assert secret["displayName"] is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2299-12-31T00:00:00+00:00", "2299-12-31T00:00:00Z"),
        ("2299-12-31T02:00:00+02:00", "2299-12-31T00:00:00Z"),
        ("2299-12-31T00:00:00.75+00:00", "2299-12-31T00:00:00.7500000Z"),
    ],
)
def test_an_end_elsewhere_is_told_in_utc(
    operator: Caller, address: str, sent: str, kept: str
) -> None:
    """The typed SDK sends offsets; Graph answers in UTC."""
    wanted = {"passwordCredential": {"endDateTime": sent}}

    secret = operator.post(f"{address}/addPassword", wanted).json()

    assert secret["endDateTime"] == kept


def test_an_end_is_kept_as_sent(operator: Caller, address: str) -> None:
    wanted = {"passwordCredential": {"endDateTime": "2299-12-31T00:00:00Z"}}

    secret = operator.post(f"{address}/addPassword", wanted).json()

    assert secret["endDateTime"] == "2299-12-31T00:00:00Z"


@pytest.mark.parametrize(
    "times",
    [
        {"endDateTime": "2020-01-01T00:00:00Z"},
        {"startDateTime": "2299-01-02T00:00:00Z", "endDateTime": "2299-01-01T00:00:00Z"},
        {"endDateTime": "soon"},
        {"endDateTime": 7},
        {"colour": "red"},
    ],
)
def test_times_that_make_no_sense_are_refused(
    operator: Caller, address: str, times: dict[str, object]
) -> None:
    answer = operator.post(f"{address}/addPassword", {"passwordCredential": times})

    assert refusal(answer) == (400, "Request_BadRequest")
    assert operator.get(address).json()["passwordCredentials"] == []


def test_a_start_at_the_end_of_time_does_not_break_the_default(
    operator: Caller, address: str
) -> None:
    wanted = {"passwordCredential": {"startDateTime": "9999-12-30T00:00:00Z"}}

    assert operator.post(f"{address}/addPassword", wanted).status_code == 200


def test_a_removed_secret_is_gone_and_the_others_stay(operator: Caller, address: str) -> None:
    first = operator.post(f"{address}/addPassword", {}).json()
    second = operator.post(f"{address}/addPassword", {}).json()

    removed = operator.post(f"{address}/removePassword", {"keyId": first["keyId"].upper()})

    left = operator.get(address).json()["passwordCredentials"]
    assert (removed.status_code, removed.content) == (204, b"")
    assert [each["keyId"] for each in left] == [second["keyId"]]


def test_an_unknown_secret_cannot_be_removed(operator: Caller, address: str) -> None:
    answer = operator.post(f"{address}/removePassword", {"keyId": MISSING})

    assert refusal(answer) == (400, "Request_BadRequest")
    assert message(answer) == f"No password credential found with keyId {MISSING}."


@pytest.mark.parametrize("key_id", [None, "x", 5])
def test_a_key_id_is_a_guid(operator: Caller, address: str, key_id: object) -> None:
    answer = operator.post(f"{address}/removePassword", {"keyId": key_id})

    assert message(answer).startswith("Cannot convert a primitive value to the expected type")


@pytest.mark.parametrize("action", ["addPassword", "removePassword"])
def test_a_missing_application_has_no_secrets(operator: Caller, action: str) -> None:
    answer = operator.post(f"applications/{MISSING}/{action}", {"keyId": MISSING})

    assert refusal(answer) == (404, "Request_ResourceNotFound")


def test_a_secret_cannot_be_patched_in(operator: Caller, address: str) -> None:
    answer = operator.patch(address, {"passwordCredentials": [{"displayName": "mine"}]})

    assert message(answer) == ("New password credentials must be generated using service actions.")


def test_the_secrets_that_are_there_may_be_repeated(operator: Caller, address: str) -> None:
    operator.post(f"{address}/addPassword", {})
    present = operator.get(address).json()["passwordCredentials"]

    answer = operator.patch(address, {"passwordCredentials": present, "notes": "x"})

    assert answer.status_code == 204
    assert operator.get(address).json()["passwordCredentials"] == present


def test_a_new_application_may_come_with_its_secret(operator: Caller) -> None:
    body = {"displayName": "x", "passwordCredentials": [{"displayName": "first"}]}

    made_one = made(operator.post("applications", body))

    (kept,) = operator.get(f"applications/{made_one['id']}").json()["passwordCredentials"]
    assert made_one["passwordCredentials"][0]["secretText"]
    assert kept["secretText"] is None


def test_a_service_principal_has_secrets_of_its_own(operator: Caller) -> None:
    application = operator.application()
    principal = operator.principal(application)

    answer = operator.post(f"servicePrincipals/{principal['id']}/addPassword", {})

    assert answer.status_code == 200
    assert operator.get(f"applications/{application['id']}").json()["passwordCredentials"] == []


def test_an_application_for_personal_accounts_holds_two_secrets(operator: Caller) -> None:
    application = operator.application(
        signInAudience="PersonalMicrosoftAccount", api={"requestedAccessTokenVersion": 2}
    )
    address = f"applications/{application['id']}/addPassword"

    answers = [operator.post(address, {}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert refusal(answers[2]) == (403, "Directory_ResourceSizeExceeded")


def test_the_value_of_a_secret_is_nowhere_in_the_database(
    server: Server, operator: Caller, address: str
) -> None:
    secret = operator.post(f"{address}/addPassword", {}).json()["secretText"]

    files = [path for path in server.folder.glob("sandbox.sqlite*") if path.is_file()]

    assert files
    assert not [path for path in files if secret.encode() in path.read_bytes()]
