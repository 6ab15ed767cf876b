"""Device codes: a client without a browser waits until somebody says yes elsewhere."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from person import DEVICE_GRANT, GRAPH_DEFAULT, a_client, opened, signed_in, somebody
from workloads import UNKNOWN, refusal

from provision.sandbox import devices, operators
from provision.sandbox.server import Server


@pytest.fixture
def person(server: Server) -> operators.Person:
    return somebody(server, "Application Administrator")


class Device:
    """A client without a browser."""

    def __init__(self, http: httpx.Client, tenant: str, client_id: str, scope: str) -> None:
        self.http, self.place, self.client_id = http, f"/{tenant}/oauth2/v2.0", client_id
        form = {"client_id": client_id, "scope": scope}
        self.told = http.post(f"{self.place}/devicecode", data=form).json()

    def poll(self, **form: str) -> httpx.Response:
        given = {
            "grant_type": DEVICE_GRANT,
            "client_id": self.client_id,
            "device_code": self.told["device_code"],
            **form,
        }
        return self.http.post(f"{self.place}/token", data=given)


@pytest.fixture
def device(server: Server, http: httpx.Client) -> Device:
    return Device(http, server.tenant().id, operators.PUBLIC_CLIENT, GRAPH_DEFAULT)


def test_a_device_is_told_a_code(server: Server, device: Device) -> None:
    told = device.told

    assert set(told) == {
        "user_code",
        "device_code",
        "verification_uri",
        "expires_in",
        "interval",
        "message",
    }
    assert told["user_code"] in told["message"]
    assert (told["expires_in"], told["interval"]) == (900, 1)


def test_a_device_waits_until_somebody_says_yes(server: Server, device: Device) -> None:
    waiting = [refusal(device.poll()) for _ in range(3)]
    somebody(server)
    name = devices.approve(server.store, device.told["user_code"].lower())

    answer = device.poll()

    assert waiting == [(400, "authorization_pending", 70016)] * 3
    assert opened(answer.json()["access_token"])["upn"] == name


def test_the_person_added_last_says_yes_at_the_second_poll(server: Server, device: Device) -> None:
    somebody(server, name="First")
    somebody(server, name="Second")

    first, second = device.poll(), device.poll()

    assert refusal(first)[2] == 70016
    assert opened(second.json()["access_token"])["name"] == "Second"


def test_the_one_who_signs_in_can_be_chosen(server: Server, device: Device) -> None:
    somebody(server)
    devices.approve(server.store, device.told["user_code"], "AdeleV@sandbox.onmicrosoft.com")

    claims = opened(device.poll().json()["access_token"])

    assert claims["name"] == "Adele Vance"


def test_a_code_is_good_for_one_sign_in(
    server: Server, device: Device, person: operators.Person
) -> None:
    devices.approve(server.store, device.told["user_code"])
    first = device.poll()

    assert first.status_code == 200
    assert refusal(device.poll()) == (400, "invalid_grant", 70018)


def test_a_code_expires(server: Server, device: Device, person: operators.Person) -> None:
    server.advance(timedelta(minutes=16))

    assert refusal(device.poll()) == (400, "expired_token", 70019)


def test_a_wrong_code_is_refused(device: Device) -> None:
    wrong = device.poll(device_code=device.told["user_code"] + "x")
    none = device.poll(device_code="")

    assert refusal(wrong) == (400, "invalid_grant", 70018)
    assert refusal(none) == (400, "invalid_request", 900144)


def test_a_code_belongs_to_its_client(server: Server, device: Device) -> None:
    other = a_client(server)["client_id"]

    assert refusal(device.poll(client_id=other)) == (400, "invalid_grant", 70018)


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        ("WRONG", None, "no client waits for the code WRONG"),
        ("", "nobody@example.org", "there is no person nobody@example.org"),
        ("", None, "nobody was added yet"),
    ],
)
def test_an_approval_that_cannot_be_says_why(
    server: Server, device: Device, code: str, name: str | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        devices.approve(server.store, code or device.told["user_code"], name)


def test_at_the_page_a_person_agrees_to_what_people_may_agree_to(
    server: Server, http: httpx.Client
) -> None:
    client_id = a_client(server)["client_id"]
    plain = somebody(server)
    device = Device(http, server.tenant().id, client_id, "User.Read")
    devices.approve(server.store, device.told["user_code"])

    claims = opened(device.poll().json()["access_token"])

    again = signed_in(http, plain, client_id=client_id, scope="User.Read")
    assert claims["scp"] == opened(again.json()["access_token"])["scp"] == "User.Read"


@pytest.mark.parametrize(
    ("roles", "status"),
    [((), 400), (("Application Developer",), 400), (("Cloud Application Administrator",), 200)],
)
def test_only_administrators_agree_to_more(
    server: Server, http: httpx.Client, roles: tuple[str, ...], status: int
) -> None:
    client_id = a_client(server)["client_id"]
    somebody(server, *roles)
    device = Device(http, server.tenant().id, client_id, "Directory.ReadWrite.All")
    devices.approve(server.store, device.told["user_code"])

    assert device.poll().status_code == status


def test_a_device_code_is_asked_for_by_known_clients(server: Server, http: httpx.Client) -> None:
    place = f"/{server.tenant().id}/oauth2/v2.0/devicecode"

    unknown = http.post(place, data={"client_id": UNKNOWN, "scope": GRAPH_DEFAULT})
    bare = http.post(place, data={"client_id": UNKNOWN})

    assert refusal(unknown) == (400, "unauthorized_client", 700016)
    assert refusal(bare) == (400, "invalid_request", 900144)
    assert refusal(http.get(place)) == (400, "invalid_request", 900561)


def test_neither_passwords_nor_codes_are_kept(
    server: Server, http: httpx.Client, device: Device, person: operators.Person
) -> None:
    files = [path for path in server.folder.iterdir() if path.name.startswith("sandbox.sqlite")]
    content = b"".join(path.read_bytes() for path in files)

    assert person.password.encode() not in content
    assert device.told["device_code"].encode() not in content
    assert person.password not in repr(person)
