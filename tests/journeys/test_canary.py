"""A marker in every secret that the sandbox issues: it is found in the store, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import paper
import pytest
from journey import Outcome, Processes, Provision, StartSandbox, run_here

from provision.sandbox.faults import Fault
from provision.sandbox.server import Server

CANARY = "cAnArY7"
TOKEN = "eyJ"
"""Every token begins so: base64 of `{"`."""
KEPT = (paper.STORE.name, "operator.json")
LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
for name in ("azure", "msal", "httpx", "httpcore", "urllib3", "kiota_http", "asyncio"):
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).setLevel = lambda level: None
from provision.cli import main
main()
"""
BUG = """
import logging
from provision import credentials
async def broken(step, run, made, entry, store):
    logging.getLogger("provision").debug("%s %s %s", made, entry, run)
    raise RuntimeError(f"a bug with {made} and {entry} of {run}")
credentials._stored_first = broken
from provision.cli import main
main()
"""


@pytest.fixture
def caged(start_sandbox: StartSandbox, workplace: Path) -> Server:
    """A sandbox whose secrets bear the marker, the operator's included."""
    (workplace / ".provision" / "sandbox").mkdir(parents=True)
    server = start_sandbox(canary=CANARY)
    paper.write(workplace, paper.an_app(verify={"calls": ["GET /users?$top=1"]}))
    return server


def journey(*flags: str) -> Iterator[tuple[str, Outcome]]:
    """Every command that talks to the tenant, in an order in which each has something to do."""
    for line in (
        "plan hello.yaml",
        "apply hello.yaml --yes",
        "apply hello.yaml --yes",
        "verify hello.yaml --strict",
        "rotate hello.yaml --now",
        "rotate hello.yaml --now --no-overlap",
        "output hello.yaml",
        "token hello.yaml my-workload --decode",
        "destroy hello.yaml --yes",
        "apply hello.yaml --yes",
        "destroy hello.yaml --yes --purge",
    ):
        outcome = run_here(*line.split(), *flags)
        assert outcome.exit_code == 0, (line, outcome.said)
        yield line, outcome


def leaks(text: str) -> list[str]:
    """The lines that say what must not be said."""
    return [line for line in text.splitlines() if CANARY in line or TOKEN in line]


def told(*outcomes: Outcome) -> str:
    """All that commands wrote to both streams."""
    return "\n".join(outcome.stdout + outcome.stderr for outcome in outcomes)


def test_the_store_and_the_operators_file_hold_marked_secrets(
    caged: Server, provision: Provision
) -> None:
    """Otherwise searching for the marker would prove nothing."""
    provision("apply", "hello.yaml", "--yes")

    assert CANARY in paper.stored(Path())["AZURE_CLIENT_SECRET"]
    assert CANARY in caged.operator()["clientSecret"]


@pytest.mark.parametrize("flags", [("--debug",), ("--debug", "--json")], ids=" ".join)
def test_no_command_shows_a_secret_or_a_token(caged: Server, flags: tuple[str, ...]) -> None:
    outcomes = [outcome for _, outcome in journey(*flags)]

    assert leaks(told(*outcomes)) == []


def test_only_the_raw_token_shows_a_token(caged: Server, provision: Provision) -> None:
    provision("apply", "hello.yaml", "--yes")

    raw = provision("token", "hello.yaml", "my-workload", "--raw")

    assert raw.stdout.startswith(TOKEN)
    assert leaks(raw.stderr) == []


def test_no_file_but_the_store_holds_a_secret_at_any_time(caged: Server, workplace: Path) -> None:
    found = set()

    for line, _ in journey("--log-file", "provision.log"):
        for path in workplace.rglob("*"):
            if path.is_file() and path.name not in KEPT and CANARY.encode() in path.read_bytes():
                found.add((line, path.name))

    assert found == set()


def test_the_log_file_tells_the_requests_and_no_token(
    caged: Server, provision: Provision, workplace: Path
) -> None:
    provision("apply", "hello.yaml", "--yes", "--log-file", "provision.log")

    log = (workplace / "provision.log").read_text(encoding="utf-8")

    assert "addPassword" in log
    assert leaks(log) == []


def test_the_libraries_own_loggers_show_no_secret_at_debug(
    caged: Server, provision_process: Processes
) -> None:
    """People turn on everything when something fails, and paste what they see into an issue."""
    command = (sys.executable, "-c", LOUD)

    applied = provision_process("apply", "hello.yaml", "--yes", "--debug", command=command)
    rotated = provision_process("rotate", "hello.yaml", "--now", "--debug", command=command)

    assert (applied.exit_code, rotated.exit_code) == (0, 0), applied.said
    assert "DEBUG:httpcore" in applied.stderr
    assert "azure.core.pipeline" in applied.stderr
    assert leaks(told(applied, rotated)) == []


def test_the_traceback_of_a_bug_shows_no_secret(
    caged: Server, provision_process: Processes
) -> None:
    """Objects that carry a secret are printed by mistake, in an exception or a log line: they hide it."""
    command = (sys.executable, "-c", BUG)

    broken = provision_process("apply", "hello.yaml", "--yes", "--debug", command=command)

    assert "RuntimeError: a bug with Made(" in broken.stderr
    assert leaks(told(broken)) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(do="status", path="/addPassword", status=403),
        Fault(do="drop_after", path="/addPassword", nth=1),
        Fault(do="status_after", path="/addPassword", status=504, nth=1),
        Fault(do="status", method="PATCH", path="/applications/", status=500),
    ],
    ids=lambda fault: f"{fault.do} {fault.status} {fault.path}",
)
def test_a_request_that_fails_shows_no_secret(
    caged: Server, provision: Provision, fault: Fault
) -> None:
    caged.faults.add(fault)

    applied = provision("apply", "hello.yaml", "--yes", "--debug", "--json")

    assert any(entry.status in (0, fault.status) for entry in caged.requests)
    assert leaks(told(applied)) == []


@pytest.mark.parametrize("command", ["verify", "token", "apply --yes"])
def test_a_stored_secret_that_is_wrong_is_not_quoted(
    caged: Server, provision: Provision, workplace: Path, command: str
) -> None:
    provision("apply", "hello.yaml", "--yes")
    store = workplace / paper.STORE
    secret = paper.stored(workplace)["AZURE_CLIENT_SECRET"]
    wrong = store.read_text(encoding="utf-8").replace(secret, f"x{secret}")
    store.write_text(wrong, encoding="utf-8")
    verb, *flags = command.split()
    words = ["my-workload"] if verb == "token" else []

    failed = provision(verb, "hello.yaml", *words, *flags, "--debug")

    assert leaks(told(failed)) == []


def test_a_value_of_somebody_else_in_the_store_is_not_quoted(
    caged: Server, provision: Provision, workplace: Path
) -> None:
    store = workplace / paper.STORE
    store.parent.mkdir(parents=True)
    store.write_text(f"AZURE_CLIENT_ID=theirs\nAZURE_CLIENT_SECRET={CANARY}\n", encoding="utf-8")

    refused = provision("apply", "hello.yaml", "--yes", "--debug")

    assert refused.exit_code == 1
    assert "holds a value of application theirs" in refused.said
    assert leaks(told(refused)) == []
