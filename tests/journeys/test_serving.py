"""`provision sandbox`: a tenant for other clients, until it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import ssl
import stat
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paper
import pytest
from journey import Processes, Provision

KEYS = {"url", "login", "graph", "tenantId", "clientId", "clientSecret", "caBundle"}


@pytest.fixture
def served(
    provision_process: Processes, workplace: Path
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`sandbox serve` in a process of its own, ready, and the settings that it wrote."""
    place = workplace / "settings.json"
    running = provision_process.start(
        "sandbox", "serve", "--port", "0", "--settings", place, "--profile", "strong"
    )
    yield running, appeared(place, running)
    if running.poll() is None:
        running.terminate()
        provision_process.finish(running)


def appeared(place: Path, running: subprocess.Popen[str]) -> dict[str, str]:
    """The settings as soon as they stand there in full."""
    for _ in range(600):
        if running.poll() is not None:
            pytest.fail(f"the server ended: {running.communicate()[1]}")
        try:
            settings: dict[str, str] = json.loads(place.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
        else:
            return settings
    pytest.fail("the server wrote no settings")


def ask(
    settings: dict[str, str], url: str, form: dict[str, str] | None = None, **headers: str
) -> Any:
    """One request by Python's own client, trusting the sandbox's authority alone."""
    data = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(url, data, headers)  # noqa: S310
    trust = ssl.create_default_context(cafile=settings["caBundle"])
    with urllib.request.urlopen(request, context=trust, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def token(settings: dict[str, str]) -> dict[str, Any]:
    """What the token service answers to the operator."""
    form = {
        "grant_type": "client_credentials",
        "client_id": settings["clientId"],
        "client_secret": settings["clientSecret"],
        "scope": f"{settings['graph']}/.default",
    }
    answer: dict[str, Any] = ask(
        settings, f"{settings['login']}/{settings['tenantId']}/oauth2/v2.0/token", form
    )
    return answer


def test_the_settings_hold_what_a_client_needs(
    served: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    _, settings = served

    assert set(settings) == KEYS
    assert Path(settings["caBundle"]).is_file()


def test_the_settings_can_be_read_by_their_owner_alone(
    served: tuple[subprocess.Popen[str], dict[str, str]], workplace: Path
) -> None:
    mode = stat.S_IMODE((workplace / "settings.json").stat().st_mode)

    assert mode == 0o600 or os.name == "nt"


def test_a_client_that_shares_no_code_signs_in_and_asks_graph(
    served: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    _, settings = served

    answer = token(settings)
    bearer = f"Bearer {answer['access_token']}"
    users = ask(settings, f"{settings['graph']}/v1.0/users?$top=1", Authorization=bearer)

    assert {"token_type", "expires_in", "ext_expires_in", "access_token"} <= set(answer)
    assert len(users["value"]) == 1


def test_commands_use_the_server_that_runs(
    served: tuple[subprocess.Popen[str], dict[str, str]], provision: Provision, workplace: Path
) -> None:
    _, settings = served
    token(settings)

    planned = provision("plan", paper.write(workplace))

    assert planned.exit_code == 0, planned.said
    assert f"Using the sandbox that is served at {settings['url']}" in planned.said


def test_a_second_server_in_the_same_folder_is_refused(
    served: tuple[subprocess.Popen[str], dict[str, str]], provision: Provision
) -> None:
    _, settings = served
    token(settings)

    refused = provision("sandbox", "serve", "--port", "0")

    assert refused.exit_code == 64
    assert f"served already, at {settings['url']}" in refused.said


def test_a_refused_server_leaves_the_first_ones_settings(
    served: tuple[subprocess.Popen[str], dict[str, str]], provision: Provision, workplace: Path
) -> None:
    _, settings = served
    token(settings)

    provision("sandbox", "serve", "--port", "0", "--settings", workplace / "settings.json")

    kept = json.loads((workplace / "settings.json").read_text(encoding="utf-8"))
    assert kept == settings


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_cleanly(
    served: tuple[subprocess.Popen[str], dict[str, str]],
    provision_process: Processes,
    workplace: Path,
    number: int,
) -> None:
    running, settings = served
    token(settings)

    running.send_signal(number)
    ended = provision_process.finish(running)

    assert ended.exit_code == 0, ended.said
    assert "The sandbox has stopped." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (workplace / "settings.json").exists()
    assert not (workplace / ".provision" / "sandbox" / "server.json").exists()


def test_the_server_says_no_secret(
    served: tuple[subprocess.Popen[str], dict[str, str]], provision_process: Processes
) -> None:
    running, settings = served
    token(settings)

    running.terminate()
    ended = provision_process.finish(running)

    assert settings["url"] in ended.stdout
    assert settings["clientSecret"] not in ended.stdout + ended.stderr


def test_status_shows_the_tenant_and_the_server(
    served: tuple[subprocess.Popen[str], dict[str, str]], provision: Provision
) -> None:
    _, settings = served
    token(settings)

    shown = provision("sandbox", "status", "--json")

    about = json.loads(shown.stdout)
    assert about["format"] == "provision/sandbox-status"
    assert about["server"]["url"] == settings["url"]
    assert [tenant["tenantId"] for tenant in about["tenants"]] == [settings["tenantId"]]
    assert settings["clientSecret"] not in shown.said


def test_status_without_a_sandbox_makes_none(provision: Provision, workplace: Path) -> None:
    shown = provision("sandbox", "status")

    assert shown.exit_code == 0
    assert "There is no sandbox" in shown.said
    assert not (workplace / ".provision").exists()


def test_reset_asks_unless_it_is_told(sandbox: object, provision: Provision) -> None:
    refused = provision("sandbox", "reset")

    assert refused.exit_code == 64
    assert "--yes" in refused.said


def test_reset_forgets_what_was_applied(
    sandbox: object, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    provision("sandbox", "reset", "--yes")

    planned = provision("plan", manifest)
    assert "4 to create" in planned.stdout, planned.said


def test_advance_moves_the_clock_of_a_running_server(
    sandbox: object, provision: Provision, workplace: Path
) -> None:
    manifest = paper.write(workplace)
    provision("apply", manifest, "--yes")

    moved = provision("sandbox", "advance", "61d")

    planned = provision("plan", manifest)
    assert moved.exit_code == 0, moved.said
    assert "renews: expires in" in planned.said


@pytest.mark.parametrize("duration", ["soon", "-1d", "", "1"])
def test_advance_refuses_what_is_no_duration(provision: Provision, duration: str) -> None:
    refused = provision("sandbox", "advance", "--", duration)

    assert refused.exit_code == 64
    assert "Traceback" not in refused.said
