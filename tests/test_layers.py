"""The house rules that a reader relies on: who may import whom, and where a secret may be revealed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WORDS = {"model", "errors", "progress", "places", "secret", "policy"}
PURE = {
    "manifest",
    "desired",
    "plan",
    "diff",
    "life",
    "renewal",
    "ownership",
    "permissions",
    "receipt",
    "risk",
    "refused",
    "wording",
    "init",
    "document",
    "saved",
    "schemas",
    "consent",
    "allowed",
    "compare",
    "entitlements",
    "trust",
    "wellknown",
    "imported",
    "roster",
    "status",
}
DOORS = {"graph", "stores", "certificates", "clock"}
ACTS = {
    "observe",
    "confirm",
    "apply",
    "create",
    "patch",
    "credentials",
    "issuing",
    "keys",
    "proof",
    "verify",
    "evidence",
    "granted",
    "scene",
    "tokens",
    "destroy",
    "explain",
    "adopt",
    "forget",
    "run",
    "target",
    "placing",
    "wait",
    "lock",
    "lookup",
    "change",
    "grant",
    "federate",
    "outside",
    "vault",
}
VERBS = {"flow"}
ROOTS = {"connect"}
FACE = {"render", "cli", "__main__"}

ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(WORDS, WORDS),
    **dict.fromkeys(PURE, WORDS | PURE),
    **dict.fromkeys(DOORS, WORDS | DOORS),
    **dict.fromkeys(ACTS, WORDS | PURE | DOORS | ACTS | {"auth"}),
    **dict.fromkeys(VERBS, WORDS | PURE | DOORS | ACTS | VERBS | {"auth"}),
    **dict.fromkeys(ROOTS, WORDS | PURE | DOORS | ACTS | VERBS | {"auth", "sandbox"}),
    "render": WORDS | PURE | {"render", "auth.errors"},
    "cli": WORDS | PURE | DOORS | ACTS | VERBS | ROOTS | {"auth", "sandbox", "render", "cli"},
    "__main__": {"cli"},
    "sandbox": {"sandbox"},
    "auth": {"auth"},
}
LIBRARIES: dict[str, set[str]] = {
    "msgraph": {"graph"},
    "msgraph_core": {"graph"},
    "kiota_abstractions": {"graph"},
    "kiota_http": {"graph"},
    "kiota_authentication_azure": {"graph"},
    "httpx": {"graph", "auth"},
    "azure": {"auth", "stores"},
    "cryptography": {"certificates", "sandbox"},
    "rich": {"render"},
    "typer": {"cli"},
    "click": set(),
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
    "trustme": {"sandbox"},
    "yaml": {"manifest"},
    "pydantic": {"manifest"},
    "requests": set(),
}
"""Which module may import a library; one that is not named here is free."""


PLANNING = [
    "plan",
    "diff",
    "life",
    "renewal",
    "desired",
    "allowed",
    "compare",
    "entitlements",
    "trust",
    "consent",
    "roster",
    "status",
    "policy",
]
"""What decides on a plan: the same facts give the same one, wherever and whenever it is asked."""


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("provision", "auth"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ("auth" if parts[0] == "auth" else parts[1] if len(parts) > 1 else ""), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(name: str) -> str | None:
    """The module of ours that an import names, as the table spells it."""
    parts = name.split(".")
    if parts[0] == "auth":
        return "auth.errors" if parts[1:2] == ["errors"] else "auth"
    if parts[0] == "provision":
        return parts[1] if len(parts) > 1 else None
    return None


def complaints() -> Iterator[str]:
    for module, path in modules():
        where = path.relative_to(ROOT).as_posix()
        if module in ("", "__init__"):
            continue
        if module not in ALLOWED:
            yield f"{where}: {module} stands in no layer"
            continue
        for name in imports(path):
            target = ours(name)
            allowed = ALLOWED[module] | ({"auth.errors"} if "auth" in ALLOWED[module] else set())
            if target and target not in allowed:
                yield f"{where} ({module}) imports {name}"
            library = name.split(".")[0]
            if library in LIBRARIES and module not in LIBRARIES[library]:
                yield f"{where} ({module}) imports the library {name}"


def test_every_module_imports_only_what_its_layer_may() -> None:
    assert list(complaints()) == []


def test_a_secret_is_revealed_only_to_a_store_and_to_ask_for_a_token() -> None:
    calls = {
        path.relative_to(ROOT).as_posix(): text.count(".reveal()")
        for _, path in modules()
        if ".reveal()" in (text := path.read_text(encoding="utf-8"))
    }

    assert all(
        name.startswith("provision/stores/") or name == "provision/connect.py" for name in calls
    )
    assert calls["provision/connect.py"] == 1


@pytest.mark.parametrize("module", PLANNING)
def test_the_pure_heart_asks_neither_time_nor_chance(module: str) -> None:
    path = ROOT / "provision" / f"{module}.py"

    imported = {name.split(".")[0] for name in imports(path)} - (
        {"uuid"} if by_name(path) else set()
    )
    text = path.read_text(encoding="utf-8")

    assert imported.isdisjoint(
        {"time", "random", "secrets", "uuid", "asyncio", "os", "pathlib", "socket"}
    )
    assert ".now(" not in text


def by_name(path: Path) -> bool:
    """Whether ids are only ever made of names, which leaves nothing to chance."""
    return {name for name in imports(path) if name.startswith("uuid.")} <= {
        "uuid.UUID",
        "uuid.uuid5",
    }


def test_no_file_has_outgrown_its_room() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for folder in ("provision", "auth", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }

    assert long == {}


def test_there_are_few_exceptions_from_coverage() -> None:
    marks = [
        path for _, path in modules() if "pragma: no cover" in path.read_text(encoding="utf-8")
    ]

    assert len(marks) <= 5
