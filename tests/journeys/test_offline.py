"""What works without a tenant loads nothing that could reach one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HELLO = str(ROOT / "manifests" / "hello.yaml")
NETWORK = (
    "aiohttp",
    "anyio",
    "asyncio",
    "azure",
    "cryptography",
    "h11",
    "http.client",
    "httpx",
    "kiota_abstractions",
    "kiota_http",
    "msal",
    "msgraph",
    "msgraph_core",
    "requests",
    "ssl",
    "starlette",
    "urllib.request",
    "urllib3",
    "uvicorn",
)
RUN = """
import sys
from provision.cli import main
sys.argv = ["provision", *sys.argv[1:]]
try:
    main()
finally:
    print("loaded:", *sys.modules, file=sys.stderr)
"""
BROKEN = "version: 1\nname: x\ntenant: sandbox\napplications: {}\nextra: 1\n"


def run(folder: Path, *arguments: str) -> tuple[int, str, frozenset[str]]:
    """The command in a process of its own: exit code, stdout, and the modules it had loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    loaded = ran.stderr.rpartition("loaded:")[2].split()
    return ran.returncode, ran.stdout, frozenset(loaded)


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        ("validate {hello}", 0),
        ("validate {hello} --json", 0),
        ("validate broken.yaml", 1),
        ("validate absent.yaml", 1),
        ("schema", 0),
        ("init new.yaml --name contoso", 0),
        ("--help", 0),
        ("apply --help", 0),
        ("sandbox serve --help", 0),
        ("--version", 0),
    ],
)
def test_no_network_module_is_loaded_by_a_command_that_needs_no_tenant(
    tmp_path: Path, line: str, exit_code: int
) -> None:
    """A manifest may be a stranger's: to check it nothing is opened, and it must be quick."""
    (tmp_path / "broken.yaml").write_text(BROKEN, encoding="utf-8")

    code, _, loaded = run(tmp_path, *line.format(hello=HELLO).split())

    assert code == exit_code
    assert "provision.cli.program" in loaded
    assert loaded.isdisjoint(NETWORK), sorted(loaded & set(NETWORK))


def test_a_manifest_with_mistakes_stops_a_plan_before_any_client_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(BROKEN, encoding="utf-8")

    code, _, loaded = run(tmp_path, "plan", "broken.yaml")

    assert code == 1
    assert loaded.isdisjoint({"azure", "httpx", "msal", "msgraph", "starlette", "uvicorn"})


def test_validating_leaves_no_trace_in_the_folder(tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())

    run(tmp_path, "validate", HELLO)

    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_command_that_needs_a_tenant_does_load_the_network(tmp_path: Path) -> None:
    """Otherwise the list above would prove nothing: this shows that its names are the right ones."""
    _, _, loaded = run(tmp_path, "sandbox", "reset", "--yes")

    assert {"ssl", "asyncio"} <= loaded
