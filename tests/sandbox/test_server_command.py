"""`provision sandbox serve` as other programs start it: what it tells, how it ends, what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

Start = Callable[..., "Command"]


class Command:
    """The command in a process of its own."""

    def __init__(self, workplace: Path, *options: str) -> None:
        self.settings = workplace / "settings.json"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "provision", "sandbox", "serve", "--port", "0"),
                *("--settings", str(self.settings), *options),
            ],
            cwd=workplace,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def facts(self) -> dict[str, str]:
        """What it wrote for others, as soon as it is there."""
        while not self.settings.exists():
            assert self.process.poll() is None, self.process.communicate()[1]
            time.sleep(0.02)
        facts: dict[str, str] = json.loads(self.settings.read_text(encoding="utf-8"))
        return facts

    def end(self, how: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Ask it to end: exit code, stdout, stderr."""
        self.process.send_signal(how)
        told, said = self.process.communicate(timeout=30)
        return self.process.returncode, told, said

    def failed(self) -> tuple[int, str]:
        """Exit code and stderr of a command that ends by itself."""
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, " ".join(said.split())


@pytest.fixture
def start(tmp_path: Path, furnished: Path) -> Iterator[Start]:
    """Starts the command in a folder that has a sandbox; ends what a test leaves running."""
    shutil.copytree(furnished, tmp_path / ".provision" / "sandbox")
    started: list[Command] = []

    def run(*options: str) -> Command:
        started.append(Command(tmp_path, *options))
        return started[-1]

    yield run
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
            command.process.communicate()


def client_of(facts: dict[str, str]) -> httpx.Client:
    trusted = ssl.create_default_context(cafile=facts["caBundle"])
    return httpx.Client(base_url=facts["url"], verify=trusted, trust_env=False, timeout=30)


def sign_in(http: httpx.Client, facts: dict[str, str]) -> str:
    answer = http.post(
        f"/{facts['tenantId']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": facts["clientId"],
            "client_secret": facts["clientSecret"],
            "scope": f"{facts['graph']}/.default",
        },
    )
    token: str = answer.json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    return token


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(start: Start, how: int) -> None:
    command = start()
    facts = command.facts()
    with client_of(facts) as http:
        sign_in(http, facts)
        listed = http.get("/v1.0/applications").status_code

    code, _, said = command.end(how)

    assert (listed, code) == (200, 0)
    assert said.endswith("The sandbox has stopped.\n")
    assert not command.settings.exists()


def test_the_settings_are_for_their_owner(start: Start) -> None:
    command = start()
    command.facts()

    mode = stat.S_IMODE(command.settings.stat().st_mode)

    assert mode == (0o600 if os.name == "posix" else 0o666)


def test_each_request_is_a_line_without_secrets(start: Start) -> None:
    command = start()
    facts = command.facts()
    with client_of(facts) as http:
        token = sign_in(http, facts)
        http.get("/v1.0/users?$top=1&$skiptoken=abcdef&client_secret=hidden")

    said = command.end()[2]

    lines = [line.split() for line in said.splitlines()[:-1]]
    assert [line[:1] + line[1:3] for line in lines] == [
        ["POST", f"/{facts['tenantId']}/oauth2/v2.0/token", "200"],
        ["GET", "/v1.0/users?$top=1&$skiptoken=...&client_secret=...", "400"],
    ]
    assert all(line[-1] == "ms" for line in lines)
    for secret in (token, facts["clientSecret"], "hidden", "abcdef"):
        assert secret not in said


def test_quiet_means_no_lines(start: Start) -> None:
    command = start("--quiet")
    facts = command.facts()
    with client_of(facts) as http:
        http.get("/metadata/endpoints")

    assert command.end()[2] == "The sandbox has stopped.\n"


def test_nothing_that_it_prints_is_a_secret(start: Start) -> None:
    command = start("--control")
    facts = command.facts()

    _, told, said = command.end()

    assert facts["clientSecret"] not in told + said
    assert facts["controlToken"] not in told + said


def test_with_json_it_tells_one_document(start: Start) -> None:
    command = start("--json")
    facts = command.facts()

    told = json.loads(command.end()[1])

    assert (told["format"], told["url"]) == ("provision/sandbox", facts["url"])
    assert "clientSecret" not in told


def test_the_first_block_gives_a_shell_the_secret(start: Start) -> None:
    command = start("--shell", "bash")
    facts = command.facts()
    assert command.process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("# azure-identity"):
        lines.append(command.process.stdout.readline())
    script = "".join(line for line in lines if line.startswith("export"))

    shown = subprocess.run(
        ["bash", "-c", f'{script}printf %s "$AZURE_CLIENT_SECRET $SANDBOX $SANDBOX_CA"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert shown == f"{facts['clientSecret']} {facts['url']} {facts['caBundle']}"


@pytest.mark.parametrize("shell", ["bash", "powershell"])
def test_every_client_has_a_block(start: Start, shell: str) -> None:
    command = start("--shell", shell)
    command.facts()

    told = command.end()[1]

    for name in ("azure-identity", "curl", "Azure CLI", "Terraform", "CLI for Microsoft 365"):
        assert f"# {name}" in told
    for variable in ("ARM_METADATA_HOSTNAME", "ARM_CLOUD_METADATA_URL", "REQUESTS_CA_BUNDLE"):
        assert ("$env:" if shell == "powershell" else "export ") + variable in told


def test_faults_come_from_the_command_line(start: Start) -> None:
    command = start("--fault", "GET /organization 1 503 retry-after:7", "--fault", "GET /users lag")
    facts = command.facts()
    with client_of(facts) as http:
        sign_in(http, facts)
        first, second = (http.get("/v1.0/organization") for _ in range(2))
        users = http.get("/v1.0/users").status_code

    assert (first.status_code, first.headers["retry-after"]) == (503, "7")
    assert (second.status_code, users) == (200, 404)


def test_the_control_route_opens_with_the_token_of_the_settings(start: Start) -> None:
    command = start("--control")
    facts = command.facts()
    with client_of(facts) as http:
        opened = http.get(
            f"{facts['control']}/requests",
            headers={"Authorization": f"Bearer {facts['controlToken']}"},
        )

    assert opened.status_code == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--fault", "GET /users soon"), '"soon" is no outcome'),
        (("--profile", "quick"), "unknown lag profile 'quick'"),
        (("--shell", "fish"), '--shell does not know "fish"'),
        (("--host", "a b"), "'a b' is no name of a host"),
        (("--name", "No Name"), "cannot be called 'No Name'"),
    ],
)
def test_what_it_cannot_do_is_explained(start: Start, options: tuple[str, ...], says: str) -> None:
    code, said = start(*options).failed()

    assert (code, says in said) == (64, True), said


def test_a_second_one_is_told_where_the_first_one_is(start: Start) -> None:
    facts = start().facts()

    code, said = start().failed()

    assert (code, facts["url"] in said) == (64, True)


def test_a_further_name_is_in_the_certificate(start: Start) -> None:
    facts = start("--host", "graph.microsoft.com").facts()
    trusted = ssl.create_default_context(cafile=facts["caBundle"])

    with httpx.Client(verify=trusted, trust_env=False) as http:
        answer = http.get(
            f"{facts['url']}/metadata/endpoints",
            headers={"Host": "graph.microsoft.com"},
            extensions={"sni_hostname": "graph.microsoft.com"},
        )

    assert answer.json()[0]["resourceManager"] == "https://graph.microsoft.com/"
