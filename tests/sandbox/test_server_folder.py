"""The folder of a sandbox: one owner at a time, a published address, and work on it from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from provision.sandbox import folder as folders
from provision.sandbox.server import Occupied, Server, serve
from provision.sandbox.tenant import Seen

SERVE = """
import sys
from pathlib import Path
from provision.sandbox.server import serve
with serve(Path(sys.argv[1]), profile="strong", scale=3, in_thread=False) as server:
    sys.stdout.write(server.url + chr(10))
    sys.stdout.flush()
    ended_by = server.run()
sys.stdout.write(f"ended by {ended_by}")
"""


@contextmanager
def foreground(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox in a process of its own, and its address."""
    command = [sys.executable, "-c", SERVE, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def never(message: str) -> None:
    raise AssertionError(message)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_foreground_server_ends_cleanly(folder: Path, number: signal.Signals) -> None:
    with foreground(folder) as (process, _):
        process.send_signal(number)
        told, _ = process.communicate(timeout=30)

        assert (process.returncode, told) == (0, f"ended by {int(number)}")
        assert not (folder / "server.json").exists()


def test_a_foreground_server_answers_and_says_where(folder: Path) -> None:
    with foreground(folder) as (process, url):
        running = folders.published(folder)

        assert running == folders.Running(
            url=url, ca_bundle=(folder / "ca.pem").absolute(), scale=3.0, pid=process.pid
        )


def test_a_folder_that_is_served_is_not_served_twice(folder: Path) -> None:
    with foreground(folder) as (_, url), pytest.raises(Occupied) as occupied:
        serve(folder).__enter__()

    assert occupied.value.running.url == url


def test_who_wants_a_served_folder_is_told_the_address(folder: Path) -> None:
    with foreground(folder) as (_, url):
        found = folders.acquire(folder, never)

        assert isinstance(found, folders.Running)
        assert found.url == url


def test_a_server_that_was_killed_leaves_no_address(folder: Path) -> None:
    with foreground(folder) as (process, _):
        process.kill()
        process.wait()

    found = folders.acquire(folder, never)

    assert isinstance(found, FileLock)
    assert not (folder / "server.json").exists()
    found.release()


def test_runs_beside_each_other_wait_their_turn_and_say_so(folder: Path) -> None:
    waiting, told = threading.Event(), []

    def wait(message: str) -> None:
        told.append(message)
        waiting.set()

    def second() -> None:
        with serve(folder, wait=wait):
            told.append("served")

    with serve(folder):
        thread = threading.Thread(target=second)
        thread.start()
        waiting.wait(timeout=30)
        told.append("first ends")
    thread.join(timeout=30)

    assert told == [
        "another run is using this sandbox; waiting for it to finish",
        "first ends",
        "served",
    ]


def test_a_lock_taken_before_serves(folder: Path) -> None:
    lock = folders.acquire(folder, never)
    assert isinstance(lock, FileLock)

    with serve(folder, lock=lock):
        inside = lock.is_locked
    lock.release()

    assert inside
    assert not lock.is_locked


def test_an_embedded_server_publishes_nothing(server: Server) -> None:
    assert not (server.folder / "server.json").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"url": "https://127.0.0.1", "caBundle": "x", "scale": "y"}']
)
def test_a_spoiled_address_is_none(folder: Path, content: str) -> None:
    (folder / "server.json").write_text(content, encoding="utf-8")

    assert folders.published(folder) is None


def test_an_address_where_nobody_answers_is_none(folder: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        folders.publish(folder, f"https://127.0.0.1:{unused.getsockname()[1]}", scale=1)

        assert folders.published(folder) is None


def test_the_operator_of_a_new_folder_is_made(tmp_path: Path) -> None:
    operator = folders.operator(tmp_path / "new")

    kept = json.loads((tmp_path / "new" / "operator.json").read_text(encoding="utf-8"))
    assert kept == {
        "default": {
            "tenantId": operator.tenant_id,
            "clientId": operator.client_id,
            "clientSecret": operator.client_secret,
        }
    }


def test_a_tenant_can_be_added_to_a_running_server(server: Server) -> None:
    operator = folders.operator(server.folder, "other")

    assert server.operator("other")["clientSecret"] == operator.client_secret


def test_a_lost_operator_file_is_replaced(folder: Path) -> None:
    before = folders.operator(folder)
    (folder / "operator.json").write_text("spoiled", encoding="utf-8")

    after = folders.operator(folder)

    assert (after.tenant_id, after.client_id) == (before.tenant_id, before.client_id)
    assert after.client_secret != before.client_secret
    assert folders.operator(folder) == after


def test_an_operator_does_not_show_its_secret(folder: Path) -> None:
    operator = folders.operator(folder)

    assert operator.client_secret not in f"{operator!r} {operator}"


def test_the_time_moves_with_or_without_a_server(server: Server) -> None:
    told = folders.advance(server.folder, timedelta(days=31))

    assert told - datetime.now(UTC) > timedelta(days=30)
    assert server.store.clock.now() - datetime.now(UTC) > timedelta(days=30)


def test_a_reset_makes_a_new_tenant_in_a_running_server(server: Server) -> None:
    before = server.operator()
    server.advance(timedelta(days=1))

    told = folders.reset(server.folder)

    after = server.operator()
    assert not set(before.values()) & set(after.values())
    assert [tenant["tenantId"] for tenant in told["tenants"]] == [after["tenantId"]]
    assert server.store.clock.now() - datetime.now(UTC) < timedelta(hours=1)


def test_the_status_of_nothing(tmp_path: Path) -> None:
    assert folders.status(tmp_path / "none") == {
        "folder": str(tmp_path / "none"),
        "exists": False,
        "server": None,
        "tenants": [],
    }
    assert not (tmp_path / "none").exists()


def test_the_status_tells_what_is_there(folder: Path) -> None:
    operator = folders.operator(folder, "other")

    told: dict[str, Any] = folders.status(folder)

    other = told["tenants"][1]
    assert (other["name"], other["tenantId"]) == ("other", operator.tenant_id)
    assert other["domain"] == "other.onmicrosoft.com"
    assert other["objects"] == {
        "appRoleAssignments": 6,
        "applications": 1,
        "domains": 1,
        "organization": 1,
        "servicePrincipals": 2,
        "users": 5,
    }


def test_the_status_tells_the_server(folder: Path) -> None:
    with foreground(folder) as (process, url):
        told = folders.status(folder)["server"]

    assert told == {
        "url": url,
        "ca_bundle": str((folder / "ca.pem").absolute()),
        "scale": 3.0,
        "pid": process.pid,
    }
    assert os.fspath(folder) in told["ca_bundle"]


def test_an_operator_that_somebody_deleted_is_made_again(server: Server) -> None:
    tenant, before = server.tenant(), server.operator()
    application = tenant.find("applications", "appId", before["clientId"], Seen.truth()) or {}
    tenant.purge("applications", application["id"])

    after = server.operator()

    assert after["tenantId"] == before["tenantId"]
    assert after["clientId"] != before["clientId"]
