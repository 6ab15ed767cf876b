"""The README's blocks: finds them, runs them, and writes their output back on request."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"<!-- (?P<name>[a-z ]+) -->\n```(?P<language>\w+)\n(?P<body>.*?)```", re.DOTALL)
GUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
SHORT = re.compile(r"\b[0-9a-f]{8}…")
DIGEST = re.compile(r"(?<=Digest: )[0-9a-f]{16}\b")
MOMENT = re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?(Z| UTC)?")
ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
SECONDS = re.compile(r"\(\d+\.\d s\)|after\s+\d+\s+s\b|\b\d+\s+(s|min|h|d)\s+ago")

PROGRESS = re.compile(r"[a-z0-9-]+: (waiting for |[a-z]+ (the|secret) )")
"""Lines that a slow machine adds: waits, and long steps that are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of the README, and where its body stands in the text."""

    name: str
    body: str
    start: int
    end: int


def blocks(text: str, name: str) -> list[Block]:
    """The blocks of that name, in reading order."""
    return [
        Block(name=name, body=found["body"], start=found.start("body"), end=found.end("body"))
        for found in BLOCK.finditer(text)
        if found["name"] == name
    ]


def commands(body: str) -> list[str]:
    """What a reader types: the lines that begin with a prompt."""
    return [line[2:] for line in body.splitlines() if line.startswith("$ ")]


def played(body: str, folder: Path) -> str:
    """The block as a terminal would show it, its commands run in a shell in that folder."""
    shown = []
    for command in commands(body):
        shown.append(f"$ {command}\n")
        shown.append(run(command, folder))
    return "".join(shown)


def run(command: str, folder: Path) -> str:
    """What one command prints, both streams in the order of their lines."""
    environ = dict(os.environ)
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]])
    environ["COLUMNS"] = "100"
    environ["PROVISION_SANDBOX_SCALE"] = "100"  # shorter lag; what is shown counts its seconds
    ran = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
        encoding="utf-8",
    )
    return ran.stdout


def alike(text: str) -> str:
    """The text with everything evened out that differs from run to run."""
    for pattern, word in (
        (GUID, "GUID"),
        (SHORT, "SHORT"),
        (DIGEST, "DIGEST"),
        (MOMENT, "MOMENT"),
        (ADDRESS, "ADDRESS"),
        (SECONDS, "SECONDS"),
    ):
        text = pattern.sub(word, text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if not PROGRESS.match(line))
