"""The sandbox as a server: its address, its certificates, its headers, its beginning and end."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from provision.sandbox.authority import certificates
from provision.sandbox.server import Server, serve

StartServer = Callable[..., Server]
AskToken = Callable[..., httpx.Response]


def leaf_of(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def trusting(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.ca_bundle))


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_certificate_is_good_for_every_loopback_name(server: Server, name: str) -> None:
    port = int(server.url.rpartition(":")[2])

    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        trusting(server).wrap_socket(plain, server_hostname=name) as secured,
    ):
        assert secured.version() == "TLSv1.3"


def test_nobody_is_trusted_but_by_the_own_authority(server: Server) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(server.url, verify=ssl.create_default_context(), trust_env=False)


def test_it_listens_on_loopback_only(server: Server) -> None:
    listening = server.runner.servers

    hosts = {sock.getsockname()[0] for each in listening for sock in each.sockets}

    assert hosts <= {"127.0.0.1", "::1"}


def test_a_port_can_be_chosen(start_server: StartServer) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]

    assert start_server(port=free).url == f"https://127.0.0.1:{free}"


def test_a_port_that_is_taken_is_refused(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(OSError, match=r"(?i)address already in use"):
            serve(folder, port=taken.getsockname()[1]).__enter__()


def test_it_is_gone_afterwards(folder: Path) -> None:
    with serve(folder) as server:
        port = int(server.url.rpartition(":")[2])

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_an_idle_client_does_not_hold_up_the_end(
    folder: Path, client_of: Callable[..., httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    with serve(folder) as server:
        idle = client_of(server)
        idle.get("/v2")

    with pytest.raises(httpx.TransportError):
        idle.get("/v2")
    assert caplog.records == []


def test_tenants_and_operators_are_the_same_next_time(folder: Path) -> None:
    with serve(folder) as first:
        operator = first.operator()

    with serve(folder) as second:
        assert second.operator() == operator


def test_a_token_of_the_last_run_is_good_in_the_next(
    folder: Path, client_of: Callable[..., httpx.Client]
) -> None:
    with serve(folder, profile="strong") as first:
        operator = first.operator()
        answer = client_of(first).post(
            f"/{operator['tenantId']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": operator["clientId"],
                "client_secret": operator["clientSecret"],
                "scope": "https://graph.microsoft.com/.default",
            },
        )

    with serve(folder, profile="strong") as second:
        bearer = f"Bearer {answer.json()['access_token']}"
        assert client_of(second, authorization=bearer).get("/v1.0/users").status_code == 200


def test_keys_and_secrets_are_readable_by_the_owner_alone(server: Server) -> None:
    private = ("ca-key.pem", "server-key.pem", "operator.json")

    modes = {name: stat.S_IMODE((server.folder / name).stat().st_mode) for name in private}

    # Windows keeps no such bits: there the folder's own permissions protect the files.
    assert modes == dict.fromkeys(private, 0o600 if os.name == "posix" else 0o666)


def test_the_authority_is_made_once(tmp_path: Path) -> None:
    first = certificates(tmp_path).ca_bundle.read_bytes()

    assert certificates(tmp_path).ca_bundle.read_bytes() == first


def test_a_certificate_near_its_end_is_renewed(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    old = leaf_of(made.chain_and_key)
    soon = datetime.now(UTC) + timedelta(days=380)

    certificates(tmp_path, now=soon)

    assert leaf_of(made.chain_and_key).not_valid_after_utc > old.not_valid_after_utc


def test_a_certificate_far_from_its_end_is_kept(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    old = made.chain_and_key.read_bytes()

    certificates(tmp_path, now=datetime.now(UTC) + timedelta(days=300))

    assert made.chain_and_key.read_bytes() == old


def test_a_spoiled_certificate_is_replaced(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    made.chain_and_key.write_text("spoiled", encoding="utf-8")

    certificates(tmp_path)

    assert leaf_of(made.chain_and_key).issuer == leaf_of(made.ca_bundle).subject


def test_every_answer_of_graph_has_the_headers_of_the_service(graph: httpx.Client) -> None:
    answer = graph.get("/v1.0/organization", headers={"client-request-id": "mine"})

    expected = {
        "content-type": "application/json;odata.metadata=minimal;odata.streaming=true;"
        "IEEE754Compatible=false;charset=utf-8",
        "odata-version": "4.0",
        "cache-control": "no-cache",
        "client-request-id": "mine",
        "strict-transport-security": "max-age=31536000",
        "x-ms-resource-unit": "1",
    }
    assert {name: answer.headers[name] for name in expected} == expected
    assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]


def test_a_refusal_tells_how_to_trace_it(graph: httpx.Client) -> None:
    answer = graph.get("/v1.0/foo", headers={"client-request-id": "mine"})

    inner = answer.json()["error"]["innerError"]
    assert answer.headers["content-type"] == "application/json"
    assert inner["request-id"] == answer.headers["request-id"]
    assert inner["client-request-id"] == answer.headers["client-request-id"] == "mine"
    assert len(inner["date"]) == len("2026-02-13T10:17:06")


def test_the_server_names_a_request_that_its_client_did_not(graph: httpx.Client) -> None:
    first, second = (graph.get("/v1.0/organization").headers for _ in range(2))

    assert first["client-request-id"] == first["request-id"] != second["request-id"]


def test_the_date_is_the_tenants(server: Server, graph: httpx.Client) -> None:
    server.advance(timedelta(minutes=30))

    told = graph.get("/v1.0/organization").headers["date"]

    late = datetime.now(UTC) + timedelta(minutes=29)
    assert datetime.strptime(told, "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=UTC) > late


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("applications", "2"),
        ("applications?$select=id", "1"),
        ("users?$top=5", "1"),
        ("servicePrincipals?$expand=appRoleAssignments", "2"),
        ("organization?$select=id", "1"),
    ],
)
def test_a_request_has_its_price(graph: httpx.Client, path: str, units: str) -> None:
    assert graph.get(f"/v1.0/{path}").headers["x-ms-resource-unit"] == units


def test_links_and_contexts_bear_the_name_that_the_client_used(
    server: Server, graph: httpx.Client
) -> None:
    named = server.url.replace("127.0.0.1", "localhost")

    answer = graph.get("/v1.0/organization", headers={"host": named.removeprefix("https://")})

    assert answer.json()["@odata.context"].startswith(f"{named}/v1.0/$metadata")


@pytest.mark.parametrize("host", ["a b", "evil/path", '"', "[::zz]"])
def test_a_name_that_is_none_is_not_repeated(
    server: Server, graph: httpx.Client, host: str
) -> None:
    answer = graph.get("/v1.0/organization", headers={"host": host})

    assert answer.json()["@odata.context"].startswith(f"{server.url}/v1.0/$metadata")


def test_head_is_get_without_the_body(graph: httpx.Client) -> None:
    answer = graph.head("/v1.0/organization")

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_body_that_is_too_large_is_refused(graph: httpx.Client) -> None:
    answer = graph.post("/v1.0/applications", content=b" " * (4 * 1024 * 1024 + 1))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/", b""),
        ("GET", "//", b""),
        ("GET", "/%00", b""),
        ("GET", "/%ff%fe/oauth2/v2.0/token", b""),
        ("POST", "/%ff%fe/oauth2/v2.0/token", b"\xff=%ff&grant_type=client_credentials"),
        ("GET", "/v1.0/applications(%00)", b""),
        ("GET", "/v1.0/applications?%ff=%00&$filter=", b""),
        ("POST", "/v1.0/applications", b"\xff\xfe"),
        ("POST", "/v1.0/applications", b'{"displayName": NaN}'),
        ("POST", "/v1.0/applications", b"[" * 100_000),
        ("POST", "/v1.0/applications", b'{"displayName": "\\ud800"}'),
        ("POST", "/v1.0/$batch", b'{"requests": {}}'),
        ("BREW", "/v1.0/applications", b""),
    ],
)
def test_nonsense_is_the_clients_fault(
    graph: httpx.Client, method: str, path: str, content: bytes
) -> None:
    answer = graph.request(method, path, content=content)

    assert 400 <= answer.status_code < 500


def test_clients_beside_each_other_are_all_answered(server: Server, graph: httpx.Client) -> None:
    def make(number: int) -> int:
        return graph.post("/v1.0/applications", json={"displayName": f"app {number}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(make, range(40)))

    assert statuses == [201] * 40
    assert server.tenant().counts()["applications"] == 41


def test_tenants_beside_each_other_have_their_own_identity(server: Server) -> None:
    default, other = server.operator(), server.operator("other")

    assert not set(default.values()) & set(other.values())
    assert server.tenant("other").domain == "other.onmicrosoft.com"


def test_a_tenant_with_an_impossible_name_is_refused(server: Server) -> None:
    with pytest.raises(ValueError, match="cannot be called 'No Name'"):
        server.operator("No Name")


def test_graph_has_its_whole_catalogue(server: Server, graph: httpx.Client) -> None:
    found = graph.get("/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")

    principal = found.json()
    assert principal["appOwnerOrganizationId"] == "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
    assert (len(principal["appRoles"]), len(principal["oauth2PermissionScopes"])) == (716, 807)
    assert {role["isEnabled"] for role in principal["appRoles"]} == {True, False}


def test_the_tenant_says_what_it_is(graph: httpx.Client) -> None:
    organization = graph.get("/v1.0/organization").json()["value"][0]

    assert organization["displayName"] == "Sandbox (provision)"
    assert organization["verifiedDomains"][0]["name"] == "sandbox.onmicrosoft.com"


def test_there_are_people_to_read(graph: httpx.Client) -> None:
    assert len(graph.get("/v1.0/users").json()["value"]) == 5


def test_the_same_seed_and_requests_give_the_same_identifiers(
    tmp_path: Path, furnished: Path
) -> None:
    def ids(name: str) -> list[str]:
        with serve(tmp_path / name, seed=5, predictable=True) as server:
            return [server.operator()[field] for field in ("tenantId", "clientId", "clientSecret")]

    assert ids("one") == ids("two")


def test_the_operator_does_not_show_its_secret(server: Server) -> None:
    assert server.operator()["clientSecret"] not in repr(server)
