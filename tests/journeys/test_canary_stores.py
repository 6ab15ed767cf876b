"""Secrets and private keys in every kind of store: in the places that keep them, and nowhere else at any time."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paper
import pytest
from journey import Outcome, Processes, StartSandbox
from keepers import CANARY, fragments, program

from provision.sandbox.server import Server

LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
for name in (
    "azure", "azure.core", "azure.identity", "azure.keyvault", "msal", "httpx", "httpcore", "requests",
    "urllib3", "kiota_http", "kiota_abstractions", "msgraph", "asyncio", "filelock", "provision", "auth",
):
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).setLevel = lambda level: None
"""
MAIN = """
from provision.cli import main
main()
"""
BUG = """
import logging
from provision import certificates, credentials
made = certificates.generate
def remembered(**named):
    pair = made(**named)
    open("generated.pem", "w").write(pair.key.reveal())
    return pair
async def broken(step, run, made, entry, store):
    logging.getLogger("provision").debug("%s %s %s %s", made, entry, run, store)
    raise RuntimeError(f"a bug with {made} and {entry} of {run}")
certificates.generate = remembered
credentials._stored_first = broken
"""
WATCH = """
def said(path):
    try:
        return open(path, 'rb').read()
    except OSError:
        return b''
pids = [each for each in os.listdir('/proc') if each.isdigit()]
seen = [said(f'/proc/{each}/cmdline') for each in pids]
seen += [said(f'/proc/{each}/environ') for each in (os.getpid(), os.getppid())]
open(os.path.join(HERE, 'seen'), 'ab').write(b'\\n'.join([sys.argv[0].encode(), *seen, b'']))
"""
"""What a child does first: it notes what anybody sees of it, of its parent and of all others."""

COMMANDS = (
    "plan hello.yaml --out saved.plan",
    "apply saved.plan --yes",
    "plan hello.yaml --json",
    "rotate hello.yaml --now --no-overlap --json",
    "verify hello.yaml",
    "status hello.yaml --json",
    "destroy hello.yaml --yes",
)
HEARD = ("azure.core.pipeline", "DEBUG:httpcore", "DEBUG:msal", "/vaults/kv-one/secrets/")
"""What shows that everything was told that libraries have to tell."""

REHEARSED = "no value yet"
"""What a vault is given to try whether it takes one."""

KEPT = (".env", "out/", "kept-", ".provision/sandbox/vault/", "operator.json")
"""How the paths begin of all that may hold values."""


def command(name: str) -> dict[str, Any]:
    """A command store that keeps what it gets in a file."""
    argv = {verb: [f"./{does}", name] for verb, does in (("write", "put"), ("read", "get"))}
    return {"command": {**argv, "remove": ["./rm", name], "input": "json"}}


STORES: dict[str, dict[str, Any]] = {
    "s-dotenv": {"dotenv": ".env", "prefix": "S_"},
    "s-json": {"json": "out/held.json", "key": "secret"},
    "s-vault": {"keyVault": "kv-one", "name": "s-vault"},
    "s-command": command("kept-s"),
    "c-dotenv": {"dotenv": ".env", "prefix": "C_"},
    "c-json": {"json": "out/held.json", "key": "certificate"},
    "c-vault": {"keyVault": "kv-one", "name": "c-vault"},
}


@pytest.fixture
def caged(start_sandbox: StartSandbox, workplace: Path) -> Server:
    """A sandbox whose secrets bear the marker, and children that note what is seen of them."""
    watch = WATCH.replace("HERE", repr(str(workplace)))
    program(workplace, "put", watch, "open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())")
    program(workplace, "get", watch, "name = sys.argv[1]", "sys.stdout.write(open(name).read() if os.path.exists(name) else '')")  # fmt: skip
    program(workplace, "rm", watch, "os.remove(sys.argv[1])")
    (workplace / "bin").mkdir()
    git = shutil.which("git")
    program(workplace / "bin", "git", watch, f"os.execv({git!r}, sys.argv)")
    return start_sandbox(canary=CANARY)


@dataclass
class Trail:
    """All that was said and written while values came and went, and the values."""

    folder: Path
    secrets: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    found: list[tuple[str, str]] = field(default_factory=list)

    def look(self, line: str, outcome: Outcome) -> None:
        """Learn what the places keep, and search everything else for it."""
        for value in filter(lambda value: value != REHEARSED, kept(self.folder)):
            (self.keys if "PRIVATE KEY" in value else self.secrets).add(value)
        parts = {part for value in self.keys | self.secrets for part in fragments(value)}
        for where, text in self._everything(outcome):
            if CANARY in text or any(text[at : at + 16] in parts for at in range(len(text) - 15)):
                self.found.append((line, where))

    def _everything(self, outcome: Outcome) -> Iterator[tuple[str, str]]:
        yield "stdout", "".join(outcome.stdout.split())
        yield "stderr", "".join(outcome.stderr.split())
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and not name.startswith(KEPT) and path.name not in KEPT:
                yield name, "".join(path.read_text(encoding="latin-1").split())


def kept(folder: Path) -> Iterator[str]:
    """The values in all places: of secrets, and of private keys with their certificates."""
    if (folder / ".env").exists():
        yield from filter(None, [paper.stored(folder, Path(".env")).get("S_CLIENT_SECRET")])
    for pem in folder.glob(".env*.pem"):
        yield pem.read_text(encoding="utf-8")
    files = [*folder.glob("out/*.json"), *folder.glob("kept-*")]
    for file in [*files, *folder.glob(".provision/sandbox/vault/*/kv-one/*.json")]:
        yield from texts(json.loads(file.read_text(encoding="utf-8")))


def texts(found: Any) -> Iterator[str]:
    """The texts below the names that values bear."""
    if isinstance(found, dict):
        for name, below in found.items():
            if name in ("clientSecret", "clientCertificate", "value"):
                yield below
            else:
                yield from texts(below)
    elif isinstance(found, list):
        for below in found:
            yield from texts(below)


def write(folder: Path, *names: str) -> None:
    """A manifest with these credentials."""
    credentials = {
        name: {"secret": {"store": STORES[name]}}
        if name.startswith("s-")
        else {"certificate": {"generate": {}, "store": STORES[name]}}
        for name in names
    }
    paper.write(folder, paper.an_app(credentials=credentials))


def environ(folder: Path) -> dict[str, str]:
    """A temporary folder that is searched too, and children that are watched."""
    (folder / "tmp").mkdir(exist_ok=True)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"TMPDIR": str(folder / "tmp"), "PATH": path}


def test_values_are_in_the_places_that_keep_them_and_nowhere_else(
    caged: Server, provision_process: Processes, workplace: Path
) -> None:
    """Everything is turned on that people turn on when something fails, and paste into an issue."""
    write(workplace, *STORES)
    trail, loud = Trail(folder=workplace), (sys.executable, "-c", LOUD + MAIN)
    said = ""

    for line in COMMANDS:
        words = [*line.split(), "--real-stores", "--debug", "--log-file", "provision.log"]
        outcome = provision_process(*words, command=loud, env=environ(workplace), within=120)
        assert outcome.exit_code == 0, (line, outcome.said[-3000:])
        trail.look(line, outcome)
        said += outcome.stderr

    assert trail.found == []
    assert not [each for each in caged.requests if CANARY in each.path]
    # Otherwise all of this would prove nothing: every place kept two values, all of which were searched for.
    assert (len(trail.secrets), len(trail.keys)) == (8, 6)
    assert all(CANARY in value for value in trail.secrets)
    (workplace / "notes.txt").write_text(next(iter(trail.keys))[900:940], encoding="utf-8")
    trail.look("planted", outcome)
    assert trail.found == [("planted", "notes.txt")]
    seen = (workplace / "seen").read_bytes()
    assert [each for each in ("put", "get", "rm", "git") if f"/{each}\n".encode() not in seen] == []
    assert b"rotate" in seen
    assert [each for each in HEARD if each not in said] == []


@pytest.mark.parametrize("name", ["c-dotenv", "c-vault"])
def test_the_traceback_of_a_bug_shows_no_part_of_a_private_key(
    caged: Server, provision_process: Processes, workplace: Path, name: str
) -> None:
    write(workplace, name)
    loud = (sys.executable, "-c", LOUD + BUG + MAIN)

    broken = provision_process(
        "apply", "hello.yaml", "--yes", "--real-stores", "--debug", command=loud
    )

    assert "RuntimeError: a bug with Made(" in broken.stderr
    parts = fragments((workplace / "generated.pem").read_text(encoding="utf-8"))
    told = "".join((broken.stdout + broken.stderr).split())
    assert len(parts) > 1000
    assert [told[at : at + 16] for at in range(len(told)) if told[at : at + 16] in parts] == []
