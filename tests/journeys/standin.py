"""A stand-in for gh, kubectl, vault, az and jq: writes down what it got, and keeps values as far as they do.

The tests copy it under those names to the head of PATH. It uses nothing of ours. With STANDIN_FAILS in its environment,
a program that is to write complains with all that it was given; with STANDIN_DENIES, vault reads nothing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

HERE = Path(sys.argv[0]).resolve().parent


def main(name: str, *words: str) -> int:
    """Write down the call; then do as that program does."""
    file = words[words.index("--file") + 1] if "--file" in words else None
    given = Path(file).read_text(encoding="utf-8") if file else sys.stdin.read()
    call = {"name": name, "argv": words, "environ": dict(os.environ), "stdin": given}
    number = len([*HERE.glob("call-*.json")])
    (HERE / f"call-{number:03}.json").write_text(json.dumps(call), encoding="utf-8")
    writes = {"set", "apply", "put"} & set(words)
    if writes and "STANDIN_FAILS" in os.environ:
        sys.stderr.write(f"{name}: cannot keep this: {given}\n")
        return 1
    return PROGRAMS[name](words, given, HERE / f"kept-by-{name}")


def gh(words: tuple[str, ...], given: str, kept: Path) -> int:
    """Keeps, and never shows again."""
    if "set" in words:
        kept.write_text(given, encoding="utf-8")
    return 0


def kubectl(words: tuple[str, ...], given: str, kept: Path) -> int:
    """Prints what the template of the recipe makes of a Secret."""
    if "apply" in words:
        kept.write_text(json.dumps(json.loads(given)["stringData"]), encoding="utf-8")
    if "get" in words and kept.exists():
        data = json.loads(kept.read_text(encoding="utf-8"))
        sys.stdout.write(json.dumps({"stringData": {**data, "": ""}}))
    return 0


def vault(words: tuple[str, ...], given: str, kept: Path) -> int:
    """Nests what it keeps, and fails where it keeps nothing."""
    if "put" in words:
        kept.write_text(json.dumps(json.loads(given)), encoding="utf-8")
    if "get" not in words:
        return 0
    if "STANDIN_DENIES" in os.environ:
        sys.stderr.write("Code: 403. Errors:\n\n* permission denied\n")
        return 2
    if not kept.exists():
        sys.stderr.write("No value found at secret/data/my-workload\n")
        return 2
    data = json.loads(kept.read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps({"data": {"data": data, "metadata": {"version": 1}}}))
    return 0


def jq(words: tuple[str, ...], given: str, _: Path) -> int:
    """Knows one filter."""
    if words != (".data.data // empty",):
        return 3
    sys.stdout.write(json.dumps(json.loads(given)["data"]["data"]))
    return 0


PROGRAMS = {"gh": gh, "kubectl": kubectl, "vault": vault, "az": gh, "jq": jq}

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).name, *sys.argv[1:]))
