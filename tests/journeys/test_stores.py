"""Every kind of store from the first secret to the last: kept, read, renewed, removed, and never told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import paper
import pytest
import truth
from journey import Outcome, Provision, StartSandbox

from provision.sandbox.server import Server

CANARY = "cAnArY7"
COMMAND = {"write": ["./put", "{clientId}"], "read": ["./get"], "remove": ["./rm"], "input": "json"}
STORES: list[dict[str, Any]] = [
    {"json": "out/c.json", "key": "app"},
    {"keyVault": "kv-1", "name": "ci"},
    {"command": COMMAND},
]
KEEP = "open('kept', 'wb').write(sys.stdin.buffer.read())"


@pytest.fixture
def caged(start_sandbox: StartSandbox, workplace: Path) -> Server:
    """A sandbox whose secrets bear a marker, and the programs of a store."""
    program(workplace, "put", KEEP)
    program(workplace, "get", "print(open('kept').read() if os.path.exists('kept') else '')")
    program(workplace, "rm", "os.remove('kept')")
    return start_sandbox(canary=CANARY)


def program(folder: Path, name: str, *lines: str) -> None:
    body = "\n".join(["import os, sys, time", *lines])
    (folder / name).write_text(f"#!{sys.executable} -IS\n{body}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def write(folder: Path, store: dict[str, Any]) -> None:
    paper.write(folder, paper.an_app(credentials={"ci": {"secret": {"store": store}}}))


def holding(folder: Path) -> set[str]:
    """The files that hold a marked value, from the workplace; the sandbox's own operator aside."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "operator.json" and CANARY.encode() in path.read_bytes()
    }


@pytest.mark.parametrize("store", STORES, ids=["json", "keyVault", "command"])
def test_a_rehearsed_store_has_its_value_in_one_file_for_as_long_as_it_lives(
    caged: Server, provision: Provision, workplace: Path, store: dict[str, Any]
) -> None:
    write(workplace, store)
    outcomes: list[Outcome] = []

    def run(line: str) -> None:
        outcomes.append(provision(*line.split()))
        assert outcomes[-1].exit_code == 0, outcomes[-1].said

    run("apply hello.yaml --yes")
    first = holding(workplace)
    run("plan hello.yaml --detailed-exitcode")
    run("verify hello.yaml --strict")
    run("rotate hello.yaml --now --no-overlap")
    after = holding(workplace)
    run("verify hello.yaml --strict")
    run("destroy hello.yaml --yes")

    assert len(first) == 1
    assert next(iter(first)).startswith(".provision/sandbox/default/stores/hello/")
    assert after == first
    assert holding(workplace) == set()
    assert not any(CANARY in each.stdout + each.stderr for each in outcomes)
    assert not (workplace / "kept").exists()


@pytest.mark.parametrize(("store", "file"), [(STORES[0], "out/c.json"), (STORES[2], "kept")])
def test_a_real_store_is_used_when_that_is_asked_for(
    caged: Server, provision: Provision, workplace: Path, store: dict[str, Any], file: str
) -> None:
    write(workplace, store)

    applied = provision("apply", "hello.yaml", "--yes", "--real-stores")
    held = json.loads((workplace / file).read_text(encoding="utf-8"))
    held = held.get("app", held)
    destroyed = provision("destroy", "hello.yaml", "--yes", "--real-stores")

    assert (applied.exit_code, destroyed.exit_code) == (0, 0)
    assert set(held) == {"tenantId", "clientId", "clientSecret", "keyId", "expires"}
    assert CANARY in held["clientSecret"]
    assert holding(workplace) == set()


FAILURES = [
    (("sys.exit('no: ' + sys.stdin.read())",), "exit code 1", "2m"),
    (("sys.stderr.write(sys.stdin.read())", "time.sleep(600)"), "did not end within 2 s", "2s"),
]


@pytest.mark.parametrize(("lines", "says", "within"), FAILURES, ids=["fails", "hangs"])
def test_a_command_that_does_not_keep_the_value_costs_no_credential_and_tells_nothing(
    caged: Server,
    provision: Provision,
    workplace: Path,
    lines: tuple[str, ...],
    says: str,
    within: str,
) -> None:
    """The new secret is taken back, the old one stays in its place, and the next run is well again."""
    write(workplace, {"command": {**COMMAND, "timeout": within}})
    apply = ("apply", "hello.yaml", "--yes", "--real-stores")
    program(workplace, "put", *lines)

    first = provision(*apply)
    left = truth.key_ids(caged)
    program(workplace, "put", KEEP)
    mended = provision(*apply)
    before = (truth.key_ids(caged), (workplace / "kept").read_bytes())
    program(workplace, "put", *lines)
    rotated = provision(*("rotate", "hello.yaml", "--now", "--real-stores"))

    assert (first.exit_code, mended.exit_code, rotated.exit_code) == (1, 0, 1)
    assert left == []
    assert (truth.key_ids(caged), (workplace / "kept").read_bytes()) == before
    for outcome in (first, rotated):
        assert says in outcome.said
        assert "(redacted)" in outcome.said
        assert CANARY not in outcome.said


def test_who_only_looks_starts_no_program(
    caged: Server, provision: Provision, workplace: Path
) -> None:
    """A manifest may be a stranger's."""
    write(workplace, {"command": COMMAND})
    provision("apply", "hello.yaml", "--yes", "--real-stores")
    program(workplace, "get", "open('started', 'w')", "print(open('kept').read())")

    planned = provision("plan", "hello.yaml", "--real-stores", "--detailed-exitcode")
    verified = provision("verify", "hello.yaml", "--real-stores")

    assert (planned.exit_code, verified.exit_code) == (0, 0)
    assert "not readable" in verified.said
    assert not (workplace / "started").exists()


def test_a_store_that_keeps_its_value_takes_no_receipt_away_and_spares_no_other_store(
    caged: Server, provision: Provision, workplace: Path
) -> None:
    credentials = {
        "ci": {"secret": {"store": {"command": COMMAND}}},
        "web": {"secret": {"store": {"json": "out/c.json"}}},
    }
    paper.write(workplace, paper.an_app(credentials=credentials))
    done = provision("apply", "hello.yaml", "--yes", "--real-stores")
    assert done.exit_code == 0, done.said
    program(workplace, "rm", "sys.exit(3)")

    destroyed = provision("destroy", "hello.yaml", "--yes", "--real-stores")

    assert destroyed.exit_code == 0, destroyed.said
    assert "my-workload/ci stays in command ./put {clientId}" in destroyed.said
    assert holding(workplace) == {"kept"}
    assert truth.applications(caged) == []
